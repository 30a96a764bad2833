"""The smallest useful plugin in Python: routes, a widget, functions, a log line and a counter in the cache.

`../hello-js` and `../hello-go` are the same plugin in JavaScript and Go, and answer the same.
"""

import json
import random
import secrets
from datetime import UTC, datetime

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import cache_read, cache_write, context, log
from wit_world.imports.handler_types import Request, Response, ResponseBody_Json, WidgetRequest
from wit_world.imports.registration import (
    Contribution_Route,
    Contribution_Widget,
    Handler_Function,
    Middleware_Public,
    PermissionAccess_Readwrite,
    PermissionKind_Cache,
    PermissionRequest,
    Registration,
    ResourceRequest,
    Route,
    Widget,
    WidgetLocation_AgentHome,
    WidgetSize_Small,
)
from wit_world.imports.types import (
    Error_InvalidArgument,
    Error_NotFound,
    Method,
    Method_Get,
    Method_Post,
)

NAME = "hello-py"


class Guest(exports.Guest):
    """What every plugin exports."""

    def register(self) -> Registration:
        """Says what the plugin is. It runs before anything is granted, so it calls no host function."""
        return Registration(
            name=NAME,
            version="0.1.0",
            description="Greets, and counts its visits in the cache",
            author="Goatherd",
            license="Apache-2.0",
            homepage=None,
            min_host_version=None,
            resources=ResourceRequest(
                limits=[],
                permissions=[
                    PermissionRequest(PermissionKind_Cache(), PermissionAccess_Readwrite(), scope=[])
                ],
            ),
            contributions=[
                route("hello", [Method_Get(), Method_Post()], "Greets whom `name` names, in the query or in the JSON body"),
                route("ticket", [Method_Get()], "Draws a ticket"),
                Contribution_Widget(
                    Widget(
                        id="visits",
                        title="Visits",
                        description="How many were greeted",
                        handler="visits",
                        location=WidgetLocation_AgentHome(),
                        size=WidgetSize_Small(),
                        order=0,
                        refreshable=True,
                        refresh_sec=30,
                    )
                ),
            ],
        )

    def init(self) -> None:
        """Runs once in each instance. What is printed goes into the plugin's log."""
        # The state that `random` starts from was made when the component was built, so every instance of it would draw the
        # same numbers.
        random.seed()
        print(f"ready at {now()}")

    def call(self, function: str, args: str) -> str:
        """What other plugins can call, and `goatherd call`.

        An error is raised as `Err` with a case of the contract's `error`. Host functions raise the same, so letting theirs
        pass hands them to the caller unchanged.
        """
        match function:
            case "hello":
                return json.dumps(hello(member(json.loads(args), "name")))
            case "ticket":
                return json.dumps(ticket())
            case "fail":
                return fail()
            case _:
                raise Err(Error_NotFound(f'{NAME} has no function "{function}"'))

    def shutdown(self) -> None:
        pass


class RouteHandler(exports.RouteHandler):
    """What a plugin with routes exports."""

    def handle(self, handler: str, request: Request) -> Response:
        match handler, request.method:
            case "hello", Method_Post():
                return answer(hello(member(parsed(request.body), "name")))
            case "hello", _:
                return answer(hello(next((value for key, value in request.query if key == "name"), None)))
            case "ticket", _:
                return answer(ticket())
            case _:
                raise Err(Error_NotFound(f'{NAME} has no handler "{handler}"'))


class WidgetHandler(exports.WidgetHandler):
    """What a plugin with widgets exports. A widget is a fragment of HTML."""

    def render(self, handler: str, widget: WidgetRequest) -> str:
        visits = cache_read.get("visits")
        return f"<p>Visits: {0 if visits is None else int(visits)}</p>"


def route(handler: str, methods: list[Method], description: str) -> Contribution_Route:
    return Contribution_Route(
        Route(
            methods=methods,
            path=f"/api/plugins/{NAME}/{handler}",
            handler=Handler_Function(handler),
            # A greeting is no secret; without this, visitors would have to sign in.
            middleware=[Middleware_Public()],
            description=description,
            max_body_bytes=1024,
        )
    )


def answer(value: object) -> Response:
    return Response(status=None, headers=[], body=ResponseBody_Json(json.dumps(value)))


def hello(name: object) -> dict[str, object]:
    if name is None:
        name = "world"
    if not isinstance(name, str):
        raise Err(Error_InvalidArgument("name must be a string"))

    # In one step, so that no visit is lost, and never forgotten.
    visits = cache_write.increment("visits", 1, None)
    log.log(log.Level.INFO, "greeted", [("name", name), ("visits", str(visits))])
    return {"greeting": f"Hello, {name}!", "visits": visits, "language": context.language()}


def parsed(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        raise Err(Error_InvalidArgument("the body is not JSON"))


def member(value: object, key: str) -> object:
    """The member `key` of a JSON object; none where it has none, and where `value` is no object."""
    return value.get(key) if isinstance(value, dict) else None


def ticket() -> dict[str, object]:
    """`ticket` cannot be guessed; `lot` is an ordinary random number."""
    return {"ticket": secrets.token_hex(16), "lot": random.random(), "drawn": now()}


def now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def fail() -> str:
    """A bug, to see where one is read: the error that the call ends with, and the log, have the message and this line."""
    raise RuntimeError("a bug")
