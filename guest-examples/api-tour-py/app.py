"""One call of every function that a host offers, and for each of them what an error looks like.

The function `tour` goes through all interfaces and returns how each step ended: `ok`, or the code of the error.
`../api-tour` and `../api-tour-js` take the same steps in the same order, so the three can be read side by side.
What each step does, and how it must end, is in `tests/tests/tour/expectations.json`.
"""

import json

import tour
from componentize_py_types import Err
from wit_world import exports
from wit_world.imports.registration import (
    Contribution,
    Contribution_CustomField,
    Contribution_I18n,
    CustomField,
    FieldType,
    FieldType_Address,
    FieldType_Boolean,
    FieldType_Date,
    FieldType_Datetime,
    FieldType_Decimal,
    FieldType_Integer,
    FieldType_MultiSelect,
    FieldType_Point,
    FieldType_Polygon,
    FieldType_Text,
    I18n,
    PermissionRequest,
    Registration,
    ResourceRequest,
    Translation,
)
from wit_world.imports.types import Error_NotFound

NAME = "api-tour-py"

# A request only: the operator decides, and a step beyond what was granted ends with `permission-denied`.
PERMISSIONS = [
    PermissionRequest("db", "readwrite", ["tour_*"]),
    PermissionRequest("cache", "readwrite", ["tour"]),
    PermissionRequest("config", None, ["app.*"]),
    PermissionRequest("secure_config", "readwrite", ["tour.*"]),
    PermissionRequest("plugin_call", None, ["echo", "nobody"]),
    PermissionRequest("events", None, ["tour"]),
    PermissionRequest("http", None, ["api.example.org"]),
    PermissionRequest("email", None, ["@example.org"]),
    PermissionRequest("custom_fields", "readwrite", ["contact"]),
    PermissionRequest("entity", "readwrite", ["contact"]),
    # No other level of access implies this one.
    PermissionRequest("entity", "hard_delete", ["contact"]),
]

GREETINGS = I18n(
    namespace=None,
    languages=[],
    translations=[
        Translation("en", "greeting", "Good day, {name}!"),
        Translation("de", "greeting", "Guten Tag, {name}!"),
    ],
)


def custom_field(name: str, field_type: FieldType, config: str | None = None) -> Contribution:
    return Contribution_CustomField(
        CustomField(
            name=name,
            label=name,
            entity_type="contact",
            field_type=field_type,
            section=None,
            order=0,
            required=False,
            description="",
            placeholder="",
            config=config,
        )
    )


FIELDS = [
    custom_field("nickname", FieldType_Text()),
    custom_field("tags", FieldType_MultiSelect(), '{"options": ["red", "green", "blue"]}'),
    custom_field("score", FieldType_Integer()),
    custom_field("balance", FieldType_Decimal()),
    custom_field("vip", FieldType_Boolean()),
    custom_field("birthday", FieldType_Date()),
    custom_field("seen", FieldType_Datetime()),
    custom_field("home", FieldType_Point()),
    custom_field("area", FieldType_Polygon()),
    custom_field("office", FieldType_Address()),
]


class Guest(exports.Guest):
    def register(self) -> Registration:
        return Registration(
            name=NAME,
            version="0.1.0",
            description="Calls every function of the host, and says how each call ended",
            author="Goatherd",
            license="Apache-2.0",
            homepage="",
            min_host_version=None,
            resources=ResourceRequest(
                memory_mb=None,
                call_timeout_ms=None,
                init_timeout_ms=None,
                shutdown_timeout_ms=None,
                permissions=PERMISSIONS,
            ),
            contributions=[Contribution_I18n(GREETINGS), *FIELDS],
        )

    def init(self) -> None:
        pass

    def call(self, function: str, args: str) -> str:
        if function != "tour":
            raise Err(Error_NotFound(f'{NAME} has no function "{function}"'))
        return json.dumps(tour.tour(json.loads(args)))

    def shutdown(self) -> None:
        pass
