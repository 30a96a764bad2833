//! A web server inside the test, which answers byte for byte as the test says and remembers what it was sent.
//!
//! It speaks as much of HTTP/1.1 as it takes to find the end of a request. What it answers need not be HTTP at all: most of
//! what a hostile server does is wrong on purpose.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A server of the test's own, which ends with the test.
pub struct WebServer {
    address: SocketAddr,
    log: Arc<Log>,
}

#[derive(Default)]
struct Log {
    seen: Mutex<Vec<Seen>>,
    opened: AtomicUsize,
    closed: AtomicUsize,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The connection on which it came, counted from 1.
    pub connection: usize,
    /// Its first line.
    pub line: String,
    /// Its headers in the order and spelling in which they came.
    pub headers: Vec<(String, String)>,
    /// Its body; of one in chunks, with the chunks put together.
    pub body: Vec<u8>,
    /// Whether the connection ended before the body did.
    pub cut_off: bool,
}

/// What is answered to one request.
pub enum Reply {
    /// These bytes; the connection is kept.
    Bytes(Vec<u8>),
    /// These bytes, and then the end of the connection.
    Last(Vec<u8>),
    /// The first bytes, and then the others again and again with a pause between, until the other side goes away.
    Endless(Vec<u8>, Vec<u8>, Duration),
    /// Nothing.
    Silence,
}

impl Reply {
    /// A response with a body.
    pub fn ok(body: &str) -> Self {
        Self::new(200, &[], body)
    }

    /// A redirect.
    pub fn redirect(status: u16, to: &str) -> Self {
        Self::new(status, &[("Location", to)], "")
    }

    /// A response with headers besides that of its length.
    pub fn new(status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let headers: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let length = body.len();
        Self::Bytes(
            format!(
                "HTTP/1.1 {status} As Asked\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
            )
            .into(),
        )
    }
}

impl Seen {
    /// The values of a header.
    pub fn header(&self, name: &str) -> Vec<&str> {
        self.headers
            .iter()
            .filter(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
            .collect()
    }
}

impl WebServer {
    /// A server for plain HTTP.
    pub async fn plain(script: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::start(None, script).await
    }

    /// A server for HTTPS.
    pub async fn secure(
        tls: TlsAcceptor,
        script: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::start(Some(tls), script).await
    }

    async fn start(
        tls: Option<TlsAcceptor>,
        script: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it has an address");
        let log = Arc::new(Log::default());
        let shared = Arc::clone(&log);
        let script = Arc::new(script);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let connection = shared.opened.fetch_add(1, Ordering::SeqCst) + 1;
                let (log, script, tls) = (Arc::clone(&shared), Arc::clone(&script), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => converse(stream, connection, &log, &*script).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                converse(stream, connection, &log, &*script).await;
                            }
                        }
                    }
                    log.closed.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, log }
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// What it was sent so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.log
            .seen
            .lock()
            .expect("no test panics in here")
            .clone()
    }

    /// The only request that it was sent.
    pub fn only(&self) -> Seen {
        let mut seen = self.seen();
        assert_eq!(seen.len(), 1, "{seen:#?}");
        seen.remove(0)
    }

    /// How many connections were made to it.
    pub fn connections(&self) -> usize {
        self.log.opened.load(Ordering::SeqCst)
    }

    /// Waits until so many connections have ended.
    pub async fn until_closed(&self, count: usize) {
        let latest = Instant::now() + Duration::from_secs(10);
        while self.log.closed.load(Ordering::SeqCst) < count {
            assert!(Instant::now() < latest, "a connection stays open");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    connection: usize,
    log: &Log,
    script: &(dyn Fn(&Seen) -> Reply + Send + Sync),
) {
    let mut buffer = Vec::new();
    while let Some(seen) = request(&mut stream, &mut buffer, connection).await {
        let reply = script(&seen);
        let cut_off = seen.cut_off;
        log.seen.lock().expect("no test panics in here").push(seen);
        let (bytes, goes_on) = match &reply {
            Reply::Bytes(bytes) => (bytes.as_slice(), true),
            Reply::Last(bytes) | Reply::Endless(bytes, ..) => (bytes.as_slice(), false),
            Reply::Silence => (&[][..], false),
        };
        if cut_off || stream.write_all(bytes).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        match reply {
            Reply::Endless(_, piece, pause) => {
                while stream.write_all(&piece).await.is_ok() && stream.flush().await.is_ok() {
                    tokio::time::sleep(pause).await;
                }
            }
            Reply::Silence => {
                // Until the other side goes away.
                let _ = stream.read(&mut [0; 1]).await;
            }
            Reply::Last(_) => {
                let _ = stream.shutdown().await;
            }
            Reply::Bytes(_) => {}
        }
        if !goes_on {
            return;
        }
    }
}

/// Reads one request; none at the end of the connection.
async fn request(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
    connection: usize,
) -> Option<Seen> {
    let end = loop {
        if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        more(stream, buffer).await?;
    };
    let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
    buffer.drain(..end + 4);
    let mut lines = head.split("\r\n");
    let line = lines.next().unwrap_or_default().to_owned();
    let headers = lines
        .map(|line| {
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            (name.to_owned(), value.trim().to_owned())
        })
        .collect();
    let mut seen = Seen {
        connection,
        line,
        headers,
        body: Vec::new(),
        cut_off: false,
    };
    let whole = if seen.header("transfer-encoding").is_empty() {
        let length = seen.header("content-length");
        let length = length
            .first()
            .map_or(0, |length| length.parse().expect("a length"));
        take(stream, buffer, length, &mut seen.body).await
    } else {
        chunks(stream, buffer, &mut seen.body).await
    };
    seen.cut_off = whole.is_none();
    Some(seen)
}

async fn chunks(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
    body: &mut Vec<u8>,
) -> Option<()> {
    loop {
        let end = loop {
            if let Some(end) = buffer.windows(2).position(|two| two == b"\r\n") {
                break end;
            }
            more(stream, buffer).await?;
        };
        let size = String::from_utf8_lossy(&buffer[..end]).into_owned();
        buffer.drain(..end + 2);
        let size = usize::from_str_radix(&size, 16).expect("the size of a chunk");
        take(stream, buffer, size, body).await?;
        take(stream, buffer, 2, &mut Vec::new()).await?;
        if size == 0 {
            return Some(());
        }
    }
}

async fn take(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
    length: usize,
    into: &mut Vec<u8>,
) -> Option<()> {
    while buffer.len() < length {
        more(stream, buffer).await?;
    }
    into.extend(buffer.drain(..length));
    Some(())
}

async fn more(stream: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> Option<()> {
    let read = stream.read_buf(buffer).await.unwrap_or(0);
    (read > 0).then_some(())
}
