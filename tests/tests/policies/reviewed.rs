//! Stored policies over real plugins in a manager.

use goatherd::manager::{Loader, Manager, Outcome, Reviewed};
use goatherd::registry::policy::PolicyChange;
use goatherd_tests::{PROBE_GRANTS, grants, guest, hostile, probe_host};
use tempfile::TempDir;

use super::*;

/// A manager that decides by these policies, and the folder that its plugins come from.
fn managed(policies: &Policies, bytes: &[u8]) -> (Manager, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("plugin.wasm"), bytes).unwrap();
    (
        Manager::new(probe_host().clone(), Reviewed::new(policies.clone())),
        folder,
    )
}

#[tokio::test]
async fn a_new_plugin_is_described_and_waits_until_an_operator_approves_it() {
    let policies = Policies::new();
    let (manager, folder) = managed(&policies, &guest("probe"));
    let report = Loader::new(folder.path(), manager.clone(), goatherd_tests::reader())
        .load_all()
        .await
        .unwrap();
    let Outcome::Waiting { name, why } = &report.files[0].1 else {
        panic!("{report:?}");
    };
    assert!(why.contains("approve \"probe\" to let it run"), "{why}");
    assert!(manager.snapshot().get("probe").unwrap().plugin().is_none());
    policies
        .approve(
            name,
            &PolicyChange::grants(grants(PROBE_GRANTS)),
            &by("anna"),
        )
        .await
        .unwrap();
    manager.enable("probe").await.unwrap();
    let decided = policies.get("probe").unwrap();
    let table = manager.snapshot();
    let running = table.get("probe").unwrap();
    assert_eq!(
        (&*running.limits, &*running.grants),
        (&decided.limits(), &decided.grants)
    );
    manager.shutdown().await;
}

#[tokio::test]
async fn approving_with_less_than_is_imported_lists_every_missing_import_with_the_grant_that_would_link_it()
 {
    let policies = Policies::new();
    let (manager, folder) = managed(&policies, &guest("probe"));
    Loader::new(folder.path(), manager.clone(), goatherd_tests::reader())
        .load_all()
        .await
        .unwrap();
    let less = PolicyChange::grants(grants(&["db:read=ticket", "cache:read"]));
    policies
        .approve(&name("probe"), &less, &by("anna"))
        .await
        .unwrap();
    let error = manager.enable("probe").await.unwrap_err();
    assert_eq!(error.code(), "permission-denied");
    let text = error.to_string();
    for (interface, need) in [
        ("cache-write", "cache:write"),
        ("db-write", "db:write"),
        ("config", "config"),
    ] {
        assert!(
            text.contains(&format!("goatherd:plugin/{interface}@0.1.0")) && text.contains(need),
            "{text}"
        );
    }
    assert!(
        !text.contains("db-read@") && !text.contains("cache-read@"),
        "{text}"
    );
    // Nothing of it ran, and with all of it granted it does.
    assert!(manager.snapshot().get("probe").unwrap().plugin().is_none());
    policies
        .approve(
            &name("probe"),
            &PolicyChange::grants(grants(PROBE_GRANTS)),
            &by("anna"),
        )
        .await
        .unwrap();
    manager.enable("probe").await.unwrap();
    manager.shutdown().await;
}

#[tokio::test]
async fn a_blocked_plugin_is_not_started_whoever_enables_it() {
    let policies = Policies::new();
    let (manager, folder) = managed(&policies, &hostile(&[]));
    Loader::new(folder.path(), manager.clone(), goatherd_tests::reader())
        .load_all()
        .await
        .unwrap();
    let hostile = manager.snapshot().plugins().next().unwrap().name().clone();
    policies.block(&hostile, &by("anna")).await.unwrap();
    let error = manager.enable(hostile.as_str()).await.unwrap_err();
    assert!(error.to_string().contains("unblock"), "{error}");
    policies.unblock(&hostile, &by("anna")).await.unwrap();
    manager.enable(hostile.as_str()).await.unwrap_err();
    policies
        .approve(&hostile, &PolicyChange::none(), &by("anna"))
        .await
        .unwrap();
    manager.enable(hostile.as_str()).await.unwrap();
    manager.shutdown().await;
}
