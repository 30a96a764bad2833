//! Caps, and statements that would eat the machine.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use super::*;

fn too_large(result: Result<Rows, DbError>, what: &str) {
    assert!(
        reason(&result) == Some(DbReason::TooLarge),
        "{what}: {result:?}"
    );
}

#[tokio::test]
async fn a_result_over_a_cap_is_too_large() {
    let desk = Desk::new();
    let caps = Caps {
        max_rows: 10,
        max_bytes: 1 << 20,
        max_sql_bytes: 1_000,
        ..Caps::default()
    };
    let plugin = desk.plugin_with(&["db:read=*"], caps);
    let numbers = |n: u32| {
        format!(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {n}) SELECT i FROM n"
        )
    };
    assert_eq!(plugin.query(&numbers(10)).await.unwrap().rows.len(), 10);
    too_large(plugin.query(&numbers(11)).await, "rows");
    assert!(
        plugin
            .query("SELECT randomblob(500000), randomblob(500000)")
            .await
            .is_ok()
    );
    too_large(
        plugin
            .query("SELECT randomblob(600000), randomblob(600000)")
            .await,
        "bytes",
    );
    too_large(
        plugin
            .query_with("SELECT length(?)", vec![Value::Blob(vec![0; 1 << 21])])
            .await,
        "parameters",
    );
    too_large(
        plugin
            .query(&format!("SELECT {}1", " ".repeat(1_000)))
            .await,
        "text",
    );
}

#[tokio::test]
async fn a_value_that_is_too_long_is_never_made() {
    let desk = Desk::new();
    let plugin = desk.plugin(&["db:read=*"]);
    for sql in [
        "SELECT length(randomblob(1000000000))",
        "SELECT length(zeroblob(1000000000))",
        "SELECT length(printf('%.*c', 1000000000, 'x'))",
        "SELECT length(printf('%1000000000d', 1))",
        "SELECT length(replace(hex(zeroblob(1000000)), '0', 'xxxxxxxxxxxxxxxxxxxxxxxx'))",
        "SELECT length(hex(randomblob(8000000)) || hex(randomblob(8000000)))",
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) SELECT length(group_concat(hex(randomblob(100)))) FROM n",
        "WITH RECURSIVE n (s) AS (SELECT 'x' UNION ALL SELECT s || s FROM n) SELECT max(length(s)) FROM n",
    ] {
        too_large(plugin.query(sql).await, sql);
        assert!(plugin.query("SELECT 1").await.is_ok());
    }
}

#[tokio::test]
async fn expressions_and_texts_that_are_too_deep_are_refused() {
    let desk = Desk::new();
    let plugin = desk.plugin(&["db:read=*"]);
    for sql in [
        format!("SELECT {}1{}", "(".repeat(50_000), ")".repeat(50_000)),
        format!("SELECT {}1", "+ ".repeat(100_000)),
        format!("SELECT 1{}", " + 1".repeat(100_000)),
        format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(10_000)),
        format!("SELECT {}", vec!["1"; 100_000].join(", ")),
        format!("SELECT {}", vec!["?"; 100_000].join(", ")),
        format!("SELECT max({})", vec!["1"; 10_000].join(", ")),
        format!("SELECT 1 FROM {}", vec!["ticket"; 1_000].join(", ")),
        format!(
            "SELECT * FROM {}ticket{}",
            "(SELECT * FROM ".repeat(5_000),
            ")".repeat(5_000)
        ),
    ] {
        let error = plugin.query(&sql).await.unwrap_err();
        assert!(
            matches!(error.reason, DbReason::Invalid | DbReason::TooLarge),
            "{:.40}: {error}",
            sql
        );
    }
    assert!(plugin.query("SELECT 1").await.is_ok());
}

/// Many values of 8 MB at once, each within its limit.
fn greedy() -> Vec<String> {
    let wide = vec!["zeroblob(8000000) || ''"; 1_000].join(", ");
    let scalar = vec!["(SELECT zeroblob(8000000) || '') IS NULL"; 150].join(" OR ");
    vec![
        format!("SELECT {wide}"),
        format!("SELECT 1 WHERE {scalar}"),
        "WITH RECURSIVE n (i, b) AS (SELECT 1, '' UNION ALL SELECT i + 1, zeroblob(8000000) || '' FROM n WHERE i < 1000) \
         SELECT i FROM n ORDER BY b"
            .to_owned(),
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(DISTINCT hex(randomblob(500))) FROM n"
            .to_owned(),
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) \
         SELECT max(length(group_concat(randomblob(2000000)))) OVER (ORDER BY i) FROM n GROUP BY i"
            .to_owned(),
    ]
}

