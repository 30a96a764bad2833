//! A runtime with one thread, which an application may have: whatever waits for a server or a file must let go of it, since
//! nobody else drives the connections. A host that blocks it never answers, and the test never ends.

use std::future::Future;

use futures::future::join_all;
use goatherd::Host;
use goatherd::capability::db::{Caps, Databases, PostgresSettings, SqliteDatabase};

use goatherd::capability::secure_config::{KeyRing, PostgresSecrets, SecretService, SecureConfig};
use goatherd_tests::{call, helpdesk, host_builder, limits, plugin, postgres_helpdesk};
use serde_json::json;

use crate::{Place, get, postgres_store, probe, query, set};

fn on_one_thread(body: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().expect("a runtime");
    runtime.block_on(body);
}

#[test]
fn fields_and_queries_on_postgresql() {
    let helpdesk = postgres_helpdesk();
    on_one_thread(async {
        let place = Place::Postgres(helpdesk.url().to_owned());
        let database = helpdesk.database(PostgresSettings::default());
        let host = host_builder()
            .provider(place.provider().await)
            .provider(Databases::new(database, Caps::default()))
            .build()
            .unwrap();
        serves(&host).await;
    });
}

#[test]
fn fields_and_queries_on_sqlite() {
    let helpdesk = helpdesk();
    on_one_thread(async {
        let place = Place::sqlite();
        let database = SqliteDatabase::open(helpdesk.path()).unwrap();
        let host = host_builder()
            .provider(place.provider().await)
            .provider(Databases::new(database, Caps::default()))
            .build()
            .unwrap();
        serves(&host).await;
    });
}

/// Loads, calls at once and one after the other, loads again and shuts down.
async fn serves(host: &Host) {
    for _ in 0..2 {
        let fields = probe(host, &["custom_fields:readwrite=*"]).await;
        let granted = &["db:readwrite=ticket,note", "cache:readwrite", "config"];
        let rows = plugin(host, "probe", granted, limits()).await;
        let count = json!({ "sql": "SELECT count(*) AS tickets FROM ticket", "params": [] });
        let set_and_read = (1..=8).map(|id| {
            let (fields, rows, count) = (&fields, &rows, count.clone());
            async move {
                set(fields, id, json!([["number", { "integer": id }]]))
                    .await
                    .unwrap();
                let found = call(rows, "db.query", count).await.unwrap();
                assert_eq!(found["rows"][0][0], 80, "{found}");
                get(fields, id, &["number"]).await.unwrap()
            }
        });
        let all = join_all(set_and_read).await;
        for (id, got) in (1..).zip(all) {
            assert_eq!(got["number"], json!({ "integer": id }));
        }
        let found = query(&fields, json!([["number", "eq", { "integer": 7 }]]))
            .await
            .unwrap();
        assert_eq!(found, json!([7]));
        // A statement that the engine refuses.
        let refused = json!({ "sql": "SELECT * FROM secret", "params": [] });
        assert!(call(&rows, "db.query", refused).await.is_err());
        rows.shutdown().await;
        fields.shutdown().await;
    }
}

#[test]
fn secrets_on_postgresql() {
    let helpdesk = postgres_helpdesk();
    on_one_thread(async {
        let store = postgres_store(helpdesk.url());
        let folder = tempfile::tempdir().unwrap();
        let ring = KeyRing::open(folder.path().join("keys")).unwrap();
        let secrets = SecretService::new(PostgresSecrets::new(store.clone()).await.unwrap(), ring);
        let host = host_builder()
            .provider(SecureConfig::new(secrets))
            .build()
            .unwrap();
        let probe = plugin(
            &host,
            "probe-secrets",
            &["secure_config:readwrite"],
            limits(),
        )
        .await;
        let set = json!({ "key": "token", "value": "one" });
        call(&probe, "set", set).await.unwrap();
        let got = call(&probe, "get", json!({ "key": "token" }))
            .await
            .unwrap();
        assert!(got.to_string().contains("one"), "{got}");
        probe.shutdown().await;
    });
}
