//! Deadlines, callers that go away, and calls side by side.

use super::*;

const ENDLESS: &str =
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
const ENDLESS_CHANGE: &str = "INSERT INTO note (words) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";

fn in_millis(millis: u64) -> Call {
    Call::until(Instant::now() + Duration::from_millis(millis))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_query_ends_within_200_ms_of_its_deadline() {
    let desk = Desk::new();
    let plugin = desk.plugin(&["db:read=*"]);
    for _ in 0..5 {
        let call = in_millis(100);
        let deadline = call.deadline;
        let error = plugin
            .0
            .query(ENDLESS.to_owned(), vec![], call)
            .await
            .unwrap_err();
        assert_eq!(error.reason, DbReason::TimedOut);
        assert!(
            deadline.elapsed() < Duration::from_millis(200),
            "{:?}",
            deadline.elapsed()
        );
        assert!(plugin.query("SELECT 1").await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_change_ends_in_time_with_nothing_done() {
    let desk = Desk::new();
    let plugin = desk.plugin(&["db:readwrite=note"]);
    let call = in_millis(100);
    let deadline = call.deadline;
    let error = plugin
        .0
        .execute(ENDLESS_CHANGE.to_owned(), vec![], call)
        .await
        .unwrap_err();
    assert_eq!(error.reason, DbReason::TimedOut);
    assert!(
        deadline.elapsed() < Duration::from_millis(200),
        "{:?}",
        deadline.elapsed()
    );
    assert_eq!(desk.count("note"), 1);
    plugin
        .execute("INSERT INTO note (words) VALUES (1)")
        .await
        .unwrap();
    assert_eq!(desk.count("note"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_statement_time_bounds_a_call_without_a_near_deadline() {
    let desk = Desk::new();
    let caps = Caps {
        statement_time: Duration::from_millis(100),
        ..Caps::default()
    };
    let plugin = desk.plugin_with(&["db:read=*"], caps);
    let start = Instant::now();
    assert_eq!(
        plugin.query(ENDLESS).await.unwrap_err().reason,
        DbReason::TimedOut
    );
    assert!(
        start.elapsed() < Duration::from_millis(300),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_has_passed_runs_nothing() {
    let desk = Desk::new();
    let plugin = desk.plugin(&["db:readwrite=note"]);
    let past = Call::until(Instant::now() - Duration::from_secs(1));
    let error = plugin
        .0
        .execute("DELETE FROM note".to_owned(), vec![], past)
        .await
        .unwrap_err();
    assert!(
        matches!(error.reason, DbReason::TimedOut | DbReason::Conflict),
        "{error}"
    );
    assert_eq!(desk.count("note"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_away_takes_its_statement_along() {
    let desk = Desk::new();
    let plugin = desk.plugin(&["db:readwrite=note"]);
    for sql in [
        ENDLESS_CHANGE,
        "DELETE FROM note WHERE words = (SELECT count(*) FROM (WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n))",
    ] {
        let call = plugin.0.execute(sql.to_owned(), vec![], in_millis(4_000));
        assert!(
            tokio::time::timeout(Duration::from_millis(100), call)
                .await
                .is_err()
        );
        // The only connection for changes is free again long before the deadline.
        let start = Instant::now();
        plugin
            .execute("INSERT INTO note (words) VALUES (1)")
            .await
            .unwrap();
        assert!(
            start.elapsed() < Duration::from_millis(300),
            "{:?}",
            start.elapsed()
        );
    }
    assert_eq!(desk.count("note"), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_that_go_away_at_any_moment_leave_whole_changes_only() {
    let desk = Desk::new();
    let plugin = desk.plugin(&["db:readwrite=note"]);
    for micros in (0..3_000).step_by(50) {
        let call = plugin.transaction(&[
            "INSERT INTO note (words) VALUES (1)",
            "INSERT INTO note (words) VALUES (2)",
        ]);
        let _ = tokio::time::timeout(Duration::from_micros(micros), call).await;
    }
    plugin
        .execute("DELETE FROM note WHERE id = -1")
        .await
        .unwrap();
    assert_eq!(
        desk.count("note WHERE words = 1"),
        desk.count("note WHERE words = 2")
    );
    assert!(desk.count("note") > 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_of_one_plugin_overlap() {
    let desk = Desk::new();
    let plugin = desk.plugin(&["db:read=*"]);
    // An endless one holds a connection and a thread until its deadline; the short one does not wait for it.
    let long = tokio::spawn({
        let plugin = plugin.clone();
        async move {
            plugin
                .0
                .query(ENDLESS.to_owned(), vec![], in_millis(800))
                .await
        }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let start = Instant::now();
    plugin.query("SELECT * FROM ticket").await.unwrap();
    assert!(
        start.elapsed() < Duration::from_millis(400),
        "{:?}",
        start.elapsed()
    );
    assert!(!long.is_finished());
    assert_eq!(long.await.unwrap().unwrap_err().reason, DbReason::TimedOut);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_holds_all_its_connections_holds_only_its_own() {
    let desk = Desk::new();
    let greedy = desk.plugin(&["db:read=*"]);
    let modest = desk.plugin(&["db:readwrite=*"]);
    let calls: Vec<_> = (0..12)
        .map(|_| {
            let greedy = greedy.clone();
            tokio::spawn(async move {
                greedy
                    .0
                    .query(ENDLESS.to_owned(), vec![], in_millis(700))
                    .await
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let start = Instant::now();
    modest.query("SELECT * FROM ticket").await.unwrap();
    modest
        .execute("INSERT INTO note (words) VALUES (1)")
        .await
        .unwrap();
    assert!(
        start.elapsed() < Duration::from_millis(500),
        "{:?}",
        start.elapsed()
    );
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap_err().reason, DbReason::TimedOut);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_waits_for_another_writer_and_gives_up_at_its_deadline() {
    let desk = Desk::new();
    let plugin = desk.plugin(&["db:readwrite=note"]);
    let other = desk.connection();
    other
        .execute_batch("BEGIN IMMEDIATE; INSERT INTO note (words) VALUES (7)")
        .unwrap();
    let call = in_millis(150);
    let deadline = call.deadline;
    let error = plugin
        .0
        .execute("DELETE FROM note".to_owned(), vec![], call)
        .await
        .unwrap_err();
    assert!(
        error.reason == DbReason::Conflict && error.text.contains("locked"),
        "{error}"
    );
    assert!(deadline.elapsed() < Duration::from_millis(200));
    // Readers do not wait.
    assert_eq!(
        plugin
            .query("SELECT count(*) FROM note")
            .await
            .unwrap()
            .rows[0],
        [Value::Integer(1)]
    );
    let waiting = tokio::spawn({
        let plugin = plugin.clone();
        async move { plugin.execute("UPDATE note SET words = words + 1").await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(waiting.await.unwrap().unwrap().rows_affected, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_one_plugin_happen_one_after_another() {
    let desk = Desk::new();
    let plugin = desk.plugin(&["db:readwrite=note"]);
    plugin.execute("UPDATE note SET words = 0").await.unwrap();
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let plugin = plugin.clone();
            tokio::spawn(async move {
                plugin
                    .execute("UPDATE note SET words = words + 1 WHERE id = 1")
                    .await
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(desk.count("note WHERE words = 50"), 1);
}
