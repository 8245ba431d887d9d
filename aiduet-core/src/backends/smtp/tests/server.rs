//! A mail server on loopback that behaves as told.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// Where in the exchange something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Greeting,
    SignIn,
    Sender,
    Recipient,
    Data,
    Message,
}

/// What a connection comes to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Turn {
    /// The message is taken.
    Take,
    /// This is said in place of yes.
    Say(Place, &'static str),
    /// The connection ends without a word. A message is kept all the same.
    HangUp(Place),
    /// Nothing is said.
    Silent(Place),
}

/// How connections are protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protection {
    None,
    StartTls,
    Tls,
}

/// A message that was taken.
#[derive(Clone, Debug, Default)]
pub(super) struct Taken {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) data: String,
    pub(super) encrypted: bool,
    /// What came with `AUTH PLAIN`, in base64.
    pub(super) sign_in: Option<String>,
}

impl Taken {
    /// The value of a header that fits on one line.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let head = self.data.split("\r\n\r\n").next()?;
        head.split("\r\n").find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

#[derive(Debug)]
pub(super) struct MailServer {
    pub(super) address: SocketAddr,
    /// What signs the certificate of the server, in PEM.
    pub(super) root: Vec<u8>,
    shared: Arc<Shared>,
    _connections: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Shared {
    turns: Mutex<VecDeque<Turn>>,
    taken: Mutex<Vec<Taken>>,
}

impl MailServer {
    /// A server whose connections take their turns in order, and messages after the last turn.
    pub(super) async fn start(protection: Protection, turns: impl IntoIterator<Item = Turn>) -> Self {
        let (root, acceptor) = certificates();
        let shared = Arc::new(Shared { turns: Mutex::new(turns.into_iter().collect()), ..Shared::default() });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut connections = JoinSet::new();
        let state = Arc::clone(&shared);
        connections.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _peer)) = listener.accept().await {
                let turn = state.turns.lock().unwrap().pop_front().unwrap_or(Turn::Take);
                let (acceptor, state) = (acceptor.clone(), Arc::clone(&state));
                open.spawn(async move {
                    let session = Session { turn, protection, encrypted: false, shared: state };
                    // A client may leave at any time.
                    drop(session.serve(Box::new(stream), acceptor).await);
                });
            }
        });
        Self { address, root, shared, _connections: connections }
    }

    pub(super) fn taken(&self) -> Vec<Taken> {
        self.shared.taken.lock().unwrap().clone()
    }
}

fn certificates() -> (Vec<u8>, TlsAcceptor) {
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let root = authority.self_signed(&authority_key).unwrap().pem().into_bytes();
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let leaf = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![leaf.der().clone()], key).unwrap();
    (root, TlsAcceptor::from(Arc::new(config)))
}

trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

struct Session {
    turn: Turn,
    protection: Protection,
    encrypted: bool,
    shared: Arc<Shared>,
}

impl Session {
    async fn serve(mut self, stream: Box<dyn Wire>, acceptor: TlsAcceptor) -> std::io::Result<()> {
        let mut stream = stream;
        if self.protection == Protection::Tls {
            stream = Box::new(acceptor.accept(stream).await?);
            self.encrypted = true;
        }
        let mut stream = BufReader::new(stream);
        self.answer(&mut stream, Place::Greeting, "220 ready").await?;
        if self.converse(&mut stream).await? {
            self.encrypted = true;
            let mut stream =
                BufReader::new(Box::new(acceptor.accept(stream.into_inner()).await?) as Box<dyn Wire>);
            self.converse(&mut stream).await?;
        }
        Ok(())
    }

    /// Until the end, or until the client asks for TLS.
    async fn converse(&self, stream: &mut BufReader<Box<dyn Wire>>) -> std::io::Result<bool> {
        let mut taken = Taken { encrypted: self.encrypted, ..Taken::default() };
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(false);
            }
            let line = line.trim_end();
            if line.starts_with("EHLO") {
                let offer = self.protection == Protection::StartTls && !self.encrypted;
                let offer = if offer { "250-STARTTLS\r\n" } else { "" };
                let text = format!("250-localhost\r\n{offer}250-8BITMIME\r\n250 AUTH PLAIN");
                say(stream, &text).await?;
            } else if line == "STARTTLS" {
                say(stream, "220 go").await?;
                return Ok(true);
            } else if let Some(sign_in) = line.strip_prefix("AUTH PLAIN ") {
                taken.sign_in = Some(sign_in.to_owned());
                self.answer(stream, Place::SignIn, "235 welcome").await?;
            } else if let Some(from) = line.strip_prefix("MAIL FROM:") {
                from.clone_into(&mut taken.from);
                self.answer(stream, Place::Sender, "250 yes").await?;
            } else if let Some(to) = line.strip_prefix("RCPT TO:") {
                to.clone_into(&mut taken.to);
                self.answer(stream, Place::Recipient, "250 yes").await?;
            } else if line == "DATA" {
                self.answer(stream, Place::Data, "354 go on").await?;
                taken.data = read_message(stream).await?;
                self.shared.taken.lock().unwrap().push(taken.clone());
                if let Turn::Say(Place::Message, _) = self.turn {
                    self.shared.taken.lock().unwrap().pop();
                }
                self.answer(stream, Place::Message, "250 taken").await?;
            } else if line == "QUIT" {
                return say(stream, "221 bye").await.map(|()| false);
            } else {
                say(stream, "500 what?").await?;
            }
        }
    }

    async fn answer(
        &self,
        stream: &mut BufReader<Box<dyn Wire>>,
        here: Place,
        yes: &str,
    ) -> std::io::Result<()> {
        match self.turn {
            Turn::Say(place, text) if place == here => say(stream, text).await,
            Turn::HangUp(place) if place == here => Err(std::io::ErrorKind::ConnectionAborted.into()),
            Turn::Silent(place) if place == here => std::future::pending().await,
            Turn::Take | Turn::Say(..) | Turn::HangUp(_) | Turn::Silent(_) => say(stream, yes).await,
        }
    }
}

async fn say(stream: &mut BufReader<Box<dyn Wire>>, text: &str) -> std::io::Result<()> {
    stream.write_all(format!("{text}\r\n").as_bytes()).await?;
    stream.flush().await
}

async fn read_message(stream: &mut BufReader<Box<dyn Wire>>) -> std::io::Result<String> {
    let mut data = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if line == ".\r\n" {
            return Ok(data);
        }
        data.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
