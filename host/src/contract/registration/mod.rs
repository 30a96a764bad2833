//! What a plugin says about itself, parsed.
//!
//! [`Registration::parse`] is the only door: a [`Registration`] that exists is valid in all its parts, its defaults are
//! filled in, and nothing above needs to check it again. It is decided here, before `init` and before anything is
//! granted, and completely: every problem is found and told, not just the first. What needs knowledge from outside the
//! registration is left to the layers that have it: whether a route's path, a scope or a parent menu item is the
//! plugin's to use, and whether an entity type exists.
//!
//! As JSON a registration has the shape that `GKRegistration` has in GoatFlow, grouped by kind.

use semver::Version;
use serde::{Serialize, Serializer};
use url::Url;

use super::{
    Json, PluginName,
    wire::registration::{self as wire, Contribution},
};
use crate::names::text::quoted;

#[macro_use]
mod check;
mod capability;
mod cascade;
mod custom_field;
mod duration;
mod error_code;
mod event_authorizer;
mod exports;
mod group;
mod i18n;
mod job;
mod menu;
mod path;
mod problem;
mod resources;
mod route;
mod template;
mod ui;
mod ui_looks;
mod widget;

#[cfg(test)]
mod tests;

pub use capability::{Capability, CapabilityBody, WorkflowStep, WorkflowUndo};
pub use cascade::Cascade;
pub use check::{Color, EntityType, FunctionName, GroupName};
pub use custom_field::{CustomField, FieldType, SECTION};
pub use error_code::ErrorCode;
pub use event_authorizer::EventAuthorizer;
pub use exports::NeededExport;
pub use group::Group;
pub use i18n::{I18n, PluralCategory, Text};
pub use job::{Job, Schedule, TIMEOUT};
pub use menu::{MenuItem, MenuLocation};
pub use path::{LocalPath, PackagePath, RoutePath, Segment};
pub use problem::{PROBLEMS_MAX, Problem, Problems};
pub use resources::{PermissionRequest, Resources};
pub use route::{BODY_DEFAULT, BODY_MAX, Handler, Method, Middleware, Route};
pub use template::Template;
pub use ui::{PUBLIC_RATE_LIMIT, Ui, UiAuth, UiAuthMethod, UiDataScope, UiKind, UiRoute, UiShell};
pub use ui_looks::{ImageAddress, UiBranding, UiDisplay, UiNav, UiNavItem, UiNavPosition, UiPwa};
pub use widget::{REFRESH_MIN_SEC, Widget, WidgetLocation, WidgetSize};

use check::{DESCRIPTION_MAX, LABEL_MAX, at_most, json_object};
use problem::{Found, Section};

/// The most contributions of a plugin.
pub const CONTRIBUTIONS_MAX: usize = 10_000;

/// The most bytes in a version.
const VERSION_MAX: usize = 128;

/// A plugin, described by itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Registration {
    /// Unique in a host.
    pub name: PluginName,
    /// The plugin's version.
    pub version: Version,
    /// One sentence for people; may be empty, as may the next two.
    pub description: String,
    /// Person or organisation.
    pub author: String,
    /// SPDX identifier.
    pub license: String,
    /// An `http` or `https` address.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "url_text")]
    pub homepage: Option<Url>,
    /// HTTP routes, each for a method and path of its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Route>,
    /// Navigation entries. No cycle among their parents.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub menu_items: Vec<MenuItem>,
    /// Boxes on dashboards.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub widgets: Vec<Widget>,
    /// Work at set times.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub jobs: Vec<Job>,
    /// Page templates.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub templates: Vec<Template>,
    /// Translations, all pieces together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub i18n: Option<I18n>,
    /// Errors of the plugin's own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub error_codes: Vec<ErrorCode>,
    /// Ids of the application's menu items to hide.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hide_menu_items: Vec<String>,
    /// Where to go after signing in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub landing_page: Option<LocalPath>,
    /// Groups of users.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Group>,
    /// Fields on the application's entities.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub custom_fields: Vec<CustomField>,
    /// User interfaces of its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub uis: Vec<Ui>,
    /// What it does when entities are deleted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cascades: Vec<Cascade>,
    /// Capabilities.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<Capability>,
    /// The JSON Schema of its configuration, an object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_schema: Option<Json>,
    /// Who may listen to its events.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub event_authorizers: Vec<EventAuthorizer>,
    /// What this version of the contract does not know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extensions: Vec<Extension>,
    /// The oldest host that can run it; not newer than this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_host_version: Option<Version>,
    /// Limits and permissions that it asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
}

/// A kind of contribution that this version of the contract does not know. Kept and shown, not used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Extension {
    /// The kind.
    pub name: String,
    /// Its data.
    pub data: Json,
}

