//! A mail server that answers as a test wants it, and remembers what it was told.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What the server does when it was told something.
pub enum Reaction {
    Says(String),
    /// Nothing, for ever.
    Silence,
    /// It closes the connection.
    Leaves,
}

#[derive(Clone)]
pub struct Scripted {
    pub port: u16,
    heard: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
}

type Script = Arc<dyn Fn(&str, usize) -> Option<Reaction> + Send + Sync>;

impl Scripted {
    /// Starts a server. The script is given each line (`GREETING` before the first, `.` at the end of a message) and how
    /// many such lines came before; where it has no reaction, the server does what mail servers do.
    pub async fn start(
        script: impl Fn(&str, usize) -> Option<Reaction> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let server = Self {
            port: listener.local_addr().expect("an address").port(),
            heard: Arc::default(),
            connections: Arc::default(),
        };
        let (own, script) = (server.clone(), Arc::new(script) as Script);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                own.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(own.clone().talk(stream, Arc::clone(&script)));
            }
        });
        server
    }

    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    /// Every line that was heard, of all connections.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    pub fn count(&self, line: &str) -> usize {
        self.heard().iter().filter(|heard| *heard == line).count()
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    async fn talk(self, stream: TcpStream, script: Script) {
        let mut stream = BufReader::new(stream);
        let mut line = "GREETING".to_owned();
        let mut in_message = false;
        loop {
            if !in_message || line == "." {
                let kind = line.split([' ', ':']).next().unwrap_or_default().to_owned();
                let before = {
                    let mut heard = self.heard.lock().unwrap();
                    let same = |old: &&String| old.split([' ', ':']).next() == Some(kind.as_str());
                    let before = heard.iter().filter(same).count();
                    heard.push(line.clone());
                    before
                };
                in_message = kind == "DATA";
                let says = match script(&line, before) {
                    None => usual(&kind).to_owned(),
                    Some(Reaction::Says(text)) => text,
                    Some(Reaction::Leaves) => return,
                    Some(Reaction::Silence) => std::future::pending().await,
                };
                in_message &= says.starts_with('3');
                if stream
                    .write_all(format!("{says}\r\n").as_bytes())
                    .await
                    .is_err()
                {
                    return;
                }
            }
            line.clear();
            if !matches!(stream.read_line(&mut line).await, Ok(count) if count > 0) {
                return;
            }
            line.truncate(line.trim_end().len());
        }
    }
}

fn usual(kind: &str) -> &'static str {
    match kind {
        "GREETING" => "220 scripted.test",
        "EHLO" => "250-scripted.test\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN",
        "AUTH" => "235 welcome",
        "DATA" => "354 go on",
        "QUIT" => "221 goodbye",
        _ => "250 OK",
    }
}

/// Says this at every line of a kind.
pub fn says(
    kind: &'static str,
    text: &str,
) -> impl Fn(&str, usize) -> Option<Reaction> + Send + Sync + use<> {
    let text = text.to_owned();
    move |line, _| line.starts_with(kind).then(|| Reaction::Says(text.clone()))
}
