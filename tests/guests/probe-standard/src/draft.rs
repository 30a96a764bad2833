//! `wasi:keyvalue@0.2.0-draft`.

use serde_json::{Value, json};

use crate::goatherd::plugin::types::Error;
use crate::json::{number, text, wrong};
use crate::wasi::keyvalue0_2_0_draft::store::{self, Bucket};
use crate::wasi::keyvalue0_2_0_draft::{atomics, batch};
use crate::{entries, failed, keys, shown, value};

fn of(error: store::Error) -> Error {
    match error {
        store::Error::NoSuchStore => failed("no-such-store", String::new()),
        store::Error::AccessDenied => failed("access-denied", String::new()),
        store::Error::Other(message) => failed("other", message),
    }
}

pub(crate) fn call(function: &str, args: &Value) -> Result<Value, Error> {
    let bucket = store::open(text(args, "bucket")?).map_err(of)?;
    on(&bucket, function, args)
}

fn on(bucket: &Bucket, function: &str, args: &Value) -> Result<Value, Error> {
    Ok(match function {
        "get" => shown(bucket.get(text(args, "key")?).map_err(of)?),
        "exists" => json!(bucket.exists(text(args, "key")?).map_err(of)?),
        "set" => json!(bucket.set(text(args, "key")?, &value(args)?).map_err(of)?),
        "delete" => json!(bucket.delete(text(args, "key")?).map_err(of)?),
        "list" => {
            let cursor = match args["cursor"].as_str() {
                Some(cursor) => Some(cursor.parse().map_err(|_| wrong("cursor"))?),
                None => None,
            };
            let listed = bucket.list_keys(cursor).map_err(of)?;
            let cursor = listed.cursor.map(|cursor| cursor.to_string());
            json!({ "keys": listed.keys, "cursor": cursor })
        }
        "increment" => {
            let (key, delta) = (text(args, "key")?, number(args, "delta")?);
            json!(atomics::increment(bucket, key, delta).map_err(of)?)
        }
        "get-many" => {
            let got = batch::get_many(bucket, &keys(args)?).map_err(of)?;
            let got = got.into_iter().map(|entry| match entry {
                Some((key, value)) => json!([key, shown(Some(value))]),
                None => Value::Null,
            });
            got.collect()
        }
        "set-many" => json!(batch::set_many(bucket, &entries(args)?).map_err(of)?),
        "delete-many" => json!(batch::delete_many(bucket, &keys(args)?).map_err(of)?),
        _ => return Err(Error::NotFound(function.into())),
    })
}
