//! A connection to a server that a test can pull out and put back.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Stands between a client and a server on this machine.
pub struct Cable {
    address: SocketAddr,
    plugged: Arc<watch::Sender<bool>>,
}

impl Cable {
    /// A cable to the server that a URL names by its address and port, and the URL through the cable.
    pub async fn to(url: &str) -> (Self, String) {
        let (_, rest) = url.split_once("127.0.0.1:").expect("a server on loopback");
        let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
        let server = format!("127.0.0.1:{port}");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let cable = Self {
            address: listener.local_addr().expect("its address"),
            plugged: Arc::new(watch::Sender::new(true)),
        };
        let through = url.replace(&server, &cable.address.to_string());
        let plugged = Arc::clone(&cable.plugged);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let mut plugged = plugged.subscribe();
                if *plugged.borrow() {
                    let server = server.clone();
                    tokio::spawn(async move {
                        tokio::select! {
                            () = join(near, &server) => {}
                            _ = plugged.wait_for(|plugged| !plugged) => {}
                        }
                    });
                }
            }
        });
        (cable, through)
    }

    /// Breaks all connections; new ones break at once.
    pub fn pull(&self) {
        self.plugged.send_replace(false);
    }

    /// Lets connections through again.
    pub fn plug(&self) {
        self.plugged.send_replace(true);
    }
}

async fn join(mut near: TcpStream, server: &str) {
    if let Ok(mut far) = TcpStream::connect(server).await {
        let _ = copy_bidirectional(&mut near, &mut far).await;
    }
}
