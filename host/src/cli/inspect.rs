//! `goatherd inspect`: what a component is, without trusting it with anything.
//!
//! What was read off the component, and what it printed while it registered, is shown even where the plugin cannot be
//! described; the reason is shown beside it, and the command then fails.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::args::Inspect;
use super::back_ends;
use super::failure::{Failure, print};
use super::progress;
use super::settings::Settings;
use crate::capability::log::Entry;
use crate::contract::registration::Registration;
use crate::runtime::{Component, Description, Verdict};

/// Compiles and describes the component, and prints what came of it.
pub(super) async fn run(settings: &Settings, inspect: &Inspect) -> Result<(), Failure> {
    let host = back_ends::without(settings)?;
    let compiling = format!("compiling {}", inspect.file.display());
    let component = progress::while_waiting(compiling, host.compile_file(&inspect.file)).await?;
    let described = host.describe(&component).await.map_err(Failure::from);
    let log = host.logs().of_register(&component.hash());
    let text = if inspect.json {
        as_json(&component, described.as_ref(), &log)?
    } else {
        as_text(&component, described.as_ref().ok(), &log)
    };
    print(&text)?;
    described.map(|_| ())
}

fn as_json(
    component: &Component,
    described: Result<&Description, &Failure>,
    log: &[Entry],
) -> Result<String, Failure> {
    let imports: Vec<Value> = component
        .imports()
        .iter()
        .map(|import| {
            let (link, permission, reason) = words(&import.verdict);
            json!({ "name": import.name, "link": link, "permission": permission, "reason": reason })
        })
        .collect();
    let shown = json!({
        "file": component.label(),
        "hash": component.hash(),
        "bytes": component.bytes(),
        "contract_version": component.contract(),
        "imports": imports,
        "exports": component.exports(),
        "registration": described.ok().map(|description| &description.registration),
        "log": log,
        "error": described.err().map(Failure::to_json),
    });
    let text = serde_json::to_string_pretty(&shown).map_err(anyhow::Error::from)?;
    Ok(text)
}

/// When an import is linked, what would link it, and why it never is.
fn words(verdict: &Verdict) -> (&'static str, Option<String>, Option<String>) {
    match verdict {
        Verdict::Ambient => ("always", None, None),
        Verdict::Granted { permission } => ("by grant", Some(permission.to_string()), None),
        Verdict::Refused { reason } => ("never", None, Some(reason.clone())),
    }
}

fn as_text(component: &Component, description: Option<&Description>, log: &[Entry]) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_text(&mut text, component, description, log);
    text
}

fn write_text(
    out: &mut String,
    component: &Component,
    description: Option<&Description>,
    log: &[Entry],
) -> std::fmt::Result {
    if let Some(description) = description {
        write_identity(out, &description.registration)?;
    }
    writeln!(out, "component  {}", component.label())?;
    writeln!(
        out,
        "           {} bytes, blake3 {}",
        component.bytes(),
        component.hash()
    )?;
    writeln!(out, "contract   goatherd:plugin {}", component.contract())?;
    writeln!(out, "\nimports")?;
    let width = component.imports().iter().map(|import| import.name.len());
    let width = width.max().unwrap_or(0);
    for import in component.imports() {
        let (link, permission, reason) = words(&import.verdict);
        let detail = permission.or(reason).unwrap_or_default();
        let line = format!("  {:width$}  {link:10}  {detail}", import.name);
        writeln!(out, "{}", line.trim_end())?;
    }
    if component.imports().is_empty() {
        writeln!(out, "  nothing")?;
    }
    writeln!(out, "\nexports")?;
    for export in component.exports() {
        writeln!(out, "  {export}")?;
    }
    if let Some(description) = description {
        write_contributions(out, &description.registration)?;
    }
    write_log(out, log)
}

/// What the plugin wrote while it registered. Untrusted text, so control chars are replaced.
fn write_log(out: &mut String, log: &[Entry]) -> std::fmt::Result {
    if log.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nlog of register")?;
    for entry in log {
        let level = format!("{:?}", entry.level).to_lowercase();
        for line in entry.message.lines() {
            let line: String = line.chars().map(shown).collect();
            writeln!(out, "  {level:5}  {line}")?;
        }
    }
    Ok(())
}

/// A char as a terminal may be given it.
fn shown(char: char) -> char {
    if char.is_control() && char != '\t' {
        char::REPLACEMENT_CHARACTER
    } else {
        char
    }
}

fn write_identity(out: &mut String, registration: &Registration) -> std::fmt::Result {
    writeln!(
        out,
        "plugin     {} {}",
        registration.name, registration.version
    )?;
    if !registration.description.is_empty() {
        writeln!(out, "           {}", registration.description)?;
    }
    Ok(())
}

/// Every part of the registration that has something in it, as its JSON has it.
fn write_contributions(out: &mut String, registration: &Registration) -> std::fmt::Result {
    let Ok(Value::Object(parts)) = serde_json::to_value(registration) else {
        return Ok(());
    };
    for (name, part) in parts {
        let Value::Array(items) = part else { continue };
        if items.is_empty() {
            continue;
        }
        writeln!(out, "\n{}", name.replace('_', " "))?;
        for item in items {
            writeln!(out, "  {}", summary(&item))?;
        }
    }
    let asked: Vec<String> = registration
        .requested_permissions()
        .map(|request| {
            request
                .to_grant()
                .map_or_else(|error| error.to_string(), |grant| grant.to_string())
        })
        .collect();
    if !asked.is_empty() {
        writeln!(out, "\nasks for")?;
        for grant in asked {
            writeln!(out, "  {grant}")?;
        }
    }
    Ok(())
}

/// The short values of a JSON object on one line.
fn summary(item: &Value) -> String {
    let Value::Object(fields) = item else {
        return match item {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
    };
    let short = fields.iter().filter_map(|(name, value)| match value {
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(format!("{name}={text}")),
        Value::Number(number) => Some(format!("{name}={number}")),
        Value::Bool(true) => Some(name.clone()),
        Value::Array(items) if items.iter().all(Value::is_string) && !items.is_empty() => {
            let items: Vec<_> = items.iter().filter_map(Value::as_str).collect();
            Some(format!("{name}={}", items.join(",")))
        }
        _ => None,
    });
    short.collect::<Vec<_>>().join("  ")
}
