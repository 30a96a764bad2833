//! Versions of the host's own tables, and how they get from one to the next.
//!
//! Tables that belong together are a [`Family`]. Its migrations are the files `migrations/FAMILY/ENGINE/NNN.sql` beside this
//! module, embedded into the program: the file `003.sql` makes version 3 of version 2. The table `goatherd_schema` says
//! which version each family of a database has. At start a store brings a family to the program's version, each migration
//! in a transaction of its own together with its row in `goatherd_schema`: a process that is killed meanwhile leaves the
//! version before or the one after. Where the version is right already, which is nearly always, nothing is written or locked.
//!
//! Those who start at the same time wait for each other. Of a newer version than the program knows nothing is used: the
//! error names the family, both versions and the program that made it. There is no way back but a backup.
//!
//! What a migration has to keep to:
//!
//! - Nodes are replaced one after the other, so those of the release before go on with the tables that it leaves. It adds
//!   columns that have a default, tables and indexes; what nobody uses any more it drops a release later. Every statement
//!   names its columns, so a new one disturbs none.
//! - It touches its family's tables alone. On PostgreSQL a store locks these before, so that it never waits while it holds
//!   one of them (see `postgres.rs`).
//! - On SQLite foreign keys are off, so that a table can be made anew under its name without its children being deleted
//!   with it; they are checked before the commit.
//! - It is never changed once it is released. Another file follows it.
//!
//! `001.sql` says `IF NOT EXISTS` throughout. It is what programs made that had no versions yet, statement by statement, so
//! it takes over what they left, whole or half made.
//!
//! Why not a library: of those that are kept, `refinery` alone has both drivers in our versions (0.10, with `rusqlite` up to
//! 0.41 and `tokio-postgres` 0.7). It reads what was applied in one transaction and applies in another, with no lock
//! between them, so two nodes that start together both apply; it panics on a row of its history that it cannot read; has
//! a history table for each family; and each new `rusqlite` waits for its next release, since a program has one SQLite.
//! `sqlx` and `diesel` bring drivers of their own, and `rusqlite_migration` keeps the version in `user_version`, which is
//! the application's. What is left without it is this file and forty lines in each store.

use thiserror::Error;

use super::StoreError;

/// The table of versions, in SQL that both engines understand.
pub(super) const VERSIONS: &str = "CREATE TABLE IF NOT EXISTS goatherd_schema (
    family text NOT NULL PRIMARY KEY, version integer NOT NULL, program text NOT NULL, migrated_at text NOT NULL
)";

/// Parameter: the family.
pub(super) const VERSION: &str = "SELECT version, program FROM goatherd_schema WHERE family = $1";

/// Parameters: the family, its version from now on, this program's version, the time.
pub(super) const MIGRATED: &str =
    "INSERT INTO goatherd_schema (family, version, program, migrated_at)
    VALUES ($1, $2, $3, $4) ON CONFLICT (family) DO UPDATE
    SET version = excluded.version, program = excluded.program, migrated_at = excluded.migrated_at";

/// This program's version, for whoever wonders later which one made a schema.
pub(super) const PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// Tables that belong together and have one version.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    name: &'static str,
    tables: &'static [&'static str],
    sqlite: Migrations,
    postgres: Migrations,
}

/// The SQL that makes version 1, 2, … each of the one before.
type Migrations = &'static [&'static str];

/// What a database has of a family.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Present {
    /// 0 where nobody has made a version yet.
    pub(super) version: i32,
    /// The program that made it.
    pub(super) program: String,
}

/// The next migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    /// The version that it makes.
    pub(super) version: i32,
    pub(super) sql: &'static str,
}

impl Family {
    /// A family by its name in `goatherd_schema`, with all of its tables, and for each engine the SQL that makes version 1
    /// of nothing, 2 of 1, and so on. A back-end of the application's own can have one, by a name that is none of
    /// [`families::ALL`](super::families::ALL); plugins reach none of its tables if they are called `goatherd_…`.
    #[must_use]
    pub const fn new(
        name: &'static str,
        tables: &'static [&'static str],
        sqlite: &'static [&'static str],
        postgres: &'static [&'static str],
    ) -> Self {
        Self {
            name,
            tables,
            sqlite,
            postgres,
        }
    }

    /// Its name in `goatherd_schema`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Its tables.
    #[must_use]
    pub const fn tables(&self) -> &'static [&'static str] {
        self.tables
    }

    /// The SQL that makes each version on SQLite, from 1 on; none where it has no tables there.
    #[must_use]
    pub const fn sqlite(&self) -> &'static [&'static str] {
        self.sqlite
    }

    /// The same on PostgreSQL.
    #[must_use]
    pub const fn postgres(&self) -> &'static [&'static str] {
        self.postgres
    }

    /// What is to be done next to get from what is there to this program's version; none where it is there.
    pub(super) fn next(
        &self,
        migrations: Migrations,
        present: &Present,
    ) -> Result<Option<Step>, SchemaError> {
        let done = usize::try_from(present.version).unwrap_or(usize::MAX);
        match migrations.get(done) {
            Some(sql) => Ok(Some(Step {
                version: present.version + 1,
                sql,
            })),
            None if done == migrations.len() => Ok(None),
            None => Err(SchemaError::Newer {
                family: self.name,
                found: present.version,
                by: present.program.clone(),
                known: migrations.len(),
            }),
        }
    }

    pub(super) fn failed(&self, step: Step, reason: impl std::fmt::Display) -> SchemaError {
        SchemaError::Failed {
            family: self.name,
            version: step.version,
            reason: reason.to_string(),
        }
    }
}

/// Why a family of the host's tables cannot be used. It is as it was.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// A newer program has made it.
    #[error(
        "the host's tables of \"{family}\" have schema version {found}, which goatherd {by} made; this program, {PROGRAM}, \
         knows them up to version {known}: start goatherd {by} or a later one, or restore the database from before its upgrade"
    )]
    Newer {
        /// The family.
        family: &'static str,
        /// The version that the database has.
        found: i32,
        /// The version of the program that made it.
        by: String,
        /// The last version that this program knows.
        known: usize,
    },
    /// A migration did not run.
    #[error(
        "the host's tables of \"{family}\" were not brought to schema version {version}, and are as they were: {reason}"
    )]
    Failed {
        /// The family.
        family: &'static str,
        /// The version that was to be made.
        version: i32,
        /// What stood against it.
        reason: String,
    },
    /// The database cannot be used at all.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<rusqlite::Error> for SchemaError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

#[cfg(feature = "postgres")]
impl From<tokio_postgres::Error> for SchemaError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Store(error.into())
    }
}
