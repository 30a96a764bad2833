//! Brokers that go away, lose what they know, or are told lies.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use goatherd::capability::events::{Delivery, LastSeen};
use goatherd_tests::call;
use serde_json::json;
use tokio_postgres::{Client, NoTls};

use super::account::{Account, Heard};
use super::brokers::{Nodes, event, is_silent, next, soon, texts, unique};

/// The second node hears nothing for a while, in which so many events are published.
const MISSED: u64 = 3;

/// Pulls the second node's cable, publishes, does something, and puts it back. Returns how many events its listener lost.
async fn after_an_outage(nodes: &Nodes, meanwhile: impl AsyncFnOnce()) -> u64 {
    let cable = nodes.cable.as_ref().expect("there is a cable");
    let mut there = nodes.second.listen("news", LastSeen::Nothing);
    let mut quiet = nodes.second.listen("quiet", LastSeen::Nothing);
    nodes.first.publish("news", "0").await;
    nodes.first.publish("quiet", "0").await;
    texts(&mut there, 1).await;
    texts(&mut quiet, 1).await;

    cable.pull();
    let began = Instant::now();
    let args = json!({ "channel": "news", "type": "note", "data": "x" });
    let refused = call(&nodes.second.plugin, "publish", args)
        .await
        .unwrap_err();
    assert_eq!(refused.to_contract().code(), "unavailable", "{refused}");
    assert!(began.elapsed() < Duration::from_secs(5), "it is told soon");
    for number in 1..=MISSED {
        nodes.first.publish("news", &number.to_string()).await;
    }
    assert!(is_silent(&mut there).await);
    meanwhile().await;

    cable.plug();
    let mut account = Account::from(1);
    let mut end = 0;
    while end <= MISSED {
        end = account.take(match next(&mut there).await {
            Delivery::Event(event) => Heard::Number(event.message.data().parse().unwrap()),
            Delivery::Lost { count } => Heard::Lost(count.expect("the count is known")),
        });
    }
    // Who comes back to the node later is told the same.
    let node = &nodes.second;
    let seen = node.publish_as("probe-events", "news", "4").await.unwrap();
    assert_eq!(event(&mut there).await.id, seen);
    assert!(
        is_silent(&mut quiet).await,
        "where nothing happened nothing is told"
    );
    node.publish("quiet", "1").await;
    assert_eq!(texts(&mut quiet, 1).await, ["1"]);
    account.lost
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_lost_redis_tells_how_much_it_missed_and_goes_on() {
    let nodes = Nodes::redis().await;
    assert_eq!(after_an_outage(&nodes, async || {}).await, MISSED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_lost_postgresql_reads_what_it_missed() {
    let nodes = Nodes::postgres().await;
    assert_eq!(after_an_outage(&nodes, async || {}).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_lost_postgresql_for_too_long_tells_how_much_it_missed() {
    let nodes = Nodes::postgres().await;
    let client = client(&nodes.url).await;
    let lost = after_an_outage(&nodes, async || {
        client
            .batch_execute("DELETE FROM goatherd_event")
            .await
            .unwrap();
    });
    assert_eq!(lost.await, MISSED);
}

/// A Redis server of the test's own. Killed when dropped.
struct OwnRedis {
    port: u16,
    process: Child,
}

impl OwnRedis {
    fn start(port: u16) -> Self {
        let mut command = Command::new("redis-server");
        command
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no"])
            .stdout(Stdio::null());
        let process = command.spawn().expect("redis-server is installed");
        let began = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(30), "Redis starts");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { port, process }
    }
}

impl Drop for OwnRedis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_redis_forgot_everything_listeners_are_told_and_counting_begins_anew() {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let redis = OwnRedis::start(port);
    let nodes = Nodes::redis_at(format!("redis://127.0.0.1:{}", redis.port)).await;
    let mut there = nodes.second.listen("news", LastSeen::Nothing);
    nodes.first.publish("news", "before").await;
    let before = event(&mut there).await.id;

    drop(redis);
    let refused = nodes.first.publish_as("probe-events", "news", "x").await;
    assert!(refused.is_err());
    let _redis = OwnRedis::start(port);
    assert_eq!(next(&mut there).await, Delivery::Lost { count: None });
    soon(async {
        while nodes
            .first
            .publish_as("probe-events", "news", "after")
            .await
            .is_err()
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    let after = event(&mut there).await;
    assert_eq!(after.message.data(), "after");
    assert_ne!(after.id.epoch, before.epoch);

    let mut back = nodes.second.listen("news", LastSeen::Event(before));
    assert_eq!(next(&mut back).await, Delivery::Lost { count: None });
    assert_eq!(texts(&mut back, 1).await, ["after"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_publish_in_redis_is_no_event() {
    let nodes = Nodes::redis().await;
    let mut there = nodes.second.listen("news", LastSeen::Nothing);
    let client = redis::Client::open(nodes.url.as_str()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let topic = format!("{}:events:", nodes.prefix);
    let parcel = |event_type: &str| {
        let parcel =
            json!({"plugin": "probe-events", "channel": "news", "type": event_type, "data": ""});
        format!("0123456789abcdef-1 {parcel}").into_bytes()
    };
    for payload in [
        Vec::new(),
        vec![0xff; 100],
        b"0123456789abcdef-1 {}".to_vec(),
        b"1 2 3".to_vec(),
        parcel("connected"),
        parcel("two\nlines"),
    ] {
        let heard: i64 = redis::cmd("PUBLISH")
            .arg(&topic)
            .arg(payload)
            .query_async(&mut connection)
            .await
            .unwrap();
        assert_eq!(heard, 2, "both nodes hear it");
    }
    nodes.first.publish("news", "real").await;
    assert_eq!(texts(&mut there, 1).await, ["real"]);
}

async fn client(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn another_role_of_the_database_can_neither_forge_nor_read_nor_repeat_events() {
    let nodes = Nodes::postgres().await;
    let mut there = nodes.second.listen("news", LastSeen::Nothing);
    nodes.first.publish("news", "1").await;
    nodes.first.publish("news", "2").await;
    assert_eq!(texts(&mut there, 2).await, ["1", "2"]);

    let role = unique("forger");
    let client = client(&nodes.url).await;
    client
        .batch_execute(&format!(
            "CREATE ROLE {role}; SET SESSION AUTHORIZATION {role}"
        ))
        .await
        .unwrap();
    for forbidden in [
        "INSERT INTO goatherd_event (plugin, channel, epoch, number, type, data) VALUES ('probe-events', 'news', 1, 1, 'a', 'b')",
        "UPDATE goatherd_event SET data = 'forged'",
        "DELETE FROM goatherd_event",
        "SELECT data FROM goatherd_event",
        "UPDATE goatherd_event_count SET number = 99",
        "DROP TABLE goatherd_event",
        "TRUNCATE goatherd_event",
    ] {
        assert!(
            client.batch_execute(forbidden).await.is_err(),
            "{forbidden}"
        );
    }
    for payload in [
        "1",
        "2",
        "3",
        "-1",
        "9223372036854775807",
        "99999999999999999999",
        "",
        "x",
    ] {
        let forged = client
            .execute("SELECT pg_notify('goatherd_event', $1)", &[&payload])
            .await;
        forged.unwrap();
    }
    // More than a node remembers at a time, and among them the rows that will be.
    client
        .execute(
            "SELECT pg_notify('goatherd_event', n::text) FROM generate_series(1, 5000) AS n",
            &[],
        )
        .await
        .unwrap();
    nodes.first.publish("news", "3").await;
    assert_eq!(texts(&mut there, 1).await, ["3"]);
    nodes.second.publish("news", "4").await;
    assert_eq!(texts(&mut there, 1).await, ["4"]);
    assert!(is_silent(&mut there).await, "nothing comes twice");
    client
        .batch_execute(&format!("RESET SESSION AUTHORIZATION; DROP ROLE {role}"))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_the_database_ends_is_opened_again() {
    let nodes = Nodes::postgres().await;
    let mut there = nodes.second.listen("news", LastSeen::Nothing);
    let client = client(&nodes.url).await;
    client
        .execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
            &[],
        )
        .await
        .unwrap();
    soon(async {
        while nodes
            .first
            .publish_as("probe-events", "news", "after")
            .await
            .is_err()
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    // The first event that this node hears of the channel, which may come before or after it hears again.
    loop {
        match next(&mut there).await {
            Delivery::Event(event) => break assert_eq!(event.message.data(), "after"),
            Delivery::Lost { count: None } => {}
            lost => panic!("{lost:?}"),
        }
    }
}
