//! HTTP routes.
//!
//! A [`Route`] is never open by mistake: no middleware means `auth`, an unknown name of one is a problem, and so is a
//! list that contradicts itself. Whether the plugin may serve the path is for the layer that knows its grants
//! ([`RoutePath::is_within`]).

use std::fmt;

use serde::{Serialize, Serializer};

use super::{
    check::{DESCRIPTION_MAX, FunctionName, GroupName, unknown},
    path::RoutePath,
    problem::Item,
};
use crate::contract::wire::{registration as wire, types as wire_types};
use crate::names::text::quoted;

/// How the handler that is not a function is written as JSON.
const WASI_HTTP: &str = "wasi:http";
/// The largest body that a route may ask for, in bytes.
pub const BODY_MAX: u32 = 64 << 20;
/// The largest body of a route that does not say one, in bytes.
pub const BODY_DEFAULT: u32 = 4 << 20;

/// An HTTP route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path.
    pub path: RoutePath,
    /// What answers.
    pub handler: Handler,
    /// Who may ask: never empty, each once.
    pub middleware: Vec<Middleware>,
    /// For documentation; may be empty.
    pub description: String,
    /// The largest body that is read, in bytes; at most [`BODY_MAX`].
    #[serde(skip_serializing_if = "is_default_body")]
    pub max_body_bytes: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
fn is_default_body(bytes: &u32) -> bool {
    *bytes == BODY_DEFAULT
}

words! {
    /// The method of a request.
    Method {
        /// Reads.
        Get = "GET",
        /// Reads the headers alone.
        Head = "HEAD",
        /// Does something.
        Post = "POST",
        /// Replaces.
        Put = "PUT",
        /// Changes.
        Patch = "PATCH",
        /// Removes.
        Delete = "DELETE",
        /// Asks what is possible.
        Options = "OPTIONS",
    }
}

impl Method {
    pub(super) fn parse(given: wire_types::Method) -> Result<Self, String> {
        use wire_types::Method as Given;
        match given {
            Given::Get => Ok(Method::Get),
            Given::Head => Ok(Method::Head),
            Given::Post => Ok(Method::Post),
            Given::Put => Ok(Method::Put),
            Given::Patch => Ok(Method::Patch),
            Given::Delete => Ok(Method::Delete),
            Given::Options => Ok(Method::Options),
            Given::Other(name) => Err(unknown(&name, "HTTP method", Self::ALL)),
        }
    }
}

impl From<Method> for wire_types::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Get => Self::Get,
            Method::Head => Self::Head,
            Method::Post => Self::Post,
            Method::Put => Self::Put,
            Method::Patch => Self::Patch,
            Method::Delete => Self::Delete,
            Method::Options => Self::Options,
        }
    }
}

/// What answers the requests of a route. As JSON: the handler's name, or `wasi:http`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handler {
    /// `route-handler.handle`, which gets this name.
    Function(FunctionName),
    /// The plugin's export `wasi:http/incoming-handler`.
    WasiHttp,
}

impl Handler {
    pub(super) fn parse(given: wire::Handler) -> Result<Self, String> {
        match given {
            wire::Handler::Function(name) => FunctionName::parse(&name).map(Handler::Function),
            wire::Handler::WasiHttp => Ok(Handler::WasiHttp),
            wire::Handler::Other(word) => Err(format!(
                "{} is not a known handler; expected function(name) or wasi-http",
                quoted(&word)
            )),
        }
    }
}

impl fmt::Display for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Handler::Function(name) => name.fmt(f),
            Handler::WasiHttp => f.write_str(WASI_HTTP),
        }
    }
}

impl Serialize for Handler {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Who may use a route. As JSON: `auth`, `group:<name>` and so on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Middleware {
    /// Any signed-in user.
    Auth,
    /// An administrator.
    Admin,
    /// A customer.
    Customer,
    /// A member of the group.
    Group(GroupName),
    /// A machine whose request is signed.
    Webhook,
    /// Anybody.
    Public,
}

/// The names of [`Middleware`], for messages.
const MIDDLEWARE: &str = "auth, admin, customer, group(name), webhook or public";

impl Middleware {
    fn parse(given: wire::Middleware) -> Result<Self, String> {
        match given {
            wire::Middleware::Auth => Ok(Middleware::Auth),
            wire::Middleware::Admin => Ok(Middleware::Admin),
            wire::Middleware::Customer => Ok(Middleware::Customer),
            wire::Middleware::Group(name) => GroupName::parse(&name).map(Middleware::Group),
            wire::Middleware::Webhook => Ok(Middleware::Webhook),
            wire::Middleware::Public => Ok(Middleware::Public),
            wire::Middleware::Other(word) => Err(format!(
                "{} is not a known middleware; expected {MIDDLEWARE}",
                quoted(&word)
            )),
        }
    }

