//! A host that is killed in the middle of a rotation: whatever it was doing, every secret can be read afterwards.

use std::process::{Command, Stdio};
use std::time::Duration;

use goatherd::capability::secure_config::KeyRing;

use crate::kept::{Kept, Kind, own, put, service};
use crate::{get, on_both};

on_both![a_rotation_that_is_killed_leaves_every_secret_readable];

/// What the child process does until it is killed: it rotates and retires, again and again.
#[test]
#[ignore = "a part of another test, which runs it as a process of its own"]
fn child_rotates() {
    let variable = |name| std::env::var(name).unwrap();
    let ring = KeyRing::open(variable("GOATHERD_TEST_RING")).unwrap();
    let kind = match std::env::var("GOATHERD_TEST_URL") {
        Ok(url) => Kind::Postgres(url),
        Err(_) => Kind::Sqlite,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let database = variable("GOATHERD_TEST_DATABASE");
        let service = service(&kind, database.as_ref(), ring).await;
        std::fs::write(variable("GOATHERD_TEST_GO"), "").unwrap();
        loop {
            service.rotate().await.unwrap();
            service.retire_unused().await.unwrap();
        }
    });
}

async fn a_rotation_that_is_killed_leaves_every_secret_readable(kept: Kept) {
    const ROUNDS: u64 = 60;
    const SECRETS: usize = 150;
    let ours = kept.service().await;
    for number in 0..SECRETS {
        put(&ours, &own(&format!("k{number}")), &format!("v{number}")).await;
    }
    let go = kept.folder().join("go");
    let (mut interrupted, mut unfinished) = (0, 0);
    for round in 0..ROUNDS {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "killed::child_rotates", "--ignored"])
            .env("GOATHERD_TEST_RING", kept.ring_path())
            .env("GOATHERD_TEST_DATABASE", kept.database())
            .env("GOATHERD_TEST_GO", &go)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Kind::Postgres(url) = &kept.kind {
            command.env("GOATHERD_TEST_URL", url);
        }
        let mut child = command.spawn().unwrap();
        while !go.exists() {
            assert!(child.try_wait().unwrap().is_none(), "the child runs");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // Uneven steps, so that each round meets the child somewhere else.
        tokio::time::sleep(Duration::from_micros(500 + round * 1_733 % 40_000)).await;
        child.kill().unwrap();
        let status = child.wait().unwrap();
        assert_eq!(
            status.code(),
            None,
            "it was killed and did not end by itself"
        );
        std::fs::remove_file(&go).unwrap();

        let ids = kept.ring().ids();
        interrupted += usize::from(ids.len() > 1);
        let current = ids[0].as_str();
        let rows = kept.rows().await;
        assert_eq!(rows.len(), SECRETS);
        unfinished += usize::from(rows.iter().any(|row| row.key_id != current));
        // A host that starts now, and one that has been there since before the first rotation.
        let fresh = kept.service().await;
        for number in 0..SECRETS {
            let secret_id = own(&format!("k{number}"));
            for service in [&fresh, &ours] {
                let read = service
                    .get(
                        &secret_id.plugin,
                        None,
                        &secret_id.name,
                        crate::kept::soon(),
                    )
                    .await;
                assert_eq!(
                    read.unwrap().unwrap().expose(),
                    format!("v{number}"),
                    "round {round}"
                );
            }
        }
    }
    assert!(interrupted > 0, "no round met a rotation between its steps");
    assert!(
        unfinished > 0,
        "no round met a rotation between two batches"
    );
    let fresh = kept.service().await;
    fresh.reseal().await.unwrap();
    fresh.retire_unused().await.unwrap();
    assert_eq!(kept.ring().ids().len(), 1);
    assert_eq!(get(&kept.probe().await, "k0").await, "v0");
}
