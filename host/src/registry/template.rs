//! How the input of a workflow's step is made from what came before.
//!
//! A template is JSON. A text in it that is nothing but `${steps.create.id}` becomes the value that is meant, of whatever
//! type; within a longer text the value is put in as text. `$${` stands for `${`. What is meant is checked when the workflow
//! is made, as far as it can be: the input, or a step before this one.

use serde_json::{Map, Value};

/// A template that has been parsed.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Template {
    Fixed(Value),
    One(Reference),
    Text(Vec<Piece>),
    List(Vec<Template>),
    Object(Vec<(String, Template)>),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Piece {
    Plain(String),
    Value(Reference),
}

/// A place in the input or in a step's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    root: Root,
    path: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Root {
    Input,
    Step(String),
}

impl Template {
    /// Parses a template in which only `steps` may be meant.
    pub(super) fn parse(value: &Value, steps: &[&str]) -> Result<Self, String> {
        Ok(match value {
            Value::String(text) => Self::text(text, steps)?,
            Value::Array(items) => Self::List(
                items
                    .iter()
                    .map(|item| Self::parse(item, steps))
                    .collect::<Result<_, _>>()?,
            ),
            Value::Object(fields) => Self::Object(
                fields
                    .iter()
                    .map(|(name, value)| Ok((name.clone(), Self::parse(value, steps)?)))
                    .collect::<Result<_, String>>()?,
            ),
            fixed => Self::Fixed(fixed.clone()),
        })
    }

    fn text(text: &str, steps: &[&str]) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            if let Some(before) = before.strip_suffix('$') {
                plain.push_str(before);
                plain.push_str("${");
                rest = after;
                continue;
            }
            let Some((inside, behind)) = after.split_once('}') else {
                return Err(format!("{text:?} has a ${{ without its }}"));
            };
            plain.push_str(before);
            if !plain.is_empty() {
                pieces.push(Piece::Plain(std::mem::take(&mut plain)));
            }
            pieces.push(Piece::Value(Reference::parse(inside, steps)?));
            rest = behind;
        }
        plain.push_str(rest);
        Ok(match pieces.as_slice() {
            [] => Self::Fixed(Value::String(plain)),
            [Piece::Value(only)] if plain.is_empty() => Self::One(only.clone()),
            _ => {
                if !plain.is_empty() {
                    pieces.push(Piece::Plain(plain));
                }
                Self::Text(pieces)
            }
        })
    }

    /// What the template gives for an input and the outputs so far.
    pub(super) fn fill(
        &self,
        input: &Value,
        outputs: &Map<String, Value>,
    ) -> Result<Value, String> {
        Ok(match self {
            Self::Fixed(value) => value.clone(),
            Self::One(reference) => reference.find(input, outputs)?.clone(),
            Self::Text(pieces) => {
                let mut text = String::new();
                for piece in pieces {
                    match piece {
                        Piece::Plain(plain) => text.push_str(plain),
                        Piece::Value(reference) => match reference.find(input, outputs)? {
                            Value::String(value) => text.push_str(value),
                            other => text.push_str(&other.to_string()),
                        },
                    }
                }
                Value::String(text)
            }
            Self::List(items) => items
                .iter()
                .map(|item| item.fill(input, outputs))
                .collect::<Result<_, _>>()?,
            Self::Object(fields) => {
                let filled = fields
                    .iter()
                    .map(|(name, value)| Ok((name.clone(), value.fill(input, outputs)?)));
                Value::Object(filled.collect::<Result<_, String>>()?)
            }
        })
    }
}

impl Reference {
    fn parse(text: &str, steps: &[&str]) -> Result<Self, String> {
        let wrong = |reason: String| {
            Err(format!(
                "${{{text}}} {reason}; write ${{input.FIELD}} or ${{steps.NAME.FIELD}}"
            ))
        };
        let mut parts = text.split('.').map(str::to_owned);
        let root = match parts.next().as_deref() {
            Some("input") => Root::Input,
            Some("steps") => match parts.next() {
                Some(step) if steps.contains(&step.as_str()) => Root::Step(step),
                Some(step) => {
                    return wrong(format!(
                        "means the step {step:?}, which is not before this one"
                    ));
                }
                None => return wrong("names no step".to_owned()),
            },
            _ => return wrong("begins with neither input nor steps".to_owned()),
        };
        let path: Vec<String> = parts.collect();
        if path.iter().any(String::is_empty) {
            return wrong("has an empty part".to_owned());
        }
        Ok(Self { root, path })
    }

    fn find<'a>(
        &self,
        input: &'a Value,
        outputs: &'a Map<String, Value>,
    ) -> Result<&'a Value, String> {
        let (name, start) = match &self.root {
            Root::Input => ("input".to_owned(), Some(input)),
            Root::Step(step) => (format!("steps.{step}"), outputs.get(step)),
        };
        let mut at = start.ok_or_else(|| format!("{name} has no output"))?;
        let mut way = name;
        for part in &self.path {
            let next = match at {
                Value::Object(fields) => fields.get(part),
                Value::Array(items) => part
                    .parse::<usize>()
                    .ok()
                    .and_then(|index| items.get(index)),
                _ => None,
            };
            at = next.ok_or_else(|| format!("{way} has no {part:?}"))?;
            way = format!("{way}.{part}");
        }
        Ok(at)
    }
}
