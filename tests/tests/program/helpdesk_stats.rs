//! The example `helpdesk-stats`, called by the program: what it is refused, and that its numbers are the database's.

use std::fs;

use goatherd_tests::helpdesk;
use serde_json::json;

use crate::{STATS, STATS_GRANT, call, says, stats};

#[test]
fn without_a_db_grant_it_is_refused_at_linking_by_name() {
    let helpdesk = helpdesk();
    let error = stats(&helpdesk, "stats", "{}", &[]).error();
    assert_eq!(error["code"], "permission-denied");
    assert_eq!(
        error["missing"],
        json!([{
            "interface": "goatherd:plugin/db-read@0.1.0",
            "permission": "db:read",
            "grant": "db:read=ticket,queue",
        }])
    );
    says(&error, "plugin \"helpdesk-stats\"");
    says(&error, "grant db:read=ticket,queue to link it");
}

#[test]
fn a_grant_for_tickets_alone_is_refused_for_the_table_queue() {
    let helpdesk = helpdesk();
    let error = stats(&helpdesk, "stats", "{}", &["--grant", "db:read=ticket"]).error();
    assert_eq!(error["code"], "permission-denied");
    says(&error, "queue");
    says(&error, "helpdesk-stats");
}

#[test]
fn without_a_database_it_is_refused_with_what_would_help() {
    let error = call(STATS, "stats", "{}", &["--grant", STATS_GRANT]).error();
    assert_eq!(error["code"], "unavailable");
    says(&error, "--database");
}

#[test]
fn its_numbers_are_those_of_the_database() {
    let helpdesk = helpdesk();
    let numbers = stats(&helpdesk, "stats", "{}", &["--grant", STATS_GRANT]).result();
    let count = |condition: &str| {
        helpdesk.number(&format!("SELECT COUNT(*) FROM ticket WHERE {condition}"))
    };
    assert_eq!(numbers["tickets"]["total"], count("1"));
    assert_eq!(numbers["tickets"]["open"], count("state <> 'closed'"));
    assert_eq!(numbers["tickets"]["closed"], count("state = 'closed'"));
    assert_eq!(numbers["tickets"]["new"], count("state = 'new'"));
    assert_eq!(
        numbers["tickets"]["by_state"]["pending"],
        count("state = 'pending'")
    );
    assert_eq!(numbers["cached"], false);
    let queues = numbers["queues"].as_array().unwrap();
    assert_eq!(
        queues.len() as i64,
        helpdesk.number("SELECT COUNT(*) FROM queue")
    );
    for queue in queues {
        let name = queue["name"].as_str().unwrap().replace('\'', "''");
        let of_queue = format!("queue_id = (SELECT id FROM queue WHERE name = '{name}')");
        assert_eq!(queue["total"], count(&of_queue), "{name}");
        assert_eq!(
            queue["open"],
            count(&format!("{of_queue} AND state <> 'closed'")),
            "{name}"
        );
    }
    let days = numbers["by_day"].as_array().unwrap();
    assert_eq!(days.len(), 14);
    for day in days {
        assert_eq!(
            day["created"],
            count(&format!(
                "substr(created_at, 1, 10) = '{}'",
                day["day"].as_str().unwrap()
            ))
        );
    }
}

#[test]
fn one_queue_has_its_own_numbers() {
    let helpdesk = helpdesk();
    let numbers = stats(
        &helpdesk,
        "queue",
        r#"{"name": "Support"}"#,
        &["--grant", STATS_GRANT],
    )
    .result();
    let count = |condition: &str| {
        helpdesk.number(&format!(
            "SELECT COUNT(*) FROM ticket WHERE queue_id = 1 AND {condition}"
        ))
    };
    assert_eq!(
        (&numbers["total"], &numbers["open"]),
        (&json!(count("1")), &json!(count("state <> 'closed'")))
    );
    let high = count("state <> 'closed' AND priority = 'high'");
    assert_eq!(numbers["by_priority"]["high"], high);
}

#[test]
fn reading_changes_nothing_in_the_database() {
    let helpdesk = helpdesk();
    let before = fs::read(helpdesk.path()).unwrap();
    stats(&helpdesk, "stats", "{}", &["--grant", STATS_GRANT]).result();
    assert!(fs::read(helpdesk.path()).unwrap() == before);
}
