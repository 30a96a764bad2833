//! What a field's configuration says about its values.

use std::collections::HashSet;
use std::str::FromStr as _;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value as JsonValue};

use super::check::{Wrong, read};
use crate::capability::custom_fields::value::{Decimal, Given, Value};
use crate::contract::Json;
use crate::contract::registration::FieldType;
use crate::names::text::quoted;

/// How large a compiled expression may become, in bytes.
const REGEX_BYTES: usize = 1 << 20;
/// How deep groups may stand inside each other in an expression.
const REGEX_DEPTH: u32 = 50;
/// Schemes of addresses that run when they are followed.
const RUNNING: [&str; 3] = ["javascript", "data", "vbscript"];

/// What values must satisfy. Each rule is there only for types that it means something for.
#[derive(Debug, Default)]
pub(super) struct Rules {
    least: Option<Value>,
    most: Option<Value>,
    shortest: Option<usize>,
    longest: Option<usize>,
    regex: Option<Regex>,
    options: Option<HashSet<String>>,
    schemes: Option<Vec<String>>,
    countries: Option<HashSet<String>>,
}

impl Rules {
    pub(super) fn read(field_type: FieldType, config: &Json) -> Result<Self, String> {
        let config: Map<String, JsonValue> = config
            .parse_as()
            .map_err(|error| format!("the configuration is no JSON object: {error}"))?;
        let mut rules = Self::default();
        match field_type {
            FieldType::Text
            | FieldType::Textarea
            | FieldType::Url
            | FieldType::Email
            | FieldType::Phone => {
                rules.shortest = length(&config, "min_length")?;
                rules.longest = length(&config, "max_length")?;
                rules.regex = config.get("regex").map(expression).transpose()?;
                if field_type == FieldType::Url {
                    rules.schemes = Some(schemes(&config)?);
                }
            }
            FieldType::Select | FieldType::MultiSelect => {
                rules.options = Some(options(&config)?);
            }
            FieldType::Integer | FieldType::Decimal => {
                rules.least = number(&config, "min", field_type)?;
                rules.most = number(&config, "max", field_type)?;
            }
            FieldType::Date | FieldType::Datetime => {
                rules.least = moment(&config, ["min", "min_date"], field_type, false)?;
                rules.most = moment(&config, ["max", "max_date"], field_type, true)?;
            }
            FieldType::Address => rules.countries = countries(&config)?,
            FieldType::Boolean | FieldType::Point | FieldType::Polygon => {}
        }
        let none_between = matches!((&rules.least, &rules.most), (Some(least), Some(most))
            if most.order(least).is_some_and(std::cmp::Ordering::is_lt))
            || matches!((rules.shortest, rules.longest), (Some(least), Some(most)) if most < least);
        if none_between {
            return Err("its least is more than its most; no value could be between".to_owned());
        }
        Ok(rules)
    }

    pub(super) fn check(&self, value: &Value) -> Result<(), Wrong> {
        match value {
            Value::Text(text) => self.check_text(text.as_str())?,
            Value::Choices(choices) => {
                for choice in choices {
                    self.check_choice(choice)?;
                }
            }
            Value::Address(address) => {
                if let Some(countries) = &self.countries
                    && !countries.contains(&address.country)
                {
                    return Err(Wrong::Value(format!(
                        "the country {} is none of those that the field allows",
                        quoted(&address.country)
                    )));
                }
            }
            _ => {}
        }
        let bounds = [
            (&self.least, std::cmp::Ordering::Less, "less than"),
            (&self.most, std::cmp::Ordering::Greater, "more than"),
        ];
        for (bound, wrong, words) in bounds {
            if let Some(bound) = bound
                && value.order(bound) == Some(wrong)
            {
                return Err(Wrong::Value(format!(
                    "{} is {words} {}",
                    value.to_text(),
                    bound.to_text()
                )));
            }
        }
        Ok(())
    }

    pub(super) fn check_choice(&self, choice: &str) -> Result<(), Wrong> {
        match &self.options {
            Some(options) if !options.contains(choice) => Err(Wrong::Value(format!(
                "{} is none of the options",
                quoted(choice)
            ))),
            _ => Ok(()),
        }
    }

    fn check_text(&self, text: &str) -> Result<(), Wrong> {
        if self.options.is_some() {
            return self.check_choice(text);
        }
        let wrong = |reason: String| Err(Wrong::Value(reason));
        if self.shortest.is_some() || self.longest.is_some() {
            let length = text.chars().count();
            if let Some(shortest) = self.shortest
                && length < shortest
            {
                return wrong(format!("has {length} characters, fewer than {shortest}"));
            }
            if let Some(longest) = self.longest
                && length > longest
            {
                return wrong(format!("has {length} characters, more than {longest}"));
            }
        }
        if let Some(schemes) = &self.schemes {
            let scheme = text.split(':').next().unwrap_or_default();
            if !schemes.iter().any(|one| one.eq_ignore_ascii_case(scheme)) {
                return wrong(format!(
                    "{} begins with none of {}",
                    quoted(text),
                    schemes.join(", ")
                ));
            }
        }
        if let Some(regex) = &self.regex
            && !regex.is_match(text)
        {
            return wrong(format!(
                "{} does not match {}",
                quoted(text),
                quoted(regex.as_str())
            ));
        }
        Ok(())
    }
}

