//! Capabilities that an administrator or a workflow can run.

use serde::Serialize;

use super::{
    check::{self, DESCRIPTION_MAX, FunctionName, LABEL_MAX},
    problem::Item,
};
use crate::contract::{Json, wire::registration as wire};
use crate::names::text::{NameShape, quoted};

/// A capability that an administrator or a workflow can run while the plugin is enabled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Capability {
    /// `<plugin>.<name>`, unique in the host because the plugin's name is.
    pub slug: String,
    /// What it does.
    #[serde(flatten)]
    pub body: CapabilityBody,
    /// For people.
    pub title: String,
    /// For people; may be empty.
    pub description: String,
    /// A JSON object: the JSON Schema of the input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_schema: Option<Json>,
}

/// What a capability does. As JSON: `function` or `workflow`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CapabilityBody {
    /// Calls this function of the plugin, with the input as arguments.
    Function(FunctionName),
    /// Runs other capabilities, one after the other; at least one.
    Workflow(Vec<WorkflowStep>),
}

/// A step of a workflow. Whether its input means only what is before it is checked where workflows are run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WorkflowStep {
    /// Unique in the workflow, without a dot.
    pub name: String,
    /// The slug of what it runs.
    pub capability: String,
    /// The input: JSON in which `${…}` stands for values.
    pub input: Json,
    /// What takes it back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undo: Option<WorkflowUndo>,
}

/// What takes a step back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WorkflowUndo {
    /// The slug of what it runs.
    pub capability: String,
    /// The input, as a step's.
    pub input: Json,
}

/// The most steps of a workflow.
const STEPS_MAX: usize = 100;

impl Capability {
    /// `plugin` is the plugin's name as it gave it.
    pub(super) fn parse(
        item: &mut Item<'_>,
        given: wire::Capability,
        plugin: &str,
    ) -> Option<Self> {
        let slug = item.take("slug", parse_slug(given.slug, plugin));
        if let Some(slug) = &slug {
            item.unique("slug", slug.clone(), "slug");
        }
        let body = CapabilityBody::parse(item, given.does);
        let title = item.required("title", given.title, LABEL_MAX);
        let description = item.text(
            "description",
            given.description.unwrap_or_default(),
            DESCRIPTION_MAX,
        );
        let input_schema = item.if_present("input_schema", given.input_schema, check::json_object);
        Some(Capability {
            slug: slug?,
            body: body?,
            title: title?,
            description: description?,
            input_schema: input_schema?,
        })
    }
}

impl CapabilityBody {
    fn parse(item: &mut Item<'_>, given: wire::CapabilityBody) -> Option<Self> {
        match given {
            wire::CapabilityBody::Function(name) => {
                item.function("does.function", &name).map(Self::Function)
            }
            wire::CapabilityBody::Workflow(steps) => {
                if steps.is_empty() || steps.len() > STEPS_MAX {
                    let message =
                        format!("it has {} steps; expected 1 to {STEPS_MAX}", steps.len());
                    item.problem("does.workflow", message);
                    return None;
                }
                let steps = steps.into_iter().enumerate();
                // All of them are read, so that every wrong one is told.
                let steps: Vec<_> = steps
                    .map(|(index, step)| WorkflowStep::parse(item, index, step))
                    .collect();
                let steps: Option<Vec<WorkflowStep>> = steps.into_iter().collect();
                steps.map(Self::Workflow)
            }
            wire::CapabilityBody::Other(word) => {
                let message = format!(
                    "{} is nothing that a capability of this contract can do; expected function(name) or workflow(steps)",
                    quoted(&word)
                );
                item.problem("does", message);
                None
            }
        }
    }
}

impl WorkflowStep {
    fn parse(item: &mut Item<'_>, index: usize, given: wire::WorkflowStep) -> Option<Self> {
        let field = format!("does.workflow[{index}]");
        let name = item.required(format_args!("{field}.name"), given.name, LABEL_MAX);
        let capability = format_args!("{field}.capability");
        let capability = item.required(capability, given.capability, LABEL_MAX);
        let input = item.take(format_args!("{field}.input"), Json::parse(given.input));
        let undo = match given.undo {
            None => Some(None),
            Some(undo) => {
                let capability = format_args!("{field}.undo.capability");
                let capability = item.required(capability, undo.capability, LABEL_MAX);
                let input = item.take(format_args!("{field}.undo.input"), Json::parse(undo.input));
                capability
                    .zip(input)
                    .map(|(capability, input)| Some(WorkflowUndo { capability, input }))
            }
        };
        Some(Self {
            name: name?,
            capability: capability?,
            input: input?,
            undo: undo?,
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
