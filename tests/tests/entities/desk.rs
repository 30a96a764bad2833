//! An application with tickets and contacts, and plugins around it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use goatherd::Plugin;
use goatherd::capability::config::{Config, Settings};
use goatherd::capability::db::{Caps, Databases, SqliteDatabase};
use goatherd::capability::entities::{Actor, Entities, EntityAccess, EntityService, EntityTypes};
use goatherd::capability::{Interface, Peers, PrepareError, Provider, Setup};
use goatherd::contract::{CallContext, PluginName, User};
use goatherd::manager::{Configured, Loader, Manager, Outcome, Terms};
use goatherd::runtime::{CallError, Limits};
use goatherd_tests::{call_in, grants, guest, host_builder, limits};
use serde_json::{Value, json};

use crate::ground::{Ground, SCHEMA, line};

/// The application's entity types.
pub fn types() -> EntityTypes {
    parsed(json!({
        "ticket": {
            "table": "ticket", "organisation": "org_id",
            "personal": ["customer", "email", "born", {"column": "phone", "value": "gone-{id}"}],
            "soft_delete": {"column": "deleted_at", "now": "timestamp"}, "retention_days": 90,
        },
        "contact": {"table": "contact", "personal": ["name"], "soft_delete": {"column": "valid_id", "value": 2}},
    }))
}

pub fn parsed(types: Value) -> EntityTypes {
    serde_json::from_value(types).unwrap_or_else(|error| panic!("{error}"))
}

/// A user's call in an organisation.
pub fn by(user: &str, org_id: Option<i64>) -> CallContext {
    CallContext::default()
        .org_id(org_id)
        .user(Some(Arc::new(User::new(user.to_owned(), user.to_owned()))))
}

/// A user of the organisation that has tickets 1 and 2.
pub fn ann() -> CallContext {
    by("ann", Some(7))
}

/// How each plugin behaves, which a test may change at any time.
#[derive(Clone, Default)]
pub struct Behaviours(Arc<Mutex<BTreeMap<(String, String), Value>>>);

impl Behaviours {
    /// From now on, this cascade (`soft` or `hard`) of this plugin does that.
    pub fn set(&self, plugin: &str, cascade: &str, behaviour: &str) {
        let key = (plugin.to_owned(), cascade.to_owned());
        self.0.lock().unwrap().insert(key, json!(behaviour));
    }
}

impl Settings for Behaviours {
    fn application(&self, _: &str) -> Option<Value> {
        None
    }

    fn plugin(&self, plugin: &PluginName, key: &str) -> Option<Value> {
        let key = (plugin.to_string(), key.to_owned());
        self.0.lock().unwrap().get(&key).cloned()
    }

    fn application_keys(&self) -> Vec<String> {
        Vec::new()
    }

    fn plugin_keys(&self, plugin: &PluginName) -> Vec<String> {
        let behaviours = self.0.lock().unwrap();
        let own = behaviours.keys().filter(|(of, _)| of == plugin.as_str());
        own.map(|(_, cascade)| cascade.clone()).collect()
    }
}

/// Serves entities, and keeps the way to the other plugins that the manager hands down.
struct Overhearing {
    entities: Entities,
    peers: Arc<Mutex<Option<Arc<dyn Peers>>>>,
}

impl Provider for Overhearing {
    type State = EntityAccess;

    fn interfaces(&self) -> Vec<Interface<EntityAccess>> {
        self.entities.interfaces()
    }

    async fn prepare(&self, setup: &Setup<'_>) -> Result<EntityAccess, PrepareError> {
        *self.peers.lock().unwrap() = Some(Arc::clone(setup.peers));
        self.entities.prepare(setup).await
    }
}

/// What a plugin is loaded with.
pub struct Wanted {
    name: String,
    bytes: Vec<u8>,
    grants: Vec<&'static str>,
    limits: Limits,
}

