//! From every version one gets to the same schema, and with it what was kept.

use goatherd::store::{Family, SchemaError, families};

use crate::database::{Database, ENGINES};

/// The schema of a family, with its version.
async fn schema(database: &Database, family: &Family) -> (usize, Vec<String>) {
    let catalog = database.catalog(family.tables()).await;
    (database.version(family).await, catalog)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_before_tables_had_versions_is_read_after_the_upgrade() {
    for engine in ENGINES {
        let own = engine.unversioned().await;
        let fresh = engine.fresh();
        for _start in 0..2 {
            assert_eq!(own.report().await, own.expected(), "{engine:?}");
            for family in families::ALL {
                fresh.database.migrate(&family).await.unwrap();
                let (version, catalog) = schema(&own.database, &family).await;
                let name = family.name();
                assert_eq!(version, engine.versions(&family).len(), "{name}");
                assert_eq!(
                    (version, catalog),
                    schema(&fresh.database, &family).await,
                    "{name}, {engine:?}"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_earlier_version_is_upgraded_to_the_schema_of_a_fresh_database() {
    for engine in ENGINES {
        let fresh = engine.fresh();
        for family in families::ALL {
            fresh.database.migrate(&family).await.unwrap();
            let versions = engine.versions(&family);
            for from in 1..versions.len() {
                let own = engine.fresh();
                // As a program made it that knew no later one.
                let earlier = &versions[..from];
                let (name, tables) = (family.name(), family.tables());
                let earlier = Family::new(name, tables, earlier, earlier);
                own.database.migrate(&earlier).await.unwrap();
                assert_eq!(own.database.version(&family).await, from);
                own.database.migrate(&family).await.unwrap();
                assert_eq!(
                    schema(&own.database, &family).await,
                    schema(&fresh.database, &family).await,
                    "{name} from {from}, {engine:?}"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_of_the_host_belongs_to_one_family() {
    let made = [
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'goatherd%' ORDER BY 1",
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE 'goatherd%' ORDER BY 1",
    ];
    for (engine, made) in ENGINES.into_iter().zip(made) {
        let fresh = engine.fresh();
        let mut listed = vec!["goatherd_schema"];
        for family in families::ALL {
            fresh.database.migrate(&family).await.unwrap();
            if !engine.versions(&family).is_empty() {
                listed.extend(family.tables());
            }
        }
        listed.sort_unstable();
        assert_eq!(fresh.database.lines(made).await, listed, "{engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_schema_is_refused_by_name_and_left_as_it_is() {
    for engine in ENGINES {
        let own = engine.unversioned().await;
        own.report().await;
        for family in families::ALL {
            let versions = engine.versions(&family).len();
            if versions == 0 {
                continue;
            }
            let name = family.name();
            let newer = format!(
                "UPDATE goatherd_schema SET version = 99, program = '9.8.7' WHERE family = '{name}'"
            );
            own.database.run(&newer).await;
            let before = schema(&own.database, &family).await;
            let refused = own.database.migrate(&family).await.unwrap_err();
            let text = refused.to_string();
            for part in [
                format!("\"{name}\" have schema version 99, which goatherd 9.8.7 made"),
                format!("knows them up to version {versions}"),
                "start goatherd 9.8.7 or a later one, or restore".to_owned(),
            ] {
                assert!(text.contains(&part), "{text}");
            }
            assert!(matches!(refused, SchemaError::Newer { found: 99, .. }));
            assert_eq!(schema(&own.database, &family).await, before);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_fails_leaves_the_version_before_and_says_which_one_was_to_be_made() {
    const FIRST: &str = "CREATE TABLE goatherd_test (id integer PRIMARY KEY);
        INSERT INTO goatherd_test (id) VALUES (1), (2);";
    const SECOND: &str = "ALTER TABLE goatherd_test ADD COLUMN name text;
        DELETE FROM goatherd_test WHERE id = 1;
        ALTER TABLE goatherd_tset ADD COLUMN size integer;";
    const BEFORE: Family = Family::new("test", &["goatherd_test"], &[FIRST], &[FIRST]);
    const AFTER: Family = Family::new(
        "test",
        &["goatherd_test"],
        &[FIRST, SECOND],
        &[FIRST, SECOND],
    );
    for engine in ENGINES {
        let own = engine.fresh();
        own.database.migrate(&BEFORE).await.unwrap();
        let before = schema(&own.database, &BEFORE).await;
        let failed = own.database.migrate(&AFTER).await.unwrap_err().to_string();
        for part in [
            "\"test\" were not brought to schema version 2",
            "goatherd_tset",
        ] {
            assert!(failed.contains(part), "{failed}");
        }
        assert_eq!(schema(&own.database, &AFTER).await, before);
        let kept = own.database.lines("SELECT count(*) FROM goatherd_test");
        assert_eq!(kept.await, ["2"]);
        own.database.migrate(&BEFORE).await.unwrap();
    }
}

#[tokio::test]
async fn a_table_of_a_sqlite_file_that_is_made_anew_keeps_its_children_and_none_is_left_without_a_parent()
 {
    const FIRST: &str = "
        CREATE TABLE goatherd_parent (id INTEGER PRIMARY KEY);
        CREATE TABLE goatherd_child (parent INTEGER NOT NULL REFERENCES goatherd_parent (id) ON DELETE CASCADE);
        INSERT INTO goatherd_parent (id) VALUES (1), (2);
        INSERT INTO goatherd_child (parent) VALUES (1), (1), (2);";
    const ANEW: &str = "
        CREATE TABLE goatherd_new (id INTEGER PRIMARY KEY, name TEXT NOT NULL DEFAULT '') STRICT;
        INSERT INTO goatherd_new (id) SELECT id FROM goatherd_parent;
        DROP TABLE goatherd_parent;
        ALTER TABLE goatherd_new RENAME TO goatherd_parent;";
    const LOSING: &str = "DELETE FROM goatherd_parent WHERE id = 2;";
    const TABLES: &[&str] = &["goatherd_parent", "goatherd_child"];
    let own = ENGINES[0].fresh();
    let family = Family::new("test", TABLES, &[FIRST, ANEW], &[]);
    own.database.migrate(&family).await.unwrap();
    let children = "SELECT count(*) FROM goatherd_child JOIN goatherd_parent ON id = parent";
    assert_eq!(own.database.lines(children).await, ["3"]);
    let family = Family::new("test", TABLES, &[FIRST, ANEW, LOSING], &[]);
    let failed = own.database.migrate(&family).await.unwrap_err();
    assert!(
        failed
            .to_string()
            .contains("rows of goatherd_child would refer to nothing"),
        "{failed}"
    );
    assert_eq!(own.database.lines(children).await, ["3"]);
}
