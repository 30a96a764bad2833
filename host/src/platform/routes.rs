//! The plugins' routes.
//!
//! A plugin's own prefix `/api/plugins/<name>/` is its alone. A route elsewhere needs a `routes` grant that covers its
//! path, and must not share a request with a route of the application or, for the same method, of another plugin: two
//! routes that overlap are a clash even where one is more exact, since the later one would silently take requests from the
//! earlier one.

use std::collections::BTreeMap;
use std::sync::Arc;

use percent_encoding::percent_decode_str;

use super::{Application, Contributor};
use crate::contract::PluginName;
use crate::contract::registration::{Method, Route, RoutePath, Segment};

/// What every plugin's own prefix begins with.
const PREFIX: &str = "/api/plugins";

/// The routes of all enabled plugins.
#[derive(Debug, Clone, Default)]
pub struct RouteTable {
    methods: BTreeMap<Method, matchit::Router<Arc<ServedRoute>>>,
}

/// A route, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServedRoute {
    /// The plugin.
    pub plugin: PluginName,
    /// The route.
    pub route: Route,
}

/// What a table has for a method and a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A route, and the parameters of its path, unescaped.
    Route(Arc<ServedRoute>, Vec<(String, String)>),
    /// Routes for other methods, which are these.
    OtherMethods(Vec<Method>),
    /// A route, but a parameter is not UTF-8 when unescaped.
    BadParameter,
    /// Nothing.
    Nothing,
}

impl RouteTable {
    /// The routes of plugins that were checked when they were enabled.
    pub(super) fn of<'a>(contributors: impl Iterator<Item = Contributor<'a>>) -> Self {
        let mut table = Self::default();
        for contributor in contributors {
            for route in &contributor.registration().routes {
                if let Err(clash) = table.insert(contributor.name(), route) {
                    tracing::error!(plugin = %contributor.name(), "a route is not served: {clash}");
                }
            }
        }
        table
    }

    fn insert(&mut self, plugin: &PluginName, route: &Route) -> Result<(), String> {
        let served = ServedRoute {
            plugin: plugin.clone(),
            route: route.clone(),
        };
        self.methods
            .entry(route.method)
            .or_default()
            .insert(pattern(&route.path), Arc::new(served))
            .map_err(|error| error.to_string())
    }

    /// Looks a request up. A path is compared as it was sent, without unescaping; parameters are unescaped.
    pub fn find(&self, method: Method, path: &str) -> Found {
        let at = |method: &Method| self.methods.get(method)?.at(path).ok();
        let Some(found) = at(&method) else {
            let others = self.methods.keys().filter(|method| at(method).is_some());
            let others: Vec<Method> = others.copied().collect();
            return if others.is_empty() {
                Found::Nothing
            } else {
                Found::OtherMethods(others)
            };
        };
        let mut params = Vec::new();
        for (name, value) in found.params.iter() {
            let Ok(value) = percent_decode_str(value).decode_utf8() else {
                return Found::BadParameter;
            };
            params.push((name.to_owned(), value.into_owned()));
        }
        Found::Route(Arc::clone(found.value), params)
    }
}

/// A path as matchit writes it.
fn pattern(path: &RoutePath) -> String {
    let mut pattern = String::new();
    for segment in path.segments() {
        pattern.push('/');
        match segment {
            Segment::Literal(text) => pattern.push_str(text),
            Segment::Parameter(name) => pattern.extend(["{", name, "}"]),
            Segment::Rest(name) => pattern.extend(["{*", name, "}"]),
        }
    }
    if pattern.is_empty() {
        pattern.push('/');
    }
    pattern
}

