//! A process that is killed while it sets and changes fields leaves each call's work done or not begun.

use std::time::Duration;

use goatherd_tests::kill::{self, Kills};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::{Desk, Place, host};

const FIELDS: [&str; 4] = ["number", "percent", "text", "decimal"];

/// Sets all fields of a ticket to one number, and of another one adds to all, again and again.
async fn work(desk: &Desk) {
    kill::say("ready");
    let start = desk.one(1, "number").await["integer"]
        .as_i64()
        .unwrap_or_default();
    for number in start + 1.. {
        let choices: Vec<&str> = if number % 2 == 0 {
            vec!["red", "blue"]
        } else {
            vec!["green"]
        };
        let values = json!([
            ["number", {"integer": number}],
            ["percent", {"integer": number % 101}],
            ["text", {"text": format!("{number}")}],
            ["decimal", {"decimal": format!("{number}.5")}],
            ["multi", {"choices": choices}],
        ]);
        desk.set(1, values).await.unwrap();
        desk.apply(
            2,
            json!([
                ["number", "increment", {"by": "1"}],
                ["decimal", "increment", {"by": "1"}],
                ["boolean", "toggle"],
            ]),
        )
        .await
        .unwrap();
        kill::say(&number.to_string());
    }
}

/// What must hold whenever the process ended. `said` are the numbers that it said to have written, and `changed` is how
/// often ticket 2 had been changed before; returns how often it has been now.
async fn check(desk: &Desk, said: &[String], changed: i64) -> i64 {
    // A server can still be committing what the dead process asked for last. A change waits for that.
    for id in [1, 2] {
        let never = json!({"expected": {"text": "never"}, "new": null});
        let change = json!([["select", "compare-and-set", never]]);
        crate::refused(desk.apply(id, change).await, "conflict");
    }
    let set = desk.get(1, &[]).await;
    let number = set["number"]["integer"].as_i64();
    if let Some(last) = last(said) {
        let number = number.expect("something was written");
        assert!(
            number == last || number == last + 1,
            "{last} was written, {number} is there"
        );
    }
    let Some(number) = number else {
        let any = FIELDS.iter().any(|name| set[*name] != Value::Null);
        assert!(!any, "half of the first call: {set}");
        return changed;
    };
    let text = json!({"text": number.to_string()});
    assert_eq!(set["percent"], json!({"integer": number % 101}), "{set}");
    assert_eq!(set["text"], text, "{set}");
    assert_eq!(
        set["decimal"],
        json!({"decimal": format!("{number}.5")}),
        "{set}"
    );
    let (there, gone) = if number % 2 == 0 {
        ("red", "green")
    } else {
        ("green", "red")
    };
    assert_eq!(
        desk.found(json!([["multi", "eq", {"text": there}]])).await,
        [1]
    );
    assert_eq!(
        desk.found(json!([["multi", "eq", {"text": gone}]])).await,
        [0i64; 0]
    );
    assert_eq!(desk.found(json!([["text", "eq", text]])).await, [1]);
    let after = desk.get(2, &["number", "decimal", "boolean"]).await;
    let times = after["number"]["integer"].as_i64().unwrap_or_default();
    let at_least = changed + said.len() as i64;
    assert!(
        times == at_least || times == at_least + 1,
        "{changed} and {said:?}: {after}"
    );
    if times > 0 {
        assert_eq!(
            after["decimal"],
            json!({"decimal": times.to_string()}),
            "{after}"
        );
        assert_eq!(
            after["boolean"],
            json!({"boolean": times % 2 == 1}),
            "{after}"
        );
    }
    times
}

fn last(said: &[String]) -> Option<i64> {
    said.last().map(|line| line.parse().expect("a number"))
}

fn runtime() -> Runtime {
    Runtime::new().expect("a runtime")
}

/// The probe on a file or URL that another process works on too.
async fn desk_at(place: &str) -> Desk {
    use goatherd::capability::custom_fields::{CustomFields, PostgresFields, SqliteFields};
    use goatherd::store::SqliteStore;

    let provider = if place.starts_with("postgres:") {
        CustomFields::new(
            PostgresFields::open(crate::postgres_store(place))
                .await
                .unwrap(),
        )
    } else {
        let store = SqliteStore::open(place).unwrap();
        CustomFields::new(SqliteFields::open(store).unwrap())
    };
    let host = host(provider);
    let probe = crate::probe(&host, &["custom_fields:readwrite=*"]).await;
    Desk { _host: host, probe }
}

fn kill_in_a_loop(test: &str, place: &str, rounds: usize) {
    if let Some(place) = kill::child() {
        runtime().block_on(async { work(&desk_at(&place).await).await });
        return;
    }
    let runtime = runtime();
    // Opened after the first round only, so that the child makes the tables too.
    let mut desk: Option<Desk> = None;
    let mut changed = 0;
    let lines = Kills::rounds(rounds).within(Duration::from_millis(30)).run(
        || kill::again(test, place),
        |said| {
            runtime.block_on(async {
                if desk.is_none() {
                    desk = Some(desk_at(place).await);
                }
                if let Some(desk) = &desk {
                    changed = check(desk, said, changed).await;
                }
            });
        },
    );
    assert!(
        lines > rounds,
        "{lines} calls in {rounds} rounds are too few to mean anything"
    );
}

#[test]
fn a_killed_process_leaves_a_file_with_all_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fields.db");
    let test = "crash::a_killed_process_leaves_a_file_with_all_or_nothing";
    kill_in_a_loop(test, file.to_str().unwrap(), 200);
}

#[test]
fn a_killed_process_leaves_a_server_with_all_or_nothing() {
    let test = "crash::a_killed_process_leaves_a_server_with_all_or_nothing";
    let url = match kill::child() {
        Some(_) => String::new(),
        None => match Place::postgres() {
            Place::Postgres(url) => url,
            Place::Sqlite(_) => unreachable!("it was asked for"),
        },
    };
    kill_in_a_loop(test, &url, 60);
}
