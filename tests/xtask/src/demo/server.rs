//! Waiting for the server.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// Fails if something listens on the address already.
pub(crate) fn check_free(address: SocketAddr) -> Result<()> {
    TcpListener::bind(address).map(drop).with_context(|| {
        format!("{address} is in use; end what listens there, or run `cargo xtask demo --listen 127.0.0.1:PORT`")
    })
}

/// Waits until the server says that all plugins are loaded.
pub(crate) fn wait_until_ready(
    address: SocketAddr,
    patience: Duration,
    server: &mut Child,
) -> Result<()> {
    let until = Instant::now() + patience;
    while Instant::now() < until {
        if let Some(ended) = server.try_wait()? {
            bail!("the server ended before it was ready: {ended}");
        }
        if is_ready(address).unwrap_or(false) {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(100));
    }
    bail!(
        "the server was not ready after {} seconds",
        patience.as_secs()
    );
}

fn is_ready(address: SocketAddr) -> Result<bool> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(
        stream,
        "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.take(4_096).read_to_string(&mut answer)?;
    Ok(answer.starts_with("HTTP/1.1 200"))
}
