//! The two ways of embedding the host that the README shows. A test compares them with it.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use goatherd::Host;
use goatherd::capability::db::{Caps, Databases, SqliteDatabase};
use goatherd::contract::{CallContext, Json};
use goatherd::loader::signature::{PublicKey, TrustedKeys};
use goatherd::loader::{Reader, ReaderSettings};
use goatherd::manager::{Hosting, Loader, Manager, Reviewed};
use goatherd::permission::{Grant, Grants};
use goatherd::platform::{Application, Platform};
use goatherd::registry::SqliteRegistry;
use goatherd::registry::policy::{Policies, SqlitePolicies};
use goatherd::runtime::Limits;
use goatherd::store::SqliteStore;
use serde_json::json;

/// One plugin, under grants that the application decides.
async fn one_plugin() -> Result<Host, Box<dyn Error>> {
    let host = Host::builder()
        .provider(Databases::new(
            SqliteDatabase::open("helpdesk.db")?,
            Caps::default(),
        ))
        .build()?;
    let component = host.compile_file("helpdesk-stats.wasm".as_ref()).await?;
    let grants: Grants = [
        Grant::parse("db:read=ticket,queue")?,
        Grant::parse("cache:readwrite")?,
    ]
    .into_iter()
    .collect();
    let plugin = host.load(&component, grants, Limits::default()).await?;
    let reply = plugin
        .call("stats", &Json::default(), CallContext::default())
        .await?;
    println!("{}", reply.as_str());
    Ok(host)
}

/// A directory of plugins, which operators decide about while they serve.
async fn directory(
    host: Host,
    release_key: PublicKey,
    unpacked: PathBuf,
) -> Result<(), Box<dyn Error>> {
    let store = SqliteStore::open("helpdesk.db")?;
    let hosting = Hosting::with_store(SqliteRegistry::new(store.clone())?).await?;
    let policies = Policies::with_store(SqlitePolicies::new(store)?).await?;
    // What enabled plugins add: routes, menus, widgets, texts.
    let platform = Platform::new(Application::default());
    let manager = Manager::with_registry(
        host,
        Reviewed::new(policies.clone()),
        Arc::clone(&platform) as _,
        hosting.clone(),
    );
    // What other nodes and `goatherd plugin …` decide and switch.
    tokio::spawn(policies.follow());
    tokio::spawn(manager.follow_policies(policies.changes()));
    tokio::spawn(manager.follow_registry());
    let trusted = TrustedKeys::new([release_key], []);
    let reader = Reader::new(
        ReaderSettings::new(unpacked)
            .trusted(trusted)
            .require_signatures(true),
    )?;
    let loader =
        Loader::new("plugins", manager.clone(), reader).with_lazy_loading(Duration::from_secs(600));
    loader.watch().await?;
    loader.load_all().await?;
    let plugin = manager.plugin("newsletter").ok_or("it is not enabled")?;
    let reply = plugin
        .call("preview", &Json::default(), CallContext::default())
        .await?;
    let sent = hosting
        .registry
        .run_capability(
            "newsletter.send",
            json!({ "to": "all" }),
            CallContext::default(),
        )
        .await?;
    println!("{} {sent}", reply.as_str());
    manager.shutdown().await;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let key = std::env::args()
        .nth(1)
        .ok_or("the public key that plugins are signed with")?;
    let host = one_plugin().await?;
    directory(host, key.parse()?, PathBuf::from("unpacked")).await
}
