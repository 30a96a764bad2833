//! What concerns a registration as a whole.

use serde_json::json;

use super::*;

#[test]
fn a_plugin_that_adds_nothing_is_right() {
    let registration = parse(plain()).unwrap();
    assert_eq!(registration.name.as_str(), "stats");
    assert_eq!(
        serde_json::to_value(&registration).unwrap(),
        json!({"name": "stats", "version": "2.0.0", "description": "", "author": "", "license": ""})
    );
}

#[test]
fn five_mistakes_are_five_problems_each_with_its_field() {
    let mut given = plain();
    given.version = "two".into();
    given.homepage = "javascript:alert(1)".into();
    given.contributions = vec![
        Contribution::Route(route("GET", "/api/plugins/stats/report")),
        Contribution::Route(route("FETCH", "/api/plugins/stats/more")),
        Contribution::Job(job("* * * *")),
        Contribution::Widget(wire::Widget {
            refreshable: true,
            refresh_sec: Some(2),
            ..widget("clock")
        }),
    ];
    let found = problems(given);
    let fields: Vec<&str> = found.iter().map(|problem| problem.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "version",
            "homepage",
            "routes[1].method",
            "jobs[0].schedule",
            "widgets[0].refresh_sec",
        ]
    );
    assert_eq!(found.to_string().lines().count(), 5);
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!(json[2]["field"], "routes[1].method");
    assert_eq!(
        json[2]["message"],
        "route \"/api/plugins/stats/more\": \"FETCH\" is not a known HTTP method; expected GET, HEAD, POST, PUT, \
         PATCH, DELETE or OPTIONS"
    );
}

#[test]
fn several_mistakes_in_one_contribution_are_all_told() {
    let found = problems(wire::Registration {
        contributions: vec![Contribution::Route(wire::Route {
            method: "get".into(),
            path: "stats".into(),
            handler: String::new(),
            middleware: vec!["root".into(), "public".into(), "auth".into()],
            description: "x".repeat(5000),
        })],
        ..plain()
    });
    let fields: Vec<&str> = found.iter().map(|problem| problem.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "routes[0].method",
            "routes[0].path",
            "routes[0].handler",
            "routes[0].middleware[0]",
            "routes[0].middleware[2]",
            "routes[0].description",
        ]
    );
}

#[test]
fn a_plugin_for_a_newer_host_is_refused_in_one_sentence() {
    let found = problems(wire::Registration {
        min_host_version: Some("0.11.0".into()),
        ..plain()
    });
    let messages: Vec<&str> = found
        .iter()
        .map(|problem| problem.message.as_str())
        .collect();
    assert_eq!(
        messages,
        ["stats 2.0.0 requires goatherd >= 0.11.0, this is 0.10.0"]
    );
}

#[test]
fn a_plugin_for_this_host_or_an_older_one_is_taken() {
    for version in ["0.10.0", "0.9.7", "0.10.0-rc.1"] {
        assert!(
            parse(wire::Registration {
                min_host_version: Some(version.into()),
                ..plain()
            })
            .is_ok(),
            "{version}"
        );
    }
}

#[test]
fn versions_are_strict() {
    for version in [
        "",
        "1",
        "1.0",
        "v1.0.0",
        "01.0.0",
        "1.0.0 ",
        &"1".repeat(200),
    ] {
        let found = problems(wire::Registration {
            version: version.into(),
            ..plain()
        });
        assert_eq!(found.iter().next().unwrap().field, "version", "{version}");
    }
    let found = problems(wire::Registration {
        min_host_version: Some("0.9".into()),
        ..plain()
    });
    assert_eq!(found.iter().next().unwrap().field, "min_host_version");
}

#[test]
fn a_name_that_could_leave_its_folder_is_refused() {
    let found = problems(wire::Registration {
        name: "../stats".into(),
        ..plain()
    });
    assert_eq!(
        found.to_string(),
        "name: the plugin name \"../stats\" begins with '.' instead of a lower-case letter; it must match \
         ^[a-z][a-z0-9-]{0,62}$"
    );
}

#[test]
fn texts_of_the_plugin_are_limited_to_four_kibibytes() {
    let text = "x".repeat(4097);
    let found = problems(wire::Registration {
        description: text.clone(),
        author: text.clone(),
        license: text.clone(),
        homepage: text,
        ..plain()
    });
    let fields: Vec<&str> = found.iter().map(|problem| problem.field.as_str()).collect();
    assert_eq!(fields, ["description", "author", "license", "homepage"]);
}

