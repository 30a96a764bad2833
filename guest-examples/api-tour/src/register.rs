//! What the plugin says about itself: what it asks for, the fields that it adds to contacts, and one contribution of each
//! kind that has a handler.

use crate::exports::goatherd::plugin::guest::Registration;
use crate::goatherd::plugin::registration::{
    Capability, CapabilityBody, Cascade, Contribution, CustomField, EventAuthorizer, FieldType,
    Handler, I18n, Job, LimitRequest, Middleware, PermissionAccess, PermissionKind,
    PermissionRequest, ResourceRequest, Route, Translation, Ui, UiKind, UiNav, UiNavItem,
    UiNavPosition, UiRoute, Widget, WidgetLocation,
};
use crate::goatherd::plugin::types::Method;

pub fn registration() -> Registration {
    let mut contributions = vec![greetings()];
    contributions.extend(fields());
    contributions.extend(handled());
    Registration {
        name: "api-tour".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        description: Some("Calls every function of the host, and says how each call ended".into()),
        author: Some("Goatherd".into()),
        license: Some("Apache-2.0".into()),
        homepage: None,
        min_host_version: None,
        resources: Some(ResourceRequest {
            limits: vec![LimitRequest::CallTimeoutMs(60_000)],
            permissions: permissions(),
        }),
        contributions,
    }
}

/// A request only: the operator decides, and a step beyond what was granted ends with `permission-denied`.
fn permissions() -> Vec<PermissionRequest> {
    use PermissionAccess::{HardDelete, Readwrite};
    use PermissionKind as Kind;
    [
        (Kind::Db, Some(Readwrite), ["tour_*"].as_slice()),
        (Kind::Cache, Some(Readwrite), &["tour"]),
        (Kind::Config, None, &["app.*"]),
        (Kind::SecureConfig, Some(Readwrite), &["tour.*"]),
        (Kind::PluginCall, None, &["echo", "nobody"]),
        (Kind::Capability, None, &["*.echo"]),
        (Kind::Events, None, &["tour"]),
        (Kind::Http, None, &["api.example.org"]),
        (Kind::Email, None, &["@example.org"]),
        (Kind::CustomFields, Some(Readwrite), &["contact"]),
        (Kind::Entity, Some(Readwrite), &["contact"]),
        // No other level of access implies this one.
        (Kind::Entity, Some(HardDelete), &["contact"]),
    ]
    .into_iter()
    .map(|(kind, access, scope)| PermissionRequest {
        kind,
        access,
        scope: scope.iter().map(|&entry| entry.into()).collect(),
    })
    .collect()
}

fn greetings() -> Contribution {
    let greeting = |language: &str, text: &str| Translation {
        language: language.into(),
        key: "greeting".into(),
        text: text.into(),
        plural: None,
    };
    Contribution::I18n(I18n {
        namespace: None,
        languages: vec![],
        translations: vec![
            greeting("en", "Good day, {name}!"),
            greeting("de", "Guten Tag, {name}!"),
        ],
    })
}

fn fields() -> impl Iterator<Item = Contribution> {
    [
        ("nickname", FieldType::Text),
        ("tags", FieldType::MultiSelect),
        ("score", FieldType::Integer),
        ("balance", FieldType::Decimal),
        ("vip", FieldType::Boolean),
        ("birthday", FieldType::Date),
        ("seen", FieldType::Datetime),
        ("home", FieldType::Point),
        ("area", FieldType::Polygon),
        ("office", FieldType::Address),
    ]
    .into_iter()
    .map(|(name, field_type)| {
        let config = match field_type {
            FieldType::MultiSelect => Some(r#"{"options": ["red", "green", "blue"]}"#.into()),
            _ => None,
        };
        Contribution::CustomField(CustomField {
            name: name.into(),
            label: name.into(),
            entity_type: "contact".into(),
            field_type,
            section: None,
            order: 0,
            required: false,
            description: None,
            placeholder: None,
            config,
        })
    })
}

/// One contribution of each kind that has a handler; `handlers` has what the host asks for them.
fn handled() -> [Contribution; 7] {
    [
        Contribution::Route(Route {
            methods: vec![Method::Get, Method::Post],
            path: "/api/plugins/api-tour/echo/:id".into(),
            handler: Handler::Function("echo".into()),
            middleware: vec![Middleware::Public],
            description: Some("Answers what it was asked".into()),
            max_body_bytes: Some(65_536),
        }),
        Contribution::Ui(desk()),
        Contribution::Widget(Widget {
            id: "seen".into(),
            title: "Seen".into(),
            description: None,
            handler: "box".into(),
            location: WidgetLocation::TicketSidebar,
            size: None,
            order: 0,
            refreshable: false,
            refresh_sec: None,
        }),
        Contribution::Job(Job {
            id: "nightly".into(),
            handler: "tidy".into(),
            schedule: "0 3 * * *".into(),
            time_zone: Some("Europe/Berlin".into()),
            description: None,
            // It runs when an operator says so.
            enabled: false,
            timeout_sec: None,
        }),
        Contribution::Cascade(Cascade {
            entity_type: "agent".into(),
            on_soft_delete: Some("consent".into()),
            on_hard_delete: Some("object".into()),
        }),
        Contribution::EventAuthorizer(EventAuthorizer {
            handler: "may-listen".into(),
            channels: vec!["tour".into()],
        }),
        Contribution::Capability(Capability {
            slug: "api-tour.echo".into(),
            does: CapabilityBody::Function("echo".into()),
            title: "Echo".into(),
            description: None,
            input_schema: None,
        }),
    ]
}

/// A user interface of one page, with a number beside its entry in the navigation.
fn desk() -> Ui {
    Ui {
        id: "desk".into(),
        name: "Desk".into(),
        description: None,
        kind: UiKind::AdminPage,
        icon: None,
        shell: None,
        routes: vec![UiRoute {
            path: "/".into(),
            method: None,
            handler: Handler::Function("echo".into()),
        }],
        branding: None,
        auth: None,
        pwa: None,
        nav: Some(UiNav {
            position: UiNavPosition::Top,
            items: vec![UiNavItem {
                label: "Desk".into(),
                icon: None,
                path: "/".into(),
                badge: Some("open".into()),
                order: 0,
            }],
        }),
        data_scope: None,
        rate_limit_per_minute: None,
    }
}
