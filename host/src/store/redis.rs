//! A Redis server that the nodes of an installation share.
//!
//! One connection carries the commands of all callers at once; another is opened for each subscription, because Redis wants
//! it that way. Nothing here outlives its time: a command ends by its deadline and never waits longer than a second, so
//! that a server which went silent costs a plugin little. A connection that broke, or whose answers stopped, is given up,
//! and the next command opens a new one: a server that was restarted is found again without anybody's help. After a server
//! could not be reached or fell silent, commands fail at once for half a second instead of each waiting anew.
//!
//! A command is never sent twice: whoever can repeat it may do so.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use redis::aio::{MultiplexedConnection, PubSub};
use redis::{
    AsyncConnectionConfig, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _,
    RedisConnectionInfo, RedisResult,
};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

use crate::contract;

/// How long connecting may take, and how long a command may.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long commands fail at once after the server could not be reached or fell silent.
const PAUSE: Duration = Duration::from_millis(500);

/// Why Redis did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RedisFailure {
    /// The deadline of the call passed.
    #[error("Redis did not answer before the call had to end")]
    TimedOut,
    /// It cannot be reached, does not answer, or answers that it cannot.
    #[error("Redis cannot be used: {0}")]
    Unavailable(String),
}

impl From<RedisFailure> for contract::Error {
    fn from(failure: RedisFailure) -> Self {
        match failure {
            RedisFailure::TimedOut => Self::TimedOut,
            RedisFailure::Unavailable(_) => Self::Unavailable(failure.to_string()),
        }
    }
}

/// A Redis server. Cheap to clone; all clones use one connection.
#[derive(Clone)]
pub struct RedisStore(Arc<Inner>);

struct Inner {
    server: Server,
    login: RedisConnectionInfo,
    line: Mutex<Line>,
}

/// Where the server is.
enum Server {
    Tcp(String, u16),
    Tls(String, u16, Box<(TlsConnector, ServerName<'static>)>),
    Unix(std::path::PathBuf),
}

/// The connection that commands use.
struct Line {
    /// Counts connections, so that whoever sees one break gives up that one and no later one.
    number: u64,
    state: State,
}

enum State {
    Closed,
    /// Open, or about to be: everybody waits for the same attempt.
    Open(Attempt),
    Failed {
        until: Instant,
        reason: Arc<str>,
    },
}

type Attempt = Shared<BoxFuture<'static, Result<MultiplexedConnection, Arc<str>>>>;

trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for S {}

impl RedisStore {
    /// The server that a URL names: `redis://user:password@host:port/database`, `rediss://…` with TLS, or
    /// `unix:///path/of/its.socket`. Nothing connects yet.
    ///
    /// # Errors
    ///
    /// When the URL is not one. The password is not in the error.
    pub fn new(url: &str, tls: ClientConfig) -> Result<Self, RedisFailure> {
        let wrong = |reason: &str| RedisFailure::Unavailable(reason.to_owned());
        let info: ConnectionInfo = url.into_connection_info().map_err(|_| {
            wrong("the URL is not of the form redis://user:password@host:port/database")
        })?;
        let server = match info.addr() {
            ConnectionAddr::Tcp(host, port) => Server::Tcp(host.clone(), *port),
            ConnectionAddr::TcpTls { insecure: true, .. } => {
                return Err(wrong(
                    "the URL asks for TLS that believes every certificate; name the certificates to believe instead",
                ));
            }
            ConnectionAddr::TcpTls { host, port, .. } => {
                let name = ServerName::try_from(host.clone())
                    .map_err(|_| wrong("the URL's host cannot be in a certificate"))?;
                let connector = TlsConnector::from(Arc::new(tls));
                Server::Tls(host.clone(), *port, Box::new((connector, name)))
            }
            ConnectionAddr::Unix(path) => Server::Unix(path.clone()),
            _ => {
                return Err(wrong(
                    "the URL names a kind of server that is not supported",
                ));
            }
        };
        Ok(Self(Arc::new(Inner {
            server,
            login: info.redis_settings().clone(),
            line: Mutex::new(Line {
                number: 0,
                state: State::Closed,
            }),
        })))
    }

    /// Runs commands on the connection that all share. Whoever stops waiting does not disturb the others.
    ///
    /// # Errors
    ///
    /// [`RedisFailure`]; whether the server did what it was asked is then unknown.
    pub async fn run<T, F>(
        &self,
        deadline: Instant,
        work: impl FnOnce(MultiplexedConnection) -> F,
    ) -> Result<T, RedisFailure>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let patience = Instant::now() + PATIENCE;
        let end = deadline.min(patience).into();
        let late = |what: &str| {
            if deadline <= patience {
                RedisFailure::TimedOut
            } else {
                RedisFailure::Unavailable(format!("{what} within {} s", PATIENCE.as_secs()))
            }
        };
        let (number, attempt) = self.attempt()?;
        let opened = tokio::time::timeout_at(end, attempt).await;
        let connection = opened
            .map_err(|_| late("no connection could be opened"))?
            .map_err(|reason| {
                self.0.give_up(number, Some(&reason));
                RedisFailure::Unavailable(reason.to_string())
            })?;
        match tokio::time::timeout_at(end, work(connection)).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => {
                if error.is_unrecoverable_error() {
                    self.0.give_up(number, None);
                }
                Err(RedisFailure::Unavailable(error.to_string()))
            }
            Err(_) => {
                let failure = late("there was no answer");
                if let RedisFailure::Unavailable(reason) = &failure {
                    self.0.give_up(number, Some(&reason.as_str().into()));
                }
                Err(failure)
            }
        }
    }

