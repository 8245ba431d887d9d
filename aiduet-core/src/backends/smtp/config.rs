//! Which server takes our mail, and who it comes from.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use lettre::message::Mailbox;
use percent_encoding::percent_decode_str;
use url::Url;

use super::SmtpConfigError;
use crate::account::EmailAddress;
use crate::secret::Secret;

/// How mail is sent.
#[derive(Clone, Debug)]
pub struct SmtpConfig {
    /// Who takes it.
    pub server: MailServer,
    /// Who it comes from.
    pub sender: Sender,
    /// How long the server may take for one step.
    pub patience: Duration,
    /// Certificates to trust besides those of the system, in PEM.
    pub roots: Vec<Vec<u8>>,
}

impl SmtpConfig {
    /// With a minute for each step, and the certificates of the system.
    pub const fn new(server: MailServer, sender: Sender) -> Self {
        Self { server, sender, patience: Duration::from_mins(1), roots: Vec::new() }
    }
}

/// How the connection to a mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// TLS from the first byte (RFC 8314).
    Tls,
    /// TLS from the command `STARTTLS` on, and no mail without it (RFC 3207).
    StartTls,
    /// None: on this machine only.
    None,
}

/// A mail server and how to sign in there.
#[derive(Clone)]
pub struct MailServer {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) encryption: Encryption,
    pub(super) credentials: Option<(String, Secret<String>)>,
}

impl MailServer {
    /// Reads `smtp://` (STARTTLS, port 587), `smtps://` (TLS, port 465) or `smtp+plain://`
    /// (neither, port 25, loopback only), each with `user:password@host:port`; percent-encoded.
    ///
    /// # Errors
    /// [`SmtpConfigError::InvalidUrl`], [`SmtpConfigError::PlainBeyondLoopback`].
    pub fn parse(text: &str) -> Result<Self, SmtpConfigError> {
        let url = Url::parse(text).map_err(|_quotes_the_text| SmtpConfigError::InvalidUrl)?;
        let (encryption, standard) = match url.scheme() {
            "smtps" => (Encryption::Tls, 465),
            "smtp" => (Encryption::StartTls, 587),
            "smtp+plain" => (Encryption::None, 25),
            _ => return Err(SmtpConfigError::InvalidUrl),
        };
        let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
        let host = url.host_str().map(|host| host.trim_matches(['[', ']']).to_owned());
        let host = host.filter(|host| bare && !host.is_empty()).ok_or(SmtpConfigError::InvalidUrl)?;
        if encryption == Encryption::None && !is_loopback(&host) {
            return Err(SmtpConfigError::PlainBeyondLoopback);
        }
        let decoded = |part: &str| {
            let text = percent_decode_str(part).decode_utf8().map(std::borrow::Cow::into_owned);
            text.map_err(|_quotes_the_text| SmtpConfigError::InvalidUrl)
        };
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            (user, password) => Some((decoded(user)?, Secret::new(decoded(password.unwrap_or_default())?))),
        };
        Ok(Self { host, port: url.port().unwrap_or(standard), encryption, credentials })
    }
}

impl fmt::Debug for MailServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, encryption, credentials } = self;
        f.debug_struct("MailServer")
            .field("host", host)
            .field("port", port)
            .field("encryption", encryption)
            .field("signs_in", &credentials.is_some())
            .finish()
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Who mail comes from.
#[derive(Clone, Debug)]
pub struct Sender {
    pub(super) mailbox: Mailbox,
}

impl Sender {
    /// A name that people see, and an address.
    ///
    /// # Errors
    /// [`SmtpConfigError::InvalidSender`].
    pub fn new(name: &str, address: &EmailAddress) -> Result<Self, SmtpConfigError> {
        let address = address.expose().parse().map_err(|_invalid| SmtpConfigError::InvalidSender)?;
        Ok(Self { mailbox: Mailbox::new(Some(name.to_owned()), address) })
    }

    /// The domain of the address.
    pub(super) fn domain(&self) -> &str {
        self.mailbox.email.domain()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_who_takes_the_mail_and_how_it_is_protected() {
        let cases = [
            ("smtp://mail.example.com", "mail.example.com", 587, Encryption::StartTls),
            ("smtps://mail.example.com/", "mail.example.com", 465, Encryption::Tls),
            ("smtp://mail.example.com:2525", "mail.example.com", 2525, Encryption::StartTls),
            ("smtp+plain://127.0.0.1:1025", "127.0.0.1", 1025, Encryption::None),
            ("smtp+plain://localhost", "localhost", 25, Encryption::None),
            ("smtp+plain://[::1]:1025", "::1", 1025, Encryption::None),
        ];
        for (text, host, port, encryption) in cases {
            let server = MailServer::parse(text).unwrap();
            assert_eq!(
                (server.host.as_str(), server.port, server.encryption),
                (host, port, encryption),
                "{text}"
            );
            assert!(server.credentials.is_none());
        }
    }

    #[test]
    fn name_and_password_are_decoded_and_never_shown() {
        let server = MailServer::parse("smtp://ada%40example.com:p%2Fss%3Aw@mail.example.com").unwrap();
        let (user, password) = server.credentials.clone().unwrap();
        assert_eq!((user.as_str(), password.expose().as_str()), ("ada@example.com", "p/ss:w"));
        let shown = format!("{server:?}");
        assert!(!shown.contains("p/ss") && !shown.contains("p%2Fss") && !shown.contains("ada"), "{shown}");
    }

    #[test]
    fn what_is_no_mail_server_is_refused() {
        for text in
            ["", "mail.example.com", "https://mail.example.com", "smtp://", "smtp://h/x", "smtp://h?tls=no"]
        {
            assert!(matches!(MailServer::parse(text), Err(SmtpConfigError::InvalidUrl)), "{text}");
        }
    }

    #[test]
    fn plain_text_leaves_this_machine_never() {
        for text in [
            "smtp+plain://mail.example.com",
            "smtp+plain://10.0.0.1:25",
            "smtp+plain://localhost.example.com",
        ] {
            assert!(matches!(MailServer::parse(text), Err(SmtpConfigError::PlainBeyondLoopback)), "{text}");
        }
    }
}
