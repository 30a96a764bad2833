//! The server: that the example serves real numbers, and that what is not granted is not there.

use std::process::Command;
use std::time::{Duration, Instant};

use goatherd_tests::{Helpdesk, Outcome, Server, helpdesk, servers, steady};
use serde_json::{Value, json};

/// A server in a helpdesk's folder, open to this machine, with these grants for its plugins.
fn serve(helpdesk: &Helpdesk, grants: &[(&str, &[&str])], guests: &[&str]) -> Server {
    let mut configuration = format!("database = {:?}\nopen = true\n", helpdesk.path_text());
    for (plugin, grants) in grants {
        configuration.push_str(&format!("[plugin.{plugin}]\ngrants = {grants:?}\n"));
    }
    Server::start(helpdesk.folder(), &configuration, guests)
}

const STATS: (&str, &[&str]) = (
    "helpdesk-stats",
    &["db:read=ticket,queue", "cache:readwrite"],
);
const PROBE: (&str, &[&str]) = ("probe", &["db:readwrite=note", "cache:readwrite", "config"]);

fn plugin(server: &Server, name: &str) -> Value {
    let all = server.get("/api/v1/plugins").json();
    let all = all
        .as_array()
        .or_else(|| all["plugins"].as_array())
        .expect("a list of plugins");
    all.iter()
        .find(|plugin| plugin["name"] == name)
        .unwrap_or_else(|| panic!("{name} is not in {all:?}"))
        .clone()
}

#[test]
fn the_example_serves_real_numbers_through_its_route_its_widget_and_its_menu() {
    let helpdesk = helpdesk();
    let server = serve(&helpdesk, &[STATS], &["helpdesk-stats"]);
    let total = helpdesk.number("SELECT COUNT(*) FROM ticket");
    let open =
        helpdesk.number("SELECT COUNT(*) FROM ticket WHERE queue_id = 1 AND state <> 'closed'");
    let in_queue = helpdesk.number("SELECT COUNT(*) FROM ticket WHERE queue_id = 1");

    let route = server.get("/api/plugins/helpdesk-stats/stats");
    assert_eq!(route.status, 200, "{route:?}");
    assert_eq!(route.json()["tickets"]["total"], total);
    let queue = server.get("/api/plugins/helpdesk-stats/queue?name=Support");
    assert_eq!(
        (queue.status, &queue.json()["total"]),
        (200, &json!(in_queue))
    );

    let widget = server.get("/api/v1/plugins/helpdesk-stats/widgets/tickets-by-queue");
    assert_eq!(widget.status, 200, "{widget:?}");
    let html = widget.json()["html"].as_str().unwrap().to_owned();
    assert!(
        html.contains(&format!("{open} open of {in_queue}")),
        "{html}"
    );

    let menu = server.get("/api/v1/menu?location=agent").json().to_string();
    assert!(
        menu.contains("Statistics") && menu.contains("/api/plugins/helpdesk-stats/page"),
        "{menu}"
    );
    let start = server.get("/");
    assert_eq!(start.status, 200);
    assert!(start.body.contains("helpdesk-stats"), "{}", start.body);
}

