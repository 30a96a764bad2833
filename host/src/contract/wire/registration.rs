//! `registration`: what a plugin says about itself, as it says it.
//!
//! Nothing here is checked. It is kept on disk, so that a description can be parsed again without asking the plugin.

#![allow(missing_docs, reason = "documented in wit/registration.wit")]

use serde::{Deserialize, Serialize};
use wasmtime::component::{ComponentType, Lift, Lower};

use super::types::{Json, Method};

types_only!();

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(variant)]
pub enum LimitRequest {
    #[component(name = "memory-mib")]
    MemoryMib(u32),
    #[component(name = "call-timeout-ms")]
    CallTimeoutMs(u32),
    #[component(name = "init-timeout-ms")]
    InitTimeoutMs(u32),
    #[component(name = "shutdown-timeout-ms")]
    ShutdownTimeoutMs(u32),
    #[component(name = "other")]
    Other((String, String)),
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(variant)]
pub enum PermissionKind {
    #[component(name = "db")]
    Db,
    #[component(name = "cache")]
    Cache,
    #[component(name = "http")]
    Http,
    #[component(name = "email")]
    Email,
    #[component(name = "config")]
    Config,
    #[component(name = "secure-config")]
    SecureConfig,
    #[component(name = "plugin-call")]
    PluginCall,
    #[component(name = "capability")]
    Capability,
    #[component(name = "events")]
    Events,
    #[component(name = "entity")]
    Entity,
    #[component(name = "custom-fields")]
    CustomFields,
    #[component(name = "routes")]
    Routes,
    #[component(name = "files")]
    Files,
    #[component(name = "other")]
    Other(String),
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(variant)]
pub enum PermissionAccess {
    #[component(name = "read")]
    Read,
    #[component(name = "write")]
    Write,
    #[component(name = "readwrite")]
    Readwrite,
    #[component(name = "hard-delete")]
    HardDelete,
    #[component(name = "other")]
    Other(String),
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
pub struct PermissionRequest {
    pub kind: PermissionKind,
    pub access: Option<PermissionAccess>,
    pub scope: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
pub struct ResourceRequest {
    pub limits: Vec<LimitRequest>,
    pub permissions: Vec<PermissionRequest>,
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(variant)]
pub enum Handler {
    #[component(name = "function")]
    Function(String),
    #[component(name = "wasi-http")]
    WasiHttp,
    #[component(name = "other")]
    Other(String),
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(variant)]
pub enum Middleware {
    #[component(name = "auth")]
    Auth,
    #[component(name = "admin")]
    Admin,
    #[component(name = "customer")]
    Customer,
    #[component(name = "group")]
    Group(String),
    #[component(name = "webhook")]
    Webhook,
    #[component(name = "public")]
    Public,
    #[component(name = "other")]
    Other(String),
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
pub struct Route {
    pub methods: Vec<Method>,
    pub path: String,
    pub handler: Handler,
    pub middleware: Vec<Middleware>,
    pub description: Option<String>,
    #[component(name = "max-body-bytes")]
    pub max_body_bytes: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(variant)]
pub enum MenuLocation {
    #[component(name = "admin")]
    Admin,
    #[component(name = "agent")]
    Agent,
    #[component(name = "customer")]
    Customer,
    #[component(name = "profile")]
    Profile,
    #[component(name = "other")]
    Other(String),
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
pub struct MenuItem {
    pub id: String,
    pub label: String,
    pub icon: Option<String>,
    pub path: String,
    pub location: MenuLocation,
    pub parent: Option<String>,
    pub order: i32,
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(variant)]
pub enum WidgetLocation {
    #[component(name = "agent-home")]
    AgentHome,
    #[component(name = "admin-home")]
    AdminHome,
    #[component(name = "customer-home")]
    CustomerHome,
    #[component(name = "ticket-sidebar")]
    TicketSidebar,
    #[component(name = "other")]
    Other(String),
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(variant)]
pub enum WidgetSize {
    #[component(name = "small")]
    Small,
    #[component(name = "medium")]
    Medium,
    #[component(name = "large")]
    Large,
    #[component(name = "full")]
    Full,
    #[component(name = "other")]
    Other(String),
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
pub struct Widget {
    pub id: String,
    pub title: String,
    pub description: Option<String>,
    pub handler: String,
    pub location: WidgetLocation,
    pub size: Option<WidgetSize>,
    pub order: i32,
    pub refreshable: bool,
    #[component(name = "refresh-sec")]
    pub refresh_sec: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
pub struct Job {
    pub id: String,
    pub handler: String,
    pub schedule: String,
    #[component(name = "time-zone")]
    pub time_zone: Option<String>,
    pub description: Option<String>,
    pub enabled: bool,
    #[component(name = "timeout-sec")]
    pub timeout_sec: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
pub struct Template {
    pub name: String,
    pub path: String,
    #[component(name = "override")]
    pub override_: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Copy, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(enum)]
#[repr(u8)]
pub enum PluralCategory {
    #[component(name = "zero")]
    Zero,
    #[component(name = "one")]
    One,
    #[component(name = "two")]
    Two,
    #[component(name = "few")]
    Few,
    #[component(name = "many")]
    Many,
    #[component(name = "other")]
    Other,
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
pub struct Translation {
    pub language: String,
    pub key: String,
    pub text: String,
    pub plural: Option<PluralCategory>,
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
pub struct I18n {
    pub namespace: Option<String>,
    pub languages: Vec<String>,
    pub translations: Vec<Translation>,
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
pub struct ErrorCode {
    pub code: String,
    pub message: String,
    #[component(name = "http-status")]
    pub http_status: u16,
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
pub struct Group {
    pub name: String,
    pub description: Option<String>,
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(variant)]
pub enum FieldType {
    #[component(name = "text")]
    Text,
    #[component(name = "textarea")]
    Textarea,
    #[component(name = "select")]
    Select,
    #[component(name = "multi-select")]
    MultiSelect,
    #[component(name = "integer")]
    Integer,
    #[component(name = "decimal")]
    Decimal,
    #[component(name = "boolean")]
    Boolean,
    #[component(name = "date")]
    Date,
    #[component(name = "datetime")]
    Datetime,
    #[component(name = "url")]
    Url,
    #[component(name = "email")]
    Email,
    #[component(name = "phone")]
    Phone,
    #[component(name = "point")]
    Point,
    #[component(name = "polygon")]
    Polygon,
    #[component(name = "address")]
    Address,
    #[component(name = "other")]
    Other(String),
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
pub struct CustomField {
    pub name: String,
    pub label: String,
    #[component(name = "entity-type")]
    pub entity_type: String,
    #[component(name = "field-type")]
    pub field_type: FieldType,
    pub section: Option<String>,
    pub order: i32,
    pub required: bool,
    pub description: Option<String>,
    pub placeholder: Option<String>,
    pub config: Option<Json>,
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(variant)]
pub enum UiKind {
    #[component(name = "admin-page")]
    AdminPage,
    #[component(name = "agent-app")]
    AgentApp,
    #[component(name = "customer-app")]
    CustomerApp,
    #[component(name = "public-page")]
    PublicPage,
    #[component(name = "kiosk")]
    Kiosk,
    #[component(name = "other")]
    Other(String),
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(variant)]
pub enum UiShell {
    #[component(name = "none")]
    None,
    #[component(name = "minimal")]
    Minimal,
    #[component(name = "standard")]
    Standard,
    #[component(name = "other")]
    Other(String),
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
pub struct UiRoute {
    pub path: String,
    pub method: Option<Method>,
    pub handler: Handler,
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
pub struct UiBranding {
    #[component(name = "app-name")]
    pub app_name: Option<String>,
    pub logo: Option<String>,
    pub favicon: Option<String>,
    pub color: Option<String>,
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(variant)]
pub enum UiAuthMethod {
    #[component(name = "session")]
    Session,
    #[component(name = "pin")]
    Pin,
    #[component(name = "token")]
    Token,
    #[component(name = "none")]
    None,
    #[component(name = "other")]
    Other(String),
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
pub struct UiAuth {
    pub method: UiAuthMethod,
    pub groups: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(variant)]
pub enum UiDisplay {
    #[component(name = "standalone")]
    Standalone,
    #[component(name = "fullscreen")]
    Fullscreen,
    #[component(name = "minimal-ui")]
    MinimalUi,
    #[component(name = "other")]
    Other(String),
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
pub struct UiPwa {
    pub enabled: bool,
    #[component(name = "start-url")]
    pub start_url: Option<String>,
    pub display: Option<UiDisplay>,
    #[component(name = "theme-color")]
    pub theme_color: Option<String>,
    #[component(name = "cache-routes")]
    pub cache_routes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(variant)]
pub enum UiNavPosition {
    #[component(name = "bottom")]
    Bottom,
    #[component(name = "top")]
    Top,
    #[component(name = "side")]
    Side,
    #[component(name = "other")]
    Other(String),
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
pub struct UiNavItem {
    pub label: String,
    pub icon: Option<String>,
    pub path: String,
    pub badge: Option<String>,
    pub order: i32,
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
pub struct UiNav {
    pub position: UiNavPosition,
    pub items: Vec<UiNavItem>,
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(variant)]
pub enum UiDataScope {
    #[component(name = "own")]
    Own,
    #[component(name = "org")]
    Org,
    #[component(name = "all")]
    All,
    #[component(name = "other")]
    Other(String),
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
pub struct Ui {
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    pub kind: UiKind,
    pub icon: Option<String>,
    pub shell: Option<UiShell>,
    pub routes: Vec<UiRoute>,
    pub branding: Option<UiBranding>,
    pub auth: Option<UiAuth>,
    pub pwa: Option<UiPwa>,
    pub nav: Option<UiNav>,
    #[component(name = "data-scope")]
    pub data_scope: Option<UiDataScope>,
    #[component(name = "rate-limit-per-minute")]
    pub rate_limit_per_minute: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
pub struct Cascade {
    #[component(name = "entity-type")]
    pub entity_type: String,
    #[component(name = "on-soft-delete")]
    pub on_soft_delete: Option<String>,
    #[component(name = "on-hard-delete")]
    pub on_hard_delete: Option<String>,
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
pub struct WorkflowUndo {
    pub capability: String,
    pub input: Json,
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
pub struct WorkflowStep {
    pub name: String,
    pub capability: String,
    pub input: Json,
    pub undo: Option<WorkflowUndo>,
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(variant)]
pub enum CapabilityBody {
    #[component(name = "function")]
    Function(String),
    #[component(name = "workflow")]
    Workflow(Vec<WorkflowStep>),
    #[component(name = "other")]
    Other(String),
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
pub struct Capability {
    pub slug: String,
    pub does: CapabilityBody,
    pub title: String,
    pub description: Option<String>,
    #[component(name = "input-schema")]
    pub input_schema: Option<Json>,
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
pub struct EventAuthorizer {
    pub handler: String,
    pub channels: Vec<String>,
}

#[expect(
    clippy::large_enum_variant,
    reason = "it has the shape of the WIT, and is parsed as soon as it is here"
)]
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(variant)]
pub enum Contribution {
    #[component(name = "route")]
    Route(Route),
    #[component(name = "menu-item")]
    MenuItem(MenuItem),
    #[component(name = "hide-menu-item")]
    HideMenuItem(String),
    #[component(name = "landing-page")]
    LandingPage(String),
    #[component(name = "widget")]
    Widget(Widget),
    #[component(name = "job")]
    Job(Job),
    #[component(name = "template")]
    Template(Template),
    #[component(name = "i18n")]
    I18n(I18n),
    #[component(name = "error-code")]
    ErrorCode(ErrorCode),
    #[component(name = "group")]
    Group(Group),
    #[component(name = "custom-field")]
    CustomField(CustomField),
    #[component(name = "ui")]
    Ui(Ui),
    #[component(name = "cascade")]
    Cascade(Cascade),
    #[component(name = "capability")]
    Capability(Capability),
    #[component(name = "config-schema")]
    ConfigSchema(Json),
    #[component(name = "event-authorizer")]
    EventAuthorizer(EventAuthorizer),
    #[component(name = "extension")]
    Extension((String, Json)),
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
pub struct Registration {
    pub name: String,
    pub version: String,
    pub description: Option<String>,
    pub author: Option<String>,
    pub license: Option<String>,
    pub homepage: Option<String>,
    #[component(name = "min-host-version")]
    pub min_host_version: Option<String>,
    pub resources: Option<ResourceRequest>,
    pub contributions: Vec<Contribution>,
}