/// Whether a plugin's routes are its to serve, and fit beside the application's and those of others.
pub(super) fn check<'a>(
    application: &Application,
    others: impl Iterator<Item = Contributor<'a>>,
    candidate: &Contributor<'_>,
) -> Result<(), String> {
    let name = candidate.name();
    let routes = &candidate.registration().routes;
    let mut own = RouteTable::default();
    for route in routes {
        own.insert(name, route).map_err(|error| {
            format!("plugin \"{name}\" is not served: its routes cannot stand together: {error}")
        })?;
    }
    let outside: Vec<&Route> = routes.iter().filter(|route| !is_own(name, route)).collect();
    for route in &outside {
        check_granted(application, candidate, route)?;
    }
    if outside.is_empty() {
        return Ok(());
    }
    for other in others {
        let theirs = other.registration().routes.iter();
        for taken in theirs.filter(|route| !is_own(other.name(), route)) {
            let clash = outside.iter().find(|route| {
                route.method == taken.method
                    && overlap(route.path.segments(), taken.path.segments())
            });
            if let Some(route) = clash {
                return Err(format!(
                    "plugin \"{name}\" is not served: its route {} {} clashes with {} {} of plugin \"{}\", which was \
                     enabled first; disable one of them",
                    route.method,
                    route.path,
                    taken.method,
                    taken.path,
                    other.name()
                ));
            }
        }
    }
    Ok(())
}

/// Whether the route is within the plugin's own prefix.
fn is_own(plugin: &PluginName, route: &Route) -> bool {
    route.path.is_within(&format!("{PREFIX}/{plugin}"))
}

/// Whether a route outside of the plugin's own prefix is its to serve.
fn check_granted(
    application: &Application,
    plugin: &Contributor<'_>,
    route: &Route,
) -> Result<(), String> {
    let name = plugin.name();
    let refused = |why: String| {
        Err(format!(
            "plugin \"{name}\" is not served: its route {} {} {why}",
            route.method, route.path
        ))
    };
    if overlap(
        route.path.segments(),
        segments(&format!("{PREFIX}/*others")),
    ) {
        return refused(format!(
            "would answer for other plugins; below {PREFIX}/ only {PREFIX}/{name}/ is its own"
        ));
    }
    let taken = application
        .routes
        .iter()
        .find(|taken| overlap(route.path.segments(), segments(taken)));
    if let Some(taken) = taken {
        return refused(format!("clashes with {taken} of the application"));
    }
    let granted = plugin
        .grants
        .routes()
        .is_some_and(|scope| scope.allows(route.path.as_str()));
    if !granted {
        return refused(format!(
            "is outside of {PREFIX}/{name}/ and no grant covers it; grant routes={} to serve it",
            route.path
        ));
    }
    Ok(())
}

/// The segments of a path of the application.
fn segments(path: &str) -> impl Iterator<Item = Segment<'_>> {
    let parts = path.split('/').filter(|part| !part.is_empty());
    parts.map(|part| {
        if let Some(name) = part.strip_prefix(':') {
            Segment::Parameter(name)
        } else if let Some(name) = part.strip_prefix('*') {
            Segment::Rest(name)
        } else {
            Segment::Literal(part)
        }
    })
}

