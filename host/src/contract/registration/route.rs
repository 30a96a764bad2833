//! HTTP routes.
//!
//! A [`Route`] is never open by mistake: no middleware means `auth`, an unknown name of one is a problem, and so is a
//! list that contradicts itself. Whether the plugin may serve the path is for the layer that knows its grants
//! ([`RoutePath::is_within`]).

use std::fmt;

use serde::{Serialize, Serializer};

use super::{
    check::{DESCRIPTION_MAX, FunctionName, GroupName},
    path::RoutePath,
    problem::Item,
};
use crate::contract::{text::quoted, v0_1::goatherd::plugin::registration as wit};

/// The handler that is not a function.
pub(super) const WASI_HTTP: &str = "wasi:http";

/// An HTTP route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
}

words! {
    /// The method of a request.
    Method, "HTTP method" {
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
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let known = Self::ALL.iter().find(|method| method.as_str() == text);
        known.copied().ok_or_else(|| Self::unknown(text))
    }
}

/// What answers the requests of a route. As JSON: the function's name, or `wasi:http`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handler {
    /// A function of the plugin.
    Function(FunctionName),
    /// The plugin's export `wasi:http/incoming-handler`.
    WasiHttp,
}

impl Handler {
    fn parse(text: &str) -> Result<Self, String> {
        if text == WASI_HTTP {
            Ok(Handler::WasiHttp)
        } else {
            FunctionName::parse(text).map(Handler::Function)
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
const MIDDLEWARE: &str = "auth, admin, customer, group:<name>, webhook or public";

impl Middleware {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "auth" => Ok(Middleware::Auth),
            "admin" => Ok(Middleware::Admin),
            "customer" => Ok(Middleware::Customer),
            "webhook" => Ok(Middleware::Webhook),
            "public" => Ok(Middleware::Public),
            _ => match text.strip_prefix("group:") {
                Some(name) => GroupName::parse(name).map(Middleware::Group),
                None => Err(format!(
                    "{} is not a known middleware; expected {MIDDLEWARE}",
                    quoted(text)
                )),
            },
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
    fn parse_list(item: &mut Item<'_>, given: &[String]) -> Option<Vec<Self>> {
        if given.is_empty() {
            return Some(vec![Middleware::Auth]);
        }
        let mut list: Vec<Middleware> = Vec::new();
        let mut right = true;
        for (index, text) in given.iter().enumerate() {
            let field = format_args!("middleware[{index}]");
            let Some(middleware) = item.take(field, Self::parse(text)) else {
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
    pub(super) fn parse(item: &mut Item<'_>, given: wit::Route) -> Option<Self> {
        let method = item.take("method", Method::parse(&given.method));
        let path = item.take("path", RoutePath::parse(given.path));
        let handler = item.take("handler", Handler::parse(&given.handler));
        let middleware = Middleware::parse_list(item, &given.middleware);
        let description = item.text("description", given.description, DESCRIPTION_MAX);
        if let (Some(method), Some(path)) = (method, &path) {
            item.unique(
                "path",
                format!("{method} {}", path.shape()),
                "method and path",
            );
        }
        Some(Route {
            method: method?,
            path: path?,
            handler: handler?,
            middleware: middleware?,
            description: description?,
        })
    }
}
