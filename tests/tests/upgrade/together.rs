//! Processes that start together.

use std::process::Stdio;

use goatherd::store::families;
use goatherd_tests::kill;

use crate::database::{Database, ENGINES};

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_start_at_the_same_time_all_come_up() {
    if let Some(place) = kill::child() {
        for family in families::ALL {
            Database::at(&place).migrate(&family).await.unwrap();
        }
        return;
    }
    let test = "together::processes_that_start_at_the_same_time_all_come_up";
    for engine in ENGINES {
        let own = engine.unversioned().await;
        let start = |_| {
            let mut command = kill::again(test, own.database.place());
            command.stdin(Stdio::piped()).stdout(Stdio::piped());
            command.spawn().unwrap()
        };
        let mut children: Vec<_> = (0..4).map(start).collect();
        // The end of it is the end of the child.
        let _inputs: Vec<_> = children
            .iter_mut()
            .map(|child| child.stdin.take())
            .collect();
        for child in children {
            let ended = child.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&ended.stdout);
            assert!(ended.status.success(), "{engine:?}: {said}");
        }
        assert_eq!(own.report().await, own.expected(), "{engine:?}");
    }
}
