//! A plugin that runs the capability that its caller names, and has some of its own. Errors of the host pass through
//! unchanged.
//!
//! | function | arguments | result |
//! |---|---|---|
//! | `run` | `{"slug", "input"}`: text for `input` is passed on as it is | what that capability returns |
//! | `available` | | a list of `{"slug", "title", "description", "input_schema"}` |
//! | `context` | | `{"org_id", "user", "request_id", "deadline_ms", "caller"}` |
//! | `echo` | any JSON | the same |
//! | `fail` | `{"error"}`: the name of a case of `error` | that error |
//! | `trap` | | does not return |
//!
//! Each of them is a capability as well, `probe-capabilities.run` and so on; `echo` has a schema, which wants `{"said"}` to be
//! text. The workflow `probe-capabilities.twice` echoes its input and then what that echoed.

#[path = "../../probe/src/json.rs"]
#[allow(dead_code, reason = "it serves other guests too")]
mod json;
#[path = "../../probe/src/self_made.rs"]
#[allow(dead_code, reason = "it serves other guests too")]
mod self_made;

wit_bindgen::generate!({
    path: ["../../../wit", "wit"],
    world: "guest:probe-capabilities/probe-capabilities",
    generate_all,
});

use exports::goatherd::plugin::guest::{Guest, Registration};
use goatherd::plugin::registration::{
    Capability, CapabilityBody, Contribution, PermissionKind, PermissionRequest, ResourceRequest,
    WorkflowStep,
};
use goatherd::plugin::types::Error;
use goatherd::plugin::{capabilities, context};
use serde_json::{Value, json};

const NAME: &str = "probe-capabilities";
const FUNCTIONS: [&str; 6] = ["run", "available", "context", "echo", "fail", "trap"];
const SAYING: &str = r#"{"type": "object", "properties": {"said": {"type": "string"}}}"#;

struct Probe;

impl Guest for Probe {
    fn register() -> Registration {
        let functions = FUNCTIONS.map(|function| {
            let schema = (function == "echo").then(|| SAYING.to_owned());
            capability(function, CapabilityBody::Function(function.into()), schema)
        });
        let twice = capability("twice", CapabilityBody::Workflow(steps()), None);
        Registration {
            name: NAME.into(),
            version: "0.1.0".into(),
            description: Some("Runs the capability that its caller names".into()),
            author: None,
            license: None,
            homepage: None,
            min_host_version: None,
            resources: Some(ResourceRequest {
                limits: Vec::new(),
                permissions: vec![PermissionRequest {
                    kind: PermissionKind::Capability,
                    access: None,
                    scope: vec!["*".into()],
                }],
            }),
            contributions: functions.into_iter().chain([twice]).collect(),
        }
    }

    fn init() -> Result<(), Error> {
        Ok(())
    }

    fn call(function: String, args: String) -> Result<String, Error> {
        let args: Value = serde_json::from_str(&args)
            .map_err(|error| Error::InvalidArgument(format!("args are not JSON: {error}")))?;
        let result = match function.as_str() {
            "run" => return run(&args),
            "available" => available()?,
            "context" => seen(),
            "echo" => args,
            "fail" => return Err(self_made::error(&args)?),
            "trap" => panic!("as asked"),
            _ => {
                return Err(Error::NotFound(format!(
                    "{NAME} has no function {function:?}"
                )));
            }
        };
        Ok(result.to_string())
    }

    fn shutdown() -> Result<(), Error> {
        Ok(())
    }
}

fn capability(name: &str, does: CapabilityBody, input_schema: Option<String>) -> Contribution {
    Contribution::Capability(Capability {
        slug: slug(name),
        does,
        title: name.into(),
        description: None,
        input_schema,
    })
}

fn steps() -> Vec<WorkflowStep> {
    [
        ("first", "${input.said}"),
        ("second", "${steps.first.said}"),
    ]
    .map(|(name, said)| WorkflowStep {
        name: name.into(),
        capability: slug("echo"),
        input: json!({ "said": said }).to_string(),
        undo: None,
    })
    .into()
}

fn slug(name: &str) -> String {
    format!("{NAME}.{name}")
}

fn run(args: &Value) -> Result<String, Error> {
    let input = match &args["input"] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    capabilities::run(json::text(args, "slug")?, &input)
}

fn available() -> Result<Value, Error> {
    let all = capabilities::available()?.into_iter().map(|capability| {
        json!({
            "slug": capability.slug,
            "title": capability.title,
            "description": capability.description,
            "input_schema": capability.input_schema,
        })
    });
    Ok(all.collect())
}

fn seen() -> Value {
    json!({
        "org_id": context::org_id(),
        "user": context::user().map(|user| user.id),
        "request_id": context::request_id(),
        "deadline_ms": context::deadline_ms(),
        "caller": context::caller(),
    })
}

export!(Probe);
