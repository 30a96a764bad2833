//! What the application's schema does with such tables: foreign keys, triggers, changes of the tables themselves.

use super::{Desk, settings};
use crate::{DENIED, DENIED_OR_INVALID, On, both};

both! {
async fn foreign_keys_carry_no_change_to_rows_of_other_organisations(on: On) {
    let desk = Desk::new(on).await;
    let own = "INSERT INTO remark (place, org, ticket_id, body) VALUES (2, 1, 2, 'x')";
    assert_eq!(desk.changed(1, own).await, 1);
    let refer = |ticket: i64| {
        [
            format!("INSERT INTO remark (place, org, ticket_id) VALUES (2, 1, {ticket})"),
            format!("UPDATE remark SET ticket_id = {ticket}, place = 3 WHERE ticket_id = 1"),
        ]
    };
    for sql in refer(999) {
        let text = desk.fails(1, &sql, &["conflict"]).await;
        assert!(text.to_lowercase().contains("foreign key constraint"), "{text}");
    }
    for sql in refer(3) {
        match on {
            // As if there were no such ticket, which is what an organisation knows.
            On::Sqlite => {
                desk.fails(1, &sql, &["conflict"]).await;
            }
            // Row security does not ask on whose behalf a key is looked up.
            On::Postgres | On::PostgresInGerman => {
                desk.changed(1, &sql).await;
                let sql = "SELECT count(*) FROM remark JOIN ticket ON ticket.id = ticket_id WHERE ticket.id = 3";
                assert_eq!(desk.one(1, sql).await, 0, "the row itself is not shown");
            }
        }
    }
    // A ticket with remarks stays.
    desk.fails(1, "DELETE FROM ticket WHERE id = 2", &["conflict"]).await;
    // Deleting a queue would take everybody's tickets along.
    let text = desk.fails(1, "DELETE FROM queue", DENIED).await;
    assert!(text.contains("organisations"), "{text}");
    assert_eq!(desk.changed(1, "UPDATE queue SET name = 'x'").await, 1);
    assert_eq!(desk.others(), 4);
    assert_eq!(desk.number("SELECT count(*) FROM queue"), 1);
}
}

both! {
async fn a_deletion_is_not_carried_on_to_another_table_of_organisations(on: On) {
    let desk = Desk::new(on).await;
    desk.application(
        "CREATE TABLE later (id INTEGER PRIMARY KEY, org_id INTEGER, ticket_id INTEGER REFERENCES ticket (id) ON DELETE CASCADE);
         INSERT INTO later VALUES (1, 2, 2);
         ALTER TABLE ticket ADD COLUMN parent_id INTEGER REFERENCES ticket (id) ON DELETE CASCADE;",
    );
    desk.fails(1, "DELETE FROM ticket WHERE id = 2", DENIED).await;
    assert_eq!(desk.number("SELECT count(*) FROM later"), 1);
    desk.application("DROP TABLE later");
    // Another node, which knows the tables as they are now.
    let desk = Desk(crate::Desk::over(desk.0.store, &["db:readwrite=*"], settings()).await);
    assert_eq!(desk.changed(1, "DELETE FROM ticket WHERE id = 2").await, 1);
    assert_eq!(desk.others(), 4);
}
}

both! {
async fn triggers_of_the_application_do_not_carry_rows_out(on: On) {
    let desk = Desk::new(on).await;
    let watched = "INSERT INTO watched VALUES ('x')";
    match on {
        // A trigger names the table itself, which the view does not filter.
        On::Sqlite => refuses_triggers(&desk, watched).await,
        // A trigger runs as the plugin, for which row security filters.
        On::Postgres | On::PostgresInGerman => {
            assert_eq!(desk.changed(1, watched).await, 1);
            assert_eq!(desk.number("SELECT count(*) FROM log WHERE word IN ('Printer', 'Screen')"), 2);
            desk.application(
                "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS
                     $$ BEGIN UPDATE ticket SET state = 'seen'; RETURN NULL; END $$;
                 CREATE TRIGGER touch AFTER INSERT ON ticket FOR EACH ROW EXECUTE FUNCTION touch();",
            );
            let sql = "INSERT INTO ticket (title, org_id) VALUES ('x', 1)";
            assert_eq!(desk.changed(1, sql).await, 1);
        }
    }
    assert_eq!(desk.number("SELECT count(*) FROM log WHERE word LIKE 'hunter%'"), 0);
    let seen = "SELECT count(*) FROM ticket WHERE state = 'seen' AND org_id IS NOT DISTINCT FROM 1";
    assert_eq!(desk.number(seen), on.pick(0, 3));
    assert_eq!(desk.number("SELECT count(*) FROM ticket WHERE state = 'seen'"), on.pick(0, 3));
}
}

