//! A loaded plugin, which can be called.
//!
//! A [`Plugin`] is what remains after all checks: its component is linked to exactly what it was granted and one instance
//! has been initialised. Calls run in parallel, each in an instance of its own, within the plugin's limits. Cloning it is
//! cheap, and all clones are the same plugin.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use serde::de::DeserializeOwned;

use super::clock::Clock;
use super::describe::Description;
use super::error::CallError;
use super::instance::Mold;
use super::limits::Limits;
use super::metrics::{Ending, Metrics};
use super::pool::{Lease, Pool};
use super::trap::Trap;
use crate::capability::log::{Level, PluginLog};
use crate::contract::{CallContext, Json, PluginName};
use crate::permission::Grants;

/// A plugin that can be called.
#[derive(Clone)]
pub struct Plugin(Arc<Loaded>);

struct Loaded {
    description: Description,
    grants: Grants,
    clock: Clock,
    pool: Arc<Pool>,
}

impl Plugin {
    /// Makes the first instance, so that a plugin which cannot start is never loaded.
    pub(super) async fn start(
        description: Description,
        grants: Grants,
        mold: Mold,
        clock: Clock,
    ) -> Result<Self, CallError> {
        let deadline = Instant::now() + mold.limits.init_timeout;
        let pool = Arc::new(Pool::new(mold));
        pool.lease(deadline, 0).await?.put_back();
        Ok(Self(Arc::new(Loaded {
            description,
            grants,
            clock,
            pool,
        })))
    }

    /// Calls a function of the plugin.
    ///
    /// The call ends by the plugin's call timeout or by the context's deadline, whichever comes first. Dropping the future
    /// ends it at once; the instance that it ran in is discarded.
    ///
    /// # Errors
    ///
    /// [`CallError::Plugin`] is the plugin's own answer. All others are the host's: a trap or a timeout, no free instance,
    /// arguments over the limit, a plugin that was shut down.
    pub async fn call(
        &self,
        function: &str,
        args: &Json,
        context: CallContext,
    ) -> Result<Reply, CallError> {
        let pool = &self.0.pool;
        let limits = &pool.mold().limits;
        let bytes = args.as_str().len();
        if bytes > limits.args_bytes {
            return Err(CallError::ArgsTooLarge {
                plugin: self.name().clone(),
                function: function.to_owned(),
                bytes,
                limit: limits.args_bytes,
            });
        }
        let latest = self.0.clock.now() + limits.call_timeout;
        let deadline = context.deadline.map_or(latest, |limit| limit.min(latest));
        let lease = match pool.idle() {
            Some(lease) => lease,
            None => pool.lease(deadline, context.chain.depth()).await?,
        };
        // If the caller goes away meanwhile, the place is given up and the instance dropped, wherever it was.
        let Lease {
            place,
            mut instance,
        } = lease;
        let began = instance.is_timed().then(Instant::now);
        instance.enter(context, deadline);
        let ended = instance.call(function, args, deadline).await;
        let whole = ended.is_ok().then_some(instance);
        let took = began.map(|began| began.elapsed());
        place.end(whole, ending(&ended), took);
        match ended {
            Ok(Ok(text)) if text.len() > limits.result_bytes => Err(CallError::ResultTooLarge {
                plugin: self.name().clone(),
                function: function.to_owned(),
                bytes: text.len(),
                limit: limits.result_bytes,
            }),
            Ok(Ok(text)) => Ok(Reply { text }),
            Ok(Err(error)) => Err(CallError::Plugin {
                plugin: self.name().clone(),
                error: error.into(),
            }),
            Err(trap) => Err(CallError::Trapped {
                plugin: self.name().clone(),
                function: function.to_owned(),
                trap,
            }),
        }
    }

    /// Calls a function and reads its answer as JSON.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call), and [`CallError::NotJson`].
    pub async fn call_json<T: DeserializeOwned>(
        &self,
        function: &str,
        args: &Json,
        context: CallContext,
    ) -> Result<T, CallError> {
        let reply = self.call(function, args, context).await?;
        reply.json(self.name(), function)
    }

    /// Refuses new calls, lets those that run finish, and calls `shutdown` in each instance; all of it within the shutdown
    /// timeout, after which what still runs is left to its own deadline. Calling it again does nothing more.
    pub async fn shutdown(&self) {
        let pool = &self.0.pool;
        let deadline = Instant::now() + pool.mold().limits.shutdown_timeout;
        let drained = tokio::time::timeout_at(deadline.into(), async {
            while let Some(instance) = pool.drain().await {
                match instance.shutdown(deadline).await {
                    Ok(Ok(())) | Err(_) => {}
                    Ok(Err(error)) => self
                        .log()
                        .host(Level::Warn, format!("shutdown answered: {error}")),
                }
            }
        });
        if drained.await.is_err() {
            let live = pool.live();
            let message =
                format!("{live} instances were still in use when the shutdown timeout passed");
            self.log().host(Level::Warn, message);
        }
    }

    /// Whether both are the same load of a plugin, and not one and its successor after a reload.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The plugin's name.
    pub fn name(&self) -> &PluginName {
        &self.0.pool.mold().plugin
    }

    /// What the plugin says about itself, and what was read off its component.
    pub fn description(&self) -> &Description {
        &self.0.description
    }

    /// What it was granted.
    pub fn grants(&self) -> &Grants {
        &self.0.grants
    }

    /// Its limits.
    pub fn limits(&self) -> &Limits {
        &self.0.pool.mold().limits
    }

    /// Its log.
    pub fn log(&self) -> &PluginLog {
        &self.0.pool.mold().log
    }

    /// Its counters.
    pub fn metrics(&self) -> Metrics {
        self.0.pool.metrics()
    }

    /// How many instances of it are alive.
    pub fn instances(&self) -> usize {
        self.0.pool.live()
    }
}

fn ending<E>(ended: &Result<Result<String, E>, Trap>) -> Ending {
    match ended {
        Ok(Ok(_)) => Ending::Answered,
        Ok(Err(_)) => Ending::Error,
        Err(Trap::TimedOut) => Ending::Timeout,
        Err(_) => Ending::Trap,
    }
}

/// What a plugin answered: text that should be JSON. It is checked by whoever reads it as such.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    text: String,
}

impl Reply {
    /// The text, unchecked.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text read as JSON; the names are for the error.
    pub(crate) fn json<T: DeserializeOwned>(
        &self,
        plugin: &PluginName,
        function: &str,
    ) -> Result<T, CallError> {
        serde_json::from_str(&self.text).map_err(|error| CallError::NotJson {
            plugin: plugin.clone(),
            function: function.to_owned(),
            reason: error.to_string(),
        })
    }

    /// The text, unchecked.
    pub fn into_string(self) -> String {
        self.text
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin")
            .field("name", self.name())
            .field("instances", &self.instances())
            .finish_non_exhaustive()
    }
}
