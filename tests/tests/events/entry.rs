//! Who may listen.

use std::time::{Duration, Instant};

use goatherd::capability::events::{HubLimits, LastSeen};
use goatherd::web::VISITOR_STREAMS;

use super::brokers::{PLUGIN, address};
use super::site::{Site, path};

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_not_signed_in_learns_nothing() {
    let site = Site::start().await;
    for path in [
        path("news"),
        path("asked.yes"),
        path("Not a channel").replace(' ', "%20"),
        "/api/v1/plugins/nobody/events/news".to_owned(),
    ] {
        let refused = site.try_open(&path, &[]).await.err().expect("refused");
        assert_eq!(refused.status, 401, "{path}");
        assert_eq!(refused.json()["detail"], "sign in first");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn channels_that_the_plugin_cannot_publish_to_are_not_there() {
    let site = Site::with(HubLimits::default(), &["events=news,tickets.*"]).await;
    for there in ["news", "tickets.7"] {
        site.listen(there).await;
    }
    let absent = [
        "other",
        PLUGIN,
        "News",
        "news%0a",
        "a".repeat(64).as_str(),
        "%ff",
        "..%2fnews",
    ]
    .map(path);
    for path in absent.iter().map(String::as_str).chain([
        "/api/v1/plugins/nobody/events/news",
        "/api/v1/plugins/probe-events/events/",
        "/api/v1/plugins/probe-events/events/news/more",
    ]) {
        let headers = [("X-Test-User", "Ada")];
        let refused = site.try_open(path, &headers).await.err().expect("refused");
        assert!([404, 400].contains(&refused.status), "{path}: {refused:?}");
        assert_eq!(
            refused.header("content-type"),
            Some("application/problem+json"),
            "{path}"
        );
    }
    site.until_listeners(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_authorizers_consent_lets_anybody_in() {
    let site = Site::start().await;
    site.listen("asked.yes").await;
    for refused in [
        "asked.no",
        "asked.error",
        "asked.trap",
        "asked.twice",
        "asked.unheard-of",
    ] {
        let answer = site.try_listen(refused, &[]).await.err().expect(refused);
        assert_eq!(answer.status, 403, "{refused}: {answer:?}");
        let problem = answer.json();
        assert_eq!(problem["code"], "permission-denied");
        let told = problem["detail"].as_str().unwrap();
        assert_eq!(
            told,
            "plugin probe-events does not let you listen to this channel"
        );
    }
    site.until_listeners(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authorizer_that_never_answers_refuses_in_time() {
    let site = Site::start().await;
    let began = Instant::now();
    let answer = site
        .try_listen("asked.loop", &[])
        .await
        .err()
        .expect("refused");
    assert_eq!(answer.status, 403, "{answer:?}");
    assert!(
        began.elapsed() < Duration::from_secs(12),
        "{:?}",
        began.elapsed()
    );
    site.listen("asked.yes").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authorizer_knows_who_asks_and_in_which_language() {
    let site = Site::start().await;
    for (user, language, status) in [("Ada", "de", 200), ("Ada", "en", 403), ("Bob", "de", 403)] {
        let headers = [("X-Test-User", user), ("Accept-Language", language)];
        let answer = site.try_open(&path("asked.who"), &headers).await;
        let seen = answer.map_or_else(|refused| refused.status, |stream| stream.head.status);
        assert_eq!(seen, status, "{user} {language}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_has_so_many_streams_and_others_are_not_hindered() {
    let site = Site::start().await;
    let mut all = Vec::new();
    for _ in 0..VISITOR_STREAMS {
        all.push(site.listen("news").await);
    }
    let refused = site.try_listen("other", &[]).await.err().expect("refused");
    assert_eq!(refused.status, 429, "{refused:?}");
    assert_eq!(refused.header("retry-after"), Some("30"));
    let bob = [("X-Test-User", "Bob")];
    let bobs = site.try_open(&path("news"), &bob).await;
    assert!(bobs.is_ok());
    all.pop();
    site.until_listeners(VISITOR_STREAMS).await;
    site.listen("news").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_has_so_many_listeners() {
    let limits = HubLimits::default().listeners(2);
    let site = Site::with(limits, &["events=*"]).await;
    let _one = site.listen("news").await;
    let at = address(PLUGIN, "other");
    let other = site
        .hub
        .subscribe(&at.plugin, &at.channel, LastSeen::Nothing);
    let refused = site.try_listen("news", &[]).await.err().expect("refused");
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(refused.header("retry-after").is_some());
    drop(other);
    site.listen("news").await;
}
