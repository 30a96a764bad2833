//! What the probe asks for: everything that it can be used to try. What it gets is up to the test.

use crate::exports::goatherd::plugin::guest::Registration;
use crate::goatherd::plugin::registration::{
    Contribution, ErrorCode, Handler, Middleware, PermissionAccess, PermissionKind,
    PermissionRequest, ResourceRequest, Route,
};
use crate::goatherd::plugin::types::Method;

pub fn registration() -> Registration {
    Registration {
        name: "probe".into(),
        version: "0.1.0".into(),
        description: Some("Calls the host function that its caller names".into()),
        author: None,
        license: None,
        homepage: None,
        min_host_version: None,
        resources: Some(ResourceRequest {
            limits: Vec::new(),
            permissions: vec![
                permission(PermissionKind::Db, PermissionAccess::Readwrite, &["*"]),
                permission(PermissionKind::Cache, PermissionAccess::Readwrite, &[]),
                permission(PermissionKind::Config, PermissionAccess::Read, &["*"]),
            ],
        }),
        contributions: vec![
            route(Method::Get, "echo/:id", "echo"),
            route(Method::Post, "echo", "echo"),
            route(Method::Get, "context", "context"),
            route(Method::Post, "answer", "answer"),
            Contribution::ErrorCode(ErrorCode {
                code: "as-asked".into(),
                message: "It failed because it was asked to".into(),
                http_status: 418,
            }),
        ],
    }
}

fn permission(kind: PermissionKind, access: PermissionAccess, scope: &[&str]) -> PermissionRequest {
    PermissionRequest {
        kind,
        access: Some(access),
        scope: scope.iter().map(|entry| (*entry).into()).collect(),
    }
}

fn route(method: Method, path: &str, handler: &str) -> Contribution {
    Contribution::Route(Route {
        methods: vec![method],
        path: format!("/api/plugins/probe/{path}"),
        handler: Handler::Function(handler.into()),
        middleware: vec![Middleware::Public],
        description: None,
        max_body_bytes: None,
    })
}
