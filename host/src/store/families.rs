//! The host's own tables, by family. Their SQL is in `migrations/`, a folder for each.

use super::Family;

/// A family whose migrations are the files of these names in its folder.
macro_rules! family {
    ($name:literal, $tables:expr, sqlite: [$($sqlite:literal),*], postgres: [$($postgres:literal),*]) => {
        Family::new(
            $name,
            &$tables,
            &[$(include_str!(concat!("migrations/", $name, "/sqlite/", $sqlite))),*],
            &[$(include_str!(concat!("migrations/", $name, "/postgres/", $postgres))),*],
        )
    };
}

/// The plugins table.
pub const REGISTRY: Family = family!(
    "registry",
    ["goatherd_plugin_version", "goatherd_plugin"],
    sqlite: ["001.sql"],
    postgres: ["001.sql", "002.sql"]
);

/// What operators decided about plugins, and the audit trail.
pub const POLICIES: Family = family!(
    "policies",
    ["goatherd_policy_version", "goatherd_policies", "goatherd_policy_audit"],
    sqlite: ["001.sql"],
    postgres: ["001.sql", "002.sql"]
);

/// Plugins' secrets, and the keys that are retired.
pub const SECRETS: Family = family!(
    "secrets",
    ["goatherd_secret", "goatherd_secret_key_retired"],
    sqlite: ["001.sql"],
    postgres: ["001.sql"]
);

/// Custom fields and their values.
pub const CUSTOM_FIELDS: Family = family!(
    "custom_fields",
    ["goatherd_custom_field", "goatherd_custom_value", "goatherd_custom_choice"],
    sqlite: ["001.sql"],
    postgres: ["001.sql"]
);

/// The recycle bin and the log of deletions.
pub const ENTITIES: Family = family!(
    "entities",
    ["goatherd_recycle_bin", "goatherd_deletion_log"],
    sqlite: ["001.sql", "002.sql"],
    postgres: ["001.sql", "002.sql"]
);

/// Events on their way between nodes. On SQLite there is one node.
pub const EVENTS: Family = family!(
    "events",
    ["goatherd_event_count", "goatherd_event"],
    sqlite: [],
    postgres: ["001.sql"]
);

/// All of them.
pub const ALL: [Family; 6] = [REGISTRY, POLICIES, SECRETS, CUSTOM_FIELDS, ENTITIES, EVENTS];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::ALL;

    #[test]
    fn every_file_in_the_folder_is_a_migration_of_its_family_in_its_order() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/migrations");
        let mut files = 0;
        for family in ALL {
            for (engine, embedded) in [("sqlite", family.sqlite()), ("postgres", family.postgres())]
            {
                for (index, sql) in embedded.iter().enumerate() {
                    let name = format!("{}/{engine}/{:03}.sql", family.name(), index + 1);
                    let text = std::fs::read_to_string(folder.join(&name));
                    assert_eq!(text.unwrap(), *sql, "{name}");
                    files += 1;
                }
            }
        }
        let mut found = 0;
        let mut folders = vec![folder];
        while let Some(folder) = folders.pop() {
            for entry in folder.read_dir().unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => found += 1,
                }
            }
        }
        assert_eq!(found, files, "a file is no migration of any family");
    }
}