async fn refuses_triggers(desk: &Desk, watched: &str) {
    desk.fails(1, watched, DENIED).await;
    let label = "INSERT INTO label VALUES (3, 'x')";
    desk.fails(1, label, DENIED).await;
    desk.application(
        "DROP TRIGGER leak;
         CREATE TRIGGER leak AFTER INSERT ON watched BEGIN
             INSERT INTO log SELECT 1 FROM guess NATURAL JOIN ticket;
         END;",
    );
    desk.fails(1, watched, DENIED).await;
    desk.application(
        "DROP TRIGGER leak;
         CREATE TRIGGER touch AFTER INSERT ON ticket BEGIN UPDATE ticket SET state = 'seen'; END;",
    );
    assert_eq!(desk.changed(1, watched).await, 1);
    // Nor does a name of the application's make one of the plugin's mean more.
    let own = "WITH retitled AS (SELECT * FROM main.ticket) SELECT title FROM retitled";
    desk.closed(own, DENIED).await;
    let own =
        "INSERT INTO log WITH retitled AS (SELECT * FROM main.ticket) SELECT title FROM retitled";
    desk.fails(1, own, DENIED).await;
    let sql = "INSERT INTO ticket (title) VALUES ('x')";
    desk.fails(1, sql, DENIED).await;
    desk.application(
        "DROP TRIGGER touch;
         CREATE TRIGGER touch AFTER INSERT ON ticket BEGIN
             INSERT INTO log SELECT 1 FROM guess NATURAL JOIN ticket;
         END;",
    );
    desk.fails(1, sql, DENIED).await;
}

both! {
async fn the_schema_of_such_a_table_is_closed_to_plugins(on: On) {
    let desk = Desk::new(on).await;
    let own = on.pick(
        &[
            "ALTER TABLE main.ticket ADD COLUMN x",
            "ALTER TABLE main.ticket RENAME TO mine",
            "ALTER TABLE queue RENAME TO later",
            "DROP TABLE main.ticket",
            "DROP VIEW ticket",
            "DROP VIEW temp.ticket",
            "CREATE UNIQUE INDEX main.probe ON ticket (title)",
            "CREATE TABLE later (org_id INTEGER, word TEXT)",
            "CREATE TABLE mine (id INTEGER PRIMARY KEY, x INTEGER DEFAULT (goatherd_organisation()))",
            "CREATE TEMP VIEW mine AS SELECT * FROM main.ticket",
        ][..],
        &[
            "ALTER TABLE ticket DISABLE ROW LEVEL SECURITY",
            "ALTER TABLE public.ticket NO FORCE ROW LEVEL SECURITY",
            "DROP POLICY goatherd_organisation ON ticket",
            "CREATE POLICY mine ON ticket USING (true)",
            "CREATE TABLE mine () INHERITS (ticket)",
            "CREATE TABLE mine (LIKE ticket INCLUDING ALL, t ticket)",
            "CREATE TABLE mine (ticket_id BIGINT REFERENCES ticket ON DELETE CASCADE)",
            "CREATE VIEW mine AS SELECT * FROM ticket",
        ],
    );
    let both = [
        "ALTER TABLE ticket ADD COLUMN x INTEGER",
        "DROP TABLE ticket",
        "CREATE INDEX probe ON ticket (title)",
        "CREATE UNIQUE INDEX probe ON ticket (title)",
    ];
    for sql in own.iter().chain(&both) {
        desk.fails(1, sql, DENIED_OR_INVALID).await;
    }
    assert_eq!(desk.one(1, "SELECT count(*) FROM ticket").await, 2);
    assert_eq!(desk.others(), 4);
}
}

both! {
async fn a_change_of_the_schema_by_the_application_is_followed(on: On) {
    let desk = Desk::new(on).await;
    assert_eq!(desk.one(1, "SELECT count(*) FROM ticket").await, 2);
    desk.application("ALTER TABLE ticket ADD COLUMN urgent INTEGER DEFAULT 7");
    assert_eq!(desk.one(1, "SELECT sum(urgent) FROM ticket").await, 14);
    assert_eq!(desk.changed(1, "UPDATE ticket SET urgent = 8").await, 2);
    desk.application("CREATE TABLE later (id INTEGER PRIMARY KEY, org_id INTEGER); INSERT INTO later VALUES (1, 1), (2, 2)");
    assert_eq!(desk.one(2, "SELECT id FROM later").await, 2);
    desk.application("ALTER TABLE ticket RENAME COLUMN title TO subject");
    assert_eq!(desk.one(2, "SELECT subject FROM ticket").await, "hunter2");
    assert_eq!(desk.one(1, "SELECT max(id) FROM later").await, 1);
    // Without its column nothing of the table can be filtered, so nothing is to be had.
    desk.application(on.pick(
        "ALTER TABLE later DROP COLUMN org_id",
        "ALTER TABLE later DROP COLUMN org_id CASCADE",
    ));
    for sql in [
        "SELECT id FROM later",
        "SELECT id FROM later WHERE id > 0",
        "SELECT 1 FROM later",
    ] {
        match desk.0.query_as(2, sql).await {
            // PostgreSQL drops the policy along, and the host looks at rights now and then.
            Ok(rows) if on.is_postgres() => assert_eq!(rows["rows"], serde_json::json!([]), "{sql}"),
            outcome => {
                crate::refused(sql, outcome, DENIED);
            }
        }
    }
}
}
