"""How the steps of the tour ended."""

from collections.abc import Callable

from componentize_py_types import Err
from wit_world.imports.db_types import DbError
from wit_world.imports.types import (
    Error_Conflict,
    Error_InvalidArgument,
    Error_NotFound,
    Error_Other,
    Error_PermissionDenied,
    Error_RateLimited,
    Error_TimedOut,
    Error_TooLarge,
    Error_Unavailable,
)

CODES = {
    Error_PermissionDenied: "permission-denied",
    Error_NotFound: "not-found",
    Error_InvalidArgument: "invalid-argument",
    Error_Conflict: "conflict",
    Error_RateLimited: "rate-limited",
    Error_TimedOut: "timed-out",
    Error_TooLarge: "too-large",
    Error_Unavailable: "unavailable",
}


class Steps:
    def __init__(self) -> None:
        self.results: dict[str, str] = {}

    def gives(self, step: str, call: Callable, expected: object) -> None:
        """Notes how a call ended. What it returned must be `expected`."""
        self.shows(step, call, lambda value: value == expected)

    def shows(self, step: str, call: Callable, is_right: Callable[..., bool]) -> None:
        """The same for a value that is not known to the last bit."""

        def checked() -> str:
            value = call()
            return "ok" if is_right(value) else f"unexpected: {value}"

        self.results[step] = outcome(checked)

    def refuses(self, step: str, call: Callable) -> None:
        """Notes how a call ended that should fail."""

        def succeeded() -> str:
            call()
            return "ok"

        self.results[step] = outcome(succeeded)


def outcome(call: Callable[[], str]) -> str:
    """An error of the host is raised with the contract's `error` as its value; that of a database is one of its members."""
    try:
        return call()
    except Err as raised:
        error = raised.value.error if isinstance(raised.value, DbError) else raised.value
        # Errors of other plugins have codes of their own.
        return error.value.code if isinstance(error, Error_Other) else CODES[type(error)]
