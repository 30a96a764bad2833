"""The smallest useful plugin in Python: two functions with their routes, a log line and a counter in the cache.

`../hello-js` and `../hello-go` are the same plugin in JavaScript and Go, and answer the same.
"""

import json
import random
import secrets
from datetime import UTC, datetime

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import cache_read, cache_write, context, log
from wit_world.imports.registration import (
    Contribution_Route,
    PermissionRequest,
    Registration,
    ResourceRequest,
    Route,
)
from wit_world.imports.types import Error_InvalidArgument, Error_NotFound

NAME = "hello-py"


class Guest(exports.Guest):
    def register(self) -> Registration:
        """Says what the plugin is. It runs before anything is granted, so it calls no host function."""
        return Registration(
            name=NAME,
            version="0.1.0",
            description="Greets, and counts its visits in the cache",
            author="Goatherd",
            license="Apache-2.0",
            homepage="",
            min_host_version=None,
            resources=ResourceRequest(
                memory_mb=None,
                call_timeout_ms=None,
                init_timeout_ms=None,
                shutdown_timeout_ms=None,
                permissions=[PermissionRequest(kind="cache", access="readwrite", scope=[])],
            ),
            contributions=[
                route("hello", "Greets whom the parameter `name` names"),
                route("ticket", "Draws a ticket"),
            ],
        )

    def init(self) -> None:
        """Runs once in each instance. What is printed goes into the plugin's log."""
        # The state that `random` starts from was made when the component was built, so every instance of it would draw the
        # same numbers.
        random.seed()
        print(f"ready at {now()}")

    def call(self, function: str, args: str) -> str:
        """Errors are raised as `Err` with a case of the contract's `error`.

        Host functions raise the same, so letting theirs pass hands them to the caller unchanged.
        """
        match function:
            case "hello":
                return json.dumps(hello(json.loads(args)))
            case "ticket":
                return json.dumps(ticket())
            case "fail":
                return fail()
            case _:
                raise Err(Error_NotFound(f'{NAME} has no function "{function}"'))

    def shutdown(self) -> None:
        pass


def route(handler: str, description: str) -> Contribution_Route:
    return Contribution_Route(
        Route(
            method="GET",
            path=f"/api/plugins/{NAME}/{handler}",
            handler=handler,
            # A greeting is no secret; without this, visitors would have to sign in.
            middleware=["public"],
            description=description,
        )
    )


def hello(args: object) -> dict[str, object]:
    """Called directly it gets `{"name"}`, through its route `{"query": {"name"}, …}`."""
    name = field(args, "name")
    if name is None:
        name = field(field(args, "query"), "name")
    if name is None:
        name = "world"
    if not isinstance(name, str):
        raise Err(Error_InvalidArgument("name must be a string"))

    visits = count_visit()
    log.log(log.Level.INFO, "greeted", [("name", name), ("visits", str(visits))])
    return {"greeting": f"Hello, {name}!", "visits": visits, "language": context.language()}


def field(value: object, key: str) -> object:
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


def count_visit() -> int:
    """Two calls at the same time may count as one: the cache has no atomic addition.

    What must be exact belongs into the database.
    """
    stored = cache_read.get("visits")
    visits = (0 if stored is None else int(stored)) + 1
    cache_write.set("visits", str(visits).encode(), 0)
    return visits
