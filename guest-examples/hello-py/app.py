"""The smallest useful plugin in Python: one function, one route, a log line and a counter in the cache.

`../hello-js` is the same plugin in JavaScript, and answers the same.
"""

import json

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
                Contribution_Route(
                    Route(
                        method="GET",
                        path=f"/api/plugins/{NAME}/hello",
                        handler="hello",
                        # A greeting is no secret; without this, visitors would have to sign in.
                        middleware=["public"],
                        description="Greets whom the parameter `name` names",
                    )
                )
            ],
        )

    def init(self) -> None:
        pass

    def call(self, function: str, args: str) -> str:
        """Errors are raised as `Err` with a case of the contract's `error`.

        Host functions raise the same, so letting theirs pass hands them to the caller unchanged.
        """
        match function:
            case "hello":
                return json.dumps(hello(json.loads(args)))
            case _:
                raise Err(Error_NotFound(f'{NAME} has no function "{function}"'))

    def shutdown(self) -> None:
        pass


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


def count_visit() -> int:
    """Two calls at the same time may count as one: the cache has no atomic addition.

    What must be exact belongs into the database.
    """
    stored = cache_read.get("visits")
    visits = (0 if stored is None else int(stored)) + 1
    cache_write.set("visits", str(visits).encode(), 0)
    return visits
