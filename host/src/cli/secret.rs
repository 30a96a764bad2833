//! `goatherd secret`: what an operator does with plugins' secrets.
//!
//! A secret comes in by standard input and never goes out: listings show what the service calls a hint.

use std::io::{IsTerminal as _, Read as _};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::args::{Secret as Command, SecretPlace};
use super::back_ends;
use super::failure::{Failure, print};
use super::settings::Settings;
use crate::capability::secure_config::{Listed, Secret, SecretId, SecretService, VALUE_BYTES};

/// How long the database may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Does what the command says.
pub(super) async fn run(settings: &Settings, command: &Command) -> Result<(), Failure> {
    let secrets = back_ends::secrets_alone(settings).await?;
    let latest = Instant::now() + PATIENCE;
    match command {
        Command::Set(given) => {
            let secret = read()?;
            secrets
                .set(&secret_id(given), &secret, latest)
                .await
                .context("the secret is not set")?;
            Ok(())
        }
        Command::List { plugin, json } => {
            let all = secrets.list(plugin, latest).await.context("no list")?;
            let shown = if *json {
                let all: Vec<Value> = all.iter().map(as_json).collect();
                serde_json::to_string_pretty(&all).map_err(anyhow::Error::from)?
            } else {
                all.iter().map(as_line).collect::<Vec<_>>().join("\n")
            };
            print(&shown)
        }
        Command::Delete(given) => {
            let secret_id = secret_id(given);
            let deleted = secrets.delete(&secret_id, latest).await;
            if deleted.context("the secret is not deleted")? {
                return Ok(());
            }
            Err(anyhow::anyhow!("there is no secret {secret_id}").into())
        }
        Command::Rotate { keep } => rotate(&secrets, *keep).await,
    }
}

async fn rotate(secrets: &SecretService, keep: bool) -> Result<(), Failure> {
    let rotation = secrets.rotate().await.context("the key is not changed")?;
    let forgotten = if keep {
        Vec::new()
    } else {
        let unused = secrets.retire_unused().await;
        unused.context("the key is changed, and the old ones are kept")?
    };
    let unreadable: Vec<String> = rotation
        .unreadable
        .iter()
        .map(|(secret_id, why)| format!("{secret_id}: {why}"))
        .collect();
    let forgotten: Vec<&str> = forgotten.iter().map(|key| key.as_str()).collect();
    let shown = json!({
        "current": rotation.current.as_str(),
        "resealed": rotation.resealed,
        "forgotten": forgotten,
        "unreadable": unreadable,
    });
    print(&shown.to_string())
}

fn secret_id(given: &SecretPlace) -> SecretId {
    SecretId {
        plugin: given.plugin.clone(),
        name: given.key.clone(),
        org: given.org,
    }
}

/// Reads a secret from standard input, without the newline that a shell's `echo` puts behind it.
fn read() -> Result<Secret, Failure> {
    let input = std::io::stdin();
    if input.is_terminal() {
        eprintln!("the secret, then the end of input (Ctrl-D):");
    }
    let mut text = Zeroizing::new(String::with_capacity(VALUE_BYTES + 2));
    input
        .take(VALUE_BYTES as u64 + 2)
        .read_to_string(&mut text)
        .context("standard input")?;
    let end = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(end);
    if text.is_empty() {
        return Err(anyhow::anyhow!("standard input is empty: give the secret there").into());
    }
    Ok(Secret::new(std::mem::take(&mut *text)))
}

fn as_json(listed: &Listed) -> Value {
    json!({
        "key": listed.name.as_str(),
        "org": listed.org,
        "hint": listed.hint.as_ref().ok().map(ToString::to_string),
        "error": listed.hint.as_ref().err().map(ToString::to_string),
        "key_id": listed.key_id.as_str(),
        "updated_at": listed.updated_at.to_string(),
    })
}

fn as_line(listed: &Listed) -> String {
    let owner = listed
        .org
        .map_or("all".to_owned(), |org| format!("organisation {org}"));
    let hint = match &listed.hint {
        Ok(hint) => hint.to_string(),
        Err(why) => format!("cannot be read: {why}"),
    };
    format!(
        "{}  {owner}  {hint}  {}",
        listed.name.as_str(),
        listed.updated_at
    )
}
