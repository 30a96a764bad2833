//! Workflows: capabilities one after the other.
//!
//! A workflow is a named list of steps, each a capability whose input may use the workflow's input and the outputs of the
//! steps before it. The first step that fails stops it; then the steps that succeeded are undone, the last one first, by the
//! capabilities that they name for that. Undoing does not stop at a failure, and has a time of its own: a workflow that
//! failed because its time was over must still be able to clean up.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use thiserror::Error;

use super::template::Template;
use super::{CapabilitySlug, Run, RunError};
use crate::contract::Error as Contract;

/// How long undoing may take in all.
const UNDOING: Duration = Duration::from_secs(30);
/// How many steps a workflow may have.
const STEPS: usize = 100;

/// A workflow, checked.
#[derive(Debug, Clone)]
pub struct Workflow {
    name: String,
    steps: Vec<Checked>,
}

/// A step as it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its name, by which later steps mean its output.
    pub name: String,
    /// What it runs.
    pub capability: String,
    /// The input: JSON in which `${input.user}` and `${steps.create.id}` stand for values.
    pub input: Value,
    /// What takes it back.
    pub undo: Option<Undo>,
}

/// What takes a step back after a later one failed.
#[derive(Debug, Clone, PartialEq)]
pub struct Undo {
    /// What it runs.
    pub capability: String,
    /// The input, which may also use the output of the step itself.
    pub input: Value,
}

/// Why steps make no workflow.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("workflow \"{workflow}\": {reason}")]
pub struct WorkflowError {
    workflow: String,
    reason: String,
}

#[derive(Debug, Clone)]
struct Checked {
    name: String,
    run: (CapabilitySlug, Template),
    undo: Option<(CapabilitySlug, Template)>,
}

impl Workflow {
    /// A workflow of these steps.
    ///
    /// # Errors
    ///
    /// When there are none or too many, two have one name, one names no capability, or an input means what is not before it.
    pub fn new(name: impl Into<String>, steps: &[Step]) -> Result<Self, WorkflowError> {
        let name = name.into();
        let wrong = |reason: String| WorkflowError {
            workflow: name.clone(),
            reason,
        };
        if steps.is_empty() || steps.len() > STEPS {
            return Err(wrong(format!(
                "it has {} steps; expected 1 to {STEPS}",
                steps.len()
            )));
        }
        let mut before: Vec<&str> = Vec::new();
        let mut checked = Vec::new();
        for step in steps {
            let wrong = |reason: String| wrong(format!("step {:?}: {reason}", step.name));
            if step.name.is_empty() || step.name.contains('.') {
                return Err(wrong(
                    "a step's name is not empty and has no dot".to_owned(),
                ));
            }
            if before.contains(&step.name.as_str()) {
                return Err(wrong("an earlier step has the same name".to_owned()));
            }
            let parse = |capability: &str, input: &Value, known: &[&str]| {
                let slug = capability.parse::<CapabilitySlug>();
                let slug = slug.map_err(|error| wrong(error.to_string()))?;
                Ok((slug, Template::parse(input, known).map_err(wrong)?))
            };
            let run = parse(&step.capability, &step.input, &before)?;
            before.push(&step.name);
            let undo = step.undo.as_ref();
            let undo = undo.map(|undo| parse(&undo.capability, &undo.input, &before));
            checked.push(Checked {
                name: step.name.clone(),
                run,
                undo: undo.transpose()?,
            });
        }
        Ok(Self {
            steps: checked,
            name,
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs all steps: `{"output": that of the last step, "steps": {NAME: output}}`.
    pub(super) async fn run(&self, run: &Run, input: Value) -> Result<Value, RunError> {
        let mut outputs = Map::new();
        for (index, step) in self.steps.iter().enumerate() {
            match self.step(run, step, &input, &outputs).await {
                Ok(output) => {
                    outputs.insert(step.name.clone(), output);
                }
                Err(cause) => {
                    let done = self.steps.get(..index).unwrap_or_default();
                    let (undone, not_undone) = undo(run, done, &input, &outputs).await;
                    return Err(RunError::Step {
                        workflow: self.name.clone(),
                        step: step.name.clone(),
                        cause: Box::new(cause),
                        undone,
                        not_undone,
                    });
                }
            }
        }
        let last = self.steps.last().and_then(|step| outputs.get(&step.name));
        Ok(json!({ "output": last, "steps": outputs }))
    }

    async fn step(
        &self,
        run: &Run,
        step: &Checked,
        input: &Value,
        outputs: &Map<String, Value>,
    ) -> Result<Value, RunError> {
        let (slug, template) = &step.run;
        let failed = |error| RunError::Failed {
            slug: slug.clone(),
            error,
        };
        if run
            .context
            .deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
        {
            return Err(failed(Contract::TimedOut));
        }
        let filled = template
            .fill(input, outputs)
            .map_err(|reason| failed(Contract::InvalidArgument(reason)))?;
        // Boxed, since a capability may be a workflow again.
        Box::pin(run.capability(slug.as_str(), filled)).await
    }
}

/// Undoes steps, the last one first. What was undone, and what was not and why.
async fn undo(
    run: &Run,
    steps: &[Checked],
    input: &Value,
    outputs: &Map<String, Value>,
) -> (Vec<String>, Vec<(String, String)>) {
    let mut run = run.clone();
    run.context.deadline = Some(Instant::now() + UNDOING);
    let (mut undone, mut not_undone) = (Vec::new(), Vec::new());
    for step in steps.iter().rev() {
        let Some((slug, template)) = &step.undo else {
            continue;
        };
        let taken_back = match template.fill(input, outputs) {
            Ok(filled) => Box::pin(run.capability(slug.as_str(), filled)).await,
            Err(reason) => Err(RunError::Failed {
                slug: slug.clone(),
                error: Contract::InvalidArgument(reason),
            }),
        };
        match taken_back {
            Ok(_) => undone.push(step.name.clone()),
            Err(error) => not_undone.push((step.name.clone(), error.to_string())),
        }
    }
    (undone, not_undone)
}
