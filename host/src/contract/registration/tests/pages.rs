//! What people see: routes, menus, widgets.

use serde_json::json;

use super::*;

#[test]
fn a_route_without_middleware_asks_for_a_signed_in_user() {
    let registration = with(vec![Contribution::Route(route(
        M::Get,
        "/api/plugins/stats/:id",
    ))]);
    assert_eq!(registration.routes[0].middleware, [Middleware::Auth]);
    assert_eq!(
        serde_json::to_value(&registration).unwrap()["routes"],
        json!([{
            "method": "GET", "path": "/api/plugins/stats/:id", "handler": "report", "middleware": ["auth"],
            "description": ""
        }])
    );
}

#[test]
fn wasi_http_is_a_handler_of_routes_alone() {
    let mut streaming = route(M::Post, "/api/plugins/stats/*rest");
    streaming.handler = wire::Handler::WasiHttp;
    streaming.middleware = vec![
        wire::Middleware::Auth,
        wire::Middleware::Group("stats-readers".into()),
        wire::Middleware::Auth,
    ];
    let registration = with(vec![Contribution::Route(streaming)]);
    assert_eq!(registration.routes[0].handler, Handler::WasiHttp);
    assert_eq!(
        serde_json::to_value(&registration.routes[0].middleware).unwrap(),
        json!(["auth", "group:stats-readers"])
    );
    let mut unknown = route(M::Get, "/x");
    unknown.handler = wire::Handler::Other("fast-cgi".into());
    refused(
        vec![Contribution::Route(unknown)],
        "routes[0].handler",
        "\"fast-cgi\" is not a known handler",
    );
}

#[test]
fn a_route_for_several_methods_is_one_for_each_and_has_its_own_limit_of_bodies() {
    let several = wire::Route {
        methods: vec![M::Get, M::Post, M::Get],
        max_body_bytes: Some(BODY_MAX),
        ..route(M::Get, "/a")
    };
    let routes = with(vec![Contribution::Route(several.clone())]).routes;
    let methods: Vec<Method> = routes.iter().map(|route| route.method).collect();
    assert_eq!(methods, [Method::Get, Method::Post]);
    assert!(routes.iter().all(|route| route.max_body_bytes == BODY_MAX));
    let none = wire::Route {
        methods: Vec::new(),
        ..several.clone()
    };
    refused(
        vec![Contribution::Route(none)],
        "routes[0].methods",
        "no method",
    );
    let large = wire::Route {
        max_body_bytes: Some(BODY_MAX + 1),
        ..several
    };
    refused(
        vec![Contribution::Route(large)],
        "routes[0].max_body_bytes",
        "at most",
    );
}

#[test]
fn middleware_that_contradicts_itself_is_refused() {
    use wire::Middleware as W;
    for (list, position) in [
        ([W::Public, W::Auth], 1),
        ([W::Group("a".into()), W::Public], 1),
        ([W::Webhook, W::Admin], 1),
        ([W::Public, W::Webhook], 1),
        ([W::Admin, W::Customer], 1),
    ] {
        let mut bad = route(M::Get, "/x");
        bad.middleware = list.to_vec();
        refused(
            vec![Contribution::Route(bad)],
            &format!("routes[0].middleware[{position}]"),
            "contradicts",
        );
    }
}

#[test]
fn two_routes_for_the_same_requests_are_refused() {
    let pair = |first: &str, second: &str| {
        vec![
            Contribution::Route(route(M::Get, first)),
            Contribution::Route(route(M::Get, second)),
        ]
    };
    refused(
        pair("/a/:x", "/a/:id"),
        "routes[1].path",
        "routes[0] has the same method and path",
    );
    assert_eq!(with(pair("/a/:x", "/a/b")).routes.len(), 2);
}

#[test]
fn a_menu_item_may_stand_under_its_own_or_the_applications() {
    let registration = with(vec![
        Contribution::MenuItem(menu_item("child", Some("root"))),
        Contribution::MenuItem(menu_item("root", Some("the-applications"))),
    ]);
    assert_eq!(registration.menu_items.len(), 2);
}