impl Registration {
    /// Reads what a plugin returned from `register`, on a host of version `host`.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, in the order: the plugin itself, then its contributions as they come.
    pub fn parse(given: wire::Registration, host: &Version) -> Result<Registration, Problems> {
        let mut found = Found::default();
        let name = found.take("name", given.name.parse::<PluginName>());
        let version = parse_version(&mut found, "version", &given.version);
        let description = limited(
            &mut found,
            "description",
            given.description.unwrap_or_default(),
        );
        let author = limited(&mut found, "author", given.author.unwrap_or_default());
        let license = limited(&mut found, "license", given.license.unwrap_or_default());
        let homepage = match given.homepage {
            Some(text) => found.take("homepage", parse_homepage(&text)).map(Some),
            None => Some(None),
        };
        let min_host_version = given
            .min_host_version
            .and_then(|text| parse_version(&mut found, "min_host_version", &text));
        if let Some(least) = &min_host_version
            && least.cmp_precedence(host).is_gt()
        {
            let shown_name = name
                .as_ref()
                .map_or_else(|| quoted(&given.name).to_string(), ToString::to_string);
            let shown_version = version
                .as_ref()
                .map_or_else(|| quoted(&given.version).to_string(), ToString::to_string);
            found.add(
                "min_host_version",
                format_args!(
                    "{shown_name} {shown_version} requires goatherd >= {least}, this is {host}"
                ),
            );
        }
        let resources = given
            .resources
            .map(|request| Resources::parse(&mut found, request));
        let parts = Contributions::parse(&mut found, given.contributions, &given.name);
        let registration = move || {
            Some(Registration {
                name: name?,
                version: version?,
                description: description?,
                author: author?,
                license: license?,
                homepage: homepage?,
                routes: parts.routes.finish(),
                menu_items: parts.menu_items.finish(),
                widgets: parts.widgets.finish(),
                jobs: parts.jobs.finish(),
                templates: parts.templates.finish(),
                i18n: parts.i18n,
                error_codes: parts.error_codes.finish(),
                hide_menu_items: parts.hide_menu_items.finish(),
                landing_page: parts.landing_page.finish().pop(),
                groups: parts.groups.finish(),
                custom_fields: parts.custom_fields.finish(),
                uis: parts.uis.finish(),
                cascades: parts.cascades.finish(),
                capabilities: parts.capabilities.finish(),
                config_schema: parts.config_schema.finish().pop(),
                event_authorizers: parts.event_authorizers.finish(),
                extensions: parts.extensions.finish(),
                min_host_version,
                resources,
            })
        };
        found.finish(registration())
    }

    /// Every permission that the plugin asks for.
    pub fn requested_permissions(&self) -> impl Iterator<Item = &PermissionRequest> {
        let request = self.resources.iter();
        request.flat_map(|request| &request.permissions)
    }
}

/// The contributions, by kind.
struct Contributions {
    routes: Section<Route>,
    menu_items: Section<MenuItem>,
    widgets: Section<Widget>,
    jobs: Section<Job>,
    templates: Section<Template>,
    i18n: Option<I18n>,
    i18n_pieces: Section<()>,
    error_codes: Section<ErrorCode>,
    hide_menu_items: Section<String>,
    landing_page: Section<LocalPath>,
    groups: Section<Group>,
    custom_fields: Section<CustomField>,
    uis: Section<Ui>,
    cascades: Section<Cascade>,
    capabilities: Section<Capability>,
    config_schema: Section<Json>,
    event_authorizers: Section<EventAuthorizer>,
    extensions: Section<Extension>,
    parents: menu::Parents,
}

impl Contributions {
    fn parse(found: &mut Found, given: Vec<Contribution>, plugin: &str) -> Self {
        let mut parts = Contributions {
            routes: Section::new("routes", "route"),
            menu_items: Section::new("menu_items", "menu item"),
            widgets: Section::new("widgets", "widget"),
            jobs: Section::new("jobs", "job"),
            templates: Section::new("templates", "template"),
            i18n: None,
            i18n_pieces: Section::new("i18n", "translations of"),
            error_codes: Section::new("error_codes", "error code"),
            hide_menu_items: Section::new("hide_menu_items", "menu item to hide"),
            landing_page: Section::new("landing_page", "landing page"),
            groups: Section::new("groups", "group"),
            custom_fields: Section::new("custom_fields", "custom field"),
            uis: Section::new("uis", "user interface"),
            cascades: Section::new("cascades", "cascade for"),
            capabilities: Section::new("capabilities", "capability"),
            config_schema: Section::new("config_schema", "configuration schema of"),
            event_authorizers: Section::new("event_authorizers", "event authorizer"),
            extensions: Section::new("extensions", "extension"),
            parents: menu::Parents::default(),
        };
        if given.len() > CONTRIBUTIONS_MAX {
            found.add(
                "contributions",
                format_args!(
                    "there are {} contributions; expected at most {CONTRIBUTIONS_MAX}",
                    given.len()
                ),
            );
        }
        for contribution in given.into_iter().take(CONTRIBUTIONS_MAX) {
            parts.read(found, contribution, plugin);
        }
        parts.parents.check(found);
        if let Some(texts) = &parts.i18n {
            texts.check(found);
        }
        parts
    }

