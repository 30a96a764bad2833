//! `db-read` and `db-write`.

use super::generated::plugin::goatherd::plugin::{db_read, db_write};
use crate::contract::host::{DbRead, DbWrite};
use crate::contract::wire::database::{DbEngine, DbError, Outcome, Rows, Statement, Value};

impl<V: DbRead> db_read::Host for V {
    async fn query(&mut self, sql: String, params: Vec<Value>) -> Result<Rows, DbError> {
        DbRead::query(self, sql, params).await
    }

    fn engine(&mut self) -> DbEngine {
        DbRead::engine(self)
    }
}

impl<V: DbWrite> db_write::Host for V {
    async fn execute(&mut self, sql: String, params: Vec<Value>) -> Result<Outcome, DbError> {
        DbWrite::execute(self, sql, params).await
    }

    async fn transaction(&mut self, statements: Vec<Statement>) -> Result<Vec<Outcome>, DbError> {
        DbWrite::transaction(self, statements).await
    }
}
