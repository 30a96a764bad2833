//! Roles: exactly the scope, also after the application or the grants changed.

use goatherd::capability::db::Databases;
use goatherd::capability::db::{Caps, PostgresSettings};
use goatherd_tests::{call, host_builder, limits, plugin, postgres_helpdesk};
use serde_json::json;

use super::desk_with;
use crate::{DENIED, On, Store, load, only, refused};

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_the_application_makes_later_are_found() {
    let desk = desk_with(&["db:read=late_*", "db:write=late_*"]).await;
    refused(
        "not yet",
        desk.query("SELECT id FROM late_one").await,
        &["invalid-argument"],
    );
    desk.store.run("CREATE TABLE late_one (id SERIAL PRIMARY KEY, word TEXT); INSERT INTO late_one (word) VALUES ('a')");
    assert_eq!(
        only(desk.query("SELECT word FROM late_one").await.unwrap()),
        "a"
    );
    let outcome = desk
        .execute("INSERT INTO late_one (word) VALUES ('b')")
        .await
        .unwrap();
    assert_eq!(outcome, json!({"rows_affected": 1, "last_insert_id": 2}));
    desk.store
        .run("ALTER TABLE late_one RENAME TO gone_one; ALTER TABLE secret RENAME TO late_secret");
    assert_eq!(
        only(desk.query("SELECT word FROM late_secret").await.unwrap()),
        "hunter2"
    );
    refused(
        "renamed away",
        desk.query("SELECT word FROM gone_one").await,
        DENIED,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_narrower_grant_takes_rights_away() {
    let store = Store::new(On::Postgres);
    let caps = Caps::default();
    let settings = PostgresSettings::default;
    let (_first, wide) = load(
        &store,
        &["db:read=ticket,secret", "db:write=note,mine"],
        settings(),
        caps,
        limits(),
    )
    .await;
    call(&wide, "db.query", json!({"sql": "SELECT word FROM secret"}))
        .await
        .unwrap();
    call(
        &wide,
        "db.execute",
        json!({"sql": "CREATE TABLE mine (id INTEGER)"}),
    )
    .await
    .unwrap();
    let (_second, narrow) = load(
        &store,
        &["db:read=ticket", "db:write=note"],
        settings(),
        caps,
        limits(),
    )
    .await;
    let ask = |sql: &str| call(&narrow, "db.query", json!({"sql": sql}));
    let change = |sql: &str| call(&narrow, "db.execute", json!({"sql": sql}));
    refused("secret", ask("SELECT word FROM secret").await, DENIED);
    for sql in [
        "INSERT INTO mine VALUES (1)",
        "DROP TABLE mine",
        "ALTER TABLE mine RENAME TO note2",
        "DELETE FROM note USING mine",
    ] {
        refused(sql, change(sql).await, DENIED);
    }
    change("INSERT INTO note (text) VALUES ('a')")
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_loaded_before_a_change_of_grants_has_no_rights_any_more() {
    let helpdesk = postgres_helpdesk();
    let database = helpdesk.database(PostgresSettings::default());
    let builder = host_builder().provider(Databases::new(database, Caps::default()));
    let host = builder.build().unwrap();
    let base = ["cache:readwrite", "config", "db:write=note"];
    let old = plugin(
        &host,
        "probe",
        &[&base[..], &["db:read=secret"]].concat(),
        limits(),
    )
    .await;
    call(&old, "db.query", json!({"sql": "SELECT word FROM secret"}))
        .await
        .unwrap();
    let new = plugin(
        &host,
        "probe",
        &[&base[..], &["db:read=ticket"]].concat(),
        limits(),
    )
    .await;
    call(
        &new,
        "db.query",
        json!({"sql": "SELECT count(*) FROM ticket"}),
    )
    .await
    .unwrap();
    let error = call(&old, "db.query", json!({"sql": "SELECT word FROM secret"}))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "unavailable", "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_owns_the_tables_and_may_make_roles_is_enough() {
    let helpdesk = postgres_helpdesk();
    let name = helpdesk.url().rsplit('/').next().unwrap().to_owned();
    helpdesk.run(&format!(
        "CREATE ROLE host_{name} LOGIN CREATEROLE PASSWORD 'host'; ALTER DATABASE {name} OWNER TO host_{name};
         ALTER SCHEMA public OWNER TO host_{name};
         DO $$ DECLARE t text; BEGIN
             FOR t IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v') LOOP
                 EXECUTE format('ALTER TABLE %I OWNER TO host_{name}', t);
             END LOOP;
         END $$"
    ));
    let (_, address) = helpdesk
        .url()
        .rsplit_once('@')
        .expect("the URL has a login");
    let url = format!("postgres://host_{name}:host@{address}");
    let settings = PostgresSettings::default().organisations(
        goatherd::capability::db::OrganisationTables::new([("ticket", "org_id")]).unwrap(),
    );
    let database = helpdesk.database_as(&url, settings);
    let host = host_builder()
        .provider(Databases::new(database, Caps::default()))
        .build()
        .unwrap();
    let granted = [
        "cache:readwrite",
        "config",
        "db:read=ticket,queue,made",
        "db:write=made",
    ];
    let probe = plugin(&host, "probe", &granted, limits()).await;
    let ask = |sql: &str| call(&probe, "db.query", json!({"sql": sql}));
    assert_eq!(only(ask("SELECT count(*) FROM queue").await.unwrap()), 4);
    assert_eq!(only(ask("SELECT count(*) FROM ticket").await.unwrap()), 0);
    refused("secret", ask("SELECT word FROM secret").await, DENIED);
    call(
        &probe,
        "db.execute",
        json!({"sql": "CREATE TABLE made (id INTEGER)"}),
    )
    .await
    .unwrap();
    assert_eq!(only(ask("SELECT count(*) FROM made").await.unwrap()), 0);
}
