//! A store that fails at any step leaves the table as it was, or as it was to be.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use goatherd::contract::PluginName;
use goatherd::registry::StoreFault;
use serde_json::json;

use super::*;

/// Fails at the step with this number, and works otherwise.
struct Failing {
    store: MemoryStore,
    steps: Arc<AtomicU64>,
    fail_at: Arc<AtomicU64>,
}

impl Failing {
    fn step(&self) -> Result<(), StoreFault> {
        let step = self.steps.fetch_add(1, Ordering::SeqCst);
        if step == self.fail_at.load(Ordering::SeqCst) {
            return Err(StoreFault::Unavailable("as injected".to_owned()));
        }
        Ok(())
    }
}

#[async_trait]
impl Store for Failing {
    async fn upsert(&self, record: &Record) -> Result<u64, StoreFault> {
        self.step()?;
        self.store.upsert(record).await
    }
    async fn get(&self, slug: &PluginName) -> Result<Option<Record>, StoreFault> {
        self.step()?;
        self.store.get(slug).await
    }
    async fn all(&self) -> Result<(u64, Vec<Record>), StoreFault> {
        self.step()?;
        self.store.all().await
    }
    async fn delete(&self, slug: &PluginName, revision: u64) -> Result<u64, StoreFault> {
        self.step()?;
        self.store.delete(slug, revision).await
    }
    async fn version(&self) -> Result<u64, StoreFault> {
        self.step()?;
        self.store.version().await
    }
}

/// A table with one record, whose store fails at the step with this number from here on.
async fn failing(at: u64) -> (Service, Arc<AtomicU64>) {
    let steps = Arc::new(AtomicU64::new(0));
    let fail_at = Arc::new(AtomicU64::new(u64::MAX));
    let store = Failing {
        store: MemoryStore::default(),
        steps: Arc::clone(&steps),
        fail_at: Arc::clone(&fail_at),
    };
    let service = Service::with_store(store).await.unwrap();
    service.register(record("newsletter")).await.unwrap();
    fail_at.store(steps.load(Ordering::SeqCst) + at, Ordering::SeqCst);
    (service, fail_at)
}

#[tokio::test]
async fn each_change_fails_at_each_step_without_leaving_a_half() {
    for at in 0..6 {
        let (service, fail_at) = failing(at).await;
        let config = object(json!({ "a": 1, "b": 2 }));
        let before = service.get("newsletter").unwrap();
        let done = service.configure("newsletter", &config).await;
        let seen = service.get("newsletter").unwrap();
        // What is seen is all of the change or nothing of it, and a change that is reported as done is seen.
        assert!(seen.config == before.config || seen.config == config);
        assert!(done.is_err() || seen.config == config);
        fail_at.store(u64::MAX, Ordering::SeqCst);
        service.refresh().await.unwrap();
        let kept = service.get("newsletter").unwrap();
        assert!(kept.config.is_empty() || kept.config == config);
        service.configure("newsletter", &config).await.unwrap();
        assert_eq!(service.get("newsletter").unwrap().config, config);
    }
}

#[tokio::test]
async fn removing_and_adding_fail_at_each_step_with_an_error_that_names_the_record() {
    for at in 0..6 {
        let (service, fail_at) = failing(at).await;
        for changed in [
            service.remove("newsletter").await,
            service.register(record("newsletter")).await,
        ] {
            if let Err(error) = changed {
                assert!(error.to_string().contains("as injected"), "{error}");
            }
        }
        fail_at.store(u64::MAX, Ordering::SeqCst);
        service.refresh().await.unwrap();
        assert!(service.list().len() <= 1);
    }
}

#[tokio::test]
async fn reading_goes_on_while_the_store_is_away() {
    let (service, fail_at) = failing(0).await;
    for _ in 0..3 {
        assert!(service.is_enabled("newsletter"));
        fail_at.fetch_add(1, Ordering::SeqCst);
        assert_eq!(slugs(&service.list()), ["newsletter"]);
    }
}
