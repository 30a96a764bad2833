"""What the plugin says about itself.

What it asks for, the fields that it adds to contacts, and one contribution of each kind that has a handler.
"""

from wit_world.imports.registration import (
    Capability,
    CapabilityBody_Function,
    Cascade,
    Contribution,
    Contribution_Capability,
    Contribution_Cascade,
    Contribution_CustomField,
    Contribution_EventAuthorizer,
    Contribution_I18n,
    Contribution_Job,
    Contribution_Route,
    Contribution_Ui,
    Contribution_Widget,
    CustomField,
    EventAuthorizer,
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
    Handler_Function,
    I18n,
    Job,
    LimitRequest_CallTimeoutMs,
    Middleware_Public,
    PermissionAccess_HardDelete,
    PermissionAccess_Readwrite,
    PermissionKind_Cache,
    PermissionKind_Capability,
    PermissionKind_Config,
    PermissionKind_CustomFields,
    PermissionKind_Db,
    PermissionKind_Email,
    PermissionKind_Entity,
    PermissionKind_Events,
    PermissionKind_Http,
    PermissionKind_PluginCall,
    PermissionKind_SecureConfig,
    PermissionRequest,
    Registration,
    ResourceRequest,
    Route,
    Translation,
    Ui,
    UiKind_AdminPage,
    UiNav,
    UiNavItem,
    UiNavPosition_Top,
    UiRoute,
    Widget,
    WidgetLocation_TicketSidebar,
)
from wit_world.imports.types import Method_Get, Method_Post

NAME = "api-tour-py"

READWRITE = PermissionAccess_Readwrite()

# A request only: the operator decides, and a step beyond what was granted ends with `permission-denied`.
PERMISSIONS = [
    PermissionRequest(PermissionKind_Db(), READWRITE, ["tour_*"]),
    PermissionRequest(PermissionKind_Cache(), READWRITE, ["tour"]),
    PermissionRequest(PermissionKind_Config(), None, ["app.*"]),
    PermissionRequest(PermissionKind_SecureConfig(), READWRITE, ["tour.*"]),
    PermissionRequest(PermissionKind_PluginCall(), None, ["echo", "nobody"]),
    PermissionRequest(PermissionKind_Capability(), None, ["*.echo"]),
    PermissionRequest(PermissionKind_Events(), None, ["tour"]),
    PermissionRequest(PermissionKind_Http(), None, ["api.example.org"]),
    PermissionRequest(PermissionKind_Email(), None, ["@example.org"]),
    PermissionRequest(PermissionKind_CustomFields(), READWRITE, ["contact"]),
    PermissionRequest(PermissionKind_Entity(), READWRITE, ["contact"]),
    # No other level of access implies this one.
    PermissionRequest(PermissionKind_Entity(), PermissionAccess_HardDelete(), ["contact"]),
]

GREETINGS = I18n(
    namespace=None,
    languages=[],
    translations=[
        Translation("en", "greeting", "Good day, {name}!", plural=None),
        Translation("de", "greeting", "Guten Tag, {name}!", plural=None),
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
            description=None,
            placeholder=None,
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

# A user interface of one page, with a number beside its entry in the navigation.
DESK = Ui(
    id="desk",
    name="Desk",
    description=None,
    kind=UiKind_AdminPage(),
    icon=None,
    shell=None,
    routes=[UiRoute(path="/", method=None, handler=Handler_Function("echo"))],
    branding=None,
    auth=None,
    pwa=None,
    nav=UiNav(UiNavPosition_Top(), [UiNavItem(label="Desk", icon=None, path="/", badge="open", order=0)]),
    data_scope=None,
    rate_limit_per_minute=None,
)

# One contribution of each kind that has a handler; `app` has what the host asks for them.
HANDLED = [
    Contribution_Route(
        Route(
            methods=[Method_Get(), Method_Post()],
            path=f"/api/plugins/{NAME}/echo/:id",
            handler=Handler_Function("echo"),
            middleware=[Middleware_Public()],
            description="Answers what it was asked",
            max_body_bytes=65_536,
        )
    ),
    Contribution_Ui(DESK),
    Contribution_Widget(
        Widget(
            id="seen",
            title="Seen",
            description=None,
            handler="box",
            location=WidgetLocation_TicketSidebar(),
            size=None,
            order=0,
            refreshable=False,
            refresh_sec=None,
        )
    ),
    Contribution_Job(
        Job(
            id="nightly",
            handler="tidy",
            schedule="0 3 * * *",
            time_zone="Europe/Berlin",
            description=None,
            # It runs when an operator says so.
            enabled=False,
            timeout_sec=None,
        )
    ),
    Contribution_Cascade(Cascade("agent", on_soft_delete="consent", on_hard_delete="object")),
    Contribution_EventAuthorizer(EventAuthorizer("may-listen", channels=["tour"])),
    Contribution_Capability(
        Capability(
            slug=f"{NAME}.echo",
            does=CapabilityBody_Function("echo"),
            title="Echo",
            description=None,
            input_schema=None,
        )
    ),
]


def registration() -> Registration:
    return Registration(
        name=NAME,
        version="0.1.0",
        description="Calls every function of the host, and says how each call ended",
        author="Goatherd",
        license="Apache-2.0",
        homepage=None,
        min_host_version=None,
        resources=ResourceRequest(limits=[LimitRequest_CallTimeoutMs(60_000)], permissions=PERMISSIONS),
        contributions=[Contribution_I18n(GREETINGS), *FIELDS, *HANDLED],
    )
