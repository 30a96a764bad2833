//! What stands in front of a server that tests talk to: one that can be cut off, and one that speaks TLS.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// Passes everything on to a server, until it is told to go away.
pub struct Front {
    port: u16,
    behind: String,
    connections: Arc<AtomicUsize>,
    running: Mutex<Option<JoinSet<()>>>,
}

impl Front {
    /// Stands in front of `HOST:PORT`.
    pub async fn start(behind: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let front = Self {
            port: listener.local_addr().expect("an address").port(),
            behind: behind.to_owned(),
            connections: Arc::default(),
            running: Mutex::default(),
        };
        front.serve(listener);
        front
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many connections there have been.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Breaks all connections and takes no new ones.
    pub async fn stop(&self) {
        let running = self.lock().take();
        if let Some(mut running) = running {
            running.shutdown().await;
        }
    }

    /// Takes connections again, on the same port.
    pub async fn start_again(&self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await;
        self.serve(listener.expect("the port is still free"));
    }

    fn serve(&self, listener: TcpListener) {
        let (behind, connections) = (self.behind.clone(), Arc::clone(&self.connections));
        let mut running = JoinSet::new();
        running.spawn(async move {
            let mut passing = JoinSet::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let behind = behind.clone();
                passing.spawn(async move {
                    let mut back = TcpStream::connect(&behind)
                        .await
                        .expect("the server is there");
                    let _ = tokio::io::copy_bidirectional(&mut stream, &mut back).await;
                });
            }
        });
        *self.lock() = Some(running);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<JoinSet<()>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Speaks TLS from the first byte in front of a server, with a certificate of its own.
pub struct TlsFront {
    pub port: u16,
    /// The certificate, as PEM.
    pub certificate: PathBuf,
    _folder: TempDir,
}

impl TlsFront {
    /// Stands in front of `HOST:PORT` with a certificate for `name`.
    pub async fn start(name: &str, behind: &str) -> Self {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).expect("a certificate");
        let folder = tempfile::tempdir().expect("a folder");
        let certificate = folder.path().join("certificate.pem");
        std::fs::write(&certificate, made.cert.pem()).expect("a file");
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the defaults are safe")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .expect("they belong together");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let behind = behind.to_owned();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, behind) = (acceptor.clone(), behind.clone());
                tokio::spawn(async move {
                    let Ok(mut front) = acceptor.accept(stream).await else {
                        return;
                    };
                    let mut back = TcpStream::connect(&behind)
                        .await
                        .expect("the server is there");
                    let _ = tokio::io::copy_bidirectional(&mut front, &mut back).await;
                });
            }
        });
        Self {
            port,
            certificate,
            _folder: folder,
        }
    }
}
