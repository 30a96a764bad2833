//! A gate that holds whoever comes to it until a test opens it, and tells the test who came.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use goatherd::capability::cache::{Cache, IncrementError, Keys, PluginCache, Unavailable};
use goatherd::contract::PluginName;
use tokio::sync::watch;

use crate::wait::PATIENCE;

/// A gate, closed at first. As a cache it holds who reads, so that a call of a guest is held inside the host. All clones are the
/// same gate.
#[derive(Clone, Default)]
pub struct Gate(Arc<State>);

#[derive(Default)]
struct State {
    arrived: watch::Sender<usize>,
    open: watch::Sender<bool>,
}

impl Gate {
    /// Comes to the gate, and goes on when it is open.
    pub async fn pass(&self) {
        self.0.arrived.send_modify(|arrived| *arrived += 1);
        let mut open = self.0.open.subscribe();
        // The sender is kept by this gate, so this ends by its being opened.
        let _ = open.wait_for(|open| *open).await;
    }

    /// Waits until so many have come to the gate, whether they have passed or not.
    ///
    /// # Panics
    ///
    /// When they do not come.
    pub async fn until_arrived(&self, count: usize) {
        let mut arrived = self.0.arrived.subscribe();
        let come = tokio::time::timeout(PATIENCE, arrived.wait_for(|arrived| *arrived >= count));
        let come = come.await;
        assert!(come.is_ok(), "{count} did not come to the gate");
    }

    /// Lets through who waits and who comes.
    pub fn open(&self) {
        self.0.open.send_replace(true);
    }
}

impl Cache for Gate {
    fn open(&self, _: &PluginName) -> Arc<dyn PluginCache> {
        Arc::new(self.clone())
    }
}

#[async_trait]
impl PluginCache for Gate {
    async fn get(&self, _: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        self.pass().await;
        Ok(None)
    }

    async fn set(&self, _: &str, _: Vec<u8>, _: Option<Duration>) -> Result<(), Unavailable> {
        Ok(())
    }

    async fn delete(&self, _: &str) -> Result<(), Unavailable> {
        Ok(())
    }

    async fn increment(
        &self,
        _: &str,
        by: i64,
        _: Option<Duration>,
    ) -> Result<i64, IncrementError> {
        Ok(by)
    }

    async fn compare_and_set(
        &self,
        _: &str,
        _: Option<Vec<u8>>,
        _: Option<Vec<u8>>,
        _: Option<Duration>,
    ) -> Result<bool, Unavailable> {
        Ok(false)
    }

    async fn keys(&self, _: &[String], _: Option<u64>) -> Result<Keys, Unavailable> {
        Ok(Keys::default())
    }
}