#[test]
fn parents_in_a_cycle_are_one_problem_that_shows_the_cycle() {
    refused(
        vec![Contribution::MenuItem(menu_item("a", Some("a")))],
        "menu_items[0].parent",
        "(\"a\" under \"a\")",
    );
    refused(
        vec![
            Contribution::MenuItem(menu_item("into", Some("a"))),
            Contribution::MenuItem(menu_item("a", Some("b"))),
            Contribution::MenuItem(menu_item("b", Some("c"))),
            Contribution::MenuItem(menu_item("c", Some("a"))),
            Contribution::MenuItem(menu_item("below", Some("c"))),
        ],
        "menu_items[1].parent",
        "(\"a\" under \"b\" under \"c\" under \"a\")",
    );
}

#[test]
fn a_long_chain_of_parents_is_no_cycle_and_quick() {
    let chain = (0..10_000)
        .map(|n| {
            let parent = format!("m{}", n + 1);
            Contribution::MenuItem(menu_item(&format!("m{n}"), Some(&parent)))
        })
        .collect();
    assert_eq!(with(chain).menu_items.len(), 10_000);
}

#[test]
fn a_parent_in_another_menu_is_refused() {
    let mut root = menu_item("root", None);
    root.location = wire::MenuLocation::Agent;
    refused(
        vec![
            Contribution::MenuItem(root),
            Contribution::MenuItem(menu_item("child", Some("root"))),
        ],
        "menu_items[1].parent",
        "it stands in the menu admin and its parent \"root\" in agent",
    );
}

#[test]
fn an_unknown_location_is_refused_with_the_known_ones() {
    let mut bad = menu_item("a", None);
    bad.location = wire::MenuLocation::Other("footer".into());
    refused(
        vec![Contribution::MenuItem(bad)],
        "menu_items[0].location",
        "\"footer\" is not a known menu location; expected admin, agent, customer or profile",
    );
}

#[test]
fn a_menu_item_needs_an_id_of_its_own_a_label_and_a_path_here() {
    let twice = vec![
        Contribution::MenuItem(menu_item("a", None)),
        Contribution::MenuItem(menu_item("a", None)),
    ];
    refused(twice, "menu_items[1].id", "menu_items[0] has the same id");
    let mut bad = menu_item("a", None);
    bad.label = " ".into();
    refused(
        vec![Contribution::MenuItem(bad)],
        "menu_items[0].label",
        "is empty",
    );
    let mut bad = menu_item("a", None);
    bad.path = "//evil.example".into();
    refused(
        vec![Contribution::MenuItem(bad)],
        "menu_items[0].path",
        "empty segment",
    );
    refused(
        vec![Contribution::MenuItem(menu_item("a\"b", None))],
        "menu_items[0].id",
        "contains '\"'",
    );
}

#[test]
fn there_is_one_landing_page_and_it_is_on_this_server() {
    let page = |path: &str| Contribution::LandingPage(path.into());
    assert_eq!(
        with(vec![page("/stats")]).landing_page.unwrap().as_str(),
        "/stats"
    );
    refused(
        vec![page("https://evil.example")],
        "landing_page[0]",
        "does not begin",
    );
    refused(
        vec![page("/a"), page("/b")],
        "landing_page[1]",
        "at most one",
    );
}

#[test]
fn a_widget_is_of_medium_size_unless_it_says_so() {
    let registration = with(vec![Contribution::Widget(wire::Widget {
        refreshable: true,
        refresh_sec: Some(5),
        ..widget("clock")
    })]);
    let json = serde_json::to_value(&registration.widgets[0]).unwrap();
    assert_eq!(json["size"], "medium");
    assert_eq!(json["location"], "agent_home");
    assert_eq!(json["refresh_sec"], 5);
}

#[test]
fn a_widget_that_refreshes_by_itself_must_be_refreshable() {
    refused(
        vec![Contribution::Widget(wire::Widget {
            refresh_sec: Some(60),
            ..widget("clock")
        })],
        "widgets[0].refresh_sec",
        "not refreshable",
    );
}

#[test]
fn unknown_sizes_and_places_of_widgets_are_refused() {
    let mut bad = widget("clock");
    bad.size = Some(wire::WidgetSize::Other("huge".into()));
    refused(
        vec![Contribution::Widget(bad)],
        "widgets[0].size",
        "expected small, medium, large or full",
    );
    let mut bad = widget("clock");
    bad.location = wire::WidgetLocation::Other("moon".into());
    refused(
        vec![Contribution::Widget(bad)],
        "widgets[0].location",
        "ticket_sidebar",
    );
}
