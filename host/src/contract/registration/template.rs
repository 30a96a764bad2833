//! Page templates out of the plugin's package.

use serde::Serialize;

use super::{path::PackagePath, problem::Item};
use crate::contract::wire::registration as wire;

/// A page template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Template {
    /// The name that pages ask for, such as `stats/dashboard.html`; unique in the plugin.
    pub name: PackagePath,
    /// The file in the package.
    pub path: PackagePath,
    /// Whether it takes the place of the application's template of that name.
    #[serde(rename = "override")]
    pub replaces: bool,
}

impl Template {
    pub(super) fn parse(item: &mut Item<'_>, given: wire::Template) -> Option<Self> {
        let name = item.take("name", PackagePath::parse(given.name));
        let path = item.take("path", PackagePath::parse(given.path));
        if let Some(name) = &name {
            item.unique("name", name.as_str().to_owned(), "name");
        }
        Some(Template {
            name: name?,
            path: path?,
            replaces: given.override_,
        })
    }
}
