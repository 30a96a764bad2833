"""One call of every function that a host offers, and for each of them what an error looks like.

The function `tour` goes through all interfaces and returns how each step ended: `ok`, or the code of the error.
`../api-tour` and `../api-tour-js` take the same steps in the same order, so the three can be read side by side.
What each step does, and how it must end, is in `tests/tests/tour/expectations.json`.

The classes below `Guest` are the other direction: what the host asks of a plugin, one interface for each kind of
contribution that has a handler. Each gets the name that `register` gave its handler, and answers so that whoever asks
sees what the plugin saw.
"""

import json

import tour
from componentize_py_types import Err
from register import NAME, registration
from wit_world import exports
from wit_world.imports.handler_types import (
    Deletion,
    DeletionKind,
    JobRun,
    Request,
    Response,
    ResponseBody_Json,
    WidgetRequest,
)
from wit_world.imports.registration import Registration
from wit_world.imports.types import (
    Error_Conflict,
    Error_NotFound,
    Method,
    Method_Delete,
    Method_Get,
    Method_Head,
    Method_Options,
    Method_Other,
    Method_Patch,
    Method_Post,
    Method_Put,
)

METHODS = {
    Method_Get: "GET",
    Method_Head: "HEAD",
    Method_Post: "POST",
    Method_Put: "PUT",
    Method_Patch: "PATCH",
    Method_Delete: "DELETE",
    Method_Options: "OPTIONS",
}


class Guest(exports.Guest):
    def register(self) -> Registration:
        return registration()

    def init(self) -> None:
        pass

    def call(self, function: str, args: str) -> str:
        match function:
            case "tour":
                return json.dumps(tour.tour(json.loads(args)))
            case "echo":
                # What the plugin's own capability calls.
                return args
            case _:
                raise Err(Error_NotFound(f'{NAME} has no function "{function}"'))

    def shutdown(self) -> None:
        pass


class RouteHandler(exports.RouteHandler):
    def handle(self, handler: str, request: Request) -> Response:
        """`{"handler", "method", "params", "query", "bytes"}`, with the length of the body."""
        seen = {
            "handler": handler,
            "method": method_name(request.method),
            "params": dict(request.params),
            "query": request.query,
            "bytes": len(request.body),
        }
        return Response(status=None, headers=[("x-tour", NAME)], body=ResponseBody_Json(json.dumps(seen)))


class WidgetHandler(exports.WidgetHandler):
    def render(self, handler: str, widget: WidgetRequest) -> str:
        return f"<p>{handler} draws {widget.widget_id}</p>"


class JobHandler(exports.JobHandler):
    def run(self, handler: str, run: JobRun) -> str | None:
        return f"{handler} ran {run.job_id}, attempt {run.attempt}"


class CascadeHandler(exports.CascadeHandler):
    def on_delete(self, handler: str, deletion: Deletion) -> None:
        """What can be undone may go."""
        if deletion.kind == DeletionKind.HARD:
            raise Err(Error_Conflict(f"{handler}: {deletion.entity_type} {deletion.id} stays"))


class EventAuthorizer(exports.EventAuthorizer):
    def authorize(self, handler: str, channel: str) -> bool:
        return handler == "may-listen" and channel == "tour"


class Navigation(exports.Navigation):
    def badge(self, handler: str, ui_id: str) -> int:
        if (handler, ui_id) != ("open", "desk"):
            raise Err(Error_NotFound(f'{ui_id} has no badge "{handler}"'))
        return 3


def method_name(method: Method) -> str:
    return method.value if isinstance(method, Method_Other) else METHODS[type(method)]
