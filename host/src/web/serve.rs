//! Serving on a listener.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::app::router;
use super::state::App;

/// How long requests that run may take to end after the signal.
const DRAIN: Duration = Duration::from_secs(30);

/// Why a server did not start or stopped.
#[derive(Debug, Error)]
pub enum ServeError {
    /// Its authenticator does not allow the address.
    #[error("{0}")]
    Address(String),
    /// The system's words.
    #[error("the server cannot use its listener: {0}")]
    Listener(#[from] std::io::Error),
}

/// Serves until `shutdown` is ready; then takes no more connections, ends streams of events, and lets requests that run
/// end, for at most 30 seconds. The manager goes on: shut it down afterwards.
///
/// # Errors
///
/// When the app's authenticator must not be served on the listener's address, and when the listener fails.
pub async fn serve(
    listener: TcpListener,
    app: App,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let address = listener.local_addr()?;
    app.authenticator
        .check_address(address)
        .map_err(ServeError::Address)?;
    let streams = app.clone();
    let service = router(app).into_make_service_with_connect_info::<SocketAddr>();
    let (stopping, stopped) = oneshot::channel();
    let signal = async move {
        shutdown.await;
        // They would not end by themselves.
        streams.end_streams();
        // Nobody listens any more only if the server has ended by itself.
        let _ = stopping.send(());
    };
    let serving = async {
        axum::serve(listener, service)
            .with_graceful_shutdown(signal)
            .await
    };
    let overdue = async move {
        match stopped.await {
            Ok(()) => tokio::time::sleep(DRAIN).await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        served = serving => Ok(served?),
        () = overdue => {
            tracing::warn!("requests were still running {} s after the signal", DRAIN.as_secs());
            Ok(())
        }
    }
}
