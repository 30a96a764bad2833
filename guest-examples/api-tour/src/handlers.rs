//! What the host asks of a plugin: one interface for each kind of contribution that has a handler. Each gets the name that
//! `register` gave its handler, and answers so that whoever asks sees what the plugin saw.

use serde_json::{Map, Value, json};

use crate::ApiTour;
use crate::exports::goatherd::plugin::cascade_handler::{self, Deletion, DeletionKind};
use crate::exports::goatherd::plugin::job_handler::{self, JobRun};
use crate::exports::goatherd::plugin::route_handler::{self, Request, Response, ResponseBody};
use crate::exports::goatherd::plugin::widget_handler::{self, WidgetRequest};
use crate::exports::goatherd::plugin::{event_authorizer, navigation};
use crate::goatherd::plugin::types::{Error, Method};

impl route_handler::Guest for ApiTour {
    /// `{"handler", "method", "params", "query", "bytes"}`, with the length of the body.
    fn handle(handler: String, request: Request) -> Result<Response, Error> {
        let params: Map<String, Value> = request
            .params
            .into_iter()
            .map(|(name, value)| (name, value.into()))
            .collect();
        let seen = json!({
            "handler": handler,
            "method": method(request.method),
            "params": params,
            "query": request.query,
            "bytes": request.body.len(),
        });
        Ok(Response {
            status: None,
            headers: vec![("x-tour".into(), "api-tour".into())],
            body: ResponseBody::Json(seen.to_string()),
        })
    }
}

fn method(method: Method) -> String {
    match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
        Method::Options => "OPTIONS",
        Method::Other(name) => return name,
    }
    .into()
}

impl widget_handler::Guest for ApiTour {
    fn render(handler: String, widget: WidgetRequest) -> Result<String, Error> {
        let id = widget.widget_id;
        Ok(format!("<p>{handler} draws {id}</p>"))
    }
}

impl job_handler::Guest for ApiTour {
    fn run(handler: String, run: JobRun) -> Result<Option<String>, Error> {
        let (id, attempt) = (run.job_id, run.attempt);
        Ok(Some(format!("{handler} ran {id}, attempt {attempt}")))
    }
}

impl cascade_handler::Guest for ApiTour {
    /// What can be undone may go.
    fn on_delete(handler: String, deletion: Deletion) -> Result<(), Error> {
        match deletion.kind {
            DeletionKind::Soft => Ok(()),
            DeletionKind::Hard => {
                let (entity_type, id) = (deletion.entity_type, deletion.id);
                Err(Error::Conflict(format!(
                    "{handler}: {entity_type} {id} stays"
                )))
            }
        }
    }
}

impl event_authorizer::Guest for ApiTour {
    fn authorize(handler: String, channel: String) -> Result<bool, Error> {
        Ok(handler == "may-listen" && channel == "tour")
    }
}

impl navigation::Guest for ApiTour {
    fn badge(handler: String, ui_id: String) -> Result<u32, Error> {
        match (handler.as_str(), ui_id.as_str()) {
            ("open", "desk") => Ok(3),
            _ => Err(Error::NotFound(format!("{ui_id} has no badge {handler:?}"))),
        }
    }
}
