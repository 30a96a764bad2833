//! What the plugin says about itself: what it asks for, and the fields that it adds to contacts.

use crate::exports::goatherd::plugin::guest::Registration;
use crate::goatherd::plugin::registration::{
    Contribution, CustomField, FieldType, I18n, PermissionRequest, ResourceRequest, Translation,
};

pub fn registration() -> Registration {
    let mut contributions = vec![greetings()];
    contributions.extend(fields());
    Registration {
        name: "api-tour".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        description: "Calls every function of the host, and says how each call ended".into(),
        author: "Goatherd".into(),
        license: "Apache-2.0".into(),
        homepage: String::new(),
        min_host_version: None,
        resources: Some(ResourceRequest {
            memory_mb: None,
            call_timeout_ms: None,
            init_timeout_ms: None,
            shutdown_timeout_ms: None,
            permissions: permissions(),
        }),
        contributions,
    }
}

/// A request only: the operator decides, and a step beyond what was granted ends with `permission-denied`.
fn permissions() -> Vec<PermissionRequest> {
    [
        ("db", Some("readwrite"), ["tour_*"].as_slice()),
        ("cache", Some("readwrite"), &["tour"]),
        ("config", None, &["app.*"]),
        ("secure_config", Some("readwrite"), &["tour.*"]),
        ("plugin_call", None, &["echo", "nobody"]),
        ("events", None, &["tour"]),
        ("http", None, &["api.example.org"]),
        ("email", None, &["@example.org"]),
        ("custom_fields", Some("readwrite"), &["contact"]),
        ("entity", Some("readwrite"), &["contact"]),
        // No other level of access implies this one.
        ("entity", Some("hard_delete"), &["contact"]),
    ]
    .into_iter()
    .map(|(kind, access, scope)| PermissionRequest {
        kind: kind.into(),
        access: access.map(str::to_owned),
        scope: scope.iter().map(|&entry| entry.into()).collect(),
    })
    .collect()
}

fn greetings() -> Contribution {
    let greeting = |language: &str, text: &str| Translation {
        language: language.into(),
        key: "greeting".into(),
        text: text.into(),
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
            description: String::new(),
            placeholder: String::new(),
            config,
        })
    })
}