#[test]
fn the_examples_widget_draws_the_numbers_in_the_language_of_the_visitor() {
    let helpdesk = helpdesk();
    let server = serve(&helpdesk, &[STATS], &["helpdesk-stats"]);
    let open =
        helpdesk.number("SELECT COUNT(*) FROM ticket WHERE queue_id = 1 AND state <> 'closed'");
    let total = helpdesk.number("SELECT COUNT(*) FROM ticket WHERE queue_id = 1");
    let widget = |language: &str| {
        let path = "/api/v1/plugins/helpdesk-stats/widgets/tickets-by-queue";
        let answer = server.ask("GET", path, &[("Accept-Language", language)], "");
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["html"].as_str().unwrap().to_owned()
    };
    let english = widget("en");
    assert!(
        english.contains("<svg") && english.contains(&format!("{open} open of {total}")),
        "{english}"
    );
    assert!(
        english.contains("Returns &amp; &quot;Repairs&quot;"),
        "names are escaped: {english}"
    );
    let german = widget("de-AT");
    assert!(
        german.contains("Tickets nach Queue")
            && german.contains(&format!("{open} offen von {total}")),
        "{german}"
    );
    assert!(widget("ar").contains(r#"direction="rtl""#));
    assert!(
        widget("fr").contains("Tickets by queue"),
        "the fallback language"
    );
}

#[test]
fn the_examples_route_takes_json_by_post() {
    let helpdesk = helpdesk();
    let server = serve(&helpdesk, &[STATS], &["helpdesk-stats"]);
    let compare = |body: &str| server.ask("POST", "/api/plugins/helpdesk-stats/compare", &[], body);
    let total = helpdesk.number("SELECT COUNT(*) FROM ticket WHERE queue_id = 1");
    let answer = compare(r#"{"queues": ["Support"]}"#);
    assert_eq!(answer.status, 200, "{answer:?}");
    let queue = answer.json()[0].clone();
    assert_eq!(
        (&queue["name"], &queue["total"]),
        (&json!("Support"), &json!(total))
    );
    for (body, status) in [
        (r#"{"queues": ["Support", "Nowhere"]}"#, 404),
        (r#"{"queues": "Support"}"#, 400),
        ("{", 400),
    ] {
        assert_eq!(compare(body).status, status, "{body}");
    }
}

#[test]
fn a_widgets_document_can_run_no_script_and_ask_for_nothing() {
    let helpdesk = helpdesk();
    let server = serve(&helpdesk, &[STATS], &["helpdesk-stats"]);
    let document = server.get("/widgets/helpdesk-stats/tickets-by-queue");
    assert_eq!(document.status, 200, "{document:?}");
    assert!(document.body.contains("<svg"), "{}", document.body);
    let policy = document
        .header("content-security-policy")
        .expect("it has a policy");
    assert!(
        policy.contains("sandbox")
            && policy.contains("default-src 'none'")
            && !policy.contains("allow-scripts"),
        "{policy}"
    );
}

#[test]
fn a_plugin_without_its_grants_is_shown_with_what_it_lacks_and_not_served() {
    let helpdesk = helpdesk();
    let server = serve(
        &helpdesk,
        &[("helpdesk-stats", &["cache:readwrite"]), PROBE],
        &["helpdesk-stats", "probe"],
    );
    let shown = plugin(&server, "helpdesk-stats");
    assert_eq!(shown["enabled"], false, "{shown}");
    let error = shown["error"].to_string();
    assert!(
        error.contains("goatherd:plugin/db-read@0.1.0") && error.contains("db:read"),
        "{shown}"
    );
    assert_eq!(server.get("/api/plugins/helpdesk-stats/stats").status, 404);
    assert_eq!(
        plugin(&server, "probe")["enabled"],
        true,
        "the others are served"
    );
}

#[test]
fn a_grant_for_tickets_alone_is_refused_at_the_table_queue() {
    let helpdesk = helpdesk();
    let server = serve(
        &helpdesk,
        &[("helpdesk-stats", &["db:read=ticket", "cache:readwrite"])],
        &["helpdesk-stats"],
    );
    let answer = server.get("/api/plugins/helpdesk-stats/stats");
    assert_ne!(answer.status, 200);
    // Every visitor of this server is an administrator, who is told.
    assert!(
        answer.body.contains("permission-denied") && answer.body.contains("queue"),
        "{answer:?}"
    );
}

#[test]
fn a_plugin_that_nobody_decided_about_waits() {
    let helpdesk = helpdesk();
    let server = serve(&helpdesk, &[], &["hello-js"]);
    let shown = plugin(&server, "hello-js");
    assert_eq!(
        (&shown["enabled"], &shown["error"]),
        (&json!(false), &Value::Null),
        "{shown}"
    );
    assert_eq!(server.get("/api/plugins/hello-js/hello").status, 404);
}

#[test]
fn files_that_are_no_plugins_are_shown_with_the_reason_and_stop_nobody() {
    let helpdesk = helpdesk();
    let guests = [
        "hello-js",
        "foreign",
        "future",
        "stranger",
        "misregistered",
        "bench.core",
    ];
    let server = serve(&helpdesk, &[("hello-js", &["cache:readwrite"])], &guests);
    let all = server.get("/api/v1/plugins").body;
    for words in [
        "goatherd:plugin/guest",
        "0.9.0",
        "acme:telepathy/mind@1.0.0",
        "routes[0].methods[0]",
        "core module",
    ] {
        assert!(all.contains(words), "{words} is not in {all}");
    }
    assert_eq!(
        server.get("/api/plugins/hello-js/hello?name=Ada").json()["greeting"],
        "Hello, Ada!"
    );
}

#[test]
fn a_client_cannot_say_who_it_is() {
    let helpdesk = helpdesk();
    let configuration = format!(
        "database = {:?}\n[plugin.probe]\ngrants = {:?}\n",
        helpdesk.path_text(),
        PROBE.1
    );
    let server = Server::start(helpdesk.folder(), &configuration, &["probe"]);
    let headers = [
        ("X-User", "root"),
        ("X-Org-Id", "7"),
        ("X-Forwarded-User", "root"),
        ("Remote-User", "root"),
        ("Authorization", "Bearer x"),
    ];
    let answer = server.ask(
        "GET",
        "/api/plugins/probe/context?user=root&org_id=7",
        &headers,
        "",
    );
    // Either the wrong token is refused, or the visitor is nobody.
    if answer.status != 401 {
        assert_eq!(
            (&answer.json()["user"], &answer.json()["org_id"]),
            (&Value::Null, &Value::Null),
            "{answer:?}"
        );
    }
    let answer = server.get("/api/plugins/probe/context?user=root&org_id=7");
    assert_eq!(
        (
            answer.status,
            &answer.json()["user"],
            &answer.json()["org_id"]
        ),
        (200, &Value::Null, &Value::Null),
        "{answer:?}"
    );
    assert_eq!(
        server.get("/api/v1/plugins").status,
        401,
        "the list is for administrators"
    );
}

#[test]
fn a_handler_sees_the_request() {
    let helpdesk = helpdesk();
    let server = serve(&helpdesk, &[PROBE], &["probe"]);
    let seen = server.get("/api/plugins/probe/echo/42?a=1&b=%C3%A9").json();
    assert_eq!(
        (&seen["method"], &seen["params"]),
        (&json!("GET"), &json!([["id", "42"]])),
        "{seen}"
    );
    assert_eq!(seen["query"], json!([["a", "1"], ["b", "é"]]), "{seen}");
    assert_eq!(
        server
            .ask("DELETE", "/api/plugins/probe/echo/42", &[], "")
            .status,
        405
    );
    assert_eq!(server.get("/api/plugins/probe/nothing").status, 404);
}

#[test]
fn a_plugins_own_error_has_the_status_that_it_registered() {
    let helpdesk = helpdesk();
    let server = serve(&helpdesk, &[STATS], &["helpdesk-stats"]);
    let answer = server.get("/api/plugins/helpdesk-stats/queue?name=Nowhere");
    assert_eq!(answer.status, 404, "{answer:?}");
    assert!(answer.body.contains("unknown-queue"), "{answer:?}");
    assert_eq!(server.get("/api/plugins/helpdesk-stats/queue").status, 400);
}

#[test]
fn a_plugin_that_fails_repeatedly_is_shown_as_such() {
    let helpdesk = helpdesk();
    let plugins = helpdesk.folder().join("plugins");
    std::fs::create_dir_all(&plugins).unwrap();
    std::fs::write(plugins.join("a.wasm"), steady('a', 1, b'c')).unwrap();
    let server = serve(&helpdesk, &[("steady-a", &["plugin_call=*"])], &[]);
    assert_eq!(plugin(&server, "steady-a")["health"]["state"], "healthy");
    for _ in 0..5 {
        assert_eq!(server.get("/api/plugins/steady-a/page").status, 502);
    }
    let health = plugin(&server, "steady-a")["health"].clone();
    assert_eq!(health["state"], "tripped", "{health}");
    let start = server.get("/").body;
    assert!(
        start.contains("Failed repeatedly and is left alone for"),
        "{start}"
    );
    let calls = plugin(&server, "steady-a")["metrics"]["calls"].clone();
    let answer = server.get("/api/plugins/steady-a/page");
    assert_eq!(answer.status, 503);
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=6).contains(&seconds), "{seconds}");
    assert_eq!(plugin(&server, "steady-a")["metrics"]["calls"], calls);
}

#[test]
fn a_running_server_reloads_a_plugin_for_its_administrator_and_for_nobody_else() {
    let helpdesk = helpdesk();
    let plugins = helpdesk.folder().join("plugins");
    std::fs::create_dir_all(&plugins).unwrap();
    let file = plugins.join("a.wasm");
    std::fs::write(&file, steady('a', 1, b'n')).unwrap();
    let configuration = "admin_token = \"a-token-of-this-test\"\nwatch = false\n\
         [plugin.steady-a]\ngrants = [\"plugin_call=*\"]\n";
    let server = Server::start(helpdesk.folder(), configuration, &[]);
    let address = server.address().to_string();
    std::fs::write(&file, steady('a', 2, b'n')).unwrap();
    let reload = |name: &str, token: &str| {
        let mut command = Outcome::command(helpdesk.folder());
        command.args(["plugin", "reload", name, "--server", &address]);
        Outcome::of(command.env("GOATHERD_ADMIN_TOKEN", token))
    };
    let refused = reload("steady-a", "another-token-than-that").error();
    assert!(refused.to_string().contains("401"), "{refused}");
    let unknown = reload("nobody", "a-token-of-this-test").error();
    assert!(
        unknown.to_string().contains("no plugin of that name"),
        "{unknown}"
    );
    let reloaded = reload("steady-a", "a-token-of-this-test").result();
    assert_eq!(reloaded, json!({ "name": "steady-a", "version": "2.0.0" }));
    std::fs::write(&file, steady('a', 3, b'i')).unwrap();
    let failed = reload("steady-a", "a-token-of-this-test").error();
    assert!(
        failed.to_string().contains("init fails as asked"),
        "{failed}"
    );
}

#[test]
fn a_server_on_postgresql_follows_what_another_process_decides_and_switches_within_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let plugins = folder.path().join("plugins");
    std::fs::create_dir_all(&plugins).unwrap();
    std::fs::write(plugins.join("a.wasm"), steady('a', 1, b'n')).unwrap();
    let configuration = format!("database = {:?}\nopen = true\n", servers::postgres());
    let server = Server::start(folder.path(), &configuration, &[]);
    assert_eq!(plugin(&server, "steady-a")["state"], "waiting");
    let run = |arguments: &[&str]| {
        let done = Outcome::of(Outcome::command(folder.path()).args(arguments));
        assert_eq!(done.status, Some(0), "{done:?}");
        Instant::now()
    };
    let mut waits = Vec::new();
    let mut until = |state: &str, since: Instant| {
        while plugin(&server, "steady-a")["state"] != state {
            assert!(since.elapsed().as_secs() < 30, "it is not {state}");
            std::thread::sleep(Duration::from_millis(10));
        }
        waits.push(since.elapsed());
    };
    until(
        "enabled",
        run(&["plugin", "approve", "steady-a", "--as-requested"]),
    );
    for _ in 0..3 {
        until("disabled", run(&["plugin", "disable", "steady-a"]));
        until("enabled", run(&["plugin", "enable", "steady-a"]));
    }
    until("blocked", run(&["plugin", "block", "steady-a"]));
    // Which a busy machine may miss now and then.
    waits.sort();
    assert!(waits[waits.len() / 2] < Duration::from_secs(1), "{waits:?}");
}

#[test]
fn a_server_that_is_told_to_stop_ends_well() {
    let helpdesk = helpdesk();
    let mut server = serve(&helpdesk, &[STATS], &["helpdesk-stats"]);
    assert_eq!(server.get("/api/plugins/helpdesk-stats/stats").status, 200);
    let told = Command::new("kill")
        .args(["-TERM", &server.id().to_string()])
        .status()
        .unwrap();
    assert!(told.success());
    assert_eq!(server.wait().code(), Some(0));
}
