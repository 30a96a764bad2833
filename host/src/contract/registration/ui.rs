//! User interfaces of the plugin's own, at `/ui/<plugin>_<id>/`.
//!
//! What a plugin leaves out is filled in here, always to the closed side: a session is asked for, handlers see the
//! acting user's own data, a public page is limited to 60 requests a minute from one address.

use serde::Serialize;

use super::{
    check::{DESCRIPTION_MAX, GroupName, ICON_MAX, LABEL_MAX, LIST_MAX, either},
    path::RoutePath,
    problem::Item,
    route::{Handler, Method},
    ui_looks::{UiBranding, UiNav, UiPwa},
};
use crate::contract::{PluginName, wire::registration as wire};
use crate::names::text::{NameShape, quoted};

/// A user interface of the plugin's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Ui {
    /// Unique in the plugin, `^[a-z][a-z0-9-]{0,62}$`.
    pub id: String,
    /// For people.
    pub name: String,
    /// For people; may be empty.
    pub description: String,
    /// Who it is for.
    #[serde(rename = "type")]
    pub kind: UiKind,
    /// The name of an icon, or an SVG, which is untrusted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// What the application draws around its pages.
    pub shell: UiShell,
    /// Its pages, at least one, each for a different method and path.
    pub routes: Vec<UiRoute>,
    /// Looks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branding: Option<UiBranding>,
    /// Who may open it.
    pub auth: UiAuth,
    /// Installation as an application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pwa: Option<UiPwa>,
    /// Its own navigation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nav: Option<UiNav>,
    /// Whose data its handlers see.
    pub data_scope: UiDataScope,
    /// Requests a minute from one client address, more than 0; [`PUBLIC_RATE_LIMIT`] for public pages that do not say
    /// one, and no limit for the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<u32>,
}

/// Requests a minute from one client address to a public page that does not say a limit.
pub const PUBLIC_RATE_LIMIT: u32 = 60;

words_of_wit! {
    /// Who a user interface is for.
    UiKind, "kind of user interface" {
        /// Administrators.
        AdminPage = "admin_page",
        /// Agents.
        AgentApp = "agent_app",
        /// Customers.
        CustomerApp = "customer_app",
        /// Anybody.
        PublicPage = "public_page",
        /// A device that stands somewhere.
        Kiosk = "kiosk",
    }
}

words_of_wit! {
    /// What the application draws around a user interface's pages.
    UiShell, "shell" {
        /// Nothing.
        None = "none",
        /// The least.
        Minimal = "minimal",
        /// All of it.
        Standard = "standard",
    }
}

words_of_wit! {
    /// How a visitor says who they are.
    UiAuthMethod, "method of authentication" {
        /// As in the application.
        Session = "session",
        /// By a number.
        Pin = "pin",
        /// By a token in the address.
        Token = "token",
        /// Not at all.
        None = "none",
    }
}

words_of_wit! {
    /// Whose data a user interface's handlers see.
    UiDataScope, "data scope" {
        /// The acting user's.
        Own = "self",
        /// The organisation's.
        Org = "org",
        /// Everybody's.
        All = "all",
    }
}

/// A page of a user interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UiRoute {
    /// Relative to the interface's base, with a `/` before it.
    pub path: RoutePath,
    /// `GET` by default.
    pub method: Method,
    /// Makes the page.
    pub handler: Handler,
}

/// Who may open a user interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UiAuth {
    /// How they say who they are.
    pub method: UiAuthMethod,
    /// Of which groups they must be a member: all of them. Empty where the method is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupName>,
}

impl UiKind {
    fn default_shell(self) -> UiShell {
        match self {
            UiKind::AdminPage | UiKind::AgentApp => UiShell::Standard,
            UiKind::CustomerApp | UiKind::PublicPage => UiShell::Minimal,
            UiKind::Kiosk => UiShell::None,
        }
    }
}

impl Ui {
    /// The id in the host, `<plugin>_<id>`; the base is `/ui/<plugin>_<id>/`.
    #[must_use]
    pub fn full_id(&self, plugin: &PluginName) -> String {
        format!("{plugin}_{}", self.id)
    }

