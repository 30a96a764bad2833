//! User interfaces.

use serde_json::json;

use super::*;

fn page(path: &str) -> wire::UiRoute {
    wire::UiRoute {
        path: path.into(),
        method: None,
        handler: wire::Handler::Function("page".into()),
    }
}

fn ui(kind: wire::UiKind) -> wire::Ui {
    wire::Ui {
        id: "board".into(),
        name: "Board".into(),
        description: None,
        kind,
        icon: None,
        shell: None,
        routes: vec![page("/")],
        branding: None,
        auth: None,
        pwa: None,
        nav: None,
        data_scope: None,
        rate_limit_per_minute: None,
    }
}

fn parsed(given: wire::Ui) -> Ui {
    with(vec![Contribution::Ui(given)]).uis.remove(0)
}

fn wrong(change: impl FnOnce(&mut wire::Ui), field: &str, text: &str) {
    let mut given = ui(wire::UiKind::AgentApp);
    change(&mut given);
    refused(
        vec![Contribution::Ui(given)],
        &format!("uis[0].{field}"),
        text,
    );
}

#[test]
fn what_is_left_out_depends_on_the_kind_and_is_closed() {
    use wire::UiKind as K;
    for (kind, shell, limit) in [
        (K::AdminPage, UiShell::Standard, None),
        (K::AgentApp, UiShell::Standard, None),
        (K::CustomerApp, UiShell::Minimal, None),
        (K::PublicPage, UiShell::Minimal, Some(60)),
        (K::Kiosk, UiShell::None, None),
    ] {
        let ui = parsed(ui(kind));
        assert_eq!(ui.shell, shell);
        assert_eq!(ui.rate_limit, limit);
        assert_eq!(ui.auth.method, UiAuthMethod::Session);
        assert_eq!(ui.data_scope, UiDataScope::Own);
        assert_eq!(ui.routes[0].method, Method::Get);
    }
}

#[test]
fn a_whole_interface_has_the_json_that_goatflow_knows() {
    let mut given = ui(wire::UiKind::CustomerApp);
    given.shell = Some(wire::UiShell::None);
    given.rate_limit_per_minute = Some(5);
    given.data_scope = Some(wire::UiDataScope::Org);
    given.branding = Some(wire::UiBranding {
        app_name: Some("Shop".into()),
        logo: Some("data:image/png;base64,AA==".into()),
        favicon: Some("https://example.org/f.ico".into()),
        color: Some("#1a2B3c".into()),
    });
    given.auth = Some(wire::UiAuth {
        method: wire::UiAuthMethod::Pin,
        groups: vec!["staff".into()],
    });
    given.pwa = Some(wire::UiPwa {
        enabled: true,
        start_url: Some("/start".into()),
        display: None,
        theme_color: Some("#abc".into()),
        cache_routes: vec!["/".into(), "/items".into()],
    });
    let entry = |label: &str, order| wire::UiNavItem {
        label: label.into(),
        icon: None,
        path: "/items".into(),
        badge: Some("count".into()),
        order,
    };
    given.nav = Some(wire::UiNav {
        position: wire::UiNavPosition::Bottom,
        items: vec![entry("Second", 2), entry("First", 1)],
    });
    let registration = with(vec![Contribution::Ui(given)]);
    assert_eq!(
        registration.uis[0].full_id(&registration.name),
        "stats_board"
    );
    assert_eq!(
        serde_json::to_value(&registration.uis[0]).unwrap(),
        json!({
            "id": "board", "name": "Board", "description": "", "type": "customer_app", "shell": "none",
            "routes": [{"path": "/", "method": "GET", "handler": "page"}],
            "branding": {
                "app_name": "Shop", "logo": "data:image/png;base64,AA==", "favicon": "https://example.org/f.ico",
                "color": "#1a2B3c"
            },
            "auth": {"method": "pin", "groups": ["staff"]},
            "pwa": {
                "enabled": true, "start_url": "/start", "display": "standalone", "theme_color": "#abc",
                "cache_routes": ["/", "/items"]
            },
            "nav": {"position": "bottom", "items": [
                {"label": "First", "path": "/items", "badge": "count", "order": 1},
                {"label": "Second", "path": "/items", "badge": "count", "order": 2}
            ]},
            "data_scope": "org", "rate_limit": 5
        })
    );
}

#[test]
fn an_interface_has_a_page_and_no_page_twice() {
    wrong(|ui| ui.routes.clear(), "routes", "0 pages");
    wrong(
        |ui| ui.routes = vec![page("/a/:x"), page("/a/:y")],
        "routes[1].path",
        "same as routes[0]",
    );
    wrong(
        |ui| ui.routes = vec![page("a")],
        "routes[0].path",
        "does not begin",
    );
    wrong(
        |ui| ui.routes[0].method = Some(M::Other("LOOK".into())),
        "routes[0].method",
        "\"LOOK\" is not a known HTTP method",
    );
}

