//! Asking a running server.

use std::net::SocketAddr;

use anyhow::Context as _;

use super::failure::{Failure, print};
use super::settings::Settings;
use crate::contract::PluginName;

/// Has the server that listens there reload a plugin.
pub(super) async fn reload(
    settings: &Settings,
    address: SocketAddr,
    plugin: &PluginName,
) -> Result<(), Failure> {
    let url = format!("http://{address}/api/v1/plugins/{plugin}/reload");
    // No client is made without TLS, though this one does not use it.
    let tls = crate::tls::client(None).map_err(anyhow::Error::from)?;
    // The server of this machine is asked, whatever proxies others go through.
    let client = reqwest::Client::builder().no_proxy();
    let client = client.tls_backend_preconfigured(tls).build();
    let mut request = client.context("no request is made")?.post(&url);
    if let Some(token) = &settings.admin_token {
        request = request.bearer_auth(token);
    }
    let sent = request.send().await;
    let answer = sent.with_context(|| {
        format!("no server answers at {address}; start it, or name its address with --server")
    })?;
    let status = answer.status();
    let text = answer.text().await.context("the server's answer")?;
    if status.is_success() {
        return print(&text);
    }
    let message = format!("the server refused to reload \"{plugin}\" ({status}): {text}");
    Err(Failure::coded("unavailable", message))
}
