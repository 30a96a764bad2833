//! What the probe asks for: everything that it can be used to try. What it gets is up to the test.

use crate::exports::goatherd::plugin::guest::Registration;
use crate::goatherd::plugin::registration::{
    Contribution, ErrorCode, PermissionRequest, ResourceRequest, Route,
};

pub fn registration() -> Registration {
    Registration {
        name: "probe".into(),
        version: "0.1.0".into(),
        description: "Calls the host function that its caller names".into(),
        author: String::new(),
        license: String::new(),
        homepage: String::new(),
        min_host_version: None,
        resources: Some(ResourceRequest {
            memory_mb: None,
            call_timeout_ms: None,
            init_timeout_ms: None,
            shutdown_timeout_ms: None,
            permissions: vec![
                permission("db", "readwrite", &["*"]),
                permission("cache", "readwrite", &[]),
                permission("config", "read", &["*"]),
            ],
        }),
        contributions: vec![
            route("GET", "echo/:id", "echo"),
            route("POST", "echo", "echo"),
            route("GET", "context", "context"),
            Contribution::ErrorCode(ErrorCode {
                code: "as-asked".into(),
                message: "It failed because it was asked to".into(),
                http_status: 418,
            }),
        ],
    }
}

fn permission(kind: &str, access: &str, scope: &[&str]) -> PermissionRequest {
    PermissionRequest {
        kind: kind.into(),
        access: Some(access.into()),
        scope: scope.iter().map(|entry| (*entry).into()).collect(),
    }
}

fn route(method: &str, path: &str, handler: &str) -> Contribution {
    Contribution::Route(Route {
        method: method.into(),
        path: format!("/api/plugins/probe/{path}"),
        handler: handler.into(),
        middleware: vec!["public".into()],
        description: String::new(),
    })
}
