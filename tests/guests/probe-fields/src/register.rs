//! What it registers: a field of every type on tickets, some with rules, and one on contacts.

use crate::exports::goatherd::plugin::guest::Registration;
use crate::goatherd::plugin::registration::{Contribution, CustomField, FieldType};

/// Twelve chars of name, a semicolon, and one of choice.
static CHOICE: [u8; 31] = *b"GOATHERD-FIELDS:probe-fields;a\n";
const NAME: std::ops::Range<usize> = 16..28;
const HOW: usize = 29;

/// A byte as it is in the component, whatever the compiler saw.
fn byte(place: usize) -> u8 {
    let choice = &CHOICE[place];
    // SAFETY: the pointer comes from a reference.
    unsafe { std::ptr::read_volatile(choice) }
}

pub fn registration() -> Registration {
    let name: String = NAME.map(|place| byte(place) as char).collect();
    let fields = match byte(HOW) {
        b'd' => Vec::new(),
        how => fields(how),
    };
    Registration {
        name: name.trim_end().to_owned(),
        version: "0.1.0".into(),
        description: Some("Calls the function of custom fields that its caller names".into()),
        author: None,
        license: None,
        homepage: None,
        min_host_version: None,
        resources: None,
        contributions: fields.into_iter().map(Contribution::CustomField).collect(),
    }
}

fn fields(how: u8) -> Vec<CustomField> {
    let options = r#"{"options": ["red", "green", {"value": "blue", "label": "Blue"}]}"#;
    let regex = match how {
        b'c' => r#"{"regex": "(((((\\w{40}){40}){40}){40}){40}"}"#,
        _ => r#"{"regex": "^[A-Z]{3}-[0-9]+$", "min_length": 5, "max_length": 10}"#,
    };
    let number = match how {
        b'b' => FieldType::Text,
        _ => FieldType::Integer,
    };
    let mut fields = vec![
        field("text", FieldType::Text, None),
        field("code", FieldType::Text, Some(regex)),
        field("slow", FieldType::Text, Some(r#"{"regex": "^(a+)+$"}"#)),
        field("textarea", FieldType::Textarea, None),
        field("select", FieldType::Select, Some(options)),
        field("multi", FieldType::MultiSelect, Some(options)),
        field("number", number, None),
        field(
            "percent",
            FieldType::Integer,
            Some(r#"{"min": 0, "max": 100}"#),
        ),
        field("decimal", FieldType::Decimal, None),
        field(
            "price",
            FieldType::Decimal,
            Some(r#"{"min": "0.01", "max": 99999.99}"#),
        ),
        field("boolean", FieldType::Boolean, None),
        field("date", FieldType::Date, None),
        field(
            "due",
            FieldType::Date,
            Some(r#"{"min": "2026-01-01", "max": "2026-12-31"}"#),
        ),
        field("datetime", FieldType::Datetime, None),
        field(
            "window",
            FieldType::Datetime,
            Some(r#"{"min": "2026-01-01", "max": "2026-12-31"}"#),
        ),
        field("url", FieldType::Url, None),
        field("mailto", FieldType::Url, Some(r#"{"schemes": ["mailto"]}"#)),
        field("email", FieldType::Email, None),
        field("phone", FieldType::Phone, None),
        field("point", FieldType::Point, None),
        field("polygon", FieldType::Polygon, None),
        field("address", FieldType::Address, None),
        field(
            "domestic",
            FieldType::Address,
            Some(r#"{"countries": ["AT", "de"]}"#),
        ),
    ];
    let mut required = field("must", FieldType::Text, None);
    required.required = true;
    fields.push(required);
    let mut required = field("chosen", FieldType::MultiSelect, Some(options));
    required.required = true;
    fields.push(required);
    let mut contact = field("text", FieldType::Text, None);
    contact.entity_type = "contact".into();
    fields.push(contact);
    fields
}

fn field(name: &str, field_type: FieldType, config: Option<&str>) -> CustomField {
    CustomField {
        name: name.into(),
        label: name.into(),
        entity_type: "ticket".into(),
        field_type,
        section: None,
        order: 0,
        required: false,
        description: None,
        placeholder: None,
        config: config.map(str::to_owned),
    }
}