    /// Whether no request can, or need, satisfy both.
    fn contradicts(&self, other: &Self) -> bool {
        let alone = |one: &Self| matches!(one, Middleware::Public | Middleware::Webhook);
        alone(self)
            || alone(other)
            || matches!(
                (self, other),
                (Middleware::Admin, Middleware::Customer)
                    | (Middleware::Customer, Middleware::Admin)
            )
    }

    /// Reads a whole list; an empty one means `auth`.
    fn parse_list(item: &mut Item<'_>, given: Vec<wire::Middleware>) -> Option<Vec<Self>> {
        if given.is_empty() {
            return Some(vec![Middleware::Auth]);
        }
        let mut list: Vec<Middleware> = Vec::new();
        let mut right = true;
        for (index, given) in given.into_iter().enumerate() {
            let field = format_args!("middleware[{index}]");
            let Some(middleware) = item.take(field, Self::parse(given)) else {
                right = false;
                continue;
            };
            if list.contains(&middleware) {
                continue;
            }
            if let Some(other) = list.iter().find(|other| middleware.contradicts(other)) {
                let message = format!(
                    "\"{middleware}\" contradicts \"{other}\"; \"public\" and \"webhook\" stand alone, and nobody is \
                     administrator and customer at once"
                );
                item.problem(field, message);
                right = false;
                continue;
            }
            list.push(middleware);
        }
        right.then_some(list)
    }
}

impl fmt::Display for Middleware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Middleware::Auth => f.write_str("auth"),
            Middleware::Admin => f.write_str("admin"),
            Middleware::Customer => f.write_str("customer"),
            Middleware::Group(name) => write!(f, "group:{name}"),
            Middleware::Webhook => f.write_str("webhook"),
            Middleware::Public => f.write_str("public"),
        }
    }
}

impl Serialize for Middleware {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Route {
    /// One route for each method.
    pub(super) fn parse(item: &mut Item<'_>, given: wire::Route) -> Vec<Self> {
        let methods = parse_methods(item, given.methods);
        let path = item.take("path", RoutePath::parse(given.path));
        let handler = item.take("handler", Handler::parse(given.handler));
        let middleware = Middleware::parse_list(item, given.middleware);
        let description = given.description.unwrap_or_default();
        let description = item.text("description", description, DESCRIPTION_MAX);
        let max_body_bytes = item.if_present("max_body_bytes", given.max_body_bytes, |bytes| {
            if bytes > BODY_MAX {
                return Err(format!(
                    "{bytes} bytes is too much; expected at most {BODY_MAX}"
                ));
            }
            Ok(bytes)
        });
        if let Some(path) = &path {
            for method in &methods {
                let key = format!("{method} {}", path.shape());
                item.unique("path", key, "method and path");
            }
        }
        let (Some(path), Some(handler), Some(middleware)) = (path, handler, middleware) else {
            return Vec::new();
        };
        let (Some(description), Some(max_body_bytes)) = (description, max_body_bytes) else {
            return Vec::new();
        };
        let route = |method| Route {
            method,
            path: path.clone(),
            handler: handler.clone(),
            middleware: middleware.clone(),
            description: description.clone(),
            max_body_bytes: max_body_bytes.unwrap_or(BODY_DEFAULT),
        };
        methods.into_iter().map(route).collect()
    }
}

/// The methods of a route, each once; none where a problem was found.
fn parse_methods(item: &mut Item<'_>, given: Vec<wire_types::Method>) -> Vec<Method> {
    if given.is_empty() {
        item.problem("methods", "it has no method; expected at least one");
    }
    let mut methods = Vec::new();
    for (index, given) in given.into_iter().enumerate() {
        let method = item.take(format_args!("methods[{index}]"), Method::parse(given));
        if let Some(method) = method.filter(|method| !methods.contains(method)) {
            methods.push(method);
        }
    }
    methods
}
