//! Plugins that call each other, and themselves.

use futures::future::join_all;

use super::*;

fn circle(length: usize) -> Value {
    let path: Vec<&str> = ["relay-b", "relay-a"]
        .into_iter()
        .cycle()
        .take(length)
        .collect();
    json!({ "path": path })
}

#[tokio::test]
async fn a_plugin_can_call_itself() {
    let managed = relays(&['a'], &limits()).await;
    let args = json!({ "path": ["relay-a", "relay-a", "relay-a"] });
    let seen = call(&managed.plugin("relay-a"), "relay", args)
        .await
        .unwrap();
    assert_eq!(seen["plugin"], "relay-a");
}

#[tokio::test]
async fn ten_calls_deep_is_allowed_and_eleven_show_the_chain() {
    let managed = relays(&['a', 'b'], &limits()).await;
    let a = managed.plugin("relay-a");
    let seen = call(&a, "relay", circle(10)).await.unwrap();
    assert_eq!(seen["plugin"], "relay-a");
    let error = refused(call(&a, "relay", circle(11)).await);
    let Error::Conflict(text) = error else {
        panic!("{error:?}")
    };
    let chain = ["relay-a → relay-b"; 5].join(" → ");
    assert!(
        text.contains(&format!("{chain} → relay-a → relay-b")),
        "{text}"
    );
    assert!(text.contains("at most 10"), "{text}");
}

#[tokio::test]
async fn circles_at_full_load_end_though_each_plugin_has_a_single_instance() {
    let alone = limits().instances(1);
    let managed = relays(&['a', 'b'], &alone).await;
    let (a, b) = (managed.plugin("relay-a"), managed.plugin("relay-b"));
    let calls = (0..24).map(|number| {
        let start = if number % 2 == 0 { &a } else { &b };
        call(start, "relay", circle(1 + number % 10))
    });
    for ended in join_all(calls).await {
        ended.unwrap();
    }
}

#[tokio::test]
async fn extra_instances_of_nested_calls_do_not_stay() {
    let few = limits().instances(1);
    let managed = relays(&['a'], &few).await;
    let a = managed.plugin("relay-a");
    let args = json!({ "path": ["relay-a", "relay-a", "relay-a", "relay-a"] });
    call(&a, "relay", args).await.unwrap();
    let latest = Instant::now() + Duration::from_secs(20);
    while a.instances() > 1 {
        assert!(
            Instant::now() < latest,
            "{} instances are left",
            a.instances()
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    managed.manager.disable("relay-a").await.unwrap();
    assert_eq!(a.instances(), 0);
}

#[tokio::test]
async fn a_plugin_can_be_disabled_while_it_waits_for_itself() {
    let managed = relays(&['a'], &limits()).await;
    let a = managed.plugin("relay-a");
    let args = json!({ "path": ["relay-a"], "then": "spin", "with": { "ms": 300 } });
    let running = tokio::spawn(async move { call(&a, "relay", args).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    managed.manager.disable("relay-a").await.unwrap();
    running.await.unwrap().unwrap();
}
