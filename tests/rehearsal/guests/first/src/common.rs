//! What the three components of the rehearsal have in common, each with its own bindings.

use crate::exports::goatherd::plugin::guest::Registration;
use crate::exports::goatherd::plugin::route_handler::{Request, Response, ResponseBody};
use crate::goatherd::plugin::context;
use crate::goatherd::plugin::custom_field_types::FieldValue;
use crate::goatherd::plugin::registration::{Contribution, CustomField, FieldType, Handler, Route};
use crate::goatherd::plugin::types::{Error, Method};

/// The one entity whose fields are used.
pub const TYPE: &str = "ticket";
pub const ID: i64 = 1;
/// The field that each of them registers.
pub const FIELD: &str = "colour";

/// A route and a field.
pub fn registration(name: &str) -> Registration {
    Registration {
        name: name.into(),
        version: "1.0.0".into(),
        description: None,
        author: None,
        license: None,
        homepage: None,
        min_host_version: None,
        resources: None,
        contributions: vec![
            Contribution::Route(Route {
                methods: vec![Method::Get],
                path: format!("/api/plugins/{name}/page"),
                handler: Handler::Function("page".into()),
                middleware: Vec::new(),
                description: None,
                max_body_bytes: None,
            }),
            Contribution::CustomField(CustomField {
                name: FIELD.into(),
                label: "Colour".into(),
                entity_type: TYPE.into(),
                field_type: FieldType::Text,
                section: None,
                order: 0,
                required: false,
                description: None,
                placeholder: None,
                config: None,
            }),
        ],
    }
}

/// Says who answers what, in which language.
pub fn answer(name: &str, handler: &str, request: &Request) -> Response {
    let language = context::language();
    Response {
        status: None,
        headers: vec![("x-handler".into(), handler.into())],
        body: ResponseBody::Text(format!("{name} answers {} in {language}", request.path)),
    }
}

/// The text that stands in JSON of one word.
pub fn word(args: &str) -> Option<FieldValue> {
    Some(FieldValue::Text(args.trim_matches('"').into()))
}

/// JSON of one word, or null.
pub fn shown(value: Option<FieldValue>) -> String {
    match value {
        Some(FieldValue::Text(text)) => format!("\"{text}\""),
        _ => "null".into(),
    }
}

pub fn unknown(function: &str) -> Error {
    Error::NotFound(format!("there is no function {function:?}"))
}
