//! The functions of the host, in plain Rust: one trait for each interface that a component can import.
//!
//! This is what lies between the versions of the contract and the capabilities. The bindings of a version implement the
//! traits that are generated from its WIT for whatever implements these, and convert where their shapes differ; a
//! capability implements these, and knows no version. Functions mean what `wit/` says. A function that never waits is not
//! asynchronous, which saves a switch of stacks on each call.
//!
//! An application that serves one of these interfaces in its own way implements the trait for a view of its own and links
//! that by [`bindings`](super::bindings).

use std::sync::Arc;

use super::call::User;
use super::error::Error;
use super::wire::custom_fields::{Change, Field, Filter};
use super::wire::database::{DbEngine, DbError, Outcome, Rows, Statement, Value};
use super::wire::types::Method;

/// How serious an entry of a log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// For the author.
    Debug,
    /// Worth knowing.
    Info,
    /// Something is wrong and was dealt with.
    Warn,
    /// Something failed.
    Error,
}

/// `log`.
pub trait Log: Send {
    /// Adds an entry to the plugin's log.
    fn log(&mut self, level: LogLevel, message: String, fields: Vec<(String, String)>);
}

/// `i18n`.
pub trait I18n: Send {
    /// The text for a key in the language of the call.
    fn translate(&mut self, key: String, args: Vec<(String, String)>) -> String;
}

/// `context`.
pub trait Context: Send {
    /// The organisation that the call acts in.
    fn org_id(&mut self) -> Option<i64>;
    /// The user who acts.
    fn user(&mut self) -> Option<Arc<User>>;
    /// The plugin that calls.
    fn caller(&mut self) -> Option<String>;
    /// The plugins that wait for the call, the nearest first.
    #[cfg(feature = "rehearsal")]
    fn callers(&mut self) -> Vec<String>;
    /// A BCP 47 tag.
    fn language(&mut self) -> String;
    /// The same in nested calls and in the log.
    fn request_id(&mut self) -> String;
    /// Milliseconds that are left.
    fn deadline_ms(&mut self) -> u64;
}

/// What an asynchronous function of the host gives: a future that can move between threads.
pub trait Answer<T>: Future<Output = Result<T, Error>> + Send {}

impl<T, F: Future<Output = Result<T, Error>> + Send> Answer<T> for F {}

/// What a function of a database gives.
pub trait DbAnswer<T>: Future<Output = Result<T, DbError>> + Send {}

impl<T, F: Future<Output = Result<T, DbError>> + Send> DbAnswer<T> for F {}

/// `db-read`.
pub trait DbRead: Send {
    /// Runs one query.
    fn query(&mut self, sql: String, params: Vec<Value>) -> impl DbAnswer<Rows>;
    /// Which database answers.
    fn engine(&mut self) -> DbEngine;
}

/// `db-write`.
pub trait DbWrite: Send {
    /// Runs one statement that returns no rows.
    fn execute(&mut self, sql: String, params: Vec<Value>) -> impl DbAnswer<Outcome>;
    /// Runs statements in one transaction.
    fn transaction(&mut self, statements: Vec<Statement>) -> impl DbAnswer<Vec<Outcome>>;
}

/// `cache-read`.
pub trait CacheRead: Send {
    /// The value under a key.
    fn get(&mut self, key: String) -> impl Answer<Option<Vec<u8>>>;
}

/// `cache-write`.
pub trait CacheWrite: Send {
    /// Puts a value under a key.
    fn set(&mut self, key: String, value: Vec<u8>, ttl_sec: Option<u32>) -> impl Answer<()>;
    /// Removes what is under a key.
    fn delete(&mut self, key: String) -> impl Answer<()>;
    /// Adds to the number under a key.
    fn increment(&mut self, key: String, by: i64, ttl_sec: Option<u32>) -> impl Answer<i64>;
    /// Puts a value under a key if the expected one is there.
    fn compare_and_set(
        &mut self,
        key: String,
        expected: Option<Vec<u8>>,
        new: Option<Vec<u8>>,
        ttl_sec: Option<u32>,
    ) -> impl Answer<bool>;
}

/// A request to another server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// The method.
    pub method: Method,
    /// An absolute address.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<Vec<u8>>,
    /// How it is to be sent.
    pub options: Vec<HttpOption>,
}

/// How a request is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpOption {
    /// The answer must be there after so many milliseconds.
    TimeoutMs(u32),
    /// How many redirects are followed.
    Redirects(u32),
    /// An option that this host does not know, by its name.
    Unknown(String),
}

