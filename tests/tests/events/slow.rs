//! A client that does not read its connection.

use std::time::Duration;

use serde_json::{Value, json};

use super::account::{Account, Heard};
use super::brokers::soon;
use super::site::Site;

/// More than all buffers between the server and a client hold: 40 MB.
const EVENTS: u64 = 640;
const BYTES: u64 = 64_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_loses_events_is_told_how_many_and_slows_nobody() {
    let site = Site::start().await;
    let mut stalled = site.listen("news").await;
    let mut reading = site.listen("news").await;
    let read = tokio::spawn(async move {
        let mut account = Account::from(0);
        while follow(&mut account, reading.event().await) < EVENTS {}
        account
    });
    let mut from = 0;
    while from < EVENTS {
        let args = json!({ "channel": "news", "from": from, "count": 10, "bytes": BYTES });
        soon(site.call("burst", args)).await;
        from += 10;
        // A reading client keeps up with this.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let account = soon(read).await.unwrap();
    assert_eq!(
        account.lost, 0,
        "who reads gets all, beside somebody who does not"
    );

    let mut account = Account::from(0);
    while follow(&mut account, stalled.event().await) < EVENTS {}
    assert!(account.lost > EVENTS / 8, "{account:?}");
    site.publish("news", "after").await;
    assert_eq!(stalled.event().await.data, "after", "and then all goes on");
}

/// Takes an event of the burst or the word of a loss.
fn follow(account: &mut Account, event: goatherd_tests::SseEvent) -> u64 {
    account.take(match &*event.event_type {
        "n" => Heard::Number(event.data.trim_end_matches('.').parse().unwrap()),
        "lost" => {
            let lost: Value = serde_json::from_str(&event.data).unwrap();
            Heard::Lost(lost["count"].as_u64().unwrap())
        }
        other => panic!("{other}: {event:?}"),
    })
}
