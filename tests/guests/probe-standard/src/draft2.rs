//! `wasi:keyvalue@0.2.0-draft2`.

use serde_json::{Value, json};

use crate::goatherd::plugin::types::Error;
use crate::json::{number, text, wrong};
use crate::wasi::keyvalue0_2_0_draft2::atomics::{self, Cas, CasError};
use crate::wasi::keyvalue0_2_0_draft2::batch;
use crate::wasi::keyvalue0_2_0_draft2::store::{self, Bucket};
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
            let listed = bucket.list_keys(args["cursor"].as_str()).map_err(of)?;
            json!({ "keys": listed.keys, "cursor": listed.cursor })
        }
        "increment" => {
            let delta = args["delta"].as_i64().ok_or_else(|| wrong("delta"))?;
            json!(atomics::increment(bucket, text(args, "key")?, delta).map_err(of)?)
        }
        "get-many" => {
            let got = batch::get_many(bucket, &keys(args)?).map_err(of)?;
            let got = got.into_iter();
            got.map(|(key, value)| json!([key, shown(value)])).collect()
        }
        "set-many" => json!(batch::set_many(bucket, &entries(args)?).map_err(of)?),
        "delete-many" => json!(batch::delete_many(bucket, &keys(args)?).map_err(of)?),
        "swap" => swap(bucket, args)?,
        "hold" => hold(bucket, args)?,
        _ => return Err(Error::NotFound(function.into())),
    })
}

fn swap(bucket: &Bucket, args: &Value) -> Result<Value, Error> {
    let (key, value) = (text(args, "key")?, value(args)?);
    let cas = Cas::new(bucket, key).map_err(of)?;
    if let Some(meanwhile) = args["meanwhile"].as_str() {
        bucket.set(key, meanwhile.as_bytes()).map_err(of)?;
    }
    if args["look"] == true {
        cas.current().map_err(of)?;
    }
    match atomics::swap(cas, &value) {
        Ok(()) => Ok(json!({ "swapped": true })),
        Err(CasError::StoreError(error)) => Err(of(error)),
        Err(CasError::CasFailed(newer)) => {
            let current = shown(newer.current().map_err(of)?);
            let again = atomics::swap(newer, &value).is_ok();
            Ok(json!({ "swapped": false, "current": current, "again": again }))
        }
    }
}

fn hold(bucket: &Bucket, args: &Value) -> Result<Value, Error> {
    let (mut buckets, mut swaps) = (Vec::new(), Vec::new());
    let mut error = None;
    for _ in 0..number(args, "buckets")? {
        match store::open("") {
            Ok(bucket) => buckets.push(bucket),
            Err(said) => {
                error = Some(of(said).to_string());
                break;
            }
        }
    }
    for _ in 0..number(args, "swaps")? {
        match Cas::new(bucket, "held") {
            Ok(cas) => swaps.push(cas),
            Err(said) => {
                error = Some(of(said).to_string());
                break;
            }
        }
    }
    Ok(json!({ "held": buckets.len() + swaps.len(), "error": error }))
}
