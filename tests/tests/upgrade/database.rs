//! A database of either kind, past the host.

use std::fs;
use std::path::{Path, PathBuf};

use goatherd::store::{Family, PostgresStore, SchemaError, SqliteStore};
use goatherd_tests::servers;
use tempfile::TempDir;
use tokio_postgres::{NoTls, SimpleQueryMessage};

use crate::contents::Contents;

/// A database, by its path or URL.
#[derive(Clone)]
pub struct Database(String);

/// One whose folder or server the test keeps.
pub struct Own {
    pub database: Database,
    folder: TempDir,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

pub const ENGINES: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/upgrade/data")
        .join(name)
}

impl Engine {
    pub fn word(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }

    /// The SQL of each version of a family.
    pub fn versions(self, family: &Family) -> &'static [&'static str] {
        match self {
            Self::Sqlite => family.sqlite(),
            Self::Postgres => family.postgres(),
        }
    }

    /// A database with nothing in it.
    pub fn fresh(self) -> Own {
        let folder = tempfile::tempdir().unwrap();
        let place = match self {
            Self::Sqlite => folder.path().join("host.db").to_str().unwrap().to_owned(),
            Self::Postgres => servers::postgres(),
        };
        let database = Database(place);
        Own { database, folder }
    }

    /// One that the program made before its tables had versions.
    pub async fn unversioned(self) -> Own {
        let own = self.fresh();
        match self {
            Self::Sqlite => {
                fs::copy(data("unversioned.db"), &own.database.0).unwrap();
            }
            Self::Postgres => {
                let sql = fs::read_to_string(data("unversioned.sql")).unwrap();
                own.database.run(&sql).await;
            }
        }
        own
    }
}

impl Own {
    /// What a program reads from it, which upgrades it first.
    pub async fn report(&self) -> String {
        let keys = self.folder.path().join("goatherd.keys");
        let name = format!("unversioned-{}.keys", self.database.engine().word());
        fs::write(&keys, fs::read(data(&name)).unwrap()).unwrap();
        private(&keys);
        let contents = match self.database.store() {
            Store::Sqlite(store) => Contents::of_sqlite(store, &keys).await,
            Store::Postgres(store) => Contents::of_postgres(store, &keys).await,
        };
        contents.report().await
    }

    /// What the program that made it read from it.
    pub fn expected(&self) -> String {
        let name = format!("unversioned-{}.txt", self.database.engine().word());
        fs::read_to_string(data(&name)).unwrap()
    }
}

/// Keys are only read from files that others cannot read, and a checkout does not know that.
fn private(file: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
}

enum Store {
    Sqlite(SqliteStore),
    Postgres(PostgresStore),
}

impl Database {
    pub fn at(place: &str) -> Self {
        Self(place.to_owned())
    }

    pub fn place(&self) -> &str {
        &self.0
    }

    pub fn engine(&self) -> Engine {
        match self.0.starts_with("postgres://") {
            true => Engine::Postgres,
            false => Engine::Sqlite,
        }
    }

    fn store(&self) -> Store {
        match self.engine() {
            Engine::Sqlite => Store::Sqlite(SqliteStore::open(&self.0).unwrap()),
            Engine::Postgres => {
                let tls = goatherd::tls::client(None).unwrap();
                Store::Postgres(PostgresStore::new(&self.0, tls).unwrap())
            }
        }
    }

    /// What a program does with a family when it starts.
    pub async fn migrate(&self, family: &Family) -> Result<(), SchemaError> {
        match self.store() {
            Store::Sqlite(store) => store.migrate(family),
            Store::Postgres(store) => store.migrate(family).await,
        }
    }

    pub async fn run(&self, sql: &str) {
        match self.engine() {
            Engine::Sqlite => {
                let file = rusqlite::Connection::open(&self.0).unwrap();
                let done = file.execute_batch(sql);
                done.unwrap_or_else(|error| panic!("{sql}: {error}"));
            }
            Engine::Postgres => {
                let done = client(&self.0).await.batch_execute(sql).await;
                done.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
            }
        }
    }

