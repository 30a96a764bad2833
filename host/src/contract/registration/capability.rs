//! Capabilities that an administrator or a workflow can run.

use serde::Serialize;

use super::{
    check::{self, DESCRIPTION_MAX, FunctionName, LABEL_MAX},
    problem::Item,
};
use crate::contract::{
    Json,
    text::{NameShape, quoted},
    v0_1::goatherd::plugin::registration as wit,
};

/// A capability that an administrator or a workflow can run while the plugin is enabled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Capability {
    /// `<plugin>.<name>`, unique in the host because the plugin's name is.
    pub slug: String,
    /// What runs.
    pub function: FunctionName,
    /// For people.
    pub title: String,
    /// For people; may be empty.
    pub description: String,
    /// A JSON object: the JSON Schema of the input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_schema: Option<Json>,
}

impl Capability {
    /// `plugin` is the plugin's name as it gave it.
    pub(super) fn parse(item: &mut Item<'_>, given: wit::Capability, plugin: &str) -> Option<Self> {
        let slug = item.take("slug", parse_slug(given.slug, plugin));
        if let Some(slug) = &slug {
            item.unique("slug", slug.clone(), "slug");
        }
        let function = item.function("function", &given.function);
        let title = item.required("title", given.title, LABEL_MAX);
        let description = item.text("description", given.description, DESCRIPTION_MAX);
        let input_schema = item.if_present("input_schema", given.input_schema, check::json_object);
        Some(Capability {
            slug: slug?,
            function: function?,
            title: title?,
            description: description?,
            input_schema: input_schema?,
        })
    }
}

fn parse_slug(slug: String, plugin: &str) -> Result<String, String> {
    let Some((owner, name)) = slug.split_once('.') else {
        return Err(format!(
            "the slug {} has no \".\"; expected <plugin>.<name> with the plugin {}",
            quoted(&slug),
            quoted(plugin)
        ));
    };
    if owner != plugin {
        return Err(format!(
            "the slug {} begins with {}, not with the plugin's own name {}",
            quoted(&slug),
            quoted(owner),
            quoted(plugin)
        ));
    }
    match NameShape::Either.check(name) {
        Ok(()) => Ok(slug),
        Err(wrong) => Err(format!(
            "the slug {} has the name {} which {wrong}",
            quoted(&slug),
            quoted(name)
        )),
    }
}
