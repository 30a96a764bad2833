"""The fields that `register` adds to contacts: one for each kind of value. The grant covers contacts and not agents."""

from wit_world.imports import custom_fields_read as read
from wit_world.imports import custom_fields_write as write
from wit_world.imports.custom_field_types import (
    Address,
    Change,
    Circle,
    CompareAndSet,
    Condition_Between,
    Condition_Eq,
    Condition_Gt,
    Condition_Gte,
    Condition_In,
    Condition_Like,
    Condition_Lt,
    Condition_Lte,
    Condition_Near,
    Condition_Neq,
    Field,
    FieldValue_Address,
    FieldValue_Boolean,
    FieldValue_Choices,
    FieldValue_Date,
    FieldValue_Datetime,
    FieldValue_Decimal,
    FieldValue_Integer,
    FieldValue_Point,
    FieldValue_Polygon,
    FieldValue_Text,
    Filter,
    Increment,
    Operation_Append,
    Operation_CompareAndSet,
    Operation_Increment,
    Operation_Remove,
    Operation_Toggle,
    Point,
)

from steps import Steps

BERLIN = Point(52.52, 13.405)
POTSDAM = Point(52.4, 13.06)
MUNICH = Point(48.137, 11.575)

# A value of each kind.
VALUES = [
    Field("nickname", FieldValue_Text("Ada")),
    Field("tags", FieldValue_Choices(["red", "green"])),
    Field("score", FieldValue_Integer(3)),
    Field("balance", FieldValue_Decimal("12.75")),
    Field("vip", FieldValue_Boolean(True)),
    Field("birthday", FieldValue_Date("1815-12-10")),
    Field("seen", FieldValue_Datetime("2026-11-20T10:00:00Z")),
    Field("home", FieldValue_Point(BERLIN)),
    Field("area", FieldValue_Polygon([BERLIN, POTSDAM, MUNICH])),
    Field(
        "office",
        FieldValue_Address(
            Address(
                street="Karl-Liebknecht-Straße 1",
                postal_code="10178",
                city="Berlin",
                region=None,
                country="DE",
                location=BERLIN,
            )
        ),
    ),
]

# Each operation once, on those values.
CHANGES = [
    Change("score", Operation_Increment(Increment(by="1", floor=None, ceiling="10"))),
    Change("balance", Operation_Increment(Increment(by="-0.50", floor=None, ceiling=None))),
    Change("tags", Operation_Append("blue")),
    Change("tags", Operation_Remove("red")),
    Change("vip", Operation_Toggle()),
    Change(
        "nickname",
        Operation_CompareAndSet(
            CompareAndSet(expected=FieldValue_Text("Ada"), new=FieldValue_Text("Countess"))
        ),
    ),
]

# What the changes made of them.
CHANGED = [
    Field("score", FieldValue_Integer(4)),
    Field("balance", FieldValue_Decimal("12.25")),
    Field("tags", FieldValue_Choices(["green", "blue"])),
    Field("vip", FieldValue_Boolean(False)),
    Field("nickname", FieldValue_Text("Countess")),
]

# Each condition once, all of them true.
FILTERS = [
    Filter("score", Condition_Eq(FieldValue_Integer(4))),
    Filter("score", Condition_Neq(FieldValue_Integer(5))),
    Filter("score", Condition_Gt(FieldValue_Integer(3))),
    Filter("score", Condition_Lt(FieldValue_Integer(5))),
    Filter("score", Condition_Gte(FieldValue_Integer(4))),
    Filter("score", Condition_Lte(FieldValue_Integer(4))),
    Filter("score", Condition_In([FieldValue_Integer(1), FieldValue_Integer(4)])),
    Filter("score", Condition_Between((FieldValue_Integer(4), FieldValue_Integer(9)))),
    Filter("nickname", Condition_Like("count%")),
    Filter("home", Condition_Near(Circle(POTSDAM, 30.0))),
    # 25 kilometres when no radius is given.
    Filter("office", Condition_Near(Circle(BERLIN, None))),
]


def tour(steps: Steps, contact: int) -> None:
    steps.gives("custom-fields-write.set", lambda: write.set("contact", contact, VALUES), None)
    bad = [
        Field("score", FieldValue_Text("many")),
        Field("seen", FieldValue_Datetime("yesterday")),
    ]
    steps.refuses("custom-fields-write.set/bad-values", lambda: write.set("contact", contact, bad))
    steps.refuses("custom-fields-write.set/denied", lambda: write.set("agent", contact, VALUES))

    def get(*names: str) -> list[Field]:
        return read.get("contact", contact, list(names))

    steps.shows("custom-fields-read.get", get, lambda found: same(found, VALUES))
    steps.refuses("custom-fields-read.get/unknown", lambda: get("no_such_field"))
    steps.refuses("custom-fields-read.get/denied", lambda: get("crm:segment"))

    def apply(*changes: Change) -> list[Field]:
        return write.apply("contact", contact, list(changes))

    steps.shows("custom-fields-write.apply", lambda: apply(*CHANGES), lambda found: same(found, CHANGED))
    stale = CompareAndSet(expected=FieldValue_Text("Ada"), new=None)
    steps.refuses(
        "custom-fields-write.apply/conflict",
        lambda: apply(Change("nickname", Operation_CompareAndSet(stale))),
    )
    steps.refuses("custom-fields-write.apply/misfit", lambda: apply(Change("score", Operation_Toggle())))
    steps.refuses("custom-fields-write.apply/denied", lambda: write.apply("agent", contact, CHANGES))

    def query(*filters: Filter) -> list[int]:
        return read.query("contact", list(filters))

    steps.gives("custom-fields-read.query", lambda: query(*FILTERS), [contact])
    far = Filter("home", Condition_Near(Circle(MUNICH, 100.0)))
    steps.gives("custom-fields-read.query/none", lambda: query(far), [])
    misfit = Filter("score", Condition_Like("4%"))
    steps.refuses("custom-fields-read.query/misfit", lambda: query(misfit))
    steps.refuses("custom-fields-read.query/no-filter", query)
    steps.refuses("custom-fields-read.query/denied", lambda: read.query("agent", FILTERS))

    # Setting none removes a value.
    removed = Field("nickname", None)
    steps.gives("custom-fields-write.set/none", lambda: write.set("contact", contact, [removed]), None)
    steps.gives("custom-fields-read.get/not-set", lambda: get("nickname"), [removed])


def same(found: list[Field], expected: list[Field]) -> bool:
    """Whether both have the same fields with the same values, in whatever order."""
    return len(found) == len(expected) and all(field in found for field in expected)
