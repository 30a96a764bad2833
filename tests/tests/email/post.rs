//! A host that sends, and what arrived of it.

use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use goatherd::capability::email::{Mail, Mailer, Outbox, Sender, Smtp};
use goatherd::runtime::CallError;
use goatherd::{Host, Plugin};
use goatherd_tests::{call, host_builder, limits, load, servers};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Whom the messages of these tests are from.
pub const SENDER: &str = "noreply@helpdesk.example";

/// A back-end in a host, and a domain that no other test writes to.
pub struct Post {
    pub host: Host,
    pub domain: String,
    folder: PathBuf,
    _own: Option<TempDir>,
}

/// A message that arrived.
pub struct Received {
    pub message: Vec<u8>,
    pub recipients: Vec<String>,
    pub sender: String,
    /// Everything beside the message.
    pub envelope: Value,
}

impl Post {
    pub fn outbox() -> Self {
        let place = tempfile::tempdir().expect("a folder");
        let folder = place.path().join("outbox");
        let outbox = Outbox::open(&folder).expect("it is this user's own");
        Self::new(outbox, folder, Some(place))
    }

    pub fn smtp() -> Self {
        Self::through(&servers::smtp(), None)
    }

    /// Through the mail server of the tests, by this URL, believing this certificate.
    pub fn through(url: &str, certificate: Option<&Path>) -> Self {
        let tls = goatherd::tls::client(certificate).expect("TLS");
        let smtp = Smtp::new(url, tls).expect("a URL");
        Self::new(smtp, servers::mail_folder(), None)
    }

    fn new(mailer: impl Mailer, folder: PathBuf, own: Option<TempDir>) -> Self {
        Self {
            host: host_of(mailer),
            domain: own_domain(),
            folder,
            _own: own,
        }
    }

    /// The probe, which may write to everybody at the test's domain.
    pub async fn plugin(&self) -> Plugin {
        self.plugin_with(&[&format!("email=@{}", self.domain)])
            .await
    }

    pub async fn plugin_with(&self, granted: &[&str]) -> Plugin {
        plugin_at(&self.host, granted, None).await
    }

    /// Somebody at the test's domain.
    pub fn at(&self, local: &str) -> String {
        format!("{local}@{}", self.domain)
    }

    /// What arrived for the test's domain, and anything else that has the domain's name in it, in order.
    pub fn received(&self) -> Vec<Received> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder).expect("the folder is there") {
            let path = entry.expect("an entry").path();
            if path.extension().is_none_or(|extension| extension != "eml") {
                continue;
            }
            let message = fs::read(&path).expect("a message");
            let envelope = fs::read(path.with_extension("json")).expect("its envelope");
            let envelope: Value = serde_json::from_slice(&envelope).expect("JSON");
            let text = |new: &str, old: &str| {
                let value = if envelope[new].is_null() { old } else { new };
                envelope[value].clone()
            };
            let recipients: Vec<String> =
                serde_json::from_value(text("recipients", "rcpt_tos")).expect("recipients");
            if recipients.iter().any(|to| to.contains(&self.domain)) {
                let sender = text("sender", "mail_from");
                let sender = sender.as_str().expect("a sender").to_owned();
                found.push((
                    path,
                    Received {
                        message,
                        recipients,
                        sender,
                        envelope,
                    },
                ));
            }
        }
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        found.into_iter().map(|(_, received)| received).collect()
    }

    /// The one message that arrived.
    pub fn only(&self) -> Received {
        let mut all = self.received();
        assert_eq!(all.len(), 1, "one message arrived");
        all.remove(0)
    }
}

impl Received {
    pub fn parsed(&self) -> mail_parser::Message<'_> {
        let parsed = mail_parser::MessageParser::default().parse(&self.message);
        parsed.expect("it is a message")
    }

    /// Names of the headers, in lower case.
    pub fn header_names(&self) -> Vec<String> {
        let parsed = self.parsed();
        let names = parsed
            .headers_raw()
            .map(|(name, _)| name.to_ascii_lowercase());
        names.collect()
    }
}

/// A host that sends through a back-end.
pub fn host_of(mailer: impl Mailer) -> Host {
    let sender: Sender = format!("Helpdesk, Köln <{SENDER}>")
        .parse()
        .expect("a sender");
    host_builder()
        .provider(Mail::new(sender, mailer))
        .build()
        .expect("the host starts")
}

/// The probe, limited to so many messages a minute, or not.
pub async fn plugin_at(host: &Host, granted: &[&str], per_minute: Option<u32>) -> Plugin {
    named(host, "probe-email", granted, per_minute).await
}

/// The probe under another name of the same length.
pub async fn named(host: &Host, name: &str, granted: &[&str], per_minute: Option<u32>) -> Plugin {
    let own = b"probe-email";
    assert_eq!(name.len(), own.len());
    let mut bytes = goatherd_tests::guest("probe-email");
    for place in 0..bytes.len() - own.len() {
        if bytes[place..].starts_with(own) {
            bytes[place..place + own.len()].copy_from_slice(name.as_bytes());
        }
    }
    let limits = limits().rates(
        limits()
            .rates
            .emails_per_minute(per_minute.and_then(NonZeroU32::new)),
    );
    let loaded = load(host, &format!("{name}.wasm"), bytes, granted, limits).await;
    loaded.unwrap_or_else(|error| panic!("{error}"))
}

/// A domain of the test's own.
pub fn own_domain() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("t{}x{number}.example", std::process::id())
}

/// Sends; `subject` and `text` are there if nothing else is said.
pub async fn send(plugin: &Plugin, message: Value) -> Result<(), CallError> {
    let mut whole = json!({"subject": "Hello", "text": "World"});
    let (Some(whole_fields), Value::Object(fields)) = (whole.as_object_mut(), message) else {
        panic!("a message is an object");
    };
    whole_fields.extend(fields);
    call(plugin, "send", whole).await.map(drop)
}

/// The code and text of a message that must not be sent.
pub async fn refusal(plugin: &Plugin, message: Value) -> (String, String) {
    let shown = message.to_string();
    let shown: String = shown.chars().take(300).collect();
    let Err(error) = send(plugin, message).await else {
        panic!("it was sent: {shown}");
    };
    assert!(
        matches!(error, CallError::Plugin { .. }),
        "{shown}\n{error}"
    );
    (error.code(), error.to_string())
}
