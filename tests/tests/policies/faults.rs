//! A store that fails at any step leaves policies and trail as they were, or both as they were to be.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use goatherd::registry::StoreFault;
use goatherd::registry::policy::{AuditEntry, AuditEvent, AuditPage, PolicyChange, Status};

use super::*;

/// How a store fails at a step.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Failure {
    /// Nothing is done.
    Before,
    /// It is done, and the answer is lost.
    After,
}

/// Fails at the step with this number, and works otherwise.
struct Failing {
    store: Box<dyn PolicyStore>,
    steps: Arc<AtomicU64>,
    fail_at: Arc<AtomicU64>,
    failure: Failure,
}

impl Failing {
    async fn step<T>(
        &self,
        work: impl Future<Output = Result<T, StoreFault>> + Send,
    ) -> Result<T, StoreFault> {
        let step = self.steps.fetch_add(1, Ordering::SeqCst);
        let fault = StoreFault::Unavailable("as injected".to_owned());
        match step == self.fail_at.load(Ordering::SeqCst) {
            true if self.failure == Failure::Before => Err(fault),
            true => {
                let _lost = work.await?;
                Err(fault)
            }
            false => work.await,
        }
    }
}

#[async_trait]
impl PolicyStore for Failing {
    async fn put(&self, policy: &ResourcePolicy, event: &AuditEvent) -> Result<u64, StoreFault> {
        self.step(self.store.put(policy, event)).await
    }
    async fn remove(
        &self,
        plugin: &PluginName,
        revision: u64,
        event: &AuditEvent,
    ) -> Result<u64, StoreFault> {
        self.step(self.store.remove(plugin, revision, event)).await
    }
    async fn get(&self, plugin: &PluginName) -> Result<Option<ResourcePolicy>, StoreFault> {
        self.step(self.store.get(plugin)).await
    }
    async fn all(&self) -> Result<(u64, Vec<ResourcePolicy>), StoreFault> {
        self.step(self.store.all()).await
    }
    async fn version(&self) -> Result<u64, StoreFault> {
        self.step(self.store.version()).await
    }
    async fn audit(&self, page: &AuditPage) -> Result<Vec<AuditEntry>, StoreFault> {
        self.step(self.store.audit(page)).await
    }
}

#[derive(Debug, Clone, Copy)]
enum Change {
    Approve,
    Block,
    Forget,
    Rule,
}

async fn make(policies: &Policies, change: Change) -> bool {
    let stats = name("stats");
    let done = match change {
        Change::Approve => policies
            .approve(&stats, &PolicyChange::none(), &by("bert"))
            .await
            .map(drop),
        Change::Block => policies.block(&stats, &by("bert")).await.map(drop),
        Change::Forget => policies.forget(&stats, &by("bert")).await,
        Change::Rule => policies
            .approve_by_rule(&name("other"), &component("1.0.0"), "a-rule", "signed")
            .await
            .map(drop),
    };
    if let Err(error) = &done {
        assert!(error.to_string().contains("as injected"), "{error}");
    }
    done.is_ok()
}

#[tokio::test]
async fn a_store_that_fails_at_any_step_leaves_no_policy_without_its_entry_and_no_entry_without_its_policy()
 {
    for kind in StoreKind::all() {
        for failure in [Failure::Before, Failure::After] {
            for change in [Change::Approve, Change::Block, Change::Forget, Change::Rule] {
                for at in 0..4 {
                    fails(&kind, failure, change, at).await;
                }
            }
        }
    }
}

