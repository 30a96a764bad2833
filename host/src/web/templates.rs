//! The server's templates, which are part of the program.

use minijinja::Environment;
use minijinja::value::Serde;
use serde::Serialize;

use super::problem::Problem;

/// The templates.
const TEMPLATES: [(&str, &str); 4] = [
    ("layout.html", include_str!("templates/layout.html")),
    ("start.html", include_str!("templates/start.html")),
    ("wrapped.html", include_str!("templates/wrapped.html")),
    ("widget.html", include_str!("templates/widget.html")),
];

/// Renders pages and documents.
pub(super) struct Templates(Environment<'static>);

impl Templates {
    /// Reads the templates. One that is wrong is named in the log, and what needs it is an internal error.
    pub(super) fn new() -> Self {
        let mut environment = Environment::new();
        for (name, source) in TEMPLATES {
            if let Err(error) = environment.add_template(name, source) {
                tracing::error!("the template {name} is wrong: {error:#}");
            }
        }
        Self(environment)
    }

    /// Renders a template; what is wrong with it is in the log.
    pub(super) fn render<T: Serialize>(&self, template: &str, page: &T) -> Result<String, Problem> {
        let rendered = self
            .0
            .get_template(template)
            .and_then(|template| template.render(Serde(page)));
        rendered.map_err(|error| {
            tracing::error!("the template {template} cannot be rendered: {error:#}");
            Problem::internal()
        })
    }
}
