//! Decisions of operators while the host runs, and what stands in for one.
//!
//! The first of these that says something decides: what an operator decided, which is kept with the audit trail; the
//! configuration; the rule that approves by itself; nobody, and then the plugin waits. The rule approves what a trusted key
//! has signed and what asks for no more than the default policy gives. What a plugin asks for is read off its imports and
//! its requests together: a component that imports the database asks for it, whatever it says. An approval by the rule is
//! of one component. Where another one comes under the same name, the rule must hold for it too, or the approval is taken
//! back.

use async_trait::async_trait;

use super::{Candidate, Configured, Decision, Policy, Terms, TrustAll};
use crate::permission::{Access, Grant, Grants, Permission};
use crate::registry::policy::{Origin, Policies, ResourcePolicy, Status};
use crate::runtime::{Description, Verdict, needs_of};

/// The rule's name in the log and in the audit trail.
const RULE: &str = "signed-within-default";

/// Decides by the stored policies, and by what stands in for them.
#[derive(Clone)]
pub struct Reviewed {
    policies: Policies,
    configured: Configured,
    approve_signed: bool,
    trust_all: bool,
}

impl Reviewed {
    /// Decides by stored policies alone.
    #[must_use]
    pub fn new(policies: Policies) -> Self {
        Self {
            policies,
            configured: Configured::default(),
            approve_signed: false,
            trust_all: false,
        }
    }

    /// Decides by a configuration where no operator has decided.
    #[must_use]
    pub fn configured(mut self, configured: Configured) -> Self {
        self.configured = configured;
        self
    }

    /// Approves by itself what a trusted key has signed and what asks for no more than the default policy gives.
    #[must_use]
    pub fn approve_signed(mut self) -> Self {
        self.approve_signed = true;
        self
    }

    /// For development: approves everything that is not blocked, as [`TrustAll`] does.
    #[must_use]
    pub fn trust_all(mut self) -> Self {
        self.trust_all = true;
        self
    }

    /// The policies that it decides by.
    #[must_use]
    pub fn policies(&self) -> &Policies {
        &self.policies
    }

    /// What the rule says; an error is why it does not hold, as the end of a sentence.
    async fn by_rule(&self, candidate: Candidate<'_>) -> Result<Terms, String> {
        let name = &candidate.description.registration.name;
        let Some(key) = candidate.signed_by else {
            return Err("no trusted key has signed it".to_owned());
        };
        let more = more_than_default(candidate.description);
        if !more.is_empty() {
            return Err(format!(
                "it asks for more than the default policy gives: {}",
                more.join(", ")
            ));
        }
        let reason = format!(
            "signed by the trusted key {key}, and asks for no more than the default policy gives"
        );
        let approved = self
            .policies
            .approve_by_rule(name, &candidate.component(), RULE, &reason)
            .await
            .map_err(|error| format!("the rule {RULE} would approve it, but {error}"))?;
        // Somebody may have decided at the same moment.
        if !approved.status.may_run() {
            return Err(format!("it is {}", approved.status));
        }
        tracing::info!(plugin = %name, rule = RULE, "approved without an operator: {reason}");
        Ok(terms(&approved))
    }

    /// Takes back what the rule approved for an earlier component.
    async fn withdraw(&self, candidate: Candidate<'_>, why: &str) {
        let name = &candidate.description.registration.name;
        let reason = format!("the rule does not hold for this component: {why}");
        let component = candidate.component();
        let withdrawn = self
            .policies
            .withdraw_rule(name, &component, RULE, &reason)
            .await;
        if let Err(error) = withdrawn {
            // The plugin waits all the same; only the trail does not say so yet.
            tracing::warn!(plugin = %name, "an approval by a rule is not taken back: {error}");
        }
    }
}

#[async_trait]
impl Policy for Reviewed {
    async fn decide(&self, candidate: Candidate<'_>) -> Decision {
        let name = &candidate.description.registration.name;
        let stored = self.policies.get(name.as_str());
        let by_operator = stored
            .as_ref()
            .filter(|policy| policy.origin == Origin::Operator);
        if by_operator.is_some_and(|policy| policy.status == Status::Blocked) {
            return Decision::Block {
                why: format!("it is blocked; unblock and approve \"{name}\" to let it run"),
            };
        }
        if self.trust_all {
            return TrustAll.decide(candidate).await;
        }
        if let Some(policy) = by_operator {
            return match policy.status {
                status if status.may_run() => Decision::Approve(Box::new(terms(policy))),
                _ => Decision::Wait {
                    why: format!("it is to be reviewed; approve \"{name}\" to let it run"),
                },
            };
        }
        if let Some(terms) = self.configured.get(name.as_str()) {
            return Decision::Approve(Box::new(terms.clone()));
        }
        let why = match self.approve_signed {
            true => match self.by_rule(candidate).await {
                Ok(terms) => return Decision::Approve(Box::new(terms)),
                Err(why) => format!("the rule {RULE} does not approve it, since {why}"),
            },
            false => "no rule approves by itself".to_owned(),
        };
        if stored.is_some_and(|policy| policy.origin == Origin::Rule) {
            self.withdraw(candidate, &why).await;
        }
        Decision::Wait {
            why: format!(
                "no operator has decided and the configuration says nothing about grants for \"{name}\"; {why}; approve \"{name}\" to let it run"
            ),
        }
    }
}