/// Whether some path is matched by both.
fn overlap<'a, 'b>(
    mut one: impl Iterator<Item = Segment<'a>>,
    mut other: impl Iterator<Item = Segment<'b>>,
) -> bool {
    loop {
        match (one.next(), other.next()) {
            (None, None)
            | (Some(Segment::Rest(_)), Some(_))
            | (Some(_), Some(Segment::Rest(_))) => {
                return true;
            }
            (None, Some(_)) | (Some(_), None) => return false,
            (Some(Segment::Literal(one)), Some(Segment::Literal(other))) if one != other => {
                return false;
            }
            (Some(_), Some(_)) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::super::testing::{contributor, description};
    use super::*;
    use crate::contract::wire::registration as wire;
    use crate::contract::wire::types::Method as M;
    use crate::permission::{Grant, Grants};
    use crate::runtime::Description;

    fn plugin(name: &str, routes: &[(M, &str)]) -> Arc<Description> {
        let route = |(method, path): &(M, &str)| {
            wire::Contribution::Route(wire::Route {
                methods: vec![method.clone()],
                path: (*path).to_owned(),
                handler: wire::Handler::Function("handle".to_owned()),
                middleware: Vec::new(),
                description: None,
                max_body_bytes: None,
            })
        };
        description(name, routes.iter().map(route).collect())
    }

    fn application() -> Application {
        Application {
            routes: vec!["/".into(), "/login".into(), "/ui/*rest".into()],
            menu: Vec::new(),
        }
    }

    fn checked(
        grants: &str,
        candidate: &Arc<Description>,
        others: &[&Arc<Description>],
    ) -> Result<(), String> {
        let grants: Grants = Grant::parse(grants).into_iter().collect();
        let others = others.iter().map(|other| contributor(other, &grants));
        check(&application(), others, &contributor(candidate, &grants))
    }

    #[test]
    fn a_plugin_serves_its_own_prefix_without_a_grant() {
        let stats = plugin("stats", &[(M::Get, "/api/plugins/stats/:year")]);
        assert_eq!(checked("cache:read", &stats, &[]), Ok(()));
    }

    #[test]
    fn a_route_elsewhere_needs_a_grant_and_the_refusal_says_which() {
        let stats = plugin("stats", &[(M::Get, "/admin/stats")]);
        let refused = checked("routes=/admin/other", &stats, &[]).unwrap_err();
        assert!(refused.contains("grant routes=/admin/stats"), "{refused}");
        assert_eq!(checked("routes=/admin/*", &stats, &[]), Ok(()));
    }

    #[test]
    fn no_grant_lets_a_plugin_answer_for_another_one_or_for_the_application() {
        for path in [
            "/api/plugins/other/x",
            "/api/plugins/:any/x",
            "/api/*rest",
            "/*rest",
            "/login",
            "/:page",
            "/ui/stats",
        ] {
            let stats = plugin("stats", &[(M::Get, path)]);
            let refused = checked("routes=/*", &stats, &[]).unwrap_err();
            assert!(
                refused.contains("\"stats\"") && refused.contains(path),
                "{refused}"
            );
        }
    }

    #[test]
    fn of_two_routes_that_share_a_request_the_later_is_refused_and_both_are_named() {
        let first = plugin("first", &[(M::Get, "/admin/:page")]);
        let second = plugin("second", &[(M::Get, "/admin/stats")]);
        let refused = checked("routes=/*", &second, &[&first]).unwrap_err();
        assert!(
            refused.contains("GET /admin/stats clashes with GET /admin/:page"),
            "{refused}"
        );
        assert!(
            refused.contains("\"first\"") && refused.contains("\"second\""),
            "{refused}"
        );
        let other_method = plugin("second", &[(M::Post, "/admin/stats")]);
        assert_eq!(checked("routes=/*", &other_method, &[&first]), Ok(()));
    }

    #[test]
    fn parameters_are_unescaped_after_the_path_was_split() {
        let none = Grants::default();
        let stats = plugin(
            "stats",
            &[
                (M::Get, "/api/plugins/stats/:name"),
                (M::Get, "/api/plugins/stats/fixed"),
                (M::Post, "/api/plugins/stats/files/*rest"),
                (M::Get, "/api/plugins/stats/:year/:month"),
            ],
        );
        let table = RouteTable::of([contributor(&stats, &none)].into_iter());
        let params = |method, path| match table.find(method, path) {
            Found::Route(_, params) => params,
            other => panic!("{path}: {other:?}"),
        };
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            params(Method::Get, "/api/plugins/stats/a%2Fb%20c"),
            [pair("name", "a/b c")]
        );
        assert_eq!(params(Method::Get, "/api/plugins/stats/fixed"), []);
        assert_eq!(
            params(Method::Get, "/api/plugins/stats/2026/11"),
            [pair("year", "2026"), pair("month", "11")]
        );
        assert_eq!(
            params(Method::Post, "/api/plugins/stats/files/a/b"),
            [pair("rest", "a/b")]
        );
        assert_eq!(
            table.find(Method::Get, "/api/plugins/stats/%ff"),
            Found::BadParameter
        );
        assert_eq!(
            table.find(Method::Get, "/api/plugins/stats"),
            Found::Nothing
        );
    }

    #[test]
    fn a_path_that_is_served_for_other_methods_says_for_which() {
        let none = Grants::default();
        let stats = plugin(
            "stats",
            &[
                (M::Get, "/api/plugins/stats/x"),
                (M::Put, "/api/plugins/stats/x"),
            ],
        );
        let table = RouteTable::of([contributor(&stats, &none)].into_iter());
        assert_eq!(
            table.find(Method::Post, "/api/plugins/stats/x"),
            Found::OtherMethods(vec![Method::Get, Method::Put])
        );
    }
}
