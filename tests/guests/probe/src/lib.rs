//! A plugin that does what its caller says: `call` with the name of a host function calls that function and returns
//! what it returned. Errors of the host pass through unchanged. So a test tries any rule of the host without a guest
//! of its own.
//!
//! | function | arguments | result |
//! |---|---|---|
//! | `db.query` | `{"sql", "params"}` | `{"columns", "rows"}` |
//! | `db.execute` | `{"sql", "params"}` | `{"rows_affected", "last_insert_id"}` |
//! | `db.transaction` | `{"statements": [{"sql", "params"}]}` | a list of what `db.execute` returns |
//! | `db.engine` | | `{"engine"}`: `sqlite`, `postgresql`, or a back-end's own name |
//! | `cache.get` | `{"key"}` | `{"value"}`: null, text, or `{"bytes": N}` for N bytes that are all zero or no text |
//! | `cache.set` | `{"key", "value", "ttl"}`: text, or `{"bytes": N}` for N zero bytes; without a `ttl` for ever | `null` |
//! | `cache.delete` | `{"key"}` | `null` |
//! | `cache.increment` | `{"key", "by", "ttl"}` | `{"value"}` |
//! | `cache.compare_and_set` | `{"key", "expected", "new", "ttl"}`: values as for `cache.set`, or null for none | `{"done"}` |
//! | `config.get` | `{"key"}` | `{"value"}`: null or text |
//! | `log` | `{"level", "message", "fields": [[name, value]]}` | `null` |
//! | `i18n.translate` | `{"key", "args": [[name, value]]}` | `{"text"}` |
//! | `context` | | `{"org_id", "user", "language", "request_id", "deadline_ms", "caller"}`; a user is null or `{"id", "name", "groups"}` with a member for each trait |
//! | `echo` | any text | the same text |
//! | `spin` | `{"ms"}` | `{"ms"}`, after being busy for so long |
//! | `count` | | `{"count"}`: how often this instance was asked |
//! | `fail` | `{"error"}`: the name of a case of `error` | that error |
//! | `not-json` | | a text that is no JSON |
//!
//! Parameters and values of the database are null, true, 1, 1.5, "text" and `{"blob": [1, 2]}`. With `"caught": true` an
//! error of the database is a result: `{"error", "message", "kind", "sql_code", "statement"}`.
//!
//! What its routes answer is in `routes.rs`.

mod database;
mod host;
mod json;
mod register;
mod routes;
mod self_made;

wit_bindgen::generate!({
    path: ["../../../wit", "wit"],
    world: "guest:probe/probe",
    generate_all,
});

use exports::goatherd::plugin::guest::{Guest, Registration};
use goatherd::plugin::types::Error;
use serde_json::Value;

struct Probe;

impl Guest for Probe {
    fn register() -> Registration {
        register::registration()
    }

    fn init() -> Result<(), Error> {
        Ok(())
    }

    fn call(function: String, args: String) -> Result<String, Error> {
        match function.as_str() {
            "echo" => return Ok(args),
            "not-json" => return Ok("not json".into()),
            _ => {}
        }
        let args: Value = serde_json::from_str(&args)
            .map_err(|error| Error::InvalidArgument(format!("args are not JSON: {error}")))?;
        let result = match function.as_str() {
            "db.query" => database::query(&args)?,
            "db.execute" => database::execute(&args)?,
            "db.transaction" => database::transaction(&args)?,
            "db.engine" => database::engine(),
            "cache.get" => host::cache_get(&args)?,
            "cache.set" => host::cache_set(&args)?,
            "cache.delete" => host::cache_delete(&args)?,
            "cache.increment" => host::cache_increment(&args)?,
            "cache.compare_and_set" => host::cache_compare_and_set(&args)?,
            "config.get" => host::config_get(&args)?,
            "log" => host::log(&args)?,
            "i18n.translate" => host::translate(&args)?,
            "context" => host::context(),
            "spin" => self_made::spin(&args)?,
            "count" => self_made::count(),
            "fail" => return Err(self_made::error(&args)?),
            _ => {
                return Err(Error::NotFound(format!(
                    "probe has no function {function:?}"
                )));
            }
        };
        Ok(result.to_string())
    }

    fn shutdown() -> Result<(), Error> {
        Ok(())
    }
}

export!(Probe);
