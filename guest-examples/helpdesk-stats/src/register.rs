//! What the plugin says about itself. Pure: it runs before anything is granted, so it calls no host function.

use crate::NAME;
use crate::exports::goatherd::plugin::guest::Registration;
use crate::goatherd::plugin::registration::{
    Contribution, ErrorCode, Handler, I18n, MenuItem, MenuLocation, Middleware, PermissionAccess,
    PermissionKind, PermissionRequest, ResourceRequest, Route, Translation, Widget, WidgetLocation,
    WidgetSize,
};
use crate::goatherd::plugin::types::Method;

/// The code of the error for a queue that does not exist.
pub const UNKNOWN_QUEUE: &str = "unknown-queue";

/// Each text by key, in English, German and Arabic. `direction` says which way the language runs.
const TEXTS: &[(&str, [&str; 3])] = &[
    ("direction", ["ltr", "ltr", "rtl"]),
    (
        "title",
        [
            "Tickets by queue",
            "Tickets nach Queue",
            "التذاكر حسب قائمة الانتظار",
        ],
    ),
    ("menu", ["Statistics", "Statistik", "الإحصاءات"]),
    ("open", ["Open", "Offen", "مفتوحة"]),
    ("all", ["All", "Alle", "الكل"]),
    (
        "row",
        [
            "{open} open of {total}",
            "{open} offen von {total}",
            "{open} مفتوحة من {total}",
        ],
    ),
    (
        "none",
        [
            "There are no queues.",
            "Es gibt keine Queues.",
            "لا توجد قوائم انتظار.",
        ],
    ),
];

const LANGUAGES: [&str; 3] = ["en", "de", "ar"];

pub fn registration() -> Registration {
    Registration {
        name: NAME.into(),
        version: env!("CARGO_PKG_VERSION").into(),
        description: Some("Counts the tickets of a helpdesk by state, queue and day".into()),
        author: Some("Goatherd".into()),
        license: Some("Apache-2.0".into()),
        homepage: None,
        min_host_version: None,
        resources: Some(ResourceRequest {
            limits: Vec::new(),
            permissions: vec![
                PermissionRequest {
                    kind: PermissionKind::Db,
                    access: Some(PermissionAccess::Read),
                    scope: vec!["ticket".into(), "queue".into()],
                },
                PermissionRequest {
                    kind: PermissionKind::Cache,
                    access: Some(PermissionAccess::Readwrite),
                    scope: vec![],
                },
            ],
        }),
        contributions: vec![
            route(Method::Get, "stats", "Tickets by state, queue and day"),
            route(
                Method::Get,
                "queue",
                "One queue, whose name is in the parameter `name`",
            ),
            route(
                Method::Post,
                "compare",
                "The queues whose names are in the body: {\"queues\": [\"Sales\", …]}",
            ),
            route(Method::Get, "page", "The chart as a page"),
            Contribution::Widget(Widget {
                id: "tickets-by-queue".into(),
                title: text("title"),
                description: Some("Open tickets and all tickets of each queue".into()),
                handler: "tickets-by-queue".into(),
                location: WidgetLocation::AgentHome,
                size: Some(WidgetSize::Large),
                order: 10,
                refreshable: true,
                refresh_sec: Some(30),
            }),
            Contribution::MenuItem(MenuItem {
                id: "statistics".into(),
                label: text("menu"),
                icon: None,
                path: path("page"),
                location: MenuLocation::Agent,
                parent: None,
                order: 50,
            }),
            Contribution::I18n(I18n {
                namespace: None,
                languages: vec![],
                translations: translations(),
            }),
            Contribution::ErrorCode(ErrorCode {
                code: UNKNOWN_QUEUE.into(),
                message: "There is no queue of that name".into(),
                http_status: 404,
            }),
        ],
    }
}

/// The full i18n key of one of the plugin's texts.
pub fn text(key: &str) -> String {
    format!("{NAME}.{key}")
}

/// A route whose handler is called like the last segment of its path. They are open to everybody because they return only
/// totals, and so that the demo can be tried with curl; in earnest this would be `auth`, which an empty list means too.
fn route(method: Method, name: &str, description: &str) -> Contribution {
    Contribution::Route(Route {
        methods: vec![method],
        path: path(name),
        handler: Handler::Function(name.into()),
        middleware: vec![Middleware::Public],
        description: Some(description.into()),
        max_body_bytes: None,
    })
}

fn path(last_segment: &str) -> String {
    format!("/api/plugins/{NAME}/{last_segment}")
}

fn translations() -> Vec<Translation> {
    let mut translations = Vec::new();
    for (key, texts) in TEXTS {
        for (language, text) in LANGUAGES.iter().zip(texts) {
            translations.push(Translation {
                language: (*language).into(),
                key: (*key).into(),
                text: (*text).into(),
                plural: None,
            });
        }
    }
    translations
}
