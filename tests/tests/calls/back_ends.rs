//! Back-ends such as an application could put in, well-behaved and not.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use goatherd::capability::cache::{Cache, IncrementError, Keys, PluginCache, Unavailable};
use goatherd::capability::config::Settings;
use goatherd::capability::db::{
    Call, Caps, Database, DbError, Engine, OpenError, Outcome, PluginDatabase, Rows, Scopes,
    Statement, Value as Cell,
};
use goatherd::contract::PluginName;
use serde_json::{Value, json};
use tokio::sync::Barrier;

/// What can be set without an answer that matters.
type Answer<T> = Result<T, Unavailable>;

/// A cache in which readers wait until so many of them are there.
pub struct Meeting {
    barrier: Arc<Barrier>,
    arrived: Arc<AtomicUsize>,
}

impl Meeting {
    pub fn of(readers: usize) -> Self {
        Self {
            barrier: Arc::new(Barrier::new(readers)),
            arrived: Arc::default(),
        }
    }

    /// How many have come.
    pub fn arrived(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.arrived)
    }
}

impl Cache for Meeting {
    fn open(&self, _: &PluginName) -> Arc<dyn PluginCache> {
        Arc::new(Self {
            barrier: Arc::clone(&self.barrier),
            arrived: Arc::clone(&self.arrived),
        })
    }
}

#[async_trait]
impl PluginCache for Meeting {
    async fn get(&self, _: &str) -> Answer<Option<Vec<u8>>> {
        self.arrived.fetch_add(1, Ordering::SeqCst);
        self.barrier.wait().await;
        Ok(None)
    }

    async fn set(&self, _: &str, _: Vec<u8>, _: Option<Duration>) -> Answer<()> {
        Ok(())
    }

    async fn delete(&self, _: &str) -> Answer<()> {
        Ok(())
    }

    async fn increment(&self, _: &str, _: i64, _: Option<Duration>) -> Result<i64, IncrementError> {
        Ok(0)
    }

    async fn compare_and_set(
        &self,
        _: &str,
        _: Option<Vec<u8>>,
        _: Option<Vec<u8>>,
        _: Option<Duration>,
    ) -> Answer<bool> {
        Ok(false)
    }

    async fn keys(&self, _: &[String], _: Option<u64>) -> Answer<Keys> {
        Ok(Keys::default())
    }
}

/// A cache that never answers.
pub struct Stuck;

impl Cache for Stuck {
    fn open(&self, _: &PluginName) -> Arc<dyn PluginCache> {
        Arc::new(Stuck)
    }
}

#[async_trait]
impl PluginCache for Stuck {
    async fn get(&self, _: &str) -> Answer<Option<Vec<u8>>> {
        std::future::pending().await
    }

    async fn set(&self, _: &str, _: Vec<u8>, _: Option<Duration>) -> Answer<()> {
        std::future::pending().await
    }

    async fn delete(&self, _: &str) -> Answer<()> {
        std::future::pending().await
    }

    async fn increment(&self, _: &str, _: i64, _: Option<Duration>) -> Result<i64, IncrementError> {
        std::future::pending().await
    }

    async fn compare_and_set(
        &self,
        _: &str,
        _: Option<Vec<u8>>,
        _: Option<Vec<u8>>,
        _: Option<Duration>,
    ) -> Answer<bool> {
        std::future::pending().await
    }

    async fn keys(&self, _: &[String], _: Option<u64>) -> Answer<Keys> {
        std::future::pending().await
    }
}

/// A cache with a bug: it panics, at once or after it has waited.
pub struct Panicking;

impl Cache for Panicking {
    fn open(&self, _: &PluginName) -> Arc<dyn PluginCache> {
        Arc::new(Panicking)
    }
}

