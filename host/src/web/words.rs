//! Grants, requests and health in words, for people who decide about plugins.

use crate::permission::{Access, Grant, Grants, Need, Permission, Permissions};
use crate::runtime::{Description, Health, Verdict};

/// A grant as the end of a sentence that begins with "may" or "asks to".
pub(super) fn of_grant(grant: &Grant, permissions: &Permissions) -> String {
    let (permission, access) = (grant.permission(), grant.access());
    of(permission, access, &grant.scope(), permissions)
}

/// Everything that a plugin asks for, in the order of its registration, and after it what it imports without asking.
pub(super) fn of_requests(description: &Description, permissions: &Permissions) -> Vec<String> {
    let mut words = Vec::new();
    let mut asked = Vec::new();
    for request in description.registration.requested_permissions() {
        match request.to_grant() {
            Ok(grant) => {
                words.push(of_grant(&grant, permissions));
                asked.push(grant);
            }
            Err(error) => words.push(format!(
                "something that cannot be granted ({}: {error})",
                request.kind
            )),
        }
    }
    let asked: Grants = asked.into_iter().collect();
    let mut unasked: Vec<Need> = Vec::new();
    for import in &description.imports {
        if let Verdict::Granted { permission: need } = &import.verdict
            && !unasked.contains(need)
            && !asked.covers(need)
        {
            unasked.push(need.clone());
        }
    }
    words.extend(unasked.into_iter().map(|need| {
        let what = of(need.permission(), need.access(), &[], permissions);
        format!("{what} (imported, but not asked for in its registration)")
    }));
    words
}

/// What is wrong with a loaded plugin, as a sentence; nothing if it is well.
pub(super) fn of_health(health: &Health) -> Option<String> {
    match health {
        Health::Healthy => None,
        Health::Failing {
            failures,
            last_failure,
        } => Some(format!(
            "{failures} of the last calls failed, the latest: {last_failure}"
        )),
        Health::Tripped {
            last_failure,
            retry_in,
        } => Some(format!(
            "Failed repeatedly and is left alone for {} s, the latest: {last_failure}",
            retry_in.as_secs_f64().ceil()
        )),
        Health::Probing { last_failure } => Some(format!(
            "Failed repeatedly and is being tried again, the latest: {last_failure}"
        )),
        Health::Exhausted { last_failure } => Some(format!(
            "Failed too often and is not called any more, the latest: {last_failure}"
        )),
    }
}

fn of(
    permission: &Permission,
    access: Option<Access>,
    scope: &[String],
    permissions: &Permissions,
) -> String {
    let verb = match access {
        Some(Access::Write) => "change",
        Some(Access::ReadWrite) => "read and change",
        Some(Access::HardDelete) => "delete for good",
        Some(Access::Read) | None => "read",
    };
    let listed = |one: &str, all: &str, none: &str| match scope {
        [] => none.to_owned(),
        [star] if star == "*" => all.to_owned(),
        entries => format!("{one} {}", entries.join(", ")),
    };
    match permission {
        Permission::Db => format!(
            "{verb} {}",
            listed(
                "the database tables",
                "all database tables",
                "no database table yet"
            )
        ),
        Permission::Cache => format!(
            "{verb} {}",
            listed(
                "its own cache under",
                "all of its own cache",
                "its own cache"
            )
        ),
        Permission::Http => format!(
            "send requests to {}",
            listed("the servers", "every server", "no server yet")
        ),
        Permission::Email => format!(
            "send e-mail to {}",
            listed("the addresses", "every address", "no address yet")
        ),
        Permission::Config => format!(
            "read {}",
            listed("its own settings and", "all settings", "its own settings")
        ),
        Permission::SecureConfig => format!(
            "{verb} {}",
            listed(
                "its own secrets",
                "all of its own secrets",
                "its own secrets"
            )
        ),
        Permission::PluginCall => format!(
            "call {}",
            listed("the plugins", "every other plugin", "no other plugin yet")
        ),
        Permission::Capability => format!(
            "run {}",
            listed("the capabilities", "every capability", "no capability yet")
        ),
        Permission::Events => format!(
            "send events to browsers on {}",
            listed("the channels", "every channel", "its own channel")
        ),
        Permission::Entity => match access {
            Some(Access::Read) => format!(
                "see the recycle bin of {}",
                listed("the types", "every type of record", "no type of record yet")
            ),
            Some(Access::HardDelete) => format!(
                "delete for good {}",
                listed(
                    "records of the types",
                    "records of every type",
                    "no records yet"
                )
            ),
            _ => format!(
                "delete and restore {}",
                listed(
                    "records of the types",
                    "records of every type",
                    "no records yet"
                )
            ),
        },
        Permission::CustomFields => format!(
            "{verb} custom fields of {}",
            listed("the types", "every type of record", "no type of record yet")
        ),
        Permission::Routes => format!(
            "answer requests to {}",
            listed("", "every free path of this server", "no path but its own").trim_start()
        ),
        Permission::Files => listed(
            "keep files of its own, up to",
            "keep files of its own",
            "keep files of its own",
        ),
        Permission::App(name) => {
            let verb = if access.is_some() { verb } else { "use" };
            let about = match permissions.app(name.as_str()) {
                Some(permission) => permission.about().to_owned(),
                None => format!("{name}, which this application does not have"),
            };
            format!(
                "{verb} {about}: {}",
                listed("", "all", "none yet").trim_start()
            )
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::permission::AppPermission;

    #[test]
    fn a_grant_reads_as_what_the_plugin_may_do() {
        let mut permissions = Permissions::default();
        for (name, about) in [
            ("acme_billing", "invoices of the customers"),
            ("acme_print", "the printer"),
        ] {
            let permission = AppPermission::new(name, about).unwrap();
            permissions.add(permission).unwrap();
        }
        for (grant, words) in [
            (
                "db:read=ticket,queue",
                "read the database tables ticket, queue",
            ),
            ("db:write=*", "change all database tables"),
            ("db:readwrite", "read and change no database table yet"),
            ("cache:readwrite", "read and change its own cache"),
            (
                "http=api.example.org",
                "send requests to the servers api.example.org",
            ),
            (
                "entity:hard_delete=ticket",
                "delete for good records of the types ticket",
            ),
            ("routes=/admin/stats", "answer requests to /admin/stats"),
            (
                "acme_billing:read=c1,c2",
                "read invoices of the customers: c1, c2",
            ),
            (
                "acme_billing:readwrite",
                "read and change invoices of the customers: none yet",
            ),
            ("acme_print=*", "use the printer: all"),
            (
                "other_thing=*",
                "use other_thing, which this application does not have: all",
            ),
        ] {
            let grant = Grant::parse(grant).unwrap();
            assert_eq!(of_grant(&grant, &permissions), words);
        }
    }
}
