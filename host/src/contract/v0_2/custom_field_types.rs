//! `custom-field-types` as the draft has them: a field says whose it is in a member of its own.

#![allow(
    unreachable_pub,
    reason = "what is generated shows these types as it shows the others"
)]

use wasmtime::component::{ComponentType, Lift, Lower};

use crate::contract::Error;
use crate::contract::wire::custom_fields::Field as PlainField;
pub use crate::contract::wire::custom_fields::*;
use crate::names::text::quoted;

/// What stands between a plugin and its field where both are one name.
const SEPARATOR: char = ':';

/// A field with its value.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Field {
    /// The plugin whose field it is; none for one of the caller's own.
    pub plugin: Option<String>,
    /// Without the plugin's prefix.
    pub name: String,
    /// None where the field is not set.
    pub value: Option<FieldValue>,
}

impl From<PlainField> for Field {
    fn from(field: PlainField) -> Self {
        let PlainField { name, value } = field;
        match name.split_once(SEPARATOR) {
            Some((plugin, name)) => Self {
                plugin: Some(plugin.to_owned()),
                name: name.to_owned(),
                value,
            },
            None => Self {
                plugin: None,
                name,
                value,
            },
        }
    }
}

impl TryFrom<Field> for PlainField {
    type Error = Error;

    /// A name with a separator would be taken for that of another plugin's field.
    fn try_from(field: Field) -> Result<Self, Error> {
        let Field {
            plugin,
            name,
            value,
        } = field;
        for part in plugin.iter().chain([&name]) {
            if part.contains(SEPARATOR) {
                return Err(Error::InvalidArgument(format!(
                    "{} has a \"{SEPARATOR}\", which neither a plugin's nor a field's name has",
                    quoted(part)
                )));
            }
        }
        let name = match plugin {
            Some(plugin) => format!("{plugin}{SEPARATOR}{name}"),
            None => name,
        };
        Ok(Self { name, value })
    }
}