#[test]
fn huge_texts_make_small_messages() {
    let huge = "A".repeat(1_000_000);
    let mut bad_job = job(&huge);
    bad_job.id.clone_from(&huge);
    bad_job.handler.clone_from(&huge);
    bad_job.time_zone = Some(huge.clone());
    let mut bad_field = field(
        &huge,
        wire::FieldType::Other(huge.clone()),
        Some("not JSON".repeat(10_000).as_str()),
    );
    bad_field.entity_type.clone_from(&huge);
    let found = problems(wire::Registration {
        name: huge.clone(),
        version: huge.clone(),
        description: huge.clone(),
        homepage: huge.clone(),
        min_host_version: Some(huge.clone()),
        contributions: vec![
            Contribution::Route(route(&huge, &huge)),
            Contribution::MenuItem(menu_item(&huge, Some(&huge))),
            Contribution::Job(bad_job),
            Contribution::CustomField(bad_field),
            Contribution::Permission(huge.clone()),
            Contribution::LandingPage(huge.clone()),
            Contribution::ConfigSchema(huge),
        ],
        ..plain()
    });
    assert!(found.len() > 15);
    for problem in &found {
        assert!(problem.to_string().len() < 700, "{problem}");
    }
}

#[test]
fn at_most_ten_thousand_contributions_are_taken() {
    let many = |count| vec![Contribution::HideMenuItem("tickets".into()); count];
    assert_eq!(with(many(10_000)).hide_menu_items.len(), 10_000);
    refused(many(10_001), "contributions", "at most 10000");
}

#[test]
fn a_flood_of_problems_is_listed_up_to_a_limit_and_counted() {
    let found = problems(wire::Registration {
        contributions: vec![Contribution::HideMenuItem("a b".into()); 5000],
        ..plain()
    });
    assert_eq!(found.len(), PROBLEMS_MAX + 1);
    let last = found.iter().last().unwrap();
    assert_eq!(last.message, "4000 further problems are not listed");
}

#[test]
fn requests_are_kept_in_both_forms() {
    let registration = parse(wire::Registration {
        resources: Some(wire::ResourceRequest {
            memory_mb: Some(64),
            call_timeout_ms: Some(1500),
            init_timeout_ms: Some(10_000),
            shutdown_timeout_ms: None,
            permissions: vec![wire::PermissionRequest {
                kind: "db".into(),
                access: Some("read".into()),
                scope: vec!["ticket".into()],
            }],
        }),
        contributions: vec![
            Contribution::Permission("entity:hard_delete=contact,agent".into()),
            Contribution::Permission("http".into()),
        ],
        ..plain()
    })
    .unwrap();
    let kinds: Vec<&str> = registration
        .requested_permissions()
        .map(|request| request.kind.as_str())
        .collect();
    assert_eq!(kinds, ["db", "entity", "http"]);
    let json = serde_json::to_value(&registration).unwrap();
    assert_eq!(
        json["resources"],
        json!({
            "memory_mb": 64, "call_timeout": "1500ms", "init_timeout": "10s",
            "permissions": [{"type": "db", "access": "read", "scope": ["ticket"]}]
        })
    );
    assert_eq!(
        json["permissions"],
        json!([
            {"type": "entity", "access": "hard_delete", "scope": ["contact", "agent"]},
            {"type": "http"}
        ])
    );
}

#[test]
fn requests_that_nobody_could_grant_are_told() {
    let request = |kind: &str, access: Option<&str>, scope: &[&str]| wire::PermissionRequest {
        kind: kind.into(),
        access: access.map(str::to_owned),
        scope: scope.iter().map(|entry| (*entry).to_owned()).collect(),
    };
    let found = problems(wire::Registration {
        resources: Some(wire::ResourceRequest {
            memory_mb: Some(0),
            call_timeout_ms: Some(0),
            init_timeout_ms: Some(86_400_001),
            shutdown_timeout_ms: Some(0),
            permissions: vec![
                request("sockets", None, &[]),
                request("db", Some("all"), &[]),
                request("db", Some("hard_delete"), &[]),
                request("cache", Some("read"), &[""]),
            ],
        }),
        contributions: vec![Contribution::Permission("db:raed".into())],
        ..plain()
    });
    let fields: Vec<&str> = found.iter().map(|problem| problem.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "resources.memory_mb",
            "resources.call_timeout_ms",
            "resources.init_timeout_ms",
            "resources.shutdown_timeout_ms",
            "resources.permissions[0].kind",
            "resources.permissions[1].access",
            "resources.permissions[2].access",
            "resources.permissions[3].scope",
            "permissions[0]",
        ]
    );
    let last = found.iter().last().unwrap();
    assert_eq!(
        last.message,
        "permission \"db:raed\": \"raed\" is not a known access; expected read, write, readwrite or hard_delete"
    );
}
