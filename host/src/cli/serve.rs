//! `goatherd serve`: the plugins of a directory, over HTTP.
//!
//! The server listens at once and says on `/readyz` when all plugins are loaded, so that one which compiles for ten
//! seconds delays nobody else. Interrupting it, or SIGTERM, lets requests that run end and shuts every plugin down.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::back_ends::{self, BackEnds};
use super::failure::Failure;
use super::plugins::{self, Decisions};
use super::settings::Settings;
use crate::capability::entities::{EVERY, PurgeJob};
use crate::manager::{Loader, Manager};
use crate::platform::Platform;
use crate::web::{self, AdminToken, App, Development};

/// Serves until it is told to stop.
pub(super) async fn run(settings: Settings) -> Result<(), Failure> {
    let platform = Platform::new(web::application());
    let database = back_ends::database(&settings)?;
    let decisions = Decisions::open(database.as_ref()).await?;
    let registry = &decisions.hosting.registry;
    let BackEnds {
        host,
        events,
        entities,
    } = back_ends::connect(&settings, database.as_ref(), None, Some(registry)).await?;
    if settings.trust_all {
        tracing::warn!("--trust-all: plugins get what they ask for, without a decision by anybody");
    }
    let manager = Manager::with_registry(
        host,
        decisions.policy(&settings)?,
        Arc::clone(&platform) as _,
        decisions.hosting.clone(),
    );
    let loader = plugins::loader(&settings, manager.clone())?;
    let app = App::new(manager.clone(), platform).events(events);
    let app = visitors(app, &settings)?;
    let listener = listen(settings.listen).await?;
    let address = listener.local_addr().context("the listener's address")?;
    tracing::info!("listening on http://{address}/");

    let following = follow(&manager, &decisions);
    let loading = tokio::spawn(load(loader, settings.watch));
    let purging = entities.map(|entities| PurgeJob::start(entities, manager.peers(), EVERY));
    let served = web::serve(listener, app, stop_signal()).await;
    loading.abort();
    for task in following {
        task.abort();
    }
    if let Some(purging) = purging {
        purging.stop().await;
    }
    manager.shutdown().await;
    Ok(served.context("serving")?)
}

/// Who visitors are, by the settings.
fn visitors(app: App, settings: &Settings) -> anyhow::Result<App> {
    if settings.open {
        return Ok(app.authenticator(Development));
    }
    let Some(token) = &settings.admin_token else {
        tracing::info!(
            "nobody can sign in: set admin_token (GOATHERD_ADMIN_TOKEN), or use --open on a loopback address"
        );
        return Ok(app);
    };
    let token = AdminToken::new(token).map_err(anyhow::Error::msg)?;
    Ok(app.authenticator(token))
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("{address} cannot be listened on; --listen names another address"))
}

/// Loads every plugin of the directory. What cannot be loaded is reported and keeps nothing else from being served.
async fn load(loader: Loader, watch: bool) {
    if watch && let Err(error) = loader.watch().await {
        tracing::error!("changes in the plugin directory are not seen: {error}");
    }
    match loader.load_all().await {
        Ok(report) => tracing::info!("all plugins are loaded, {} of them serve", report.enabled()),
        Err(error) => tracing::error!("no plugin is loaded: {error}"),
    }
    // The loader watches for as long as it is there.
    std::future::pending::<()>().await;
}

/// Sees what administrators decide, here and through other nodes and commands.
fn follow(manager: &Manager, decisions: &Decisions) -> [JoinHandle<()>; 3] {
    let policies = &decisions.policies;
    [
        tokio::spawn(policies.follow()),
        tokio::spawn(manager.follow_policies(policies.changes())),
        tokio::spawn(manager.follow_registry()),
    ]
}

/// Ready when the process is told to stop.
async fn stop_signal() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminated) => {
                tokio::select! {
                    _ = interrupted => {}
                    _ = terminated.recv() => {}
                }
            }
            Err(error) => {
                tracing::warn!("SIGTERM is not heard: {error}");
                let _ = interrupted.await;
            }
        }
    }
    #[cfg(not(unix))]
    {
        let _ = interrupted.await;
    }
}
