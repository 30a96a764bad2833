//! What the host says to log in is told to the mail server and to nobody else.

use std::io;
use std::sync::{Arc, Mutex};

use goatherd::capability::email::Smtp;
use serde_json::json;

use crate::post::{host_of, plugin_at, refusal, send};
use crate::scripted::{Reaction, Scripted};

const PASSWORD: &str = "hunter2-hunter2";
/// `\0anna\0hunter2-hunter2` and `hunter2-hunter2`, as AUTH PLAIN and LOGIN say them.
const ENCODED: [&str; 2] = ["AGFubmEAaHVudGVyMi1odW50ZXIy", "aHVudGVyMi1odW50ZXIy"];

fn keeps_the_secret(text: &str) {
    assert!(!text.contains("hunter2"), "{text}");
    for encoded in ENCODED {
        assert!(!text.contains(encoded), "{text}");
    }
}

fn smtp(server: &Scripted) -> Smtp {
    let url = format!("smtp://anna:{PASSWORD}@127.0.0.1:{}", server.port);
    Smtp::new(&url, goatherd::tls::client(None).unwrap()).unwrap()
}

/// Everything that is logged, by anything, while it lives.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl io::Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Logged {
    fn begin() -> (Self, tracing::subscriber::DefaultGuard) {
        let logged = Self::default();
        let writer = logged.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(move || writer.clone())
            .finish();
        (logged, tracing::subscriber::set_default(subscriber))
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

#[tokio::test]
async fn a_server_that_repeats_the_login_does_not_give_it_away() {
    let (logged, _guard) = Logged::begin();
    let echo = |code: &'static str, at: &'static str| {
        let login = Mutex::new(String::new());
        move |line: &str, _| {
            if let Some(said) = line.strip_prefix("AUTH PLAIN ") {
                *login.lock().unwrap() = said.to_owned();
            }
            let login = login.lock().unwrap();
            line.starts_with(at)
                .then(|| Reaction::Says(format!("{code} {login} for anna {PASSWORD} is it")))
        }
    };
    for (code, at) in [
        ("535", "AUTH"),
        ("454", "AUTH"),
        ("550", "MAIL"),
        ("550", "RCPT"),
        ("451", "RCPT"),
        ("552", "."),
    ] {
        let server = Scripted::start(echo(code, at)).await;
        let plugin = plugin_at(&host_of(smtp(&server)), &["email=*"], None).await;
        let (_, text) = refusal(&plugin, json!({"to": ["anna@example.org"]})).await;
        assert!(text.contains(code), "{text}");
        keeps_the_secret(&text);
        assert!(
            server.heard().iter().any(|line| line.contains(ENCODED[0])),
            "it was told"
        );
    }
    let logged = logged.text();
    assert!(
        logged.contains("a message was not taken"),
        "something was logged"
    );
    keeps_the_secret(&logged);
}

#[tokio::test]
async fn neither_debug_output_nor_the_log_has_the_login() {
    let (logged, _guard) = Logged::begin();
    let server = Scripted::start(|_, _| None).await;
    let smtp = smtp(&server);
    keeps_the_secret(&format!("{smtp:?} {smtp:#?}"));
    assert!(format!("{smtp:?}").contains("127.0.0.1"), "but where it is");
    let plugin = plugin_at(&host_of(smtp), &["email=*"], None).await;
    let message =
        json!({"to": ["anna@example.org"], "bcc": ["secret@example.org"], "text": "the content"});
    send(&plugin, message).await.unwrap();
    let logged = logged.text();
    assert!(
        logged.contains("a message was taken"),
        "something was logged"
    );
    keeps_the_secret(&logged);
    assert!(
        !logged.contains("secret@") && !logged.contains("the content"),
        "{logged}"
    );
}

#[test]
fn a_url_that_is_refused_is_not_shown() {
    for url in [
        format!("smtp://anna:{PASSWORD}@"),
        format!("smtp://anna:{PASSWORD}@host:port"),
        format!("smpt://anna:{PASSWORD}@host"),
        format!("smtp://anna:{PASSWORD}@host/?tls={PASSWORD}"),
        format!("smtp://:{PASSWORD}@host"),
    ] {
        let tls = goatherd::tls::client(None).unwrap();
        let error = Smtp::new(&url, tls).unwrap_err();
        keeps_the_secret(&format!("{error} {error:?}"));
    }
}
