//! Changes of single fields that do not lose what others change at the same time.
//!
//! A [`Change`] is parsed against its field and then made on the value that the field has inside the back-end's
//! transaction. What comes out is checked against the field's rules, so that no sequence of changes gets a value past
//! them. An increment that would pass its floor or ceiling stops there: the result is at least the one and at most the
//! other, as the contract says.

use crate::contract::registration::FieldType;
use crate::names::text::quoted;

use super::definition::{Definition, Wrong};
use super::value::{Decimal, Given, Value};

/// A change as a plugin gave it.
#[expect(
    clippy::large_enum_variant,
    reason = "each is made once for a call and taken apart at once"
)]
#[derive(Debug, Clone, PartialEq)]
pub enum GivenChange {
    /// Adds to a number.
    Increment {
        /// By how much.
        by: String,
        /// The result is at least this.
        floor: Option<String>,
        /// The result is at most this.
        ceiling: Option<String>,
    },
    /// Makes a choice.
    Append(String),
    /// Takes a choice back.
    Remove(String),
    /// Turns a boolean around.
    Toggle,
    /// Sets the value if it is as expected.
    CompareAndSet {
        /// What is expected.
        expected: Option<Given>,
        /// What to set.
        new: Option<Given>,
    },
    /// An operation that this version does not know, by its name.
    Other(String),
}

/// A change that fits its field.
#[derive(Debug, Clone)]
pub struct Change(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Increment {
        by: Decimal,
        floor: Option<Decimal>,
        ceiling: Option<Decimal>,
    },
    Append(String),
    Remove(String),
    Toggle,
    CompareAndSet {
        expected: Option<Value>,
        new: Option<Value>,
    },
}

/// Why a change could not be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unmade {
    /// What would come out is no value of the field.
    Wrong(Wrong),
    /// The value is not the expected one.
    Unexpected,
}

impl From<Wrong> for Unmade {
    fn from(wrong: Wrong) -> Self {
        Self::Wrong(wrong)
    }
}

impl Change {
    /// Reads a change of a field.
    ///
    /// # Errors
    ///
    /// Why it does not fit the field.
    pub fn parse(field: &Definition, given: GivenChange) -> Result<Self, Wrong> {
        let field_type = field.field_type();
        let fits = |operation: &str, types: &[FieldType]| {
            if types.contains(&field_type) {
                return Ok(());
            }
            Err(Wrong::Value(format!(
                "{operation} does not fit a field of type {field_type}"
            )))
        };
        Ok(Self(match given {
            GivenChange::Increment { by, floor, ceiling } => {
                fits("increment", &[FieldType::Integer, FieldType::Decimal])?;
                let number = |what: &str, text: String| number(field_type, what, &text);
                let by = number("by", by)?;
                let floor = floor.map(|text| number("floor", text)).transpose()?;
                let ceiling = ceiling.map(|text| number("ceiling", text)).transpose()?;
                if let (Some(floor), Some(ceiling)) = (floor, ceiling)
                    && floor > ceiling
                {
                    return Err(Wrong::Value(format!(
                        "the floor {floor} is above the ceiling {ceiling}"
                    )));
                }
                Kind::Increment { by, floor, ceiling }
            }
            GivenChange::Append(choice) => {
                fits("append", &[FieldType::MultiSelect])?;
                field.check_choice(&choice)?;
                Kind::Append(choice)
            }
            GivenChange::Remove(choice) => {
                fits("remove", &[FieldType::MultiSelect])?;
                Kind::Remove(choice)
            }
            GivenChange::Toggle => {
                fits("toggle", &[FieldType::Boolean])?;
                Kind::Toggle
            }
            GivenChange::CompareAndSet { expected, new } => {
                let expected = expected.map(|given| field.read(given)).transpose()?;
                let new = match new {
                    Some(given) => Some(field.accept(given)?),
                    None => {
                        field.check_removal()?;
                        None
                    }
                };
                Kind::CompareAndSet { expected, new }
            }
            GivenChange::Other(name) => {
                return Err(Wrong::Value(format!(
                    "this host does not know the operation {}",
                    quoted(&name)
                )));
            }
        }))
    }

    /// The value after the change.
    ///
    /// # Errors
    ///
    /// Why there is none. Nothing may be written then.
    pub fn make(
        &self,
        field: &Definition,
        present: Option<Value>,
    ) -> Result<Option<Value>, Unmade> {
        match &self.0 {
            Kind::Increment { by, floor, ceiling } => {
                let sum = increment(present, *by)?;
                let sum = floor.map_or(sum, |floor| sum.max(floor));
                let sum = ceiling.map_or(sum, |ceiling| sum.min(ceiling));
                let value = match (field.field_type(), sum.to_integer()) {
                    (FieldType::Decimal, _) => Value::Decimal(sum),
                    (_, Some(integer)) => Value::Integer(integer),
                    (_, None) => {
                        return Err(too_large().into());
                    }
                };
                field.check(&value)?;
                Ok(Some(value))
            }
            Kind::Append(choice) => {
                let mut choices = choices(present);
                if !choices.contains(choice) {
                    choices.push(choice.clone());
                }
                // The other choices were checked when they were made, and an option that the plugin dropped since then
                // must not hinder this one. Their number is checked here.
                let given = Given::Choices(choices);
                Ok(Some(field.read(given)?))
            }
            Kind::Remove(choice) => {
                let Some(present) = present else {
                    return Ok(None);
                };
                let mut choices = choices(Some(present));
                choices.retain(|one| one != choice);
                if choices.is_empty() {
                    field.check_removal()?;
                }
                Ok(Some(Value::Choices(choices)))
            }
            Kind::Toggle => Ok(Some(Value::Boolean(!matches!(
                present,
                Some(Value::Boolean(true))
            )))),
            Kind::CompareAndSet { expected, new } => {
                let as_expected = match (&present, expected) {
                    (Some(present), Some(expected)) => present.same(expected),
                    (None, None) => true,
                    _ => false,
                };
                if as_expected {
                    Ok(new.clone())
                } else {
                    Err(Unmade::Unexpected)
                }
            }
        }
    }
}

fn number(field_type: FieldType, what: &str, text: &str) -> Result<Decimal, Wrong> {
    let number = Decimal::parse(text)
        .map_err(|wrong| Wrong::Value(format!("{what}: {} {wrong}", quoted(text))))?;
    if field_type == FieldType::Integer && number.to_integer().is_none() {
        return Err(Wrong::Value(format!(
            "{what}: {} is not a whole number of 64 bits",
            quoted(text)
        )));
    }
    Ok(number)
}

fn too_large() -> Wrong {
    Wrong::Value("the result has too many digits for the field".to_owned())
}

fn increment(present: Option<Value>, by: Decimal) -> Result<Decimal, Wrong> {
    let present = match present {
        Some(Value::Integer(integer)) => Decimal::from(integer),
        Some(Value::Decimal(decimal)) => decimal,
        _ => Decimal::from(0),
    };
    present.plus(by).ok_or_else(too_large)
}

fn choices(value: Option<Value>) -> Vec<String> {
    match value {
        Some(Value::Choices(choices)) => choices,
        _ => Vec::new(),
    }
}
