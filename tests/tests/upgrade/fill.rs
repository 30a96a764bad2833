//! Makes the databases in `data`: run once, by the program as it was before its tables had versions.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use goatherd::capability::Alone;
use goatherd::capability::custom_fields::value::Given;
use goatherd::capability::custom_fields::{Declaration, Definition, Entity, Organisation};
use goatherd::capability::entities::Actor;
use goatherd::capability::events::{Address, EventHub, Message, PostgresBroker};
use goatherd::capability::secure_config::{Place, Secret};
use goatherd::contract::registration::FieldType;
use goatherd::contract::{CallContext, Json, User};
use goatherd::permission::{Grant, Grants};
use goatherd::registry::policy::{By, ComponentId, Note, PolicyChange};
use goatherd::registry::{Arrangement, Kind, Record};
use goatherd::store::PostgresStore;
use serde_json::json;

use crate::contents::{Contents, NAMES, name, soon};

/// The application's own tables.
const APPLICATION: &str = "
CREATE TABLE ticket (id INTEGER PRIMARY KEY, title TEXT NOT NULL, customer TEXT, org_id INTEGER, deleted_at TEXT);
CREATE TABLE contact (id INTEGER PRIMARY KEY, name TEXT NOT NULL, valid_id INTEGER NOT NULL DEFAULT 1);
INSERT INTO ticket (id, title, customer, org_id) VALUES
    (1, 'Printer', 'Ada Lovelace', 7), (2, 'Screen', 'Alan Turing', 7), (3, 'Mouse', 'Grace Hopper', 8),
    (4, 'Desk', 'Nobody', NULL);
INSERT INTO contact (id, name) VALUES (1, 'Ada'), (2, 'Alan');
";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "makes the data"]
async fn sqlite() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/upgrade/data");
    let file = data.join("unversioned.db");
    let application = rusqlite::Connection::open(&file).unwrap();
    application
        .execute_batch(&format!("PRAGMA page_size = 512; {APPLICATION}"))
        .unwrap();
    let keys = data.join("unversioned-sqlite.keys");
    let contents = Contents::of_sqlite(&file, &keys).await;
    fill(&contents).await;
    let report = Contents::of_sqlite(&file, &keys).await.report().await;
    std::fs::write(data.join("unversioned-sqlite.txt"), report).unwrap();
    application
        .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "makes the data"]
async fn postgres() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/upgrade/data");
    let url = goatherd_tests::servers::postgres();
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    client.batch_execute(APPLICATION).await.unwrap();
    let keys = data.join("unversioned-postgres.keys");
    let contents = Contents::of_postgres(&url, &keys).await;
    fill(&contents).await;
    let store = PostgresStore::new(&url, goatherd::tls::client(None).unwrap()).unwrap();
    let hub = EventHub::new(PostgresBroker::open(store).await.unwrap());
    let to = Address {
        plugin: "newsletter".parse().unwrap(),
        channel: "sent".parse().unwrap(),
    };
    let message = Message::new("sent".to_owned(), "to all".to_owned()).unwrap();
    hub.publish(&to, message, soon()).await.unwrap();
    let report = Contents::of_postgres(&url, &keys).await.report().await;
    std::fs::write(data.join("unversioned-postgres.txt"), report).unwrap();
    let dump = std::process::Command::new("pg_dump")
        .args(["--no-owner", "--no-privileges", "--column-inserts"])
        .arg(&url)
        .output()
        .unwrap();
    assert!(dump.status.success(), "{dump:?}");
    std::fs::write(data.join("unversioned.sql"), dump.stdout).unwrap();
}