#[tokio::test]
async fn a_greedy_statement_is_stopped_before_it_hurts() {
    let desk = Desk::new();
    let caps = Caps {
        statement_time: Duration::from_secs(2),
        ..Caps::default()
    };
    let plugin = desk.plugin_with(&["db:read=*"], caps);
    let done = Arc::new(AtomicBool::new(false));
    let peak = Arc::new(AtomicI64::new(0));
    let sampler = std::thread::spawn({
        let (done, peak) = (Arc::clone(&done), Arc::clone(&peak));
        move || {
            while !done.load(Ordering::Relaxed) {
                // SAFETY: the function has no arguments and may be called at any time.
                let used = unsafe { rusqlite::ffi::sqlite3_memory_used() };
                peak.fetch_max(used, Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    });
    for sql in greedy() {
        let start = Instant::now();
        let result = plugin.query(&sql).await;
        assert!(
            matches!(
                reason(&result),
                Some(
                    DbReason::TooLarge
                        | DbReason::TimedOut
                        | DbReason::Invalid
                        | DbReason::Unavailable
                )
            ),
            "{sql:.60}: {result:?}"
        );
        println!(
            "{:?} {:.60} {:.90}",
            start.elapsed(),
            sql,
            result.unwrap_err().to_string()
        );
        assert!(
            start.elapsed() < Duration::from_secs(4),
            "{sql:.60}: {:?}",
            start.elapsed()
        );
    }
    done.store(true, Ordering::Relaxed);
    sampler.join().unwrap();
    let peak = peak.load(Ordering::Relaxed) >> 20;
    println!("at most {peak} MiB");
    assert!(peak < 1_024, "{peak} MiB");
}

#[tokio::test]
async fn one_long_instruction_cannot_hold_a_thread() {
    let desk = Desk::new();
    let plugin = desk.plugin(&["db:read=*"]);
    for sql in [
        "SELECT instr(hex(zeroblob(2000000)), hex(zeroblob(1000000)) || 'x')",
        "SELECT length(replace(hex(zeroblob(2000000)), hex(zeroblob(1000000)) || 'x', ''))",
        "SELECT length(trim(hex(zeroblob(2000000)), 'abc' || hex(randomblob(1000000))))",
        "SELECT hex(zeroblob(2000000)) LIKE '%0%0%0%0%0%0%0%0%0%0%0%0%0%0%0%0%0%0%0%0%0%0%0%0x'",
        "SELECT hex(zeroblob(2000000)) GLOB '*0*0*0*0*0*0*0*0*0*0*0*0*0*0*0*0*0*0*0*0*0*0*0*0x'",
        "SELECT hex(zeroblob(4000000)) LIKE '%' || substr(hex(zeroblob(200)), 1, 200) || 'x%'",
    ] {
        let start = Instant::now();
        let result = plugin.query(sql).await;
        println!("{:?} {sql:.70}", start.elapsed());
        assert!(
            matches!(reason(&result), None | Some(DbReason::TooLarge)),
            "{sql}: {result:?}"
        );
        assert!(
            start.elapsed() < Duration::from_secs(3),
            "{sql}: {:?}",
            start.elapsed()
        );
    }
}

#[tokio::test]
async fn a_transaction_has_a_largest_length() {
    let desk = Desk::new();
    let plugin = desk.plugin(&["db:readwrite=note"]);
    let error = plugin
        .transaction(&vec!["DELETE FROM note"; 1_001])
        .await
        .unwrap_err();
    assert!(error.reason == DbReason::TooLarge, "{error}");
    assert_eq!(desk.count("note"), 1);
    assert_eq!(
        plugin
            .transaction(&vec!["DELETE FROM note"; 1_000])
            .await
            .unwrap()
            .len(),
        1_000
    );
}