    fn read(&mut self, found: &mut Found, contribution: Contribution, plugin: &str) {
        use Contribution as C;
        match contribution {
            C::Route(given) => {
                let subject = given.path.clone();
                self.routes
                    .read(found, &subject, |item| Route::parse(item, given));
            }
            C::MenuItem(given) => {
                self.parents.note(self.menu_items.next_index(), &given);
                let subject = given.id.clone();
                self.menu_items
                    .read(found, &subject, |item| MenuItem::parse(item, given));
            }
            C::HideMenuItem(id) => {
                let subject = id.clone();
                self.hide_menu_items
                    .read(found, &subject, |item| item.take("", menu::parse_id(id)));
            }
            C::LandingPage(path) => {
                let subject = path.clone();
                self.landing_page.read(found, &subject, |item| {
                    item.at_most_one();
                    item.take("", LocalPath::parse(path))
                });
            }
            C::Widget(given) => {
                let subject = given.id.clone();
                self.widgets
                    .read(found, &subject, |item| Widget::parse(item, given));
            }
            C::Job(given) => {
                let subject = given.id.clone();
                self.jobs
                    .read(found, &subject, |item| Job::parse(item, given));
            }
            C::Template(given) => {
                let subject = given.name.clone();
                self.templates
                    .read(found, &subject, |item| Template::parse(item, given));
            }
            C::I18n(given) => {
                let all = self.i18n.get_or_insert_default();
                self.i18n_pieces.read(found, plugin, |item| {
                    all.add(item, given, plugin);
                    Some(())
                });
            }
            C::ErrorCode(given) => {
                let subject = given.code.clone();
                self.error_codes
                    .read(found, &subject, |item| ErrorCode::parse(item, given));
            }
            C::Group(given) => {
                let subject = given.name.clone();
                self.groups
                    .read(found, &subject, |item| Group::parse(item, given));
            }
            C::CustomField(given) => {
                let subject = given.name.clone();
                self.custom_fields
                    .read(found, &subject, |item| CustomField::parse(item, given));
            }
            C::Ui(given) => {
                let subject = given.id.clone();
                self.uis
                    .read(found, &subject, |item| Ui::parse(item, given));
            }
            C::Cascade(given) => {
                let subject = given.entity_type.clone();
                self.cascades
                    .read(found, &subject, |item| Cascade::parse(item, given));
            }
            C::Capability(given) => {
                let subject = given.slug.clone();
                self.capabilities.read(found, &subject, |item| {
                    Capability::parse(item, given, plugin)
                });
            }
            C::ConfigSchema(text) => self.config_schema.read(found, plugin, |item| {
                item.at_most_one();
                item.take("", json_object(text))
            }),
            C::EventAuthorizer(given) => {
                let subject = given.handler.clone();
                self.event_authorizers
                    .read(found, &subject, |item| EventAuthorizer::parse(item, given));
            }
            C::Extension((name, data)) => {
                let subject = name.clone();
                self.extensions.read(found, &subject, |item| {
                    let name = item.required("name", name, LABEL_MAX);
                    let data = item.take("data", Json::parse(data));
                    Some(Extension {
                        name: name?,
                        data: data?,
                    })
                });
            }
        }
    }
}

fn limited(found: &mut Found, field: &str, text: String) -> Option<String> {
    found.take(field, at_most(text, DESCRIPTION_MAX))
}

fn parse_version(found: &mut Found, field: &str, text: &str) -> Option<Version> {
    if text.len() > VERSION_MAX {
        found.add(
            field,
            format_args!(
                "the version {} is longer than {VERSION_MAX} bytes",
                quoted(text)
            ),
        );
        return None;
    }
    let parsed = Version::parse(text).map_err(|wrong| {
        format!(
            "{} is not a semantic version: {wrong}; expected one such as 1.0.0",
            quoted(text)
        )
    });
    found.take(field, parsed)
}

fn parse_homepage(text: &str) -> Result<Url, String> {
    match Url::parse(text) {
        Ok(url) if text.len() <= DESCRIPTION_MAX && matches!(url.scheme(), "http" | "https") => {
            Ok(url)
        }
        _ => Err(format!(
            "{} is not a web address; expected one such as \"https://example.org/stats\", or nothing",
            quoted(text)
        )),
    }
}

fn url_text<S: Serializer>(url: &Option<Url>, serializer: S) -> Result<S::Ok, S::Error> {
    match url {
        Some(url) => serializer.serialize_str(url.as_str()),
        None => serializer.serialize_none(),
    }
}
