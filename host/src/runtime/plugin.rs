//! A loaded plugin, which can be called.
//!
//! A [`Plugin`] is what remains after all checks: its component is linked to exactly what it was granted and one instance
//! has been initialised. Calls run in parallel, each in an instance of its own, within the plugin's limits. Cloning it is
//! cheap, and all clones are the same plugin.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;

use super::breaker::{BreakerPolicy, Outcome, Pass};
use super::clock::Clock;
use super::describe::Description;
use super::error::CallError;
use super::health::Health;
use super::instance::Mold;
use super::limits::Limits;
use super::metrics::{Ending, Metrics};
use super::pool::{Lease, Pool};
use super::trap::{Trap, Trapped};
use crate::capability::PluginRates;
use crate::capability::log::{Level, PluginLog};
use crate::contract::invocation::{Call, Invocation};
use crate::contract::{CallContext, Error, Json, PluginName};
use crate::permission::Grants;

/// A plugin that can be called.
#[derive(Clone)]
pub struct Plugin(Arc<Loaded>);

struct Loaded {
    description: Description,
    grants: Grants,
    pool: Arc<Pool>,
}

/// What a plugin is loaded with, beside what its instances are made from.
pub(super) struct PluginParts {
    pub(super) description: Description,
    pub(super) grants: Grants,
    pub(super) clock: Clock,
    pub(super) rates: PluginRates,
    pub(super) breaker: BreakerPolicy,
}

impl Plugin {
    /// Makes the first instance, so that a plugin which cannot start is never loaded.
    pub(super) async fn start(
        parts: PluginParts,
        mold: Mold,
        limits: Limits,
    ) -> Result<Self, CallError> {
        let PluginParts {
            description,
            grants,
            clock,
            rates,
            breaker,
        } = parts;
        let pool = Arc::new(Pool::new(
            mold,
            limits.clone(),
            clock,
            rates.clone(),
            breaker,
        ));
        pool.prepare().await?;
        rates.set(&limits.rates);
        Ok(Self(Arc::new(Loaded {
            description,
            grants,
            pool,
        })))
    }

    /// Calls a function of the plugin whose shape only the plugin knows. See [`ask`](Self::ask).
    ///
    /// # Errors
    ///
    /// As [`ask`](Self::ask).
    pub async fn call(
        &self,
        function: &str,
        args: &Json,
        context: CallContext,
    ) -> Result<Reply, CallError> {
        let text = self.ask(&Call { function, args }, context).await?;
        Ok(Reply::new(text))
    }