/// The answer of another server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// The status.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// `http-client`.
pub trait HttpClient: Send {
    /// Sends a request and waits for the whole answer.
    fn request(&mut self, request: HttpRequest) -> impl Answer<HttpResponse>;
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Recipients.
    pub to: Vec<String>,
    /// One line.
    pub subject: String,
    /// What it says.
    pub body: MessageBody,
    /// What else there is to say about it.
    pub options: Vec<MessageOption>,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageBody {
    /// Plain text.
    Text(String),
    /// HTML.
    Html(String),
    /// A kind that this host does not know, by its name.
    Unknown(String),
}

/// Something more about a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageOption {
    /// More recipients, whom all see.
    Cc(Vec<String>),
    /// More recipients, whom nobody else sees.
    Bcc(Vec<String>),
    /// Where answers go.
    ReplyTo(String),
    /// Messages with the same word have the same message id.
    RetryKey(String),
    /// An option that this host does not know, by its name.
    Unknown(String),
}

/// `email`.
pub trait Email: Send {
    /// Hands a message over for delivery.
    fn send(&mut self, message: Message) -> impl Answer<()>;
}

/// `config`.
pub trait Config: Send {
    /// The value under a key.
    fn get(&mut self, key: String) -> Result<Option<String>, Error>;
}

/// `secure-config-read`.
pub trait SecureConfigRead: Send {
    /// The secret under a key. Its text is overwritten by whoever made it, once nobody holds it any more.
    fn get(&mut self, key: String) -> impl Answer<Option<Arc<str>>>;
}

/// `secure-config-write`.
pub trait SecureConfigWrite: Send {
    /// Stores a secret.
    fn set(&mut self, key: String, value: String) -> impl Answer<()>;
    /// Removes a secret.
    fn delete(&mut self, key: String) -> impl Answer<()>;
}

/// `plugins`.
pub trait Plugins: Send {
    /// Calls a function of another plugin; arguments and result are JSON texts.
    fn call(&mut self, plugin: String, function: String, args: String) -> impl Answer<String>;
}

/// A capability that can be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AvailableCapability {
    /// Such as `newsletter.send`.
    pub slug: String,
    /// For people.
    pub title: String,
    /// For people.
    pub description: Option<String>,
    /// A JSON Schema.
    pub input_schema: Option<String>,
}

/// `capabilities`.
pub trait Capabilities: Send {
    /// Runs a capability or a workflow; input and output are JSON texts.
    fn run(&mut self, slug: String, input: String) -> impl Answer<String>;
    /// Those that the scope covers, by slug.
    fn available(&mut self) -> impl Answer<Vec<AvailableCapability>>;
}

/// `events`.
pub trait Events: Send {
    /// Sends an event to everybody who listens.
    fn publish(&mut self, channel: String, event_type: String, data: String) -> impl Answer<()>;
}

/// An entity in the recycle bin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletedEntity {
    /// Its type.
    pub entity_type: String,
    /// Its id.
    pub id: i64,
    /// Milliseconds since 1970; so is `expires_at_ms`.
    pub deleted_at_ms: u64,
    /// The user's id.
    pub deleted_by: Option<String>,
    /// Why.
    pub reason: String,
    /// When it is purged.
    pub expires_at_ms: u64,
}

/// `entities-read`.
pub trait EntitiesRead: Send {
    /// The recycle bin's entities of one type.
    fn recycle_bin(&mut self, entity_type: String) -> impl Answer<Vec<DeletedEntity>>;
}

/// `entities-write`.
pub trait EntitiesWrite: Send {
    /// Moves an entity to the recycle bin.
    fn soft_delete(&mut self, entity_type: String, id: i64, reason: String) -> impl Answer<()>;
    /// Takes it out again.
    fn restore(&mut self, entity_type: String, id: i64) -> impl Answer<()>;
}

/// `entities-purge`.
pub trait EntitiesPurge: Send {
    /// Deletes an entity for good.
    fn hard_delete(&mut self, entity_type: String, id: i64, reason: String) -> impl Answer<()>;
}

/// `custom-fields-read`.
pub trait CustomFieldsRead: Send {
    /// The values of an entity's fields.
    fn get(&mut self, entity_type: String, id: i64, fields: Vec<String>)
    -> impl Answer<Vec<Field>>;
    /// The ids of the entities for which all filters hold.
    fn query(&mut self, entity_type: String, filters: Vec<Filter>) -> impl Answer<Vec<i64>>;
}

/// `custom-fields-write`.
pub trait CustomFieldsWrite: Send {
    /// Writes values.
    fn set(&mut self, entity_type: String, id: i64, values: Vec<Field>) -> impl Answer<()>;
    /// Makes changes, and gives the values after them.
    fn apply(
        &mut self,
        entity_type: String,
        id: i64,
        changes: Vec<Change>,
    ) -> impl Answer<Vec<Field>>;
}
