//! Hosts, and plugins loaded into them.

use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use goatherd::capability::db::{Caps, Databases, SqliteDatabase};
use goatherd::capability::table::{DB_READ, DB_WRITE};
use goatherd::capability::{Interface, PrepareError, Provider, Setup};
use goatherd::contract::Error;
use goatherd::contract::bindings::link;
use goatherd::contract::host::{DbRead, DbWrite};
use goatherd::contract::wire::database::{DbEngine, DbError, Outcome, Rows, Statement, Value};
use goatherd::loader::signature::TrustedKeys;
use goatherd::loader::{Reader, ReaderSettings};
use goatherd::permission::{Grant, Grants, Rates};
use goatherd::runtime::{CodeCache, HostBuilder, Limits, LoadError};
use goatherd::{Host, Plugin};
use wasmtime::component::HasData;

/// The host that all tests of a process share which need no back-ends of their own.
pub fn host() -> &'static Host {
    static HOST: LazyLock<Host> = LazyLock::new(|| build(host_builder()));
    &HOST
}

/// The host that all tests of a process share which load the probe and use none of its database functions.
pub fn probe_host() -> &'static Host {
    static HOST: LazyLock<Host> = LazyLock::new(|| build(host_builder().provider(NoDatabase)));
    &HOST
}

/// What the probe needs to be loaded.
pub const PROBE_GRANTS: &[&str] = &["db:readwrite=*", "cache:readwrite", "config"];

/// The probe, in a host of the test's own or in [`probe_host`].
pub async fn probe(host: &Host, limits: Limits) -> Plugin {
    plugin(host, "probe", PROBE_GRANTS, limits).await
}

/// Stands where a database would: what it serves is linked, and each call to it is `unavailable`.
pub struct NoDatabase;

impl Provider for NoDatabase {
    type State = ();

    fn interfaces(&self) -> Vec<Interface<()>> {
        vec![
            Interface::known(DB_READ, |linker, _| {
                link::db_read::<_, Nothing>(linker, |_| Nothing)
            }),
            Interface::known(DB_WRITE, |linker, _| {
                link::db_write::<_, Nothing>(linker, |_| Nothing)
            }),
        ]
    }

    async fn prepare(&self, _: &Setup<'_>) -> Result<(), PrepareError> {
        Ok(())
    }
}

struct Nothing;

impl HasData for Nothing {
    type Data<'a> = Nothing;
}

fn nothing<T>() -> Result<T, DbError> {
    Err(Error::Unavailable("this host has no database".to_owned()).into())
}

impl DbRead for Nothing {
    async fn query(&mut self, _: String, _: Vec<Value>) -> Result<Rows, DbError> {
        nothing()
    }

    fn engine(&mut self) -> DbEngine {
        DbEngine::Other("none".to_owned())
    }
}

impl DbWrite for Nothing {
    async fn execute(&mut self, _: String, _: Vec<Value>) -> Result<Outcome, DbError> {
        nothing()
    }

    async fn transaction(&mut self, _: Vec<Statement>) -> Result<Vec<Outcome>, DbError> {
        nothing()
    }
}

/// A host that serves a helpdesk's database.
pub fn database_host(helpdesk: &crate::Helpdesk, caps: Caps) -> Host {
    let database = SqliteDatabase::open(helpdesk.path()).expect("the database opens");
    build(host_builder().provider(Databases::new(database, caps)))
}

/// A builder with the shared code cache.
pub fn host_builder() -> HostBuilder {
    let cache =
        CodeCache::open(code_cache_directory()).expect("the target directory is this user's own");
    Host::builder().code_cache(cache)
}

fn build(builder: HostBuilder) -> Host {
    builder.build().expect("the host starts")
}

/// The code cache that all suites share.
pub fn code_cache_directory() -> PathBuf {
    crate::target().join("tmp").join("goatherd-code")
}

/// Grants from their texts.
pub fn grants(texts: &[&str]) -> Grants {
    texts
        .iter()
        .map(|text| Grant::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")))
        .collect()
}

/// Two instances, as many calls and uses of the database as a test makes, and times short enough for a test to wait for and long enough for a busy
/// machine.
pub fn limits() -> Limits {
    Limits::default()
        .rates(
            Rates::default()
                .calls_per_second(None)
                .database_per_minute(None),
        )
        .instances(2)
        .call_timeout(Duration::from_secs(20))
        .init_timeout(Duration::from_secs(20))
}

/// Compiles a component and loads it.
pub async fn load(
    host: &Host,
    label: &str,
    bytes: Vec<u8>,
    granted: &[&str],
    limits: Limits,
) -> Result<Plugin, LoadError> {
    let component = host.compile(label, bytes).await;
    let component = component.unwrap_or_else(|error| panic!("{error}"));
    host.load(&component, grants(granted), limits).await
}

/// A guest that must load.
pub async fn plugin(host: &Host, name: &str, granted: &[&str], limits: Limits) -> Plugin {
    let label = format!("{name}.wasm");
    let loaded = load(host, &label, crate::guest(name), granted, limits).await;
    loaded.unwrap_or_else(|error| panic!("{error}"))
}

/// Reads plugins whether they are signed or not.
pub fn reader() -> Reader {
    reader_trusting(TrustedKeys::default(), false)
}

/// Reads plugins that these keys have signed, and others unless signatures are required.
pub fn reader_trusting(trusted: TrustedKeys, require_signatures: bool) -> Reader {
    let reader = Reader::new(
        ReaderSettings::new(crate::target().join("tmp").join("goatherd-unpacked"))
            .trusted(trusted)
            .require_signatures(require_signatures),
    );
    reader.expect("the folder for unpacked files")
}