    /// Opens a connection of its own for subscriptions. It is not opened again when it breaks: its stream of messages ends
    /// then.
    ///
    /// # Errors
    ///
    /// [`RedisFailure`] when it cannot be opened in time.
    pub async fn subscriber(&self, deadline: Instant) -> Result<PubSub, RedisFailure> {
        let opened = async {
            let stream = self.0.server.connect().await?;
            PubSub::new(&self.0.login, stream).await.map_err(words)
        };
        tokio::time::timeout_at(deadline.into(), opened)
            .await
            .map_err(|_| RedisFailure::TimedOut)?
            .map_err(|reason| RedisFailure::Unavailable(reason.to_string()))
    }

    /// The connection that is there, or an attempt to open one.
    fn attempt(&self) -> Result<(u64, Attempt), RedisFailure> {
        let mut line = self.0.line();
        match &line.state {
            State::Open(attempt) => return Ok((line.number, attempt.clone())),
            State::Failed { until, reason } if Instant::now() < *until => {
                return Err(RedisFailure::Unavailable(reason.to_string()));
            }
            State::Failed { .. } | State::Closed => {}
        }
        line.number += 1;
        let opening = tokio::spawn(open(Arc::clone(&self.0), line.number));
        let attempt = async move {
            let stopped = |_| Arc::from("the attempt to connect was stopped");
            opening.await.map_err(stopped)?
        };
        let attempt = attempt.boxed().shared();
        line.state = State::Open(attempt.clone());
        Ok((line.number, attempt))
    }
}

/// Opens a connection, and gives it up when it breaks.
async fn open(parts: Arc<Inner>, number: u64) -> Result<MultiplexedConnection, Arc<str>> {
    let opening = async {
        let stream = parts.server.connect().await?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None);
        MultiplexedConnection::new_with_config(&parts.login, stream, config)
            .await
            .map_err(words)
    };
    let opened = tokio::time::timeout(PATIENCE, opening).await;
    let opened = opened.unwrap_or_else(|_| {
        let reason = format!("it did not answer within {} s", PATIENCE.as_secs());
        Err(reason.into())
    });
    match opened {
        Ok((connection, driver)) => {
            let parts = Arc::downgrade(&parts);
            tokio::spawn(async move {
                driver.await;
                if let Some(parts) = parts.upgrade() {
                    parts.give_up(number, None);
                }
            });
            Ok(connection)
        }
        Err(reason) => {
            parts.give_up(number, Some(&reason));
            Err(reason)
        }
    }
}

fn words(error: impl fmt::Display) -> Arc<str> {
    error.to_string().into()
}

impl Inner {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the next command open another connection, after a pause if this one could not be opened.
    fn give_up(&self, number: u64, failed: Option<&Arc<str>>) {
        let mut line = self.line();
        if line.number == number && matches!(line.state, State::Open(_)) {
            line.state = match failed {
                None => State::Closed,
                Some(reason) => State::Failed {
                    until: Instant::now() + PAUSE,
                    reason: Arc::clone(reason),
                },
            };
        }
    }
}

impl Server {
    async fn connect(&self) -> Result<Box<dyn Stream>, Arc<str>> {
        let tcp = async |host: &str, port| {
            let stream = TcpStream::connect((host, port)).await.map_err(words)?;
            stream.set_nodelay(true).map_err(words)?;
            Ok::<_, Arc<str>>(stream)
        };
        Ok(match self {
            Self::Tcp(host, port) => Box::new(tcp(host, *port).await?),
            Self::Tls(host, port, tls) => {
                let (connector, name) = &**tls;
                let stream = tcp(host, *port).await?;
                Box::new(
                    connector
                        .connect(name.clone(), stream)
                        .await
                        .map_err(words)?,
                )
            }
            Self::Unix(path) => Box::new(UnixStream::connect(path).await.map_err(words)?),
        })
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let server = match &self.0.server {
            Server::Tcp(host, port) => format!("redis://{host}:{port}"),
            Server::Tls(host, port, _) => format!("rediss://{host}:{port}"),
            Server::Unix(path) => format!("unix://{}", path.display()),
        };
        f.debug_tuple("RedisStore").field(&server).finish()
    }
}