#[async_trait]
impl PluginCache for Panicking {
    async fn get(&self, key: &str) -> Answer<Option<Vec<u8>>> {
        if key == "later" {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("a bug in a back-end, as this test wants it");
    }

    async fn set(&self, _: &str, _: Vec<u8>, _: Option<Duration>) -> Answer<()> {
        Ok(())
    }

    async fn delete(&self, _: &str) -> Answer<()> {
        Ok(())
    }

    async fn increment(&self, _: &str, _: i64, _: Option<Duration>) -> Result<i64, IncrementError> {
        Ok(0)
    }

    async fn compare_and_set(
        &self,
        _: &str,
        _: Option<Vec<u8>>,
        _: Option<Vec<u8>>,
        _: Option<Duration>,
    ) -> Answer<bool> {
        Ok(false)
    }

    async fn keys(&self, _: &[String], _: Option<u64>) -> Answer<Keys> {
        Ok(Keys::default())
    }
}

/// A cache that the test can look into, and whose key `broken` does not answer.
#[derive(Clone, Default)]
pub struct SharedMap(Arc<Mutex<Entries>>);

/// Values with their times to live, by plugin and key.
type Entries = HashMap<(String, String), (Vec<u8>, Option<Duration>)>;

impl SharedMap {
    pub fn get(&self, plugin: &str, key: &str) -> Option<(Vec<u8>, Option<Duration>)> {
        self.0
            .lock()
            .unwrap()
            .get(&(plugin.to_owned(), key.to_owned()))
            .cloned()
    }
}

impl Cache for SharedMap {
    fn open(&self, plugin: &PluginName) -> Arc<dyn PluginCache> {
        Arc::new(PartOfMap {
            map: self.clone(),
            plugin: plugin.to_string(),
        })
    }
}

struct PartOfMap {
    map: SharedMap,
    plugin: String,
}

impl PartOfMap {
    fn key(&self, key: &str) -> (String, String) {
        (self.plugin.clone(), key.to_owned())
    }
}

#[async_trait]
impl PluginCache for PartOfMap {
    async fn get(&self, key: &str) -> Answer<Option<Vec<u8>>> {
        if key == "broken" {
            return Err(Unavailable("the disk is full".to_owned()));
        }
        Ok(self.map.get(&self.plugin, key).map(|(value, _)| value))
    }

    async fn set(&self, key: &str, value: Vec<u8>, ttl: Option<Duration>) -> Answer<()> {
        self.map
            .0
            .lock()
            .unwrap()
            .insert(self.key(key), (value, ttl));
        Ok(())
    }

    async fn delete(&self, key: &str) -> Answer<()> {
        self.map.0.lock().unwrap().remove(&self.key(key));
        Ok(())
    }

    async fn increment(&self, _: &str, _: i64, _: Option<Duration>) -> Result<i64, IncrementError> {
        Err(IncrementError::NotANumber)
    }

    async fn compare_and_set(
        &self,
        _: &str,
        _: Option<Vec<u8>>,
        _: Option<Vec<u8>>,
        _: Option<Duration>,
    ) -> Answer<bool> {
        Ok(false)
    }

    async fn keys(&self, _: &[String], _: Option<u64>) -> Answer<Keys> {
        Ok(Keys::default())
    }
}

/// Settings that say who asked for what.
pub struct AskedSettings;

impl Settings for AskedSettings {
    fn application(&self, key: &str) -> Option<Value> {
        Some(json!(format!("asked for {key}")))
    }

    fn plugin(&self, plugin: &PluginName, key: &str) -> Option<Value> {
        Some(json!(format!("{plugin} asked for {key}")))
    }

    fn application_keys(&self) -> Vec<String> {
        Vec::new()
    }

    fn plugin_keys(&self, _: &PluginName) -> Vec<String> {
        Vec::new()
    }
}

/// A database that answers with what it was asked, and is out of order for changes.
pub struct EchoingDatabase;

impl Database for EchoingDatabase {
    fn open(
        &self,
        plugin: &str,
        scopes: Scopes,
        _: Caps,
    ) -> Result<Arc<dyn PluginDatabase>, OpenError> {
        let (read, write) = (scopes.read, scopes.write);
        let readable = read.map_or_else(|| "nothing".to_owned(), |scope| scope.to_string());
        let writable = write.map_or_else(|| "nothing".to_owned(), |scope| scope.to_string());
        Ok(Arc::new(EchoFor(format!(
            "{plugin} reads {readable} and writes {writable}"
        ))))
    }
}

struct EchoFor(String);

impl EchoFor {
    fn out_of_order<T>(&self) -> Result<T, DbError> {
        Err(DbError::unavailable("the replica is read-only for now"))
    }
}

#[async_trait]
impl PluginDatabase for EchoFor {
    fn engine(&self) -> Engine {
        Engine::Other("echo".to_owned())
    }

    async fn query(&self, sql: String, params: Vec<Cell>, call: Call) -> Result<Rows, DbError> {
        let left = call.deadline.saturating_duration_since(Instant::now());
        let first = vec![
            Cell::Text(self.0.clone()),
            Cell::Text(sql),
            Cell::Boolean(!left.is_zero()),
        ];
        Ok(Rows {
            columns: vec!["who".to_owned(), "sql".to_owned(), "in time".to_owned()],
            rows: vec![first, params],
        })
    }

    async fn execute(&self, _: String, _: Vec<Cell>, _: Call) -> Result<Outcome, DbError> {
        self.out_of_order()
    }

    async fn transaction(&self, _: Vec<Statement>, _: Call) -> Result<Vec<Outcome>, DbError> {
        self.out_of_order()
    }
}