    /// Asks the plugin something.
    ///
    /// The call ends by the plugin's call timeout or by the context's deadline, whichever comes first. Dropping the future
    /// ends it at once; the instance that it ran in is discarded.
    ///
    /// # Errors
    ///
    /// [`CallError::Plugin`] is the plugin's own answer. All others are the host's: a trap or a timeout, no free instance,
    /// arguments over the limit, calls that are too many or would wait for themselves, a plugin that failed too often or was
    /// shut down.
    pub async fn ask<I: Invocation>(
        &self,
        asked: &I,
        context: CallContext,
    ) -> Result<I::Answer, CallError> {
        let pool = &self.0.pool;
        let live = pool.live();
        let word = live.word();
        let bytes = asked.bytes();
        if bytes > live.args_bytes() {
            return Err(CallError::ArgsTooLarge {
                plugin: self.name().clone(),
                function: asked.name().to_owned(),
                bytes,
                limit: live.args_bytes(),
            });
        }
        let (timeout, result_bytes) = (live.call_timeout(), live.result_bytes());
        let began = pool.now();
        let probe = if word.is_plain() {
            None
        } else {
            pool.admit(word, began, &context.chain)?
        };
        let latest = began + timeout;
        let deadline = context.deadline.map_or(latest, |limit| limit.min(latest));
        let (lease, entered) = match pool.idle(word) {
            Some(lease) => (lease, began),
            None => match pool.lease(deadline, context.chain.depth()).await {
                Ok(lease) => (lease, pool.now()),
                Err(error) => {
                    if let Some(probe) = probe
                        && let CallError::Start {
                            reason,
                            by_plugin: true,
                            ..
                        } = &error
                    {
                        probe.end(Outcome::Failed(reason.clone()));
                    }
                    return Err(error);
                }
            },
        };
        // If the caller goes away meanwhile, the permit is given up and the instance dropped, wherever it was.
        let Lease {
            permit,
            mut instance,
        } = lease;
        let timed = instance.count_call().then(Instant::now);
        instance.enter(context, deadline);
        let ended = instance.ask(asked, deadline).await;
        let took = timed.map(|timed| timed.elapsed());
        if ended.is_err() || probe.is_some() || live.word().is_watched() {
            let had = deadline.saturating_duration_since(entered);
            let outcome = outcome(&ended, had, timeout);
            match probe {
                Some(probe) => probe.end(outcome),
                None => pool.conclude(Pass::Call, began, outcome),
            }
        }
        let whole = ended.is_ok().then_some(instance);
        permit.end(whole, ending(&ended), took);
        match ended {
            Ok(Ok(answer)) if I::answer_bytes(&answer) > result_bytes => {
                Err(CallError::ResultTooLarge {
                    plugin: self.name().clone(),
                    function: asked.name().to_owned(),
                    bytes: I::answer_bytes(&answer),
                    limit: result_bytes,
                })
            }
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(CallError::Plugin {
                plugin: self.name().clone(),
                error,
            }),
            Err(Trapped { trap, output }) => Err(CallError::Trapped {
                plugin: self.name().clone(),
                function: asked.name().to_owned(),
                trap,
                output,
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
        let deadline = Instant::now() + self.limits().shutdown_timeout;
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
            let alive = pool.alive();
            let message =
                format!("{alive} instances were still in use when the shutdown timeout passed");
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

    /// Its limits, as they are now.
    pub fn limits(&self) -> Arc<Limits> {
        Arc::clone(&self.0.pool.live().terms().limits)
    }

    /// Replaces its limits. All of them hold for the next call; those that run end as they began.
    ///
    /// Idle instances are made fit for the new limits at once, others when they return from their calls. An instance that
    /// uses more memory or larger tables than it now may, or has served more calls, is shut down and replaced, and so are
    /// instances beyond their new number. What was counted towards a rate stays counted.
    ///
    /// Outside of a tokio runtime, instances that have to go are dropped without being shut down.
    pub fn set_limits(&self, limits: Limits) {
        self.0.pool.set_limits(limits);
    }

    /// How it is.
    pub fn health(&self) -> Health {
        self.0.pool.watch().health(self.0.pool.now())
    }

    /// Forgets that it failed: it is called again.
    pub fn reset_health(&self) {
        self.0.pool.reset_health();
    }

    /// Waits until the plugin has failed so often that it is not called any more, which is `true`, or until it is shut down,
    /// which is `false`. If it is exhausted already, there is nothing to wait for. Can be dropped and called again at any time.
    pub async fn exhausted(&self) -> bool {
        self.0.pool.watch().exhausted().await
    }

    /// Its log.
    pub fn log(&self) -> &PluginLog {
        &self.0.pool.mold().log
    }

    /// Its counters.
    pub fn metrics(&self) -> Metrics {
        self.0.pool.metrics()
    }

    /// Whether no call of it runs. Costs calls that come at the same moment some time, so it is not to be asked often.
    pub fn is_at_rest(&self) -> bool {
        self.0.pool.is_at_rest()
    }

    /// How many calls stand in line for an instance. Costs calls that come at the same moment some time, too.
    pub fn waiting(&self) -> usize {
        self.0.pool.waiting()
    }

    /// How many instances of it are alive.
    pub fn instances(&self) -> usize {
        self.0.pool.alive()
    }
}

/// How much of its call timeout a plugin must have had for a timeout to count as its failure. Less than all of it, since a
/// plugin that is called by another one has a little less than the caller.
const WHOLE: (u32, u32) = (9, 10);

/// What an end says about the plugin, which had so much of its timeout.
fn outcome<A>(
    ended: &Result<Result<A, Error>, Trapped>,
    had: Duration,
    timeout: Duration,
) -> Outcome {
    let trap = match ended {
        Ok(_) => return Outcome::Good,
        Err(Trapped { trap, .. }) => trap,
    };
    match trap {
        Trap::TimedOut if had < timeout / WHOLE.1 * WHOLE.0 => Outcome::NoVerdict,
        Trap::HostFull(_) => Outcome::NoVerdict,
        trap => Outcome::Failed(trap.to_string()),
    }
}

fn ending<A>(ended: &Result<Result<A, Error>, Trapped>) -> Ending {
    match ended {
        Ok(Ok(_)) => Ending::Answered,
        Ok(Err(_)) => Ending::Error,
        Err(Trapped {
            trap: Trap::TimedOut,
            ..
        }) => Ending::Timeout,
        Err(_) => Ending::Trap,
    }
}

/// What a plugin answered: text that should be JSON. It is checked by whoever reads it as such.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    text: String,
}

impl Reply {
    /// An answer of `guest.call`.
    pub(crate) fn new(text: String) -> Self {
        Self { text }
    }

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
