//! What concerns a registration as a whole.

use serde_json::json;

use super::*;
use crate::contract::bindings::Exported;

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
    given.homepage = Some("javascript:alert(1)".into());
    given.contributions = vec![
        Contribution::Route(route(M::Get, "/api/plugins/stats/report")),
        Contribution::Route(route(M::Other("FETCH".into()), "/api/plugins/stats/more")),
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
            "routes[1].methods[0]",
            "jobs[0].schedule",
            "widgets[0].refresh_sec",
        ]
    );
    assert_eq!(found.to_string().lines().count(), 5);
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!(json[2]["field"], "routes[1].methods[0]");
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
            methods: vec![M::Other("get".into())],
            path: "stats".into(),
            handler: wire::Handler::Function(String::new()),
            middleware: vec![
                wire::Middleware::Other("root".into()),
                wire::Middleware::Public,
                wire::Middleware::Auth,
            ],
            description: Some("x".repeat(5000)),
            max_body_bytes: None,
        })],
        ..plain()
    });
    let fields: Vec<&str> = found.iter().map(|problem| problem.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "routes[0].methods[0]",
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
        description: Some(text.clone()),
        author: Some(text.clone()),
        license: Some(text.clone()),
        homepage: Some(format!("https://example.org/{text}")),
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
        description: Some(huge.clone()),
        homepage: Some(huge.clone()),
        min_host_version: Some(huge.clone()),
        contributions: vec![
            Contribution::Route(route(M::Other(huge.clone()), &huge)),
            Contribution::MenuItem(menu_item(&huge, Some(&huge))),
            Contribution::Job(bad_job),
            Contribution::CustomField(bad_field),
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
fn what_a_plugin_asks_for_is_kept_as_it_asks() {
    use wire::LimitRequest as Limit;
    let registration = parse(wire::Registration {
        resources: Some(wire::ResourceRequest {
            limits: vec![
                Limit::MemoryMib(64),
                Limit::CallTimeoutMs(1500),
                Limit::InitTimeoutMs(10_000),
                Limit::Other(("instances".into(), "4".into())),
            ],
            permissions: vec![
                wire::PermissionRequest {
                    kind: wire::PermissionKind::Db,
                    access: Some(wire::PermissionAccess::Read),
                    scope: vec!["ticket".into()],
                },
                wire::PermissionRequest {
                    kind: wire::PermissionKind::Http,
                    access: None,
                    scope: Vec::new(),
                },
            ],
        }),
        ..plain()
    })
    .unwrap();
    assert_eq!(
        serde_json::to_value(&registration.resources).unwrap(),
        json!({
            "memory_mb": 64, "call_timeout": "1500ms", "init_timeout": "10s", "others": {"instances": "4"},
            "permissions": [{"type": "db", "access": "read", "scope": ["ticket"]}, {"type": "http"}]
        })
    );
}

#[test]
fn requests_that_nobody_could_grant_are_told() {
    use wire::{LimitRequest as Limit, PermissionAccess as Level, PermissionKind as Kind};
    let request = |kind, access, scope: &[&str]| wire::PermissionRequest {
        kind,
        access,
        scope: scope.iter().map(|entry| (*entry).to_owned()).collect(),
    };
    let found = problems(wire::Registration {
        resources: Some(wire::ResourceRequest {
            limits: vec![
                Limit::MemoryMib(0),
                Limit::CallTimeoutMs(0),
                Limit::InitTimeoutMs(86_400_001),
                Limit::ShutdownTimeoutMs(1),
                Limit::ShutdownTimeoutMs(2),
            ],
            permissions: vec![
                request(Kind::Other("sockets".into()), None, &[]),
                request(Kind::Db, Some(Level::Other("raed".into())), &[]),
                request(Kind::Db, Some(Level::HardDelete), &[]),
                request(Kind::Http, Some(Level::Read), &[]),
                request(Kind::Cache, Some(Level::Read), &[""]),
            ],
        }),
        ..plain()
    });
    let fields: Vec<&str> = found.iter().map(|problem| problem.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "resources.limits[0]",
            "resources.limits[1]",
            "resources.limits[2]",
            "resources.limits[4]",
            "resources.permissions[0].kind",
            "resources.permissions[1].access",
            "resources.permissions[2].access",
            "resources.permissions[3].access",
            "resources.permissions[4].scope",
        ]
    );
    let messages: Vec<&str> = found
        .iter()
        .map(|problem| problem.message.as_str())
        .collect();
    assert_eq!(
        messages[5],
        "\"raed\" is not a known access; expected read, write, readwrite or hard_delete"
    );
    assert_eq!(
        messages[7],
        "\"read\" is an access, and http has none; leave it out"
    );
}

#[test]
fn a_contribution_whose_export_is_missing_is_named_with_the_interface_and_the_world() {
    let registration = with(vec![
        Contribution::Route(route(M::Get, "/api/plugins/stats/report")),
        Contribution::Widget(widget("clock")),
        Contribution::Job(job("0 6 * * *")),
    ]);
    let all = registration.check_exports(|_| true);
    assert_eq!(all, Ok(()));
    let found = registration
        .check_exports(|needed| needed == NeededExport::Contract(Exported::WidgetHandler))
        .unwrap_err();
    let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "routes[0]: route GET /api/plugins/stats/report: the component does not export route-handler; include the \
             world serves-routes and implement it",
            "jobs[0]: job \"nightly\": the component does not export job-handler; include the world serves-jobs and \
             implement it",
        ]
    );
}
