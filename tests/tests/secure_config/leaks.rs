//! Where a secret must not turn up: in files, logs, errors and debug output.

use std::fmt::Write as _;
use std::fs;
use std::sync::{Arc, Mutex};

use goatherd::capability::secure_config::{KeyRing, SecretService};
use tracing::field::{Field, Visit};
use tracing::span;

use crate::kept::{Kept, host, own, put, secret_id, soon};
use crate::{get, on_both, org, set, try_get, try_set};

on_both![
    neither_logs_nor_errors_nor_debug_output_have_a_secret,
    no_part_of_a_secret_is_stored_in_the_clear,
];

const SECRET: &str = "sk_live_Zk3uPq8vXw1rT6yB";

/// Collects everything that is logged by anybody, at every level.
#[derive(Clone, Default)]
struct Everything(Arc<Mutex<String>>);

impl Visit for Everything {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let mut text = self.0.lock().unwrap();
        writeln!(text, "{field}={value:?}").unwrap();
    }
}

impl tracing::Subscriber for Everything {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        span.record(&mut self.clone());
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        values.record(&mut self.clone());
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// What all tests of this process logged.
fn log() -> Everything {
    static LOG: std::sync::OnceLock<Everything> = std::sync::OnceLock::new();
    let log = LOG.get_or_init(|| {
        let log = Everything::default();
        // It stays the only one: no other test of this suite sets one.
        tracing::subscriber::set_global_default(log.clone()).unwrap();
        log
    });
    log.clone()
}

async fn neither_logs_nor_errors_nor_debug_output_have_a_secret(kept: Kept) {
    let log = log();
    let service = kept.service().await;
    let key_material = fs::read_to_string(kept.ring_path()).unwrap();
    let keys: Vec<&str> = key_material
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_once(':').unwrap().1)
        .collect();
    let plugin = kept.probe().await;
    set(&plugin, "token", SECRET).await;
    assert_eq!(get(&plugin, "token").await, SECRET);
    let mut shown = String::new();
    // Each way to fail: a value too long, a key that is not one, a scope, a damaged row, a key that is gone.
    let long = SECRET.repeat(200);
    for error in [
        try_set(&plugin, org(None), "token", &long)
            .await
            .unwrap_err(),
        try_set(&plugin, org(None), &SECRET.repeat(6), "v")
            .await
            .unwrap_err(),
        try_get(&plugin, org(None), &format!("{SECRET}\0"))
            .await
            .unwrap_err(),
    ] {
        write!(shown, "{error} {error:?}").unwrap();
    }
    let rotation = service.rotate().await.unwrap();
    let flipped = kept.bytes(&[7; 41]);
    kept.sql(&format!(
        "UPDATE goatherd_secret SET ciphertext = {flipped}"
    ))
    .await;
    let error = try_get(&plugin, org(None), "token").await.unwrap_err();
    write!(shown, "{error} {error:?} {rotation:?} {:?}", service.ring()).unwrap();
    put(&service, &own("token"), SECRET).await;
    fs::rename(kept.ring_path(), kept.folder().join("away")).unwrap();
    let error = try_set(&plugin, org(None), "token", SECRET)
        .await
        .unwrap_err();
    let lost = host(SecretService::clone(
        &kept
            .service_with(KeyRing::open(kept.folder().join("new")).unwrap())
            .await,
    ));
    let stranger = crate::kept::probe(&lost, &["secure_config:readwrite"]).await;
    let unknown = try_get(&stranger, org(None), "token").await.unwrap_err();
    write!(shown, "{error} {error:?} {unknown} {unknown:?}").unwrap();
    let list = service.list(&own("token").plugin, soon()).await.unwrap();
    write!(shown, "{list:?}").unwrap();
    for entry in plugin
        .log()
        .entries()
        .iter()
        .chain(&stranger.log().entries())
    {
        write!(shown, "{entry:?}").unwrap();
    }
    shown += &log.0.lock().unwrap();
    assert!(shown.contains("token"), "something was collected");
    for secret in keys.iter().copied().chain([SECRET, "sk_live", "Zk3uPq8v"]) {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

async fn no_part_of_a_secret_is_stored_in_the_clear(kept: Kept) {
    let service = kept.service().await;
    put(&service, &own("token"), SECRET).await;
    put(
        &service,
        &secret_id("probe-secrets", "token", Some(4)),
        &SECRET.repeat(100),
    )
    .await;
    let plugin = kept.probe().await;
    set(&plugin, "second", SECRET).await;
    service.rotate().await.unwrap();
    set(&plugin, "second", &SECRET.to_lowercase()).await;
    service.delete(&own("token"), soon()).await.unwrap();
    let mut stored = Vec::new();
    for row in kept.rows().await {
        stored.extend([row.nonce, row.ciphertext].concat());
        stored.extend_from_slice(
            format!("{} {} {} {}", row.plugin, row.name, row.org, row.key_id).as_bytes(),
        );
    }
    // The database with its log, the ring, and what was left beside them.
    let mut files = 0;
    for entry in fs::read_dir(kept.folder()).unwrap() {
        stored.extend(fs::read(entry.unwrap().path()).unwrap());
        files += 1;
    }
    assert!(
        files >= 2,
        "there is a ring and its lock, and with SQLite a database and its log"
    );
    assert!(
        contains(&stored, b"second"),
        "what was searched is what was stored"
    );
    // The last four characters are all that is ever shown, and not even they are stored.
    for part in [SECRET, "sk_live", "Zk3uPq8v", "T6yB", "t6yb"] {
        assert!(!contains(&stored, part.as_bytes()), "{part}");
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