    pub(super) fn parse(item: &mut Item<'_>, given: wire::Ui) -> Option<Self> {
        let id = NameShape::Hyphen
            .check(&given.id)
            .map_err(|wrong| format!("the id {} {wrong}", quoted(&given.id)));
        let id = item.take("id", id);
        if id.is_some() {
            item.unique("id", given.id.clone(), "id");
        }
        let name = item.required("name", given.name, LABEL_MAX);
        let description = item.text(
            "description",
            given.description.unwrap_or_default(),
            DESCRIPTION_MAX,
        );
        let kind = item.take("kind", UiKind::known(given.kind));
        let icon = item.optional("icon", given.icon, ICON_MAX);
        let shell = item.if_present("shell", given.shell, UiShell::known);
        let routes = parse_routes(item, given.routes);
        let branding = match given.branding {
            Some(branding) => UiBranding::parse(item, branding).map(Some),
            None => Some(None),
        };
        let auth = parse_auth(item, given.auth);
        let pwa = match given.pwa {
            Some(pwa) => UiPwa::parse(item, pwa).map(Some),
            None => Some(None),
        };
        let nav = match given.nav {
            Some(nav) => UiNav::parse(item, nav).map(Some),
            None => Some(None),
        };
        let data_scope = item.if_present("data_scope", given.data_scope, UiDataScope::known);
        let rate_limit = item.if_present(
            "rate_limit_per_minute",
            given.rate_limit_per_minute,
            |limit| match limit {
                0 => Err("0 requests a minute lets nobody in; expected more than 0"),
                _ => Ok(limit),
            },
        );
        id?;
        let kind = kind?;
        let public = kind == UiKind::PublicPage;
        Some(Ui {
            id: given.id,
            name: name?,
            description: description?,
            kind,
            icon: icon?,
            shell: shell?.unwrap_or_else(|| kind.default_shell()),
            routes: routes?,
            branding: branding?,
            auth: auth?,
            pwa: pwa?,
            nav: nav?,
            data_scope: data_scope?.unwrap_or(UiDataScope::Own),
            rate_limit: rate_limit?.or(public.then_some(PUBLIC_RATE_LIMIT)),
        })
    }
}

fn parse_routes(item: &mut Item<'_>, given: Vec<wire::UiRoute>) -> Option<Vec<UiRoute>> {
    if given.is_empty() || given.len() > LIST_MAX {
        item.problem(
            "routes",
            format_args!("it has {} pages; expected 1 to {LIST_MAX}", given.len()),
        );
        return None;
    }
    let (wanted, mut routes) = (given.len(), Vec::new());
    let mut taken = std::collections::HashMap::new();
    for (index, route) in given.into_iter().enumerate() {
        let path = item.take(
            format_args!("routes[{index}].path"),
            RoutePath::parse(route.path),
        );
        let method = item.if_present(
            format_args!("routes[{index}].method"),
            route.method,
            Method::parse,
        );
        let method = method.map(|method| method.unwrap_or(Method::Get));
        let handler = item.take(
            format_args!("routes[{index}].handler"),
            Handler::parse(route.handler),
        );
        let (Some(path), Some(method)) = (path, method) else {
            continue;
        };
        if let Some(first) = taken.insert((method, path.shape()), index) {
            item.problem(
                format_args!("routes[{index}].path"),
                format_args!(
                    "{method} {} is the same as routes[{first}]; each page must have a method and path of its own",
                    quoted(path.as_str())
                ),
            );
            continue;
        }
        routes.extend(handler.map(|handler| UiRoute {
            path,
            method,
            handler,
        }));
    }
    (routes.len() == wanted).then_some(routes)
}

fn parse_auth(item: &mut Item<'_>, given: Option<wire::UiAuth>) -> Option<UiAuth> {
    let Some(given) = given else {
        return Some(UiAuth {
            method: UiAuthMethod::Session,
            groups: Vec::new(),
        });
    };
    let method = item.take("auth.method", UiAuthMethod::known(given.method));
    let (wanted, mut groups) = (given.groups.len(), Vec::new());
    for (index, name) in given.groups.iter().enumerate() {
        groups.extend(item.take(format_args!("auth.groups[{index}]"), GroupName::parse(name)));
    }
    if method == Some(UiAuthMethod::None) && wanted > 0 {
        let others = UiAuthMethod::ALL
            .iter()
            .filter(|method| **method != UiAuthMethod::None);
        item.problem(
            "auth.groups",
            format_args!(
                "nobody can be known as a member of {} with the method none; expected no groups, or the method {}",
                quoted(given.groups.first().map_or("", String::as_str)),
                either(others)
            ),
        );
        return None;
    }
    let method = method?;
    (groups.len() == wanted).then_some(UiAuth { method, groups })
}