/// The plugin that calls the functions, with these `entity` grants.
pub fn probe(granted: &[&'static str]) -> Wanted {
    Wanted {
        name: "probe-entities".to_owned(),
        bytes: guest("probe-entities"),
        grants: granted.to_vec(),
        limits: limits().instances(8),
    }
}

/// The plugin `cascader-<letter>`.
pub fn cascader(letter: u8) -> Wanted {
    let mut bytes = guest("cascader");
    let marker = b"GOATHERD-CASCADER:";
    let place = bytes
        .windows(marker.len())
        .position(|window| window == marker)
        .expect("the guest has its marker");
    bytes[place + marker.len()] = letter;
    Wanted {
        name: format!("cascader-{}", char::from(letter)),
        bytes,
        grants: vec![
            "config",
            "db:write=asked",
            "entity:write=ticket",
            "entity:hard_delete=ticket",
        ],
        limits: limits().instances(8),
    }
}

impl Wanted {
    pub fn within(mut self, limits: Limits) -> Self {
        self.limits = limits.instances(8);
        self
    }
}

/// Everything, for the probe.
pub const ALL: &[&str] = &["entity:readwrite=*", "entity:hard_delete=*"];

/// An application with plugins.
pub struct Desk {
    pub ground: Ground,
    pub service: EntityService,
    pub manager: Manager,
    pub behaviours: Behaviours,
    pub outcomes: BTreeMap<String, Outcome>,
    peers: Arc<Mutex<Option<Arc<dyn Peers>>>>,
}

impl Desk {
    /// With the probe, which may do everything, and these plugins.
    pub async fn open(ground: Ground, cascaders: Vec<Wanted>) -> Self {
        let mut all = vec![probe(ALL)];
        all.extend(cascaders);
        Self::with(ground, all).await
    }

    /// With these plugins.
    pub async fn with(ground: Ground, plugins: Vec<Wanted>) -> Self {
        ground.run(SCHEMA).await;
        let beside = rusqlite::Connection::open(ground.file()).expect("a file");
        beside
            .execute_batch(
                "PRAGMA journal_mode = wal;
                 CREATE TABLE asked (number INTEGER PRIMARY KEY, plugin TEXT, cascade TEXT, args TEXT, org_id INTEGER,
                                     user_id TEXT, deadline_ms INTEGER)",
            )
            .expect("a table");
        let service = ground
            .open(types())
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        let peers = Arc::new(Mutex::new(None));
        let behaviours = Behaviours::default();
        let database = SqliteDatabase::open(ground.file()).expect("the file opens");
        let host = host_builder()
            .provider(Overhearing {
                entities: Entities::new(service.clone()),
                peers: Arc::clone(&peers),
            })
            .provider(Config::new(behaviours.clone()))
            .provider(Databases::new(database, Caps::default()))
            .build()
            .expect("the host starts");
        let folder = ground.folder().path().join("plugins");
        std::fs::create_dir(&folder).expect("a folder");
        let mut decisions = BTreeMap::new();
        for plugin in plugins {
            let file = folder.join(format!("{}.wasm", plugin.name));
            std::fs::write(file, plugin.bytes).expect("a file");
            let terms = Terms::new(grants(&plugin.grants), plugin.limits);
            decisions.insert(plugin.name.parse().expect("a name"), terms);
        }
        let manager = Manager::new(host, Configured::new(decisions));
        let report = Loader::new(&folder, manager.clone(), goatherd_tests::reader())
            .load_all()
            .await
            .expect("the folder is there");
        let name = |file: &std::path::Path| file.file_stem().unwrap().to_str().unwrap().to_owned();
        let outcomes = report
            .files
            .into_iter()
            .map(|(file, outcome)| (name(&file), outcome))
            .collect();
        Self {
            ground,
            service,
            manager,
            behaviours,
            outcomes,
            peers,
        }
    }

    /// A plugin that serves.
    pub fn plugin(&self, name: &str) -> Plugin {
        let table = self.manager.snapshot();
        let entry = table.get(name);
        let plugin = entry.and_then(|entry| entry.plugin()).cloned();
        plugin.unwrap_or_else(|| panic!("{name} does not serve: {:?}", self.outcomes))
    }

    /// The other plugins, as the host itself sees them.
    pub fn peers(&self) -> Arc<dyn Peers> {
        self.peers
            .lock()
            .unwrap()
            .clone()
            .expect("a plugin was loaded")
    }

    /// The host itself.
    pub fn host(&self) -> Actor {
        Actor::host(by("root", None), self.peers())
    }

    /// Lets the probe do something to a ticket as `ann`.
    pub async fn ask(&self, function: &str, id: i64) -> Result<Value, CallError> {
        self.ask_as(ann(), function, "ticket", id).await
    }

    pub async fn ask_as(
        &self,
        context: CallContext,
        function: &str,
        entity_type: &str,
        id: i64,
    ) -> Result<Value, CallError> {
        let args = json!({"type": entity_type, "id": id, "reason": "asked by the customer"});
        call_in(&self.plugin("probe-entities"), context, function, args).await
    }

    /// What cascades have seen, in their order.
    pub fn asked(&self) -> Vec<String> {
        let connection = rusqlite::Connection::open(self.ground.file()).expect("the file opens");
        let mut statement = connection
            .prepare("SELECT plugin, cascade, args, org_id, user_id FROM asked ORDER BY number")
            .unwrap();
        let rows = statement
            .query_map([], |row| {
                let org: Option<i64> = row.get(3)?;
                Ok(line(&[
                    row.get(0)?,
                    row.get(1)?,
                    row.get(2)?,
                    org.map(|org| org.to_string()),
                    row.get(4)?,
                ]))
            })
            .unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }

    /// A ticket's row.
    pub async fn ticket(&self, id: i64) -> String {
        let sql = format!(
            "SELECT title, customer, email, born, phone, org_id,
                 CASE WHEN deleted_at IS NULL THEN 'live' ELSE 'deleted' END
             FROM ticket WHERE id = {id}"
        );
        self.ground.line(&sql).await
    }

    /// How many rows of an entity type are in the bin.
    pub async fn in_bin(&self, entity_type: &str) -> i64 {
        let sql = format!(
            "SELECT COUNT(*) FROM goatherd_recycle_bin WHERE entity_type = '{entity_type}'"
        );
        self.ground.number(&sql).await
    }

    /// The deletion log of an entity, oldest first.
    pub async fn log(&self, entity_type: &str, id: i64) -> Vec<String> {
        let sql = format!(
            "SELECT action, organisation, by_user, by_plugin, reason FROM goatherd_deletion_log
             WHERE entity_type = '{entity_type}' AND entity_id = {id} ORDER BY id"
        );
        self.ground
            .rows(&sql)
            .await
            .iter()
            .map(|row| line(row))
            .collect()
    }

    /// Fails unless nothing at all has happened to ticket 1.
    #[track_caller]
    pub fn untouched(&self) -> impl Future<Output = ()> + '_ {
        let from = std::panic::Location::caller();
        async move {
            let ticket = self.ticket(1).await;
            assert_eq!(ticket, LIVE_1, "{from}");
            assert_eq!(self.in_bin("ticket").await, 0, "{from}");
            assert_eq!(self.log("ticket", 1).await, [""; 0], "{from}");
        }
    }
}

pub const LIVE_1: &str = "Printer | Ada Lovelace | ada@example.org | 1815 | +44 1 | 7 | live";
pub const DELETED_1: &str = "Printer | [DELETED] | [DELETED] 1 | - | gone-1 | 7 | deleted";

/// The code and the words of a refusal.
#[track_caller]
pub fn refused(outcome: Result<Value, CallError>, code: &str) -> String {
    match outcome {
        Ok(answer) => panic!("it was answered: {answer}"),
        Err(error) => {
            assert_eq!(error.code(), code, "{error}");
            error.to_string()
        }
    }
}