    /// The rows of a query as lines.
    pub async fn lines(&self, sql: &str) -> Vec<String> {
        let rows = match self.engine() {
            Engine::Sqlite => sqlite_rows(&self.0, sql),
            Engine::Postgres => postgres_rows(&client(&self.0).await, sql).await,
        };
        let words = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
        rows.into_iter().map(|row| words(row.join(" | "))).collect()
    }

    /// The version that `goatherd_schema` says; 0 where it says nothing.
    pub async fn version(&self, family: &Family) -> usize {
        if self.catalog(&["goatherd_schema"]).await.is_empty() {
            return 0;
        }
        let name = family.name();
        let sql = format!("SELECT version FROM goatherd_schema WHERE family = '{name}'");
        let lines = self.lines(&sql).await;
        lines.first().map_or(0, |line| line.parse().unwrap())
    }

    /// Everything about these tables that SQL can say: columns, indexes, constraints, triggers and their functions.
    pub async fn catalog(&self, tables: &[&str]) -> Vec<String> {
        let quoted: Vec<String> = tables.iter().map(|table| format!("'{table}'")).collect();
        let sql = match self.engine() {
            Engine::Sqlite => {
                "SELECT type, name, sql FROM sqlite_schema WHERE tbl_name IN (TABLES) ORDER BY 1, 2"
            }
            Engine::Postgres => POSTGRES_CATALOG,
        };
        self.lines(&sql.replace("TABLES", &quoted.join(", "))).await
    }
}

const POSTGRES_CATALOG: &str = "
WITH t AS (SELECT oid, relname, relpersistence FROM pg_class
           WHERE relname IN (TABLES) AND relkind = 'r' AND pg_table_is_visible(oid))
SELECT relname || ' is ' || relpersistence::text FROM t
UNION ALL SELECT relname || ' has ' || attname || ' ' || format_type(atttypid, atttypmod) || ' '
        || attcollation::regcollation::text || ' ' || attnotnull || ' ' || attidentity::text || ' '
        || coalesce(pg_get_expr(adbin, adrelid), '')
    FROM t JOIN pg_attribute a ON attrelid = t.oid LEFT JOIN pg_attrdef d ON adrelid = t.oid AND adnum = attnum
    WHERE attnum > 0 AND NOT attisdropped
UNION ALL SELECT relname || ' ' || conname || ' ' || pg_get_constraintdef(c.oid) FROM t JOIN pg_constraint c ON conrelid = t.oid
UNION ALL SELECT pg_get_indexdef(indexrelid) FROM t JOIN pg_index ON indrelid = t.oid
UNION ALL SELECT pg_get_triggerdef(g.oid) || ' ' || pg_get_functiondef(tgfoid)
    FROM t JOIN pg_trigger g ON tgrelid = t.oid WHERE NOT tgisinternal
ORDER BY 1";

fn sqlite_rows(file: &str, sql: &str) -> Vec<Vec<String>> {
    let file = rusqlite::Connection::open(file).unwrap();
    let mut statement = file.prepare(sql).unwrap();
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| {
        let text = |column| {
            let value: rusqlite::types::Value = row.get(column)?;
            Ok(match value {
                rusqlite::types::Value::Text(text) => text,
                other => format!("{other:?}")
                    .replace("Integer(", "")
                    .replace(')', ""),
            })
        };
        (0..columns).map(text).collect()
    });
    rows.unwrap().map(Result::unwrap).collect()
}

async fn postgres_rows(client: &tokio_postgres::Client, sql: &str) -> Vec<Vec<String>> {
    let messages = client.simple_query(sql).await;
    let messages = messages.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    let mut rows = Vec::new();
    for message in messages {
        if let SimpleQueryMessage::Row(row) = message {
            let text = |column| row.get(column).unwrap_or("NULL").to_owned();
            rows.push((0..row.len()).map(text).collect());
        }
    }
    rows
}

/// A connection of the test's own.
pub async fn client(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
