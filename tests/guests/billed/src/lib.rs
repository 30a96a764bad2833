//! A plugin of an application that has an interface of its own, `acme:billing/invoices`, and needs it.
//!
//! | function | arguments | result |
//! |---|---|---|
//! | `owed` | `{"customer"}` | `{"cents"}`, or `{"denied"}`, `{"busy"}`, `{"unknown"}` |

wit_bindgen::generate!({
    path: ["../../../wit", "wit"],
    world: "guest:billed/billed",
    generate_all,
});

use acme::billing::invoices::{self, Refusal};
use exports::goatherd::plugin::guest::{Guest, Registration};
use goatherd::plugin::registration::{
    PermissionAccess, PermissionKind, PermissionRequest, ResourceRequest,
};
use goatherd::plugin::types::Error;
use serde_json::{Value, json};

struct Billed;

impl Guest for Billed {
    fn register() -> Registration {
        Registration {
            name: "billed".into(),
            version: "1.0.0".into(),
            description: Some("Says what a customer owes".into()),
            author: None,
            license: None,
            homepage: None,
            min_host_version: None,
            resources: Some(ResourceRequest {
                limits: Vec::new(),
                permissions: vec![PermissionRequest {
                    kind: PermissionKind::Other("acme_billing".into()),
                    access: Some(PermissionAccess::Read),
                    scope: vec!["c-*".into()],
                }],
            }),
            contributions: Vec::new(),
        }
    }

    fn init() -> Result<(), Error> {
        Ok(())
    }

    fn call(function: String, args: String) -> Result<String, Error> {
        let args: Value = serde_json::from_str(&args)
            .map_err(|error| Error::InvalidArgument(format!("args are not JSON: {error}")))?;
        if function != "owed" {
            return Err(Error::NotFound(format!(
                "billed has no function {function:?}"
            )));
        }
        let customer = args["customer"].as_str().unwrap_or_default();
        let answer = match invoices::owed(customer) {
            Ok(cents) => json!({ "cents": cents }),
            Err(Refusal::Denied(why)) => json!({ "denied": why }),
            Err(Refusal::Busy(milliseconds)) => json!({ "busy": milliseconds }),
            Err(Refusal::Unknown) => json!({ "unknown": customer }),
        };
        Ok(answer.to_string())
    }

    fn shutdown() -> Result<(), Error> {
        Ok(())
    }
}

export!(Billed);
