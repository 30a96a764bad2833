//! Fields that the application keeps on an entity for the plugin.
//!
//! The configuration stays JSON here, because the layer that stores values gives it its meaning; what can be told to be
//! wrong without that layer is told: a selection without options, limits that exclude everything.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    check::{self, DESCRIPTION_MAX, EntityType, LABEL_MAX},
    problem::Item,
};
use crate::contract::{Json, wire::registration as wire};
use crate::names::text::{NameShape, quoted};

/// A field that the application keeps on an entity for the plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CustomField {
    /// `^[a-z][a-z0-9_]{0,62}$`, unique for the plugin and the entity type.
    pub name: String,
    /// Text, or an i18n key.
    pub label: String,
    /// On which entities.
    pub entity_type: EntityType,
    /// Of which type its values are.
    pub field_type: FieldType,
    /// Heading that the field stands under; [`SECTION`] by default.
    pub section: String,
    /// Sorts within the section.
    pub order: i32,
    /// Whether there must be a value.
    pub required: bool,
    /// Help text below the input; may be empty.
    pub description: String,
    /// Shown in the empty input; may be empty.
    pub placeholder: String,
    /// A JSON object; `{}` by default.
    pub config: Json,
}

/// The heading of fields that do not say one.
pub const SECTION: &str = "custom";

/// The most options of a selection.
const OPTIONS_MAX: usize = 1000;
/// The most bytes in a regular expression.
const REGEX_MAX: usize = 1000;

words_of_wit! {
    /// The type of a custom field's values.
    FieldType, "type of custom field" {
        /// One line.
        Text = "text",
        /// Several lines.
        Textarea = "textarea",
        /// One of the options.
        Select = "select",
        /// Any of the options.
        MultiSelect = "multi_select",
        /// A whole number.
        Integer = "integer",
        /// A number in decimal digits.
        Decimal = "decimal",
        /// True or false.
        Boolean = "boolean",
        /// A day.
        Date = "date",
        /// A moment.
        Datetime = "datetime",
        /// An address in the web.
        Url = "url",
        /// An address for mail.
        Email = "email",
        /// A telephone number.
        Phone = "phone",
        /// A place.
        Point = "point",
        /// An area.
        Polygon = "polygon",
        /// A postal address.
        Address = "address",
    }
}

impl CustomField {
    pub(super) fn parse(item: &mut Item<'_>, given: wire::CustomField) -> Option<Self> {
        let name = NameShape::Underscore
            .check(&given.name)
            .map_err(|wrong| format!("the name {} {wrong}", quoted(&given.name)));
        let name = item.take("name", name);
        let entity_type = item.take("entity_type", EntityType::parse(&given.entity_type));
        if name.is_some() && entity_type.is_some() {
            let key = format!("{} {}", given.entity_type, given.name);
            item.unique("name", key, "name and entity type");
        }
        let label = item.required("label", given.label, LABEL_MAX);
        let field_type = item.take("field_type", FieldType::known(given.field_type));
        let section = item.optional("section", given.section, LABEL_MAX);
        let description = item.text(
            "description",
            given.description.unwrap_or_default(),
            DESCRIPTION_MAX,
        );
        let placeholder = item.text(
            "placeholder",
            given.placeholder.unwrap_or_default(),
            LABEL_MAX,
        );
        let config = item.if_present("config", given.config, check::json_object);
        let config = config.map(Option::unwrap_or_default);
        let sane = match (&config, field_type) {
            (Some(config), Some(field_type)) => check_config(item, config, field_type),
            _ => true,
        };
        name?;
        Some(CustomField {
            name: given.name,
            label: label?,
            entity_type: entity_type?,
            field_type: field_type?,
            section: section?.unwrap_or_else(|| SECTION.to_owned()),
            order: given.order,
            required: given.required,
            description: description?,
            placeholder: placeholder?,
            config: config.filter(|_| sane)?,
        })
    }
}

/// Reports what is wrong with a configuration; true where nothing is.
fn check_config(item: &mut Item<'_>, config: &Json, field_type: FieldType) -> bool {
    let map: Map<String, Value> = match config.parse_as() {
        Ok(map) => map,
        Err(error) => {
            item.problem("config", format_args!("it cannot be read: {error}"));
            return false;
        }
    };
    let selection = matches!(field_type, FieldType::Select | FieldType::MultiSelect);
    let options = match map.get("options") {
        Some(options) => check_options(options),
        None if selection => Err(format!(
            "a field of type {field_type} needs options; expected a list such as [\"low\", \"high\"]"
        )),
        None => Ok(()),
    };
    let checks = [
        ("config.options", options),
        ("config.regex", check_regex(&map)),
        ("config.min", check_range(&map, "min", "max")),
        (
            "config.min_length",
            check_range(&map, "min_length", "max_length"),
        ),
    ];
    let mut right = true;
    for (field, result) in checks {
        right &= item.take(field, result).is_some();
    }
    right
}

fn check_options(options: &Value) -> Result<(), String> {
    let expected = "expected texts, or objects with a text \"value\"";
    let list = options
        .as_array()
        .ok_or_else(|| format!("options is not a list; {expected}"))?;
    if list.is_empty() || list.len() > OPTIONS_MAX {
        return Err(format!(
            "options has {} entries; expected 1 to {OPTIONS_MAX}",
            list.len()
        ));
    }
    let mut values = std::collections::HashSet::new();
    for option in list {
        let value = option
            .as_str()
            .or_else(|| option.get("value").and_then(Value::as_str))
            .filter(|value| !value.is_empty())
            .ok_or_else(|| {
                format!(
                    "the option {} has no value; {expected}",
                    quoted(&option.to_string())
                )
            })?;
        if !values.insert(value) {
            return Err(format!(
                "the option {} stands there twice; each value must be unique",
                quoted(value)
            ));
        }
    }
    Ok(())
}

fn check_regex(map: &Map<String, Value>) -> Result<(), String> {
    let regex = match map.get("regex") {
        None => return Ok(()),
        Some(Value::String(regex)) => regex,
        Some(other) => {
            return Err(format!(
                "the regex {} is not a text",
                quoted(&other.to_string())
            ));
        }
    };
    if regex.len() > REGEX_MAX {
        return Err(format!(
            "the regex {} is longer than {REGEX_MAX} bytes",
            quoted(regex)
        ));
    }
    Ok(())
}

/// Limits may be numbers, or texts such as dates, whose order this layer leaves to the type.
fn check_range(map: &Map<String, Value>, least: &str, most: &str) -> Result<(), String> {
    let (Some(low), Some(high)) = (
        map.get(least).and_then(Value::as_f64),
        map.get(most).and_then(Value::as_f64),
    ) else {
        return Ok(());
    };
    if low > high {
        return Err(format!(
            "{least} {low} is more than {most} {high}; expected {least} to be at most {most}"
        ));
    }
    Ok(())
}
