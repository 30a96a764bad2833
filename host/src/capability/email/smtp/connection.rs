//! Opening a connection: TCP, TLS, greeting, login.
//!
//! TLS is this host's own, so that the same certificates are believed as everywhere else. STARTTLS is spoken here line by
//! line: what a server, or somebody in between, says before the connection is encrypted is believed in nothing, and more
//! than the one line that was asked for ends it.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::extension::ClientId;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Host;
use zeroize::Zeroizing;

use super::url::{Security, Server, SmtpError};
use super::words;
use crate::capability::email::backend::{MailError, Refusal};

/// How much a server may say before the connection is encrypted.
const CHATTER: usize = 16 * 1024;
/// The answer that a server gives when it is ready to be talked to.
const READY: &[u8] = b"220 ready\r\n";

/// Opens connections to one server.
pub(super) struct Dialer {
    server: Server,
    hello: ClientId,
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Dialer {
    pub(super) fn new(server: Server, tls: ClientConfig) -> Result<Self, SmtpError> {
        let name = match &server.host {
            Host::Domain(name) => {
                ServerName::try_from(name.clone()).map_err(|_| SmtpError::Form)?
            }
            Host::Ipv4(address) => ServerName::from(std::net::IpAddr::from(*address)),
            Host::Ipv6(address) => ServerName::from(std::net::IpAddr::from(*address)),
        };
        Ok(Self {
            server,
            hello: ClientId::default(),
            connector: TlsConnector::from(Arc::new(tls)),
            name,
        })
    }

    /// A connection that is ready for a message.
    pub(super) async fn open(&self) -> Result<AsyncSmtpConnection, MailError> {
        let address = format!("{}:{}", self.server.host, self.server.port);
        let failed = |what: &str, error: io::Error| {
            MailError::Unavailable(format!("{what} {address}: {error}"))
        };
        let mut tcp = TcpStream::connect(&address)
            .await
            .map_err(|error| failed("no connection to", error))?;
        let peer = tcp
            .peer_addr()
            .map_err(|error| failed("no peer at", error))?;
        let _ = tcp.set_nodelay(true);
        let stream: Box<dyn AsyncTokioStream> = match self.server.security {
            Security::None => Box::new(tcp),
            Security::Tls => {
                let inner = self.encrypt(tcp).await;
                let inner = inner.map_err(|error| failed("no TLS with", error))?;
                Box::new(Secured {
                    inner,
                    peer,
                    first: &[],
                })
            }
            Security::StartTls => {
                self.ask_for_tls(&mut tcp)
                    .await
                    .map_err(|error| failed("no STARTTLS with", error))?;
                let inner = self.encrypt(tcp).await;
                let inner = inner.map_err(|error| failed("no TLS with", error))?;
                Box::new(Secured {
                    inner,
                    peer,
                    first: READY,
                })
            }
        };
        let mut connection = AsyncSmtpConnection::connect_with_transport(stream, &self.hello)
            .await
            .map_err(|error| MailError::Unavailable(words(&error)))?;
        if let Some(login) = &self.server.login {
            let credentials = Credentials::new(login.user.clone(), login.password.to_string());
            let answer = connection.auth(DEFAULT_MECHANISMS, &credentials).await;
            // What a server says about a login may repeat it.
            answer.map_err(|error| {
                MailError::Unavailable(match error.status() {
                    Some(code) => format!("the server refuses the host's login ({code})"),
                    None if error.is_client() => {
                        "the server has no way to log in that this host knows (PLAIN, LOGIN)"
                            .to_owned()
                    }
                    None => "the connection broke while logging in".to_owned(),
                })
            })?;
        }
        Ok(connection)
    }

    async fn encrypt(&self, tcp: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.connector.connect(self.name.clone(), tcp).await
    }

    async fn ask_for_tls(&self, tcp: &mut TcpStream) -> io::Result<()> {
        answer(tcp, "220").await?;
        tcp.write_all(format!("EHLO {}\r\n", self.hello).as_bytes())
            .await?;
        let able = answer(tcp, "250").await?;
        let offers = |line: &str| {
            line.get(4..)
                .is_some_and(|word| word.trim().eq_ignore_ascii_case("STARTTLS"))
        };
        if !able.lines().any(offers) {
            return Err(io::Error::other("the server does not offer it"));
        }
        tcp.write_all(b"STARTTLS\r\n").await?;
        answer(tcp, "220").await?;
        Ok(())
    }

    /// Takes what the host said to log in out of an error, should a server have repeated it.
    pub(super) fn scrub(&self, error: MailError) -> MailError {
        let Some(login) = &self.server.login else {
            return error;
        };
        let (user, password) = (&login.user, &*login.password);
        let secrets = [
            Zeroizing::new(STANDARD.encode(format!("\0{user}\0{password}"))),
            Zeroizing::new(STANDARD.encode(password)),
            Zeroizing::new(password.clone()),
        ];
        let clean = |text: String| {
            secrets
                .iter()
                .filter(|secret| !secret.is_empty())
                .fold(text, |text, secret| text.replace(secret.as_str(), "…"))
        };
        match error {
            MailError::TimedOut => MailError::TimedOut,
            MailError::Unavailable(text) => MailError::Unavailable(clean(text)),
            MailError::TooLarge(text) => MailError::TooLarge(clean(text)),
            MailError::Refused(refusals) => MailError::Refused(
                refusals
                    .into_iter()
                    .map(|refusal| Refusal {
                        reason: clean(refusal.reason),
                        ..refusal
                    })
                    .collect(),
            ),
        }
    }
}

/// One answer, which may have several lines, and nothing behind it.
async fn answer(tcp: &mut TcpStream, code: &str) -> io::Result<String> {
    let mut text = Vec::new();
    loop {
        let mut piece = [0; 1024];
        let count = tcp.read(&mut piece).await?;
        text.extend_from_slice(piece.get(..count).unwrap_or_default());
        if count == 0 || text.len() > CHATTER {
            return Err(io::Error::other("the server gave no proper answer"));
        }
        let Some(whole) = text.strip_suffix(b"\r\n") else {
            continue;
        };
        let last = whole.rsplit(|b| *b == b'\n').next().unwrap_or_default();
        // A hyphen behind the code says that another line follows.
        if last.get(3) == Some(&b'-') {
            continue;
        }
        let text = String::from_utf8_lossy(&text).into_owned();
        let ends = |line: &&str| line.as_bytes().get(3) != Some(&b'-');
        if text.lines().filter(ends).count() != 1 || !text.lines().all(|l| l.starts_with(code)) {
            let first: String = text.lines().take(1).flat_map(str::chars).take(80).collect();
            return Err(io::Error::other(format!("the server answered {first:?}")));
        }
        return Ok(text);
    }
}

/// A connection with TLS, in front of which stands what its reader expects to be told first: behind STARTTLS a server does
/// not greet again.
#[derive(Debug)]
struct Secured {
    inner: TlsStream<TcpStream>,
    peer: SocketAddr,
    first: &'static [u8],
}

impl AsyncTokioStream for Secured {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}

impl AsyncRead for Secured {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.first.is_empty() {
            return Pin::new(&mut self.inner).poll_read(context, buffer);
        }
        let count = self.first.len().min(buffer.remaining());
        let (now, later) = self.first.split_at_checked(count).unwrap_or_default();
        buffer.put_slice(now);
        self.first = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Secured {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

/// Without the login.
impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.server.fmt(f)
    }
}
