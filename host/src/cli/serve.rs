//! `goatherd serve`: the plugins of a directory, over HTTP.
//!
//! The server listens at once and says on `/readyz` when all plugins are loaded, so that one which compiles for ten
//! seconds delays nobody else. Interrupting it, or SIGTERM, lets requests that run end and shuts every plugin down.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::TcpListener;

use super::back_ends::{self, BackEnds};
use super::failure::Failure;
use super::settings::Settings;
use crate::capability::entities::{EVERY, PurgeJob};
use crate::contract::PluginName;
use crate::manager::{Configured, Loader, Manager, Terms, TrustAll};
use crate::platform::Platform;
use crate::runtime::Limits;
use crate::web::{self, AdminToken, App, Development};

/// Serves until it is told to stop.
pub(super) async fn run(settings: Settings) -> Result<(), Failure> {
    let platform = Platform::new(web::application());
    let BackEnds {
        host,
        events,
        entities,
    } = back_ends::connect(&settings, None).await?;
    let manager = if settings.trust_all {
        tracing::warn!("--trust-all: plugins get what they ask for, without a decision by anybody");
        Manager::applying(host, TrustAll, Arc::clone(&platform) as _)
    } else {
        Manager::applying(host, decided(&settings)?, Arc::clone(&platform) as _)
    };
    let app = App::new(manager.clone(), platform).events(events);
    let app = visitors(app, &settings)?;
    let listener = listen(settings.listen).await?;
    let address = listener.local_addr().context("the listener's address")?;
    tracing::info!("listening on http://{address}/");

    let loading = load(Loader::new(&settings.plugins, manager.clone()));
    let loading = tokio::spawn(loading);
    let purging = entities.map(|entities| PurgeJob::start(entities, manager.peers(), EVERY));
    let served = web::serve(listener, app, stop_signal()).await;
    loading.abort();
    if let Some(purging) = purging {
        purging.stop().await;
    }
    manager.shutdown().await;
    Ok(served.context("serving")?)
}

/// What the settings grant to each plugin that they name.
fn decided(settings: &Settings) -> anyhow::Result<Configured> {
    let mut decisions = BTreeMap::new();
    for (name, plugin) in &settings.plugin {
        let name: PluginName = name
            .parse()
            .with_context(|| format!("the settings of plugin {name:?}"))?;
        if let Some(grants) = &plugin.grants {
            let terms = Terms {
                grants: grants.iter().cloned().collect(),
                limits: Limits {
                    rates: plugin.rates,
                    ..Limits::default()
                },
            };
            decisions.insert(name, terms);
        }
    }
    Ok(Configured::new(decisions))
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
async fn load(loader: Loader) {
    match loader.load_all().await {
        Ok(report) => tracing::info!("all plugins are loaded, {} of them serve", report.enabled()),
        Err(error) => tracing::error!("no plugin is loaded: {error}"),
    }
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