fn expression(given: &JsonValue) -> Result<Regex, String> {
    let text = given.as_str().unwrap_or_default();
    RegexBuilder::new(text)
        .size_limit(REGEX_BYTES)
        .dfa_size_limit(REGEX_BYTES)
        .nest_limit(REGEX_DEPTH)
        .build()
        .map_err(|error| {
            let reason = error.to_string();
            // The last line says why; those before it draw the expression.
            let reason = reason.lines().last().unwrap_or_default();
            format!("config.regex {} cannot be used: {reason}", quoted(text))
        })
}

fn length(config: &Map<String, JsonValue>, name: &str) -> Result<Option<usize>, String> {
    let Some(given) = config.get(name) else {
        return Ok(None);
    };
    let length = given
        .as_u64()
        .and_then(|length| usize::try_from(length).ok());
    match length {
        Some(length) => Ok(Some(length)),
        None => Err(format!(
            "config.{name} {} is not a number of characters",
            quoted(&given.to_string())
        )),
    }
}

fn number(
    config: &Map<String, JsonValue>,
    name: &str,
    field_type: FieldType,
) -> Result<Option<Value>, String> {
    let Some(given) = config.get(name) else {
        return Ok(None);
    };
    let text = match given {
        JsonValue::String(text) => text.clone(),
        // Without an exponent, and with as many digits as tell it from other numbers.
        JsonValue::Number(number) => match (number.as_i64(), number.as_f64()) {
            (None, Some(real)) => real.to_string(),
            _ => number.to_string(),
        },
        other => other.to_string(),
    };
    let number = Decimal::parse(&text)
        .map_err(|wrong| format!("config.{name} {} {wrong}", quoted(&text)))?;
    if field_type == FieldType::Decimal {
        return Ok(Some(Value::Decimal(number)));
    }
    match number.to_integer() {
        Some(integer) => Ok(Some(Value::Integer(integer))),
        None => Err(format!(
            "config.{name} {} is not a whole number of 64 bits",
            quoted(&text)
        )),
    }
}

fn moment(
    config: &Map<String, JsonValue>,
    names: [&str; 2],
    field_type: FieldType,
    end: bool,
) -> Result<Option<Value>, String> {
    let Some((name, given)) = names
        .iter()
        .find_map(|name| config.get(*name).map(|given| (name, given)))
    else {
        return Ok(None);
    };
    let text = given.as_str().unwrap_or_default();
    let value = if field_type == FieldType::Date {
        read(field_type, Given::Date(text.to_owned())).ok()
    } else {
        let moment = read(field_type, Given::Datetime(text.to_owned())).ok();
        moment.or_else(|| day(text, end).map(Value::Datetime))
    };
    match value {
        Some(value) => Ok(Some(value)),
        None => Err(format!(
            "config.{name} {} is not a {field_type}",
            quoted(&given.to_string())
        )),
    }
}

/// The beginning or the end of a day in UTC.
fn day(text: &str, end: bool) -> Option<jiff::Timestamp> {
    let date = Date::from_str(text).ok()?;
    let time = if end {
        jiff::civil::Time::MAX
    } else {
        jiff::civil::Time::midnight()
    };
    let zoned = date.to_datetime(time).to_zoned(TimeZone::UTC).ok()?;
    Some(zoned.timestamp())
}

fn options(config: &Map<String, JsonValue>) -> Result<HashSet<String>, String> {
    // The registration has checked their form.
    let options = config.get("options").and_then(JsonValue::as_array);
    let values: HashSet<_> = options
        .into_iter()
        .flatten()
        .filter_map(|option| option.as_str().or_else(|| option.get("value")?.as_str()))
        .map(str::to_owned)
        .collect();
    if values.is_empty() {
        return Err("config.options has none".to_owned());
    }
    Ok(values)
}

fn texts(config: &Map<String, JsonValue>, name: &str) -> Result<Option<Vec<String>>, String> {
    let Some(given) = config.get(name) else {
        return Ok(None);
    };
    let texts = given.as_array().and_then(|list| {
        list.iter()
            .map(|text| text.as_str().map(str::to_owned))
            .collect::<Option<Vec<_>>>()
    });
    match texts {
        Some(texts) if !texts.is_empty() => Ok(Some(texts)),
        _ => Err(format!(
            "config.{name} {} is not a list of texts",
            quoted(&given.to_string())
        )),
    }
}

fn schemes(config: &Map<String, JsonValue>) -> Result<Vec<String>, String> {
    let schemes = texts(config, "schemes")?;
    let schemes = schemes.unwrap_or_else(|| vec!["https".to_owned(), "http".to_owned()]);
    for scheme in &schemes {
        if RUNNING.iter().any(|one| one.eq_ignore_ascii_case(scheme)) {
            return Err(format!(
                "config.schemes has {}, whose addresses run code where they are followed",
                quoted(scheme)
            ));
        }
    }
    Ok(schemes)
}

fn countries(config: &Map<String, JsonValue>) -> Result<Option<HashSet<String>>, String> {
    let Some(countries) = texts(config, "countries")? else {
        return Ok(None);
    };
    for country in &countries {
        if country.len() != 2 || !country.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Err(format!(
                "config.countries has {}, which is not a code of two letters",
                quoted(country)
            ));
        }
    }
    let upper = countries.iter().map(|country| country.to_ascii_uppercase());
    Ok(Some(upper.collect()))
}
