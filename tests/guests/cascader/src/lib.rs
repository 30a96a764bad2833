//! A plugin that takes part in the deletion of tickets, soft and hard, and does there what its configuration says.
//!
//! Its name is `cascader-` and the letter behind the text `GOATHERD-CASCADER:` in the component, which a test can change, so
//! that several can be loaded. Each cascade first writes a row into the table `asked` (`plugin`, `cascade`, `args` as
//! `{"entity_type", "id"}`, `org_id`, `user_id`, `deadline_ms`), and then does what the configuration has under `soft` or `hard`:
//!
//! - `agree`, also when there is nothing;
//! - `refuse`, with a conflict; `fail`, with an error of its own;
//! - `trap`;
//! - `spin`, until somebody stops it;
//! - `soft-delete`, `restore` or `hard-delete` the same entity, and answer what that answered;
//! - `soft-delete-anyway`, which tries the same and agrees whatever it was told.
//!
//! `delete` with `{"id"}` soft-deletes a ticket, as any plugin could.

wit_bindgen::generate!({
    path: ["../../../wit", "wit"],
    world: "guest:cascader/cascader",
    generate_all,
});

use exports::goatherd::plugin::cascade_handler::{self, Deletion, DeletionKind};
use exports::goatherd::plugin::guest::{Guest, Registration};
use goatherd::plugin::db_types::Value as Cell;
use goatherd::plugin::registration::{Cascade, Contribution};
use goatherd::plugin::types::{Error, ErrorDetail};
use goatherd::plugin::{config, context, db_write, entities_purge, entities_write};
use serde_json::{Value, json};

static MARKER: [u8; 20] = *b"GOATHERD-CASCADER:a\n";

/// The letter as it is in the component, whatever the compiler saw.
fn name() -> String {
    // SAFETY: the pointer comes from a reference, and the index is below the array's length.
    let letter = unsafe { std::ptr::read_volatile(&MARKER[18]) };
    format!("cascader-{}", char::from(letter))
}

struct Cascader;

impl Guest for Cascader {
    fn register() -> Registration {
        Registration {
            name: name(),
            version: "0.1.0".into(),
            description: Some("Takes part in the deletion of tickets".into()),
            author: None,
            license: None,
            homepage: None,
            min_host_version: None,
            resources: None,
            contributions: vec![Contribution::Cascade(Cascade {
                entity_type: "ticket".into(),
                on_soft_delete: Some("soft".into()),
                on_hard_delete: Some("hard".into()),
            })],
        }
    }

    fn init() -> Result<(), Error> {
        Ok(())
    }

    fn call(function: String, args: String) -> Result<String, Error> {
        if function != "delete" {
            return Err(Error::NotFound(format!(
                "{} has no function {function:?}",
                name()
            )));
        }
        let entity: Value = serde_json::from_str(&args)
            .map_err(|error| Error::InvalidArgument(format!("args are not JSON: {error}")))?;
        let id = entity["id"].as_i64().unwrap_or(i64::MIN);
        entities_write::soft_delete("ticket", id, "asked to")?;
        Ok("null".into())
    }

    fn shutdown() -> Result<(), Error> {
        Ok(())
    }
}

impl cascade_handler::Guest for Cascader {
    /// The handlers are called like the kinds of deletion; one that is asked about the other kind refuses.
    fn on_delete(handler: String, deletion: Deletion) -> Result<(), Error> {
        let kind = match deletion.kind {
            DeletionKind::Soft => "soft",
            DeletionKind::Hard => "hard",
        };
        if handler != kind {
            return Err(Error::InvalidArgument(format!(
                "the handler {handler} was asked about a {kind} deletion"
            )));
        }
        write_down(kind, &deletion)?;
        let behaviour = config::get(&format!("plugin.{kind}"))?;
        behave(behaviour.as_deref().unwrap_or("agree"), deletion.id)
    }
}

fn write_down(cascade: &str, deletion: &Deletion) -> Result<(), Error> {
    let args = json!({ "entity_type": deletion.entity_type, "id": deletion.id }).to_string();
    let user = context::user().map_or(Cell::Null, |user| Cell::Text(user.id));
    let left = i64::try_from(context::deadline_ms()).unwrap_or(i64::MAX);
    db_write::execute(
        "INSERT INTO asked (plugin, cascade, args, org_id, user_id, deadline_ms) VALUES (?, ?, ?, ?, ?, ?)",
        &[
            Cell::Text(name()),
            Cell::Text(cascade.into()),
            Cell::Text(args),
            context::org_id().map_or(Cell::Null, Cell::Integer),
            user,
            Cell::Integer(left),
        ],
    )
    .map_err(|failed| failed.error)?;
    Ok(())
}

fn behave(behaviour: &str, id: i64) -> Result<(), Error> {
    match behaviour {
        "agree" => Ok(()),
        "refuse" => Err(Error::Conflict("it is still needed".into())),
        "fail" => Err(Error::Other(ErrorDetail {
            code: "attached".into(),
            message: "there are attachments".into(),
        })),
        "trap" => panic!("as asked"),
        "spin" => loop {
            std::hint::black_box(context::deadline_ms());
        },
        "soft-delete" => entities_write::soft_delete("ticket", id, "again"),
        "soft-delete-anyway" => {
            // The host must cope with a plugin that does not care.
            let _ = entities_write::soft_delete("ticket", id, "again");
            Ok(())
        }
        "restore" => entities_write::restore("ticket", id),
        "hard-delete" => entities_purge::hard_delete("ticket", id, "rather"),
        other => Err(Error::InvalidArgument(format!(
            "there is no behaviour {other:?}"
        ))),
    }
}

export!(Cascader);
