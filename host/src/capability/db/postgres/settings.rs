//! What an operator says about the database.

use super::super::OrganisationTables;
use crate::setters::setters;

/// How plugins use a PostgreSQL database.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PostgresSettings {
    /// The schema with the application's tables; `public` by default. Plugins reach no other. The host keeps its own
    /// `goatherd_…` objects in it too.
    pub schema: String,
    /// The tables that organisations own.
    pub organisations: OrganisationTables,
    /// Functions that plugins may call beside those of the engine that look at nothing but their arguments. What such a
    /// function does with the rights of its owner is nothing that a grant limits.
    pub functions: Vec<String>,
    /// Connections that a plugin can have at once for queries, and as many for changes; 4 by default. Idle ones are
    /// closed after a minute.
    pub connections: usize,
}

setters!(PostgresSettings {
    schema: String,
    organisations: OrganisationTables,
    functions: Vec<String>,
    connections: usize,
});

impl Default for PostgresSettings {
    fn default() -> Self {
        Self {
            schema: "public".to_owned(),
            organisations: OrganisationTables::default(),
            functions: Vec::new(),
            connections: 4,
        }
    }
}
