//! `wasi:config`, in each of its versions.

use serde_json::{Value, json};

use crate::failed;
use crate::goatherd::plugin::types::Error;
use crate::json::{text, wrong};
use crate::wasi::config0_2_0_draft::{runtime, store as draft};
use crate::wasi::config0_2_0_draft_2024_09_27::store as dated;
use crate::wasi::config0_2_0_rc_1::store as candidate;

pub(crate) fn read(args: &Value) -> Result<Value, Error> {
    macro_rules! read {
        ($interface:ident::$error:ident) => {{
            let failed = |error| match error {
                $interface::$error::Upstream(message) => failed("upstream", message),
                $interface::$error::Io(message) => failed("io", message),
            };
            match args["key"].as_str() {
                Some(key) => json!($interface::get(key).map_err(failed)?),
                None => json!($interface::get_all().map_err(failed)?),
            }
        }};
    }
    Ok(match text(args, "interface")? {
        "rc.1" => read!(candidate::Error),
        "draft-2024-09-27" => read!(dated::Error),
        "draft" => read!(draft::Error),
        "runtime" => read!(runtime::ConfigError),
        other => return Err(wrong(&format!("there is no version {other}"))),
    })
}
