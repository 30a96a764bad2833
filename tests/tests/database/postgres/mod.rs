//! PostgreSQL as an attacker sees it: a plugin that may send any text, and a database that lets every role do a lot.

mod calls;
mod escapes;
mod languages;
mod roles;
mod row_security;
mod schema;
mod values;

use goatherd::capability::db::PostgresSettings;

use crate::{Desk, On, Store};

/// A helpdesk, a host that serves it, and the probe with grants.
async fn desk_with(granted: &[&str]) -> Desk {
    Desk::with(On::Postgres, granted).await
}

/// With what the application does before the plugin comes.
async fn desk_on(
    granted: &[&str],
    settings: PostgresSettings,
    before: impl FnOnce(&Store),
) -> Desk {
    let store = Store::new(On::Postgres);
    before(&store);
    Desk::over(store, granted, settings).await
}