fn terms(policy: &ResourcePolicy) -> Terms {
    Terms {
        grants: policy.grants.clone(),
        limits: policy.limits(),
    }
}

/// What a plugin asks for beyond the default policy, by its imports and its requests.
fn more_than_default(plugin: &Description) -> Vec<String> {
    let default = ResourcePolicy::default_for(plugin.registration.name.clone());
    let mut more = Vec::new();
    for need in needs_of(&plugin.imports) {
        if !default.grants.covers(&need) {
            more.push(format!("{need} (by an import)"));
        }
    }
    for import in &plugin.imports {
        if matches!(import.verdict, Verdict::Refused { .. }) {
            more.push(import.name.clone());
        }
    }
    for request in plugin.registration.requested_permissions() {
        match request.to_grant() {
            Ok(grant) if is_within(&grant, &default.grants) => {}
            Ok(grant) => more.push(grant.to_string()),
            Err(error) => more.push(error.to_string()),
        }
    }
    if let Some(requested) = &plugin.registration.resources {
        if let Some(memory) = requested
            .memory_mb
            .filter(|memory| *memory > default.memory.get())
        {
            more.push(format!("{memory} MiB of memory"));
        }
        for (what, timeout, given) in [
            ("call", requested.call_timeout, default.call_timeout),
            ("init", requested.init_timeout, default.init_timeout),
            (
                "shutdown",
                requested.shutdown_timeout,
                default.shutdown_timeout,
            ),
        ] {
            if let Some(timeout) = timeout.filter(|timeout| *timeout > given.get()) {
                more.push(format!("{timeout:?} for {what}"));
            }
        }
    }
    more
}

/// Whether one of the grants covers all that another one would. Entries of scopes are compared as they are written, so a
/// pattern inside another one is not seen as such; that errs on the side of asking.
fn is_within(asked: &Grant, given: &Grants) -> bool {
    let level = |asked: Option<Access>, given: Option<Access>| match (asked, given) {
        (Some(asked), Some(given)) => given.includes(asked),
        (asked, given) => asked.is_none() && given.is_none(),
    };
    given.iter().any(|given| {
        let (wanted, open) = (asked.scope(), given.scope());
        // Without entries the former two are the plugin's whole own part, of which entries choose some; the latter two are
        // the plugin's own beside the entries. Without entries, the others are nothing.
        let whole = matches!(
            asked.permission(),
            Permission::Cache | Permission::SecureConfig
        );
        let own = whole || matches!(asked.permission(), Permission::Events | Permission::Files);
        let scope = match (wanted.is_empty(), open.is_empty()) {
            (_, true) if whole => true,
            (true, false) if own => false,
            _ => wanted.iter().all(|entry| open.contains(entry)),
        };
        asked.permission() == given.permission() && level(asked.access(), given.access()) && scope
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn within(asked: &str, given: &[&str]) -> bool {
        let given = given
            .iter()
            .map(|text| Grant::parse(text).unwrap())
            .collect();
        is_within(&Grant::parse(asked).unwrap(), &given)
    }

    #[test]
    fn a_request_is_within_a_grant_only_with_its_level_and_every_entry() {
        assert!(within("cache:read=stats:", &["cache:readwrite"]));
        assert!(within("cache:readwrite", &["cache:readwrite"]));
        assert!(within("db:read=ticket", &["db:readwrite=queue,ticket"]));
        assert!(!within("cache:readwrite", &["cache:read"]));
        assert!(!within("cache:read", &["cache:read=stats:"]));
        assert!(!within(
            "db:read=ticket,users",
            &["db:readwrite=queue,ticket"]
        ));
        assert!(!within("db:read=*", &["db:read=ticket"]));
        assert!(!within("http=a.example", &["cache:readwrite"]));
        assert!(!within(
            "entity:hard_delete=ticket",
            &["entity:readwrite=*"]
        ));
        assert!(within("events", &["events"]));
        assert!(!within("events=shared", &["events"]));
        assert!(!within("events", &["events=shared"]));
        assert!(!within("files", &["files=1MiB"]));
    }
}
