//! From a host's name to addresses that may be dialled.
//!
//! A [`Resolver`] answers with whatever it knows. What it answers is checked here, inside the connection's own look-up, and
//! the connection is made to one of the addresses that passed: there is no second look-up whose answer could be another
//! one. Look-ups of the system's resolver each occupy a thread, and go on after their request has given up, so there are
//! never more than a few at a time.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;

use super::address::is_public;

/// Finds the addresses of a host. Implement it to use name servers of one's own, or none.
#[async_trait]
pub trait Resolver: Send + Sync + 'static {
    /// The addresses of a name, which is in ASCII and lower case and may end in a dot; never of a literal address. An
    /// answer that the plugin may not connect to is not taken from it later.
    ///
    /// # Errors
    ///
    /// When the name has no address, or none can be found out.
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// How many look-ups the system's resolver does at a time.
const LOOK_UPS: usize = 32;

/// Asks the system: its hosts file and its name servers.
#[derive(Debug, Clone)]
pub struct SystemResolver {
    free: Arc<Semaphore>,
}

impl Default for SystemResolver {
    fn default() -> Self {
        Self {
            free: Arc::new(Semaphore::new(LOOK_UPS)),
        }
    }
}

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let permit = Arc::clone(&self.free).acquire_owned().await;
        let name = name.to_owned();
        let look_up = move || {
            // The permit is the thread's, not the request's, which may be gone before the answer is there.
            let _permit = permit;
            let found = (name.as_str(), 0).to_socket_addrs()?;
            Ok(found.map(|address| address.ip()).collect())
        };
        tokio::task::spawn_blocking(look_up)
            .await
            .map_err(io::Error::other)?
    }
}

/// The addresses of a name were found, and none of them may be dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotPublic;

/// The addresses of a name were not found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotFound;

impl fmt::Display for NotPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it resolves to an address that is not public")
    }
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("its name cannot be resolved")
    }
}

impl std::error::Error for NotPublic {}
impl std::error::Error for NotFound {}

/// A resolver as connections use it.
#[derive(Clone)]
pub(super) struct Checked {
    resolver: Arc<dyn Resolver>,
    private: bool,
}

impl Checked {
    /// Answers with public addresses only.
    pub(super) fn public(resolver: &Arc<dyn Resolver>) -> Self {
        Self {
            resolver: Arc::clone(resolver),
            private: false,
        }
    }

    /// Answers with any address.
    pub(super) fn private(resolver: &Arc<dyn Resolver>) -> Self {
        Self {
            resolver: Arc::clone(resolver),
            private: true,
        }
    }
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let Self { resolver, private } = self.clone();
        Box::pin(async move {
            let found = resolver.resolve(name.as_str()).await.map_err(|error| {
                tracing::debug!(%error, "a name cannot be resolved");
                NotFound
            })?;
            if found.is_empty() {
                return Err(NotFound.into());
            }
            let allowed: Vec<SocketAddr> = found
                .into_iter()
                .filter(|address| private || is_public(*address))
                // Port 0 becomes that of the URL.
                .map(|address| SocketAddr::new(address, 0))
                .collect();
            if allowed.is_empty() {
                return Err(NotPublic.into());
            }
            let addresses: Addrs = Box::new(allowed.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    struct Fixed(Vec<IpAddr>);

    #[async_trait]
    impl Resolver for Fixed {
        async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
            Ok(self.0.clone())
        }
    }

    async fn dialled(answer: &[&str], private: bool) -> Result<Vec<String>, String> {
        let answer = answer.iter().map(|address| address.parse().unwrap());
        let resolver: Arc<dyn Resolver> = Arc::new(Fixed(answer.collect()));
        let checked = Checked { resolver, private };
        let found = checked.resolve("a.example".parse().unwrap()).await;
        let found = found.map_err(|error| error.to_string())?;
        Ok(found.map(|address| address.ip().to_string()).collect())
    }

    #[tokio::test]
    async fn of_a_mixed_answer_only_public_addresses_are_dialled() {
        let answer = ["10.0.0.1", "8.8.8.8", "::1", "2a00::1", "127.0.0.1"];
        assert_eq!(
            dialled(&answer, false).await.unwrap(),
            ["8.8.8.8", "2a00::1"]
        );
        assert_eq!(dialled(&answer, true).await.unwrap(), answer);
    }

    #[tokio::test]
    async fn an_answer_without_public_addresses_is_a_refusal_and_no_answer_is_not() {
        let refused = dialled(&["10.0.0.1", "::ffff:10.0.0.1"], false).await;
        assert_eq!(refused, Err(NotPublic.to_string()));
        assert_eq!(dialled(&[], false).await, Err(NotFound.to_string()));
    }

    #[tokio::test]
    async fn the_system_knows_the_machine_itself() {
        let found = SystemResolver::default().resolve("localhost").await;
        assert!(found.unwrap().iter().all(IpAddr::is_loopback));
    }
}
