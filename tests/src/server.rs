//! `goatherd serve`, started for a test and asked over HTTP.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::Outcome;

/// How long starting, answering or stopping may take on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server of the test's own. Killed when dropped.
pub struct Server {
    child: Child,
    address: SocketAddr,
}

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Server {
    /// Starts a server with a configuration and the guests of these names as its plugins, on an address that the system
    /// chooses, and waits until it is ready.
    pub fn start(folder: &Path, configuration: &str, guests: &[&str]) -> Self {
        let plugins = folder.join("plugins");
        std::fs::create_dir_all(&plugins).expect("a folder for plugins");
        for name in guests {
            std::fs::write(plugins.join(format!("{name}.wasm")), crate::guest(name))
                .expect("a plugin's file");
        }
        std::fs::write(folder.join("goatherd.toml"), configuration).expect("a configuration file");
        let mut command = Outcome::command(folder);
        command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env("NO_COLOR", "1");
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let stderr = child.stderr.take().expect("it was asked for");
        let (lines, said) = mpsc::channel();
        // Reads on until the end, so that the server never waits for its log to be read.
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let _ = lines.send(line);
            }
        });
        let mut server = Self {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        let mut heard = Vec::new();
        while let Ok(line) = said.recv_timeout(PATIENCE) {
            if let Some(address) = address_in(&line) {
                server.address = address;
                server.wait_until_ready();
                return server;
            }
            heard.push(line);
        }
        panic!("the server did not say where it listens: {heard:?}");
    }

    fn wait_until_ready(&self) {
        let latest = Instant::now() + PATIENCE;
        while self.get("/readyz").status != 200 {
            assert!(Instant::now() < latest, "the server did not become ready");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Asks for a path.
    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], "")
    }

    /// Asks with a method, headers and a body.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut stream = TcpStream::connect(self.address).expect("the server listens");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a timeout can be set");
        // In version 1.0 an answer ends with the connection, so there are no chunks to put together.
        let mut request = format!(
            "{method} {path} HTTP/1.0\r\nHost: {}\r\nContent-Length: {}\r\n",
            self.address,
            body.len()
        );
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        write!(stream, "{request}\r\n{body}").expect("the server reads");
        let mut text = String::new();
        stream
            .read_to_string(&mut text)
            .expect("the server answers in UTF-8");
        Answer::parse(&text)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The server's process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the server has ended by itself.
    pub fn wait(&mut self) -> ExitStatus {
        let latest = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("its own child") {
                return status;
            }
            assert!(Instant::now() < latest, "the server did not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Answer {
    pub(crate) fn parse(text: &str) -> Self {
        let (head, body) = text
            .split_once("\r\n\r\n")
            .unwrap_or_else(|| panic!("not HTTP: {text:?}"));
        let mut lines = head.lines();
        let status = lines
            .next()
            .and_then(|line| line.split(' ').nth(1))
            .and_then(|status| status.parse().ok());
        let headers = lines.filter_map(|line| line.split_once(':'));
        Self {
            status: status.unwrap_or_else(|| panic!("not HTTP: {text:?}")),
            headers: headers
                .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
                .collect(),
            body: body.to_owned(),
        }
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The first header of a name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
    }
}

/// The address that a line of the log names.
fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("listening on http://")?;
    rest.split('/').next()?.parse().ok()
}