#[test]
fn ids_of_interfaces_are_plain_and_unique() {
    wrong(|ui| ui.id = "my_board".into(), "id", "contains '_'");
    let twice = vec![
        Contribution::Ui(ui(wire::UiKind::Kiosk)),
        Contribution::Ui(ui(wire::UiKind::AdminPage)),
    ];
    refused(twice, "uis[1].id", "uis[0] has the same id");
}

#[test]
fn colours_and_images_cannot_smuggle_code() {
    let branding = |color: Option<&str>, logo: Option<&str>| wire::UiBranding {
        app_name: None,
        logo: logo.map(str::to_owned),
        favicon: None,
        color: color.map(str::to_owned),
    };
    for color in ["red", "#12", "#12345", "#ggg", "#fff;background:url(x)", ""] {
        wrong(
            |ui| ui.branding = Some(branding(Some(color), None)),
            "branding.color",
            "expected #rgb or #rrggbb",
        );
    }
    for logo in [
        "javascript:alert(1)",
        "data:text/html,x",
        "logo.png",
        "//evil.example/a.png",
    ] {
        wrong(
            |ui| ui.branding = Some(branding(None, Some(logo))),
            "branding.logo",
            "not the address of an image",
        );
    }
}

#[test]
fn groups_need_a_way_to_know_the_visitor() {
    wrong(
        |ui| {
            ui.auth = Some(wire::UiAuth {
                method: wire::UiAuthMethod::None,
                groups: vec!["staff".into()],
            });
        },
        "auth.groups",
        "expected no groups, or the method session, pin or token",
    );
    wrong(
        |ui| {
            ui.auth = Some(wire::UiAuth {
                method: wire::UiAuthMethod::Session,
                groups: vec!["The Staff".into()],
            });
        },
        "auth.groups[0]",
        "\"The Staff\"",
    );
}

#[test]
fn an_installed_interface_stays_inside_its_base() {
    let pwa = |start: Option<&str>, cached: &str| wire::UiPwa {
        enabled: true,
        start_url: start.map(str::to_owned),
        display: None,
        theme_color: None,
        cache_routes: vec![cached.into()],
    };
    wrong(
        |ui| ui.pwa = Some(pwa(Some("https://evil.example/"), "/")),
        "pwa.start_url",
        "does not begin",
    );
    wrong(
        |ui| ui.pwa = Some(pwa(None, "/../../admin")),
        "pwa.cache_routes[0]",
        "\"..\"",
    );
    wrong(
        |ui| ui.pwa = Some(pwa(None, "/%2e%2e/admin")),
        "pwa.cache_routes[0]",
        "\"..\"",
    );
}

#[test]
fn navigation_leads_to_pages_of_the_interface() {
    wrong(
        |ui| {
            ui.nav = Some(wire::UiNav {
                position: wire::UiNavPosition::Side,
                items: vec![wire::UiNavItem {
                    label: "Away".into(),
                    icon: None,
                    path: "https://evil.example/".into(),
                    badge: None,
                    order: 0,
                }],
            });
        },
        "nav.items[0].path",
        "does not begin",
    );
}

#[test]
fn every_unknown_word_is_refused_with_the_known_ones() {
    let other = || "x".to_owned();
    wrong(
        |ui| ui.kind = wire::UiKind::Other(other()),
        "kind",
        "admin_page",
    );
    wrong(
        |ui| ui.shell = Some(wire::UiShell::Other(other())),
        "shell",
        "none, minimal or standard",
    );
    wrong(
        |ui| ui.data_scope = Some(wire::UiDataScope::Other(other())),
        "data_scope",
        "self, org or all",
    );
    wrong(
        |ui| {
            ui.auth = Some(wire::UiAuth {
                method: wire::UiAuthMethod::Other(other()),
                groups: Vec::new(),
            });
        },
        "auth.method",
        "session, pin, token or none",
    );
    wrong(
        |ui| {
            ui.nav = Some(wire::UiNav {
                position: wire::UiNavPosition::Other(other()),
                items: Vec::new(),
            });
        },
        "nav.position",
        "bottom, top or side",
    );
    wrong(
        |ui| {
            ui.pwa = Some(wire::UiPwa {
                enabled: true,
                start_url: None,
                display: Some(wire::UiDisplay::Other(other())),
                theme_color: None,
                cache_routes: Vec::new(),
            });
        },
        "pwa.display",
        "standalone, fullscreen or minimal-ui",
    );
    wrong(
        |ui| ui.rate_limit_per_minute = Some(0),
        "rate_limit_per_minute",
        "more than 0",
    );
}
