//! What the host keeps in every family of its tables, read through its public API, as text.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use goatherd::capability::custom_fields::value::Given;
use goatherd::capability::custom_fields::{
    Condition, CustomFieldStore, Definition, Entity, FieldName, Filter, GivenCondition,
    Organisation, PostgresFields, SqliteFields,
};
use goatherd::capability::entities::{
    EntityService, EntityStore, EntityTypes, PostgresEntities, Reach, SqliteEntities,
};
use goatherd::capability::events::PostgresBroker;
use goatherd::capability::secure_config::{KeyRing, PostgresSecrets, SecretService, SqliteSecrets};
use goatherd::registry::policy::{AuditPage, PostgresPolicies, SqlitePolicies};
use goatherd::registry::{Policies, PostgresRegistry, Service, SqliteRegistry};
use goatherd::store::{PostgresStore, SqliteStore};
use serde_json::json;

/// The plugins, each of which has something of everything.
const PLUGINS: [&str; 4] = ["crm", "gone", "newsletter", "stats"];

/// Every family of one database, opened.
pub struct Contents {
    pub registry: Service,
    pub policies: Policies,
    pub secrets: SecretService,
    pub fields: Arc<dyn CustomFieldStore>,
    pub entities: EntityService,
    pub bin: Arc<dyn EntityStore>,
}

/// The application's entity types.
fn types() -> EntityTypes {
    let types = json!({
        "ticket": {
            "table": "ticket", "organisation": "org_id", "personal": ["customer"],
            "soft_delete": {"column": "deleted_at", "now": "timestamp"}, "retention_days": 90,
        },
        "contact": {"table": "contact", "personal": ["name"], "soft_delete": {"column": "valid_id", "value": 2}},
    });
    serde_json::from_value(types).unwrap()
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

impl Contents {
    pub async fn of_sqlite(store: SqliteStore, keys: &Path) -> Self {
        let registry = SqliteRegistry::new(store.clone()).unwrap();
        let policies = SqlitePolicies::new(store.clone()).unwrap();
        let secrets = SqliteSecrets::new(store.clone()).unwrap();
        let entities = async || SqliteEntities::open(store.clone(), types()).await.unwrap();
        Self {
            registry: Service::with_store(registry).await.unwrap(),
            policies: Policies::with_store(policies).await.unwrap(),
            secrets: SecretService::new(secrets, KeyRing::open(keys).unwrap()),
            fields: Arc::new(SqliteFields::open(store.clone()).unwrap()),
            entities: EntityService::new(entities().await),
            bin: Arc::new(entities().await),
        }
    }

    pub async fn of_postgres(store: PostgresStore, keys: &Path) -> Self {
        let registry = PostgresRegistry::new(store.clone()).await.unwrap();
        let policies = PostgresPolicies::new(store.clone()).await.unwrap();
        let secrets = PostgresSecrets::new(store.clone()).await.unwrap();
        let entities = async || {
            PostgresEntities::open(store.clone(), types())
                .await
                .unwrap()
        };
        PostgresBroker::open(store.clone()).await.unwrap();
        Self {
            registry: Service::with_store(registry).await.unwrap(),
            policies: Policies::with_store(policies).await.unwrap(),
            secrets: SecretService::new(secrets, KeyRing::open(keys).unwrap()),
            fields: Arc::new(PostgresFields::open(store.clone()).await.unwrap()),
            entities: EntityService::new(entities().await),
            bin: Arc::new(entities().await),
        }
    }

    /// Everything that can be read, a line for each thing.
    pub async fn report(&self) -> String {
        let mut text = String::new();
        for record in self.registry.list() {
            let json = serde_json::to_string(&*record).unwrap();
            writeln!(text, "registry: {json} revision {}", record.revision).unwrap();
        }
        for policy in self.policies.list() {
            let json = serde_json::to_string(&*policy).unwrap();
            writeln!(text, "policy: {json}").unwrap();
        }
        for entry in self
            .policies
            .audit(&AuditPage::newest(1_000))
            .await
            .unwrap()
        {
            let json = serde_json::to_string(&entry).unwrap();
            writeln!(text, "audit: {json}").unwrap();
        }
        for plugin in PLUGINS {
            let plugin = plugin.parse().unwrap();
            for listed in self.secrets.list(&plugin, soon()).await.unwrap() {
                let secret = self
                    .secrets
                    .get(&plugin, listed.org, &listed.name, soon())
                    .await
                    .unwrap()
                    .unwrap();
                writeln!(text, "secret: {listed:?} is {:?}", secret.expose()).unwrap();
            }
        }
        self.report_fields(&mut text).await;
        for name in ["ticket", "contact"] {
            let types = types();
            let entity_type = types.get(name).unwrap();
            let bin = self.bin.bin(entity_type, Reach::Everywhere, 100, soon());
            for deleted in bin.await.unwrap() {
                let json = serde_json::to_string(&deleted).unwrap();
                writeln!(text, "bin: {json}").unwrap();
            }
            for line in self.entities.deletion_log(name, 100).await.unwrap() {
                let json = serde_json::to_string(&line).unwrap();
                writeln!(text, "log: {json}").unwrap();
            }
        }
        text
    }

    async fn report_fields(&self, text: &mut String) {
        let names: Vec<FieldName> = NAMES.into_iter().map(name).collect();
        let declared = self.fields.declared(names, soon()).await.unwrap();
        for declaration in declared.into_iter().flatten() {
            writeln!(text, "field: {declaration:?}").unwrap();
            let definition = Arc::new(Definition::new(declaration.clone()).unwrap());
            for (organisation, id) in [(None, 1), (Some(7), 1), (Some(7), 2), (Some(8), 3)] {
                let organisation = Organisation(organisation);
                let entity = Entity {
                    entity_type: declaration.name.entity_type.clone(),
                    id,
                    organisation,
                };
                let values = self
                    .fields
                    .values(entity, vec![Arc::clone(&definition)], soon())
                    .await
                    .unwrap();
                for value in values.into_iter().flatten() {
                    let (name, value) = (&declaration.name, value.to_text());
                    writeln!(
                        text,
                        "value: {name} of {id} for {organisation:?} is {value}"
                    )
                    .unwrap();
                }
            }
            if declaration.name.name == "tags" {
                let given = GivenCondition::Eq(Given::Text("red".to_owned()));
                let condition = Condition::parse(&definition, given);
                let filter = Filter {
                    field: definition,
                    condition: condition.unwrap(),
                };
                let found = self
                    .fields
                    .query(Organisation(Some(7)), vec![filter], soon())
                    .await
                    .unwrap();
                writeln!(text, "query: tags contain red in {found:?}").unwrap();
            }
        }
    }
}

/// The fields that are declared.
const NAMES: [(&str, &str, &str); 4] = [
    ("crm", "ticket", "segment"),
    ("crm", "ticket", "score"),
    ("crm", "ticket", "tags"),
    ("stats", "contact", "born"),
];

fn name((plugin, entity_type, name): (&str, &str, &str)) -> FieldName {
    FieldName {
        plugin: plugin.parse().unwrap(),
        entity_type: entity_type.to_owned(),
        name: name.to_owned(),
    }
}
