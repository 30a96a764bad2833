//! SMTP: messages go to the operator's mail server.
//!
//! A few connections are kept for the next message and closed after half a minute. A connection on which anything went
//! otherwise than it should is dropped and never used for another message, so that no answer is taken for that to another
//! question. A deadline that passes drops the connection too: a server that was not told the end of a message does not
//! deliver it. The message goes to all recipients or to none.
//!
//! Beyond this machine nothing is said without TLS, unless the URL asks for that. What the server answers is passed on to
//! the plugin, so that its author can act on it; what the host said to log in is in no error, log or debug output.

mod connection;
mod url;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Noop, Rcpt};
use rustls::ClientConfig;
use tokio::sync::Semaphore;

pub use self::url::SmtpError;

use self::connection::Dialer;
use self::url::Server;
use super::backend::{MailError, Mailer, Outgoing, Refusal};
use crate::permission::Address;

/// How many messages can be on their way at a time.
const CONNECTIONS: usize = 8;
/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_secs(30);
/// How long handing over a message may take at most, also when the call has more time.
const PATIENCE: Duration = Duration::from_secs(60);
/// How much of what a server says is passed on.
const SHOWN: usize = 300;

/// A mail server. Cheap to clone; all clones use the same connections.
#[derive(Clone)]
pub struct Smtp(Arc<Shared>);

struct Shared {
    dialer: Dialer,
    permits: Semaphore,
    idle: Mutex<Vec<(Instant, AsyncSmtpConnection)>>,
}

impl Smtp {
    /// The server that a URL names. Nothing connects yet.
    ///
    /// `smtps://user:password@host` is TLS from the beginning, on port 465. `smtp://user:password@host` is port 587 and
    /// STARTTLS, without which nothing is sent, except to this machine itself; `?tls=required` asks for it there as well, and
    /// `?tls=none` does without it. A name and password are optional; characters with a meaning in URLs are written as `%40`.
    ///
    /// # Errors
    ///
    /// When the URL is not one of these. What it says is not in the error.
    pub fn new(url: &str, tls: ClientConfig) -> Result<Self, SmtpError> {
        let server = Server::parse(url)?;
        Ok(Self(Arc::new(Shared {
            dialer: Dialer::new(server, tls)?,
            permits: Semaphore::new(CONNECTIONS),
            idle: Mutex::default(),
        })))
    }
}

#[async_trait]
impl Mailer for Smtp {
    async fn send(&self, mail: &Outgoing, deadline: Instant) -> Result<(), MailError> {
        let patience = Instant::now() + PATIENCE;
        let sending = async {
            let _permit = self.0.permits.acquire().await;
            let mut connection = self.connection().await?;
            let sent = hand_over(&mut connection, mail).await;
            if matches!(sent, Ok(())) {
                self.keep(connection);
            }
            sent.map_err(|trouble| self.0.dialer.scrub(trouble))
        };
        tokio::time::timeout_at(deadline.min(patience).into(), sending)
            .await
            .unwrap_or_else(|_| {
                Err(if deadline <= patience {
                    MailError::TimedOut
                } else {
                    let seconds = PATIENCE.as_secs();
                    MailError::Unavailable(format!("it took the server over {seconds} s"))
                })
            })
    }
}

impl Smtp {
    /// A connection that was kept and still answers, or a new one.
    async fn connection(&self) -> Result<AsyncSmtpConnection, MailError> {
        while let Some((since, mut connection)) = self.0.take() {
            if since.elapsed() < IDLE && connection.command(Noop).await.is_ok() {
                return Ok(connection);
            }
        }
        let opened = self.0.dialer.open().await;
        opened.map_err(|trouble| self.0.dialer.scrub(trouble))
    }

    fn keep(&self, connection: AsyncSmtpConnection) {
        let now = Instant::now();
        self.0.idle().push((now, connection));
        let parts = Arc::downgrade(&self.0);
        tokio::spawn(close_later(parts));
    }
}

async fn close_later(parts: Weak<Shared>) {
    tokio::time::sleep(IDLE).await;
    if let Some(parts) = parts.upgrade() {
        parts.idle().retain(|(since, _)| since.elapsed() < IDLE);
    }
}

impl Shared {
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<(Instant, AsyncSmtpConnection)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<(Instant, AsyncSmtpConnection)> {
        self.idle().pop()
    }
}

/// The conversation about one message. Recipients are all named before the server's first refusal is told, so that it can
/// be told about all of them.
async fn hand_over(connection: &mut AsyncSmtpConnection, mail: &Outgoing) -> Result<(), MailError> {
    let address =
        |address: &Address| lettre::Address::new_dangerous(address.local(), address.domain());
    let from = Mail::new(Some(address(&mail.sender)), Vec::new());
    connection.command(from).await.map_err(unavailable)?;
    let mut refused = Vec::new();
    for recipient in &mail.recipients {
        let answer = connection
            .command(Rcpt::new(address(recipient), Vec::new()))
            .await;
        match answer {
            Ok(_) => {}
            Err(error) if error.is_permanent() => refused.push(Refusal {
                recipient: recipient.clone(),
                reason: words(&error),
            }),
            Err(error) => {
                return Err(MailError::Unavailable(format!(
                    "{recipient}: {}",
                    words(&error)
                )));
            }
        }
    }
    if !refused.is_empty() {
        return Err(MailError::Refused(refused));
    }
    connection.command(Data).await.map_err(unavailable)?;
    // The last line's end belongs to the end of the message, which lettre writes.
    let message = mail.message.strip_suffix(b"\r\n");
    match connection.message(message.unwrap_or(&mail.message)).await {
        Ok(_) => Ok(()),
        Err(error) if error.status().is_some_and(|code| code.to_string() == "552") => {
            Err(MailError::TooLarge(words(&error)))
        }
        Err(error) => Err(unavailable(error)),
    }
}

fn unavailable(error: lettre::transport::smtp::Error) -> MailError {
    MailError::Unavailable(words(&error))
}

/// What the server said, or what happened to the connection: one line of bounded length.
fn words(error: &lettre::transport::smtp::Error) -> String {
    let text = error.to_string();
    let line = text.split(|char: char| char.is_control() || char == ' ');
    let line: Vec<_> = line.filter(|word| !word.is_empty()).collect();
    line.join(" ").chars().take(SHOWN).collect()
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Smtp").field(&self.0.dialer).finish()
    }
}
