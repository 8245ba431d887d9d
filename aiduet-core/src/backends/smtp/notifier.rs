//! The exchange with a mail server, step by step, so that it is known how far it got.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use async_trait::async_trait;
use lettre::Address;
use lettre::transport::smtp::Error as LettreError;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};

use super::error::Stage;
use super::message::{Written, write};
use super::{Encryption, MailServer, SmtpConfig, SmtpConfigError};
use crate::notify::{DeliveryError, FailureCode, Mail, Notifier};

/// How long the server may take to say good-bye.
const FAREWELL: Duration = Duration::from_secs(2);

/// Sends messages by SMTP, each over a connection of its own.
pub struct SmtpNotifier {
    config: SmtpConfig,
    tls: TlsParameters,
    name: ClientId,
}

impl SmtpNotifier {
    /// Prepares certificates; connects to nobody yet.
    ///
    /// # Errors
    /// [`SmtpConfigError::Certificates`].
    pub fn new(config: SmtpConfig) -> Result<Self, SmtpConfigError> {
        let mut tls = TlsParameters::builder(config.server.host.clone());
        for root in &config.roots {
            let root = Certificate::from_pem(root).map_err(|_unreadable| SmtpConfigError::Certificates)?;
            tls = tls.add_root_certificate(root);
        }
        let tls = tls.build_rustls().map_err(|_unusable| SmtpConfigError::Certificates)?;
        let name = ClientId::Domain(config.sender.domain().to_owned());
        Ok(Self { config, tls, name })
    }

    /// A connection that is protected and signed in.
    async fn connect(&self) -> Result<AsyncSmtpConnection, DeliveryError> {
        let MailServer { host, port, encryption, credentials } = &self.config.server;
        let implicit = (*encryption == Encryption::Tls).then(|| self.tls.clone());
        let address = (host.as_str(), *port);
        let opening = AsyncSmtpConnection::connect_tokio1(address, None, &self.name, implicit, None);
        let mut connection = self.step(Stage::Connect, opening).await?;
        if *encryption == Encryption::StartTls {
            if !connection.can_starttls() {
                return Err(DeliveryError::NotNow { code: FailureCode::Tls });
            }
            self.step(Stage::Encrypt, connection.starttls(self.tls.clone(), &self.name)).await?;
        }
        if let Some((user, password)) = credentials {
            let credentials = Credentials::new(user.clone(), password.expose().clone());
            self.step(Stage::SignIn, connection.auth(DEFAULT_MECHANISMS, &credentials)).await?;
        }
        Ok(connection)
    }

    async fn send(&self, connection: &mut AsyncSmtpConnection, mail: &Written) -> Result<(), DeliveryError> {
        let Written { envelope, bytes } = mail;
        let able = |extension| connection.server_info().supports_feature(extension);
        let mut parameters = Vec::new();
        let plain = |address: &Address| AsRef::<str>::as_ref(address).is_ascii();
        if !envelope.from().into_iter().chain(envelope.to()).all(plain) {
            if !able(Extension::SmtpUtfEight) {
                return Err(DeliveryError::Bounced { code: FailureCode::Unwritable });
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        if !bytes.is_ascii() && able(Extension::EightBitMime) {
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        let from = MailFrom::new(envelope.from().cloned(), parameters);
        self.step(Stage::Sender, connection.command(from)).await?;
        for to in envelope.to() {
            self.step(Stage::Recipient, connection.command(Rcpt::new(to.clone(), Vec::new()))).await?;
        }
        self.step(Stage::Data, connection.command(Data)).await?;
        self.step(Stage::Message, connection.message(bytes)).await?;
        Ok(())
    }

    async fn step<T: Send>(
        &self,
        stage: Stage,
        step: impl Future<Output = Result<T, LettreError>> + Send,
    ) -> Result<T, DeliveryError> {
        match tokio::time::timeout(self.config.patience, step).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(stage.judge(&error)),
            Err(_elapsed) => Err(stage.timed_out()),
        }
    }
}

impl fmt::Debug for SmtpNotifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpNotifier").field("config", &self.config).finish_non_exhaustive()
    }
}

#[async_trait]
impl Notifier for SmtpNotifier {
    async fn deliver(&self, mail: &Mail) -> Result<(), DeliveryError> {
        let written = write(mail, &self.config.sender)?;
        let mut connection = self.connect().await?;
        self.send(&mut connection, &written).await?;
        // The server has the message; whether it hears us leave makes no difference.
        drop(tokio::time::timeout(FAREWELL, connection.quit()).await);
        Ok(())
    }
}
