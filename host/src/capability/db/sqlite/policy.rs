//! What one plugin may do, and the sentences that say so when it tries something else.

use std::fmt;

use super::super::backend::Scopes;
use super::organisation::Owned;
use crate::permission::{Scope, TablePattern};

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Reading only.
    Query,
    /// Reading and changing.
    Change,
}

/// What is done to a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    Read,
    Insert,
    Update,
    Delete,
    Create,
    Alter,
    Drop,
    CreateIndex,
    DropIndex,
}

impl Deed {
    fn on(self, table: &str) -> String {
        let words = match self {
            Self::Read => "read",
            Self::Insert => "insert into",
            Self::Update => "update",
            Self::Delete => "delete from",
            Self::Create => "create",
            Self::Alter => "alter",
            Self::Drop => "drop",
            Self::CreateIndex => "create an index on",
            Self::DropIndex => "drop an index of",
        };
        format!("{words} table \"{table}\"")
    }
}

/// Why a table is out of reach whatever the scope says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reserved {
    Host,
    Engine,
}

/// Tables with these names belong to the host or the engine.
pub(super) fn reserved(table: &str) -> Option<Reserved> {
    /// Modules of virtual tables that exist without being created, and look inside the database file or at schemas.
    const MODULES: [&str; 9] = [
        "dbstat",
        "fts3",
        "fts3tokenize",
        "fts4",
        "fts4aux",
        "fts5",
        "fts5vocab",
        "rtree",
        "rtree_i32",
    ];
    let begins = |prefix: &str| {
        table
            .get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    if begins("goatherd_") {
        Some(Reserved::Host)
    } else if begins("sqlite_")
        || begins("pragma_")
        || MODULES.iter().any(|name| name.eq_ignore_ascii_case(table))
    {
        Some(Reserved::Engine)
    } else {
        None
    }
}

/// One plugin's scopes on a connection of one purpose.
#[derive(Debug)]
pub(super) struct Policy {
    pub(super) plugin: String,
    pub(super) purpose: Purpose,
    pub(super) scopes: Scopes,
    /// Tables that organisations own.
    pub(super) owned: Owned,
}

impl Policy {
    /// Whether the scope covers the deed; not for reserved names, which [`reserved`] knows.
    pub(super) fn covers(&self, deed: Deed, table: &str) -> bool {
        let allows = |scope: &Option<Scope<TablePattern>>| {
            scope.as_ref().is_some_and(|scope| scope.allows(table))
        };
        match (self.purpose, deed) {
            (Purpose::Query, Deed::Read) => allows(&self.scopes.read),
            (Purpose::Query, _) => false,
            // A statement may read the tables that it may write.
            (Purpose::Change, Deed::Read) => {
                allows(&self.scopes.read) || allows(&self.scopes.write)
            }
            (Purpose::Change, _) => allows(&self.scopes.write),
        }
    }

    /// Why a deed on a table is refused. `through` is the view, trigger or common table expression that leads to it.
    pub(super) fn refuse_table(&self, deed: Deed, table: &str, through: Option<&str>) -> String {
        let mut tried = deed.on(table);
        if let Some(through) = through.filter(|name| !self.owned.guards(name)) {
            tried.push_str(&format!(" (through \"{through}\")"));
        }
        let (rule, remedy) = match reserved(table) {
            Some(Reserved::Host) => (
                "tables of the host (goatherd_*) are closed to plugins".to_owned(),
                "no grant allows it".to_owned(),
            ),
            Some(Reserved::Engine) => (
                "tables of the database engine are closed to plugins".to_owned(),
                "no grant allows it".to_owned(),
            ),
            None if self.purpose == Purpose::Query && deed != Deed::Read => (
                "a query only reads".to_owned(),
                format!("run it as a change, with db:write={table}"),
            ),
            None => (self.rule(deed), remedy(deed, table)),
        };
        self.refuse(tried, rule, remedy)
    }

    /// Why a table that organisations own is refused where its rows cannot be filtered.
    pub(super) fn refuse_owned(&self, table: &str) -> String {
        self.refuse(
            format_args!("reach table \"{table}\" in this way"),
            "its rows belong to organisations, and what goes past the plain name cannot be filtered: the database's name \
             in front, a view, a trigger or a foreign key of the application, or a change of its schema",
            "use the table by its plain name",
        )
    }

    fn rule(&self, deed: Deed) -> String {
        let covered = |name: &str, scope: &Option<Scope<TablePattern>>| match scope {
            Some(scope) => format!("its {name} grant covers {scope}"),
            None => format!("it has no {name} grant"),
        };
        match (self.purpose, deed) {
            (Purpose::Query, _) => covered("db:read", &self.scopes.read),
            (Purpose::Change, Deed::Read) => format!(
                "{} and {}",
                covered("db:read", &self.scopes.read),
                covered("db:write", &self.scopes.write)
            ),
            (Purpose::Change, _) => covered("db:write", &self.scopes.write),
        }
    }

    /// `plugin "p" may not T: R; A`.
    pub(super) fn refuse(
        &self,
        tried: impl fmt::Display,
        rule: impl fmt::Display,
        remedy: impl fmt::Display,
    ) -> String {
        format!(
            "plugin \"{}\" may not {tried}: {rule}; {remedy}",
            self.plugin
        )
    }
}

fn remedy(deed: Deed, table: &str) -> String {
    let access = if deed == Deed::Read { "read" } else { "write" };
    if table.parse::<TablePattern>().is_ok() && !table.contains('*') {
        format!("grant db:{access}={table} to allow it")
    } else {
        format!("only a db:{access} grant with a * can cover a table of that name")
    }
}
