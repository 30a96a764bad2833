//! Trust in everybody, for development.

use std::time::Duration;

use async_trait::async_trait;

use super::{Candidate, Decision, Policy, Terms};
use crate::contract::registration::Registration;
use crate::permission::{Grant, Grants, Need};
use crate::runtime::{Description, Limits, needs_of};

/// For development: grants each plugin exactly what its component's imports need, with the scope that its registration
/// asks for, and what it asks for where no import shows it (routes and files). What it asks for and does not import it
/// does not get. Limits are those that it asks for, within the bounds of this module. Says so in the log.
#[derive(Debug, Clone, Copy, Default)]
pub struct TrustAll;

/// The most memory that [`TrustAll`] gives.
const MEMORY_MAX_MB: u32 = 1_024;
/// The longest time that [`TrustAll`] gives to a call, to `init` and to `shutdown`.
const TIMEOUT_MAX: Duration = Duration::from_secs(300);

impl TrustAll {
    /// What a plugin needs and asks for, as terms.
    #[must_use]
    pub fn requested(plugin: &Description) -> Terms {
        Terms {
            grants: requested_grants(plugin),
            limits: requested_limits(&plugin.registration),
        }
    }
}

#[async_trait]
impl Policy for TrustAll {
    async fn decide(&self, candidate: Candidate<'_>) -> Decision {
        Decision::Approve(Box::new(trusted_terms(candidate.description)))
    }
}

/// What a plugin gets from [`TrustAll`].
fn trusted_terms(plugin: &Description) -> Terms {
    let terms = TrustAll::requested(plugin);
    let list: Vec<String> = terms.grants.iter().map(Grant::to_string).collect();
    tracing::warn!(
        plugin = %plugin.registration.name,
        grants = list.join(" "),
        "trusted without a decision by anybody (development)"
    );
    terms
}

fn requested_grants(plugin: &Description) -> Grants {
    let mut requests: Vec<Grant> = Vec::new();
    for request in plugin.registration.requested_permissions() {
        match request.to_grant() {
            Ok(grant) => requests.push(grant),
            Err(error) => {
                let name = &plugin.registration.name;
                tracing::warn!(plugin = %name, "a request of the plugin cannot be granted: {error}");
            }
        }
    }
    let mut grants = Vec::new();
    let mut needs: Vec<Need> = Vec::new();
    for part in needs_of(&plugin.imports).iter().flat_map(Need::parts) {
        if !needs.contains(&part) {
            needs.push(part);
        }
    }
    for need in needs {
        let before = grants.len();
        let asked = requests.iter().filter(|request| request.covers(&need));
        grants.extend(asked.filter_map(|request| narrowed(&need, &request.scope())));
        if grants.len() == before {
            // It imports what it never asked for: linked, with no more than its own in scope.
            grants.extend(narrowed(&need, &[]));
        }
    }
    let unseen = |request: &&Grant| request.covers(&Need::ROUTES) || request.covers(&Need::FILES);
    grants.extend(requests.iter().filter(unseen).cloned());
    grants.into_iter().collect()
}

/// A grant of exactly `need`.
fn narrowed(need: &Need, scope: &[String]) -> Option<Grant> {
    Grant::of(need.permission(), need.access(), scope).ok()
}

fn requested_limits(registration: &Registration) -> Limits {
    let mut limits = Limits::default();
    let Some(requested) = &registration.resources else {
        return limits;
    };
    if let Some(mebibytes) = requested.memory_mb {
        let bytes = u64::from(mebibytes.min(MEMORY_MAX_MB)) << 20;
        limits.memory_bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    }
    for (timeout, limit) in [
        (requested.call_timeout, &mut limits.call_timeout),
        (requested.init_timeout, &mut limits.init_timeout),
        (requested.shutdown_timeout, &mut limits.shutdown_timeout),
    ] {
        if let Some(timeout) = timeout {
            *limit = timeout.min(TIMEOUT_MAX);
        }
    }
    limits
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::contract::ContractVersion;
    use crate::contract::registration::{PermissionRequest, Resources};
    use crate::contract::wire::registration as wire;
    use crate::runtime::Import;
    use crate::runtime::Verdict;

    /// A plugin that imports what `needs` names and asks for `requests`.
    fn plugin(needs: &[Need], requests: &[&str]) -> Description {
        let asked = requests.iter().map(|line| {
            let grant = Grant::parse(line).unwrap();
            PermissionRequest {
                kind: grant.permission().clone(),
                access: grant.access(),
                scope: grant.scope(),
            }
        });
        let given = wire::Registration {
            name: "stats".to_owned(),
            version: "1.0.0".to_owned(),
            description: None,
            author: None,
            license: None,
            homepage: None,
            min_host_version: None,
            resources: None,
            contributions: Vec::new(),
        };
        let import = |permission: &Need| Import {
            name: "an-interface".to_owned(),
            verdict: Verdict::Granted {
                permission: permission.clone(),
            },
        };
        let mut registration = Registration::parse(given, &semver::Version::new(0, 1, 0)).unwrap();
        registration.resources = Some(Resources {
            permissions: asked.collect(),
            ..Resources::default()
        });
        Description {
            contract: ContractVersion::newest(),
            hash: String::new(),
            bytes: 0,
            imports: needs.iter().map(import).collect(),
            exports: Vec::new(),
            registration,
        }
    }

    fn trusted(needs: &[Need], requests: &[&str]) -> Vec<String> {
        let grants = requested_grants(&plugin(needs, requests));
        grants.iter().map(Grant::to_string).collect()
    }

    #[test]
    fn trust_goes_no_further_than_the_imports() {
        assert_eq!(
            trusted(&[Need::DB_READ], &["db:readwrite=ticket", "http=*"]),
            ["db:read=ticket"]
        );
    }

    #[test]
    fn what_needs_reading_and_writing_gets_each_as_it_was_asked_for() {
        assert_eq!(
            trusted(
                &[Need::CACHE_READ, Need::CACHE_READ_WRITE],
                &["cache:read=a:", "cache:write=b:"]
            ),
            ["cache:read=a:", "cache:write=b:"]
        );
    }

    #[test]
    fn what_is_imported_without_asking_is_linked_with_nothing_in_scope() {
        assert_eq!(
            trusted(&[Need::DB_WRITE], &["db:read=ticket"]),
            ["db:write"]
        );
    }

    #[test]
    fn what_no_import_shows_is_given_as_asked() {
        assert_eq!(
            trusted(&[], &["routes=/admin/stats", "cache:read"]),
            ["routes=/admin/stats"]
        );
    }
}