async fn fails(kind: &StoreKind, failure: Failure, change: Change, at: u64) {
    let what = format!("{change:?} with step {at} failing {failure:?}");
    let (steps, fail_at) = (
        Arc::new(AtomicU64::new(0)),
        Arc::new(AtomicU64::new(u64::MAX)),
    );
    let store = Failing {
        store: kind.store().await,
        steps: Arc::clone(&steps),
        fail_at: Arc::clone(&fail_at),
        failure,
    };
    let policies = Policies::with_store(store).await.unwrap();
    for left in policies.list() {
        policies.forget(&left.plugin, &by("anna")).await.unwrap();
    }
    policies.pend(&name("stats"), &by("anna")).await.unwrap();
    let entries = policies
        .audit(&AuditPage::newest(1_000))
        .await
        .unwrap()
        .len();
    fail_at.store(steps.load(Ordering::SeqCst) + at, Ordering::SeqCst);
    let done = make(&policies, change).await;
    let seen = policies.list();
    fail_at.store(u64::MAX, Ordering::SeqCst);
    // In memory is what is stored, though nobody has read again.
    let stored_after = policies.audit(&AuditPage::newest(1_000)).await.unwrap();
    policies.refresh().await.unwrap();
    assert_eq!(seen, policies.list(), "{what}");
    // One more entry exactly where there is a change.
    let changed = match change {
        Change::Approve => policies.get("stats").unwrap().status == Status::Approved,
        Change::Block => policies.get("stats").unwrap().status == Status::Blocked,
        Change::Forget => policies.get("stats").is_none(),
        Change::Rule => policies.get("other").is_some(),
    };
    assert_eq!(stored_after.len(), entries + usize::from(changed), "{what}");
    assert!(changed || !done, "{what}: what is said to be done is done");
    if let Some(policy) = policies.get(stored_after[0].event.plugin.as_str()) {
        assert_eq!(policy.revision, stored_after[0].id, "{what}");
    }
}

#[tokio::test]
async fn a_database_that_cannot_write_the_entry_does_not_write_the_policy() {
    for kind in StoreKind::shared() {
        let policies = kind.policies().await;
        policies
            .approve(&name("stats"), &PolicyChange::none(), &by("anna"))
            .await
            .unwrap();
        let rename = "ALTER TABLE goatherd_policy_audit RENAME TO goatherd_policy_audit_away";
        match &kind {
            StoreKind::Sqlite(folder) => {
                let file = rusqlite::Connection::open(folder.path().join("goatherd.db")).unwrap();
                file.execute_batch(rename).unwrap();
            }
            StoreKind::Postgres(url) => {
                let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
                    .await
                    .unwrap();
                let driving = tokio::spawn(connection);
                client.batch_execute(rename).await.unwrap();
                driving.abort();
            }
            StoreKind::Memory => unreachable!("it is in no database"),
        }
        let before = policies.get("stats").unwrap();
        let error = policies
            .block(&name("stats"), &by("bert"))
            .await
            .unwrap_err();
        assert!(error.to_string().contains("is unchanged"), "{error}");
        policies
            .forget(&name("stats"), &by("bert"))
            .await
            .unwrap_err();
        policies.refresh().await.unwrap();
        assert_eq!(policies.get("stats").unwrap(), before);
    }
}

#[tokio::test]
async fn a_row_that_is_no_policy_is_named_and_grants_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let kind = StoreKind::Sqlite(folder);
    let policies = kind.policies().await;
    policies
        .approve(&name("stats"), &PolicyChange::none(), &by("anna"))
        .await
        .unwrap();
    let StoreKind::Sqlite(folder) = &kind else {
        unreachable!()
    };
    let file = rusqlite::Connection::open(folder.path().join("goatherd.db")).unwrap();
    for broken in [
        r#"{"plugin_name":"stats","status":"aproved"}"#,
        r#"{"plugin_name":"other","status":"approved"}"#,
        "{",
    ] {
        file.execute("UPDATE goatherd_policies SET policy = ?1", [broken])
            .unwrap();
        let error = Policies::with_store(kind.store().await)
            .await
            .err()
            .unwrap()
            .to_string();
        assert!(
            error.contains("\"stats\"") && error.contains("broken"),
            "{error}"
        );
    }
}