async fn fill(contents: &Contents) {
    let registry = &contents.registry;
    let record = |slug: &str, kind: Kind, config: serde_json::Value| {
        let mut record = Record::new(slug.parse().unwrap(), kind);
        record.config = config.as_object().unwrap().clone();
        record
    };
    for record in [
        record("newsletter", Kind::Capability, json!({"from": "news@acme.io", "list": [1, "zwei", null]})),
        record("crm", Kind::Integration, json!({"url": "https://crm.acme.io/ä?x='"})),
        record("stats", Kind::Other("report".to_owned()), json!({})),
        record("gone", Kind::Ui, json!({})),
    ] {
        registry.register(record).await.unwrap();
    }
    let arrangement = Arrangement {
        nav: Some(true),
        sort: Some(-5),
        labels: BTreeMap::from([
            ("en".parse().unwrap(), "Newsletter".to_owned()),
            ("pt-BR".parse().unwrap(), "Boletim – \"novo\"".to_owned()),
        ]),
    };
    registry.arrange("newsletter", &arrangement).await.unwrap();
    registry.disable("crm").await.unwrap();
    registry.remove("gone").await.unwrap();

    let policies = &contents.policies;
    let plugin = |name: &str| name.parse().unwrap();
    let note = |reason: &str| Note::new(By::operator("Ada").unwrap(), reason).unwrap();
    let component: ComponentId =
        serde_json::from_value(json!({"version": "1.2.0-rc.1", "hash": "5f".repeat(32)})).unwrap();
    let grants: Grants = ["db:read=ticket,queue", "cache:readwrite", "email=@acme.io"]
        .map(|grant| Grant::parse(grant).unwrap())
        .into_iter()
        .collect();
    let mut change = PolicyChange::grants(grants);
    change.call_timeout = Some("5s".parse().unwrap());
    policies
        .approve(&plugin("newsletter"), &change, &note("reviewed with Ada; it's \"fine\"").about(component.clone()))
        .await
        .unwrap();
    policies
        .restrict(&plugin("crm"), &PolicyChange::none(), &note(""))
        .await
        .unwrap();
    let limits: PolicyChange = serde_json::from_value(
        json!({"memory_mb": 128, "max_calls_per_second": 7, "max_emails_per_min": 0}),
    )
    .unwrap();
    policies
        .set_limits(&plugin("newsletter"), &limits, &note("more memory"))
        .await
        .unwrap();
    policies
        .approve_by_rule(&plugin("stats"), &component, "signed", "signed by the company")
        .await
        .unwrap();
    policies
        .block(&plugin("gone"), &note("what was it?"))
        .await
        .unwrap();
    policies
        .forget(&plugin("gone"), &note("removed"))
        .await
        .unwrap();

    let secrets = &contents.secrets;
    let set = async |plugin: &str, name: &str, org: Option<i64>, text: &str| {
        let place = Place {
            plugin: plugin.parse().unwrap(),
            name: name.parse().unwrap(),
            org,
        };
        secrets
            .set(&place, &Secret::new(text.to_owned()), soon())
            .await
            .unwrap();
    };
    set("newsletter", "smtp_password", None, "hunter2").await;
    set("newsletter", "smtp_password", Some(7), "hunter2 of seven").await;
    secrets.rotate().await.unwrap();
    secrets.retire_unused().await.unwrap();
    set("newsletter", "smtp_password", Some(8), "grün").await;
    set("crm", "token", None, "0123456789abcdef0123456789").await;

    let types = [FieldType::Select, FieldType::Decimal, FieldType::MultiSelect, FieldType::Date];
    let configs = [
        r#"{"options": ["small", "large"]}"#,
        r#"{"min": "-1.5"}"#,
        r#"{"options": ["red", "green", "blue"]}"#,
        "{}",
    ];
    let values = [
        Given::Text("large".to_owned()),
        Given::Decimal("12.250".to_owned()),
        Given::Choices(vec!["red".to_owned(), "blue".to_owned()]),
        Given::Date("1815-12-10".to_owned()),
    ];
    let mut definitions = Vec::new();
    for ((full, field_type), config) in NAMES.into_iter().zip(types).zip(configs) {
        let declaration = Declaration {
            name: name(full),
            field_type,
            required: false,
            config: Json::parse(config.to_owned()).unwrap(),
            label: format!("The {}", full.2),
            section: "Sales".to_owned(),
            order: 3,
            description: "ä".to_owned(),
            placeholder: String::new(),
        };
        definitions.push(Definition::new(declaration).unwrap());
    }
    let declarations = definitions.iter().map(|one| one.declaration().clone());
    contents
        .fields
        .declare(declarations.collect(), soon())
        .await
        .unwrap();
    for (definition, given) in definitions.into_iter().zip(values) {
        let value = definition.accept(given).unwrap();
        let definition = Arc::new(definition);
        for (organisation, id) in [(None, 1), (Some(7), 1), (Some(7), 2), (Some(8), 3)] {
            let entity = Entity {
                entity_type: definition.name().entity_type.clone(),
                id,
                organisation: Organisation(organisation),
            };
            let value = value.clone();
            contents
                .fields
                .update(
                    entity,
                    vec![Arc::clone(&definition)],
                    Box::new(move |_| Ok(vec![Some(value)])),
                    soon(),
                )
                .await
                .unwrap();
        }
    }

    let entities = &contents.entities;
    let by = |org_id: i64| {
        let context = CallContext {
            org_id: Some(org_id),
            user: Some(Arc::new(User {
                id: "ann".to_owned(),
                name: "Ann".to_owned(),
                groups: Vec::new(),
            })),
            ..CallContext::default()
        };
        Actor::host(context, Arc::new(Alone))
    };
    entities
        .soft_delete(&by(7), "ticket", 1, "asked by mail")
        .await
        .unwrap();
    entities
        .soft_delete(&by(7), "ticket", 2, "by mistake")
        .await
        .unwrap();
    entities.restore(&by(7), "ticket", 2).await.unwrap();
    entities
        .hard_delete(&by(8), "ticket", 3, "spam")
        .await
        .unwrap();
    entities
        .soft_delete(&by(7), "contact", 1, "")
        .await
        .unwrap();
}
