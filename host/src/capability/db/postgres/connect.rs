//! Connecting as a plugin's role, with a meter on what the server sends.
//!
//! A single value can be a gigabyte, and the driver hands out a row only when it has all of it. So what a call may
//! receive is counted at the socket, and a connection on which more comes is broken off there.

use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinHandle;
use tokio_postgres::config::Host;
use tokio_postgres::{Client, Config, Connection};
use tokio_postgres_rustls::MakeRustlsConnect;

/// What may still be received.
#[derive(Debug, Clone, Default)]
pub(super) struct Meter(Arc<AtomicU64>);

impl Meter {
    /// Allows so many bytes from here on.
    pub(super) fn allow(&self, bytes: u64) {
        self.0.store(bytes, Ordering::Relaxed);
    }

    /// Whether more came than was allowed.
    pub(super) fn is_used_up(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}

/// A stream to the server.
pub(super) struct Metered<S> {
    stream: S,
    meter: Meter,
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let done = Pin::new(&mut self.stream).poll_read(cx, buf);
        let read = (buf.filled().len() - before) as u64;
        let left = self.meter.0.load(Ordering::Relaxed).saturating_sub(read);
        self.meter.0.store(left, Ordering::Relaxed);
        if read > 0 && left == 0 {
            return Poll::Ready(Err(io::Error::other(
                "the answer is longer than is allowed",
            )));
        }
        done
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A TCP or Unix socket.
pub(super) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

type Stream = Metered<Socket>;

/// Where the server is, and how to speak to it.
#[derive(Clone)]
pub(super) struct Server {
    config: Config,
    tls: MakeRustlsConnect,
}

impl Server {
    pub(super) fn new(config: Config, tls: MakeRustlsConnect) -> Self {
        Self { config, tls }
    }

    /// Connects, and lets a task of the runtime drive the connection until it ends: when the client is dropped and what
    /// it sent is answered.
    pub(super) async fn connect(&self, meter: &Meter) -> Result<(Client, JoinHandle<()>), String> {
        let (stream, name) = self.stream(meter).await?;
        let tls = self.handshake(&name)?;
        let (client, connection) = self
            .config
            .connect_raw(stream, tls)
            .await
            .map_err(|error| shown(&error))?;
        Ok((client, drive(connection)))
    }

    /// Asks the server to stop what a connection runs.
    pub(super) async fn cancel(&self, token: &tokio_postgres::CancelToken) -> Result<(), String> {
        let meter = Meter::default();
        meter.allow(1 << 20);
        let (stream, name) = self.stream(&meter).await?;
        let tls = self.handshake(&name)?;
        token
            .cancel_query_raw(stream, tls)
            .await
            .map_err(|error| shown(&error))
    }

    fn handshake(
        &self,
        name: &str,
    ) -> Result<
        <MakeRustlsConnect as tokio_postgres::tls::MakeTlsConnect<Stream>>::TlsConnect,
        String,
    > {
        let mut tls = self.tls.clone();
        tokio_postgres::tls::MakeTlsConnect::<Stream>::make_tls_connect(&mut tls, name)
            .map_err(|error| error.to_string())
    }

    /// A stream to the first of the configured hosts that answers, and its name for TLS.
    async fn stream(&self, meter: &Meter) -> Result<(Stream, String), String> {
        let limit = self.config.get_connect_timeout().copied();
        let mut last = "the URL names no host".to_owned();
        for (address, name) in self.addresses() {
            let opened = address.open();
            let opened = match limit {
                Some(limit) => tokio::time::timeout(limit, opened)
                    .await
                    .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())),
                None => opened.await,
            };
            match opened {
                Ok(stream) => {
                    let meter = meter.clone();
                    return Ok((Metered { stream, meter }, name));
                }
                Err(error) => last = error.to_string(),
            }
        }
        Err(last)
    }

    /// Where the server may be, and by which name.
    fn addresses(&self) -> Vec<(Address, String)> {
        let config = &self.config;
        let (hosts, addresses) = (config.get_hosts(), config.get_hostaddrs());
        let ports = config.get_ports();
        let address = |number: usize| {
            let port = ports.get(number).or(ports.first()).copied().unwrap_or(5432);
            let (address, name) = match (addresses.get(number), hosts.get(number)) {
                (Some(ip), Some(Host::Tcp(name))) => {
                    (Address::Tcp(ip.to_string(), port), name.clone())
                }
                (Some(ip), _) => (Address::Tcp(ip.to_string(), port), String::new()),
                (None, Some(Host::Tcp(name))) => (Address::Tcp(name.clone(), port), name.clone()),
                (None, Some(Host::Unix(folder))) => {
                    let socket = folder.join(format!(".s.PGSQL.{port}"));
                    (Address::Unix(socket), String::new())
                }
                (None, None) => return None,
            };
            Some((address, name))
        };
        (0..hosts.len().max(addresses.len()))
            .filter_map(address)
            .collect()
    }
}

/// Where a server may be.
enum Address {
    Tcp(String, u16),
    Unix(PathBuf),
}

impl Address {
    async fn open(self) -> io::Result<Socket> {
        Ok(match self {
            Self::Tcp(host, port) => {
                let stream = TcpStream::connect((host, port)).await?;
                stream.set_nodelay(true)?;
                Socket::Tcp(stream)
            }
            Self::Unix(path) => Socket::Unix(UnixStream::connect(path).await?),
        })
    }
}

fn drive<T>(connection: Connection<Stream, T>) -> JoinHandle<()>
where
    T: tokio_postgres::tls::TlsStream + AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    tokio::spawn(async move {
        // Whoever uses the connection finds out by itself.
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a plugin's connection to the database ended");
        }
    })
}

/// What went wrong, in the server's words if they are its.
pub(super) fn shown(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(error) => format!("{} ({})", error.message(), error.code().code()),
        None => match std::error::Error::source(error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        },
    }
}
