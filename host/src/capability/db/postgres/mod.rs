//! The shared database: PostgreSQL, where each plugin logs in as roles of its own.
//!
//! Layers that do not rely on each other, and what each is for:
//!
//! * **Roles** ([`role`], [`access`]): tables. A plugin's queries run as one role and its changes as another. They have
//!   exactly the rights that the scope says, on tables of one schema; `goatherd_…` tables are never among them. There is
//!   no session above to go back to: connections log in as that role. Views read with their owner's rights, so they are
//!   granted only if they have `security_invoker`; materialized views and tables with rules are not.
//! * **Row security** ([`organisation`]): rows of organisations, for a sealed organisation that only the host can enter.
//! * **Foreign keys** ([`foreign_keys`], [`limits`]): what `ON DELETE CASCADE` and its like do, which the server does above the two
//!   before. A table whose deletions would be carried on to where the scope does not reach takes no deletions.
//! * **The text** ([`lexer`], [`statement`], [`calls`], [`functions`]): what the server lets every role do. Kinds of statements,
//!   functions and types are refused unless they are on a list; names of the catalogue and what other roles opened to
//!   everybody are refused. This alone keeps a plugin from advisory locks, notifications, settings, SQL in strings, the
//!   application's functions and the names of other tables.
//! * **Ownership** ([`owned`]): what a change leaves behind. Before each commit, all that the role owns is looked at.
//! * **The transaction** ([`call`]): queries are read-only; the server is told the time that is left. A call that goes away
//!   or is late is cancelled at the server, and its connection broken off. After each call the session is reset.
//! * **The socket** ([`connect`]): memory of the host. What a call may receive is counted there.
//!
//! What it does not do: a plugin alters, indexes and drops only tables that it made itself, since these take the rights of
//! an owner. A single value can take up to a gigabyte of the server's memory until its statement's time is over.
//! Rights follow tables and not names: see [`access`] for how soon they follow a renaming. Roles stay when a plugin is
//! unloaded, with their rights and tables, and nobody but a host with the database's secret can log in as them.
//!
//! The host's own role must be able to make roles, own the application's tables or be a member of their owner, and create
//! in the schema. Connections go to the server itself, not through a pooler that shares sessions.

mod access;
mod call;
mod calls;
mod change;
mod connect;
mod fault;
mod foreign_keys;
mod foundation;
mod functions;
mod lexer;
mod limits;
mod organisation;
mod owned;
mod param;
mod plugin;
mod policy;
mod pool;
mod query;
mod role;
mod settings;
mod side;
mod statement;
mod survey;
mod text;
mod value;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use super::backend::{Caps, Database, OpenError, PluginDatabase, Scopes};
use super::error::DbError;
use crate::store::PostgresStore;
use plugin::PostgresPlugin;
use policy::{Granted, Policy, Purpose};
pub use settings::PostgresSettings;
use side::{Shared, Side};

/// A PostgreSQL database, 13 or newer.
pub struct PostgresDatabase {
    shared: Arc<Shared>,
    functions: Arc<BTreeSet<String>>,
    opened: Opened,
}

/// The scopes with which each plugin was opened last, and how often they changed.
type Opened = Arc<Mutex<HashMap<String, (Scopes, u64)>>>;

/// Whether a plugin was opened with other scopes since.
struct Newest {
    opened: Opened,
    number: u64,
}

impl Newest {
    /// Rights belong to roles, and the plugin's roles have those of its newest scopes.
    fn check(&self, plugin: &str) -> Result<(), DbError> {
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if opened
            .get(plugin)
            .is_some_and(|(_, number)| *number == self.number)
        {
            return Ok(());
        }
        Err(DbError::unavailable(format!(
            "plugin \"{plugin}\" was loaded again with other grants, and this is what was loaded before"
        )))
    }
}

impl PostgresDatabase {
    /// Serves from the database of `store`. Nothing connects before the first call of a plugin.
    #[must_use]
    pub fn new(store: PostgresStore, settings: PostgresSettings) -> Self {
        let functions = settings.functions.iter().cloned().collect();
        Self {
            shared: Arc::new(Shared::new(store, settings)),
            functions: Arc::new(functions),
            opened: Opened::default(),
        }
    }
}

impl Database for PostgresDatabase {
    fn open(
        &self,
        plugin: &str,
        scopes: Scopes,
        caps: Caps,
    ) -> Result<Arc<dyn PluginDatabase>, OpenError> {
        let number = {
            let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
            let entry = opened
                .entry(plugin.to_owned())
                .or_insert_with(|| (scopes.clone(), 0));
            if entry.0 != scopes {
                *entry = (scopes.clone(), entry.1 + 1);
            }
            entry.1
        };
        let side = |purpose| {
            let policy = Policy {
                granted: Granted {
                    plugin: plugin.to_owned(),
                    purpose,
                    scopes: scopes.clone(),
                },
                functions: Arc::clone(&self.functions),
            };
            Arc::new(Side::new(Arc::clone(&self.shared), policy, caps))
        };
        Ok(Arc::new(PostgresPlugin {
            queries: side(Purpose::Query),
            changes: side(Purpose::Change),
            newest: Newest {
                opened: Arc::clone(&self.opened),
                number,
            },
        }))
    }
}
