//! What deleting and restoring do to the tables.

use std::time::{SystemTime, UNIX_EPOCH};

use goatherd::capability::entities::Action;
use goatherd_tests::call_in;
use serde_json::{Value, json};

use crate::desk::{DELETED_1, Desk, LIVE_1, ann, by, refused};
use crate::ground::Ground;

async fn a_soft_deletion_marks_anonymises_and_tells_the_bin_and_the_log_who_when_and_why(
    ground: Ground,
) {
    let desk = Desk::open(ground, vec![]).await;
    let before = now_ms();
    desk.ask("soft-delete", 1).await.unwrap();
    let after = now_ms();
    assert_eq!(desk.ticket(1).await, DELETED_1);
    assert_eq!(
        desk.log("ticket", 1).await,
        ["soft-delete | 7 | ann | probe-entities | asked by the customer"]
    );
    let bin = desk.ask("recycle-bin", 0).await.unwrap();
    let entity = &bin[0];
    assert_eq!(bin.as_array().unwrap().len(), 1, "{bin}");
    assert_eq!(
        (
            &entity["type"],
            &entity["id"],
            &entity["deleted_by"],
            &entity["reason"]
        ),
        (
            &json!("ticket"),
            &json!(1),
            &json!("ann"),
            &json!("asked by the customer")
        )
    );
    let at = entity["deleted_at_ms"].as_u64().unwrap();
    assert!((before..=after).contains(&at), "{before} {at} {after}");
    assert_eq!(
        entity["expires_at_ms"],
        json!(at + 90 * 86_400_000),
        "ticket has 90 days"
    );
    let mark = desk
        .ground
        .line("SELECT deleted_at FROM ticket WHERE id = 1")
        .await;
    assert!(
        mark.starts_with("20") && mark.ends_with('Z') && mark.len() == 24,
        "{mark}"
    );
}

async fn nothing_of_an_entity_is_kept_in_the_hosts_own_tables(ground: Ground) {
    let desk = Desk::open(ground, vec![]).await;
    desk.ask("soft-delete", 1).await.unwrap();
    for table in ["goatherd_recycle_bin", "goatherd_deletion_log"] {
        let rows = desk.ground.rows(&format!("SELECT * FROM {table}")).await;
        let text = format!("{rows:?}");
        assert!(!rows.is_empty());
        for secret in ["Ada", "ada@", "1815", "+44", "Printer"] {
            assert!(!text.contains(secret), "{table}: {text}");
        }
    }
}

async fn several_entities_of_a_unique_column_can_be_deleted(ground: Ground) {
    let desk = Desk::open(ground, vec![]).await;
    desk.ask("soft-delete", 1).await.unwrap();
    desk.ask("soft-delete", 2).await.unwrap();
    let emails = desk
        .ground
        .rows("SELECT email FROM ticket WHERE org_id = 7 ORDER BY id")
        .await;
    assert_eq!(
        emails,
        [
            [Some("[DELETED] 1".to_owned())],
            [Some("[DELETED] 2".to_owned())]
        ]
    );
}

async fn restoring_gives_the_mark_back_and_not_the_personal_data(ground: Ground) {
    let desk = Desk::open(ground, vec![]).await;
    // A mark that was there before is the application's own, and comes back as it was.
    desk.ground
        .run("UPDATE ticket SET deleted_at = 'archived in 2020' WHERE id = 1")
        .await;
    desk.ask("soft-delete", 1).await.unwrap();
    desk.ask("restore", 1).await.unwrap();
    assert_eq!(
        desk.ground
            .line("SELECT customer, deleted_at FROM ticket WHERE id = 1")
            .await,
        "[DELETED] | archived in 2020"
    );
    assert_eq!(desk.in_bin("ticket").await, 0);
    assert_eq!(
        desk.log("ticket", 1).await[1],
        "restore | 7 | ann | probe-entities | "
    );
    desk.ask("soft-delete", 1)
        .await
        .expect("it can be deleted again");
}

async fn a_mark_can_be_a_number_and_a_type_without_organisations_is_everybodys(ground: Ground) {
    let desk = Desk::open(ground, vec![]).await;
    for (org, id) in [(None, 1), (Some(99), 2)] {
        desk.ask_as(by("ann", org), "soft-delete", "contact", id)
            .await
            .unwrap();
    }
    let contacts = "SELECT name, valid_id FROM contact WHERE id = 1";
    assert_eq!(desk.ground.line(contacts).await, "[DELETED] | 2");
    let bin = desk
        .ask_as(by("ann", Some(5)), "recycle-bin", "contact", 0)
        .await
        .unwrap();
    assert_eq!(bin.as_array().unwrap().len(), 2);
    let kept =
        bin[0]["expires_at_ms"].as_u64().unwrap() - bin[0]["deleted_at_ms"].as_u64().unwrap();
    assert_eq!(kept, 60 * 86_400_000, "contact has the default");
    desk.ask_as(by("ann", Some(5)), "restore", "contact", 1)
        .await
        .unwrap();
    assert_eq!(desk.ground.line(contacts).await, "[DELETED] | 1");
}

async fn what_is_in_the_bin_is_a_conflict_and_what_is_not_there_is_not_found(ground: Ground) {
    let desk = Desk::open(ground, vec![]).await;
    desk.ask("soft-delete", 1).await.unwrap();
    let words = refused(desk.ask("soft-delete", 1).await, "conflict");
    assert!(
        words.contains("ticket 1") && words.contains("recycle bin"),
        "{words}"
    );
    let words = refused(desk.ask("restore", 2).await, "not-found");
    assert!(
        words.contains("ticket 2") && words.contains("not in the recycle bin"),
        "{words}"
    );
    for id in [0, -1, 99, i64::MAX, i64::MIN] {
        for function in ["soft-delete", "restore", "hard-delete"] {
            refused(desk.ask(function, id).await, "not-found");
        }
    }
    for function in ["soft-delete", "restore", "hard-delete", "recycle-bin"] {
        for unknown in ["invoice", "Ticket", "ticket\"; DROP TABLE ticket; --", ""] {
            let words = refused(desk.ask_as(ann(), function, unknown, 1).await, "not-found");
            assert!(words.contains("contact, ticket"), "{words}");
        }
    }
    assert_eq!(desk.log("ticket", 1).await.len(), 1);
}

async fn an_entity_of_another_organisation_does_not_exist(ground: Ground) {
    let desk = Desk::open(ground, vec![]).await;
    let root = desk.host();
    for id in [3, 4] {
        desk.service
            .soft_delete(&root, "ticket", id, "")
            .await
            .unwrap();
    }
    // Ticket 3 is organisation 8's, ticket 4 is nobody's, and ticket 1 organisation 7's.
    for (org, ids) in [(Some(7), &[3, 4][..]), (None, &[1, 2, 3, 4])] {
        for id in ids {
            for function in ["soft-delete", "restore", "hard-delete"] {
                let context = by("eve", org);
                let words = refused(
                    desk.ask_as(context, function, "ticket", *id).await,
                    "not-found",
                );
                assert!(!words.contains("organisation"), "{words}");
            }
        }
        let bin = desk
            .ask_as(by("eve", org), "recycle-bin", "ticket", 0)
            .await
            .unwrap();
        assert_eq!(bin, json!([]));
    }
    let own = desk
        .ask_as(by("bob", Some(8)), "recycle-bin", "ticket", 0)
        .await
        .unwrap();
    assert_eq!(
        (&own[0]["id"], own.as_array().unwrap().len()),
        (&json!(3), 1)
    );
    desk.ask_as(by("bob", Some(8)), "restore", "ticket", 3)
        .await
        .unwrap();
    // The host itself sees all of them.
    assert_eq!(
        desk.service
            .recycle_bin(&root, "ticket")
            .await
            .unwrap()
            .len(),
        1
    );
}

async fn a_hard_deletion_removes_the_row_its_custom_fields_and_its_place_in_the_bin(
    ground: Ground,
) {
    let desk = Desk::open(ground, vec![]).await;
    let key = match desk.ground {
        Ground::Sqlite(_) => "x''",
        Ground::Postgres(..) => "'\\x'::bytea",
    };
    desk.ground
        .run(&format!(
            "INSERT INTO goatherd_custom_field
                 (plugin, entity_type, name, field_type, required, config, label, section, position, description, placeholder)
                 SELECT 'crm', entity_type, 'whose', 'text', false, '{{}}', '', '', 0, '', ''
                 FROM (SELECT 'ticket' AS entity_type UNION ALL SELECT 'contact') t;
             INSERT INTO goatherd_custom_value (entity_id, field_id, organisation, key, value)
                 SELECT v.id, f.id, '', {key}, v.value FROM goatherd_custom_field f JOIN
                 (SELECT 1 AS id, 'ticket' AS of, 'hers' AS value UNION ALL SELECT 2, 'ticket', 'his'
                  UNION ALL SELECT 1, 'contact', 'a contact''s') v ON v.of = f.entity_type"
        ))
        .await;
    desk.ask("soft-delete", 1).await.unwrap();
    desk.ask("hard-delete", 1).await.unwrap();
    assert_eq!(
        desk.ground
            .number("SELECT COUNT(*) FROM ticket WHERE id = 1")
            .await,
        0
    );
    assert_eq!(desk.in_bin("ticket").await, 0);
    assert_eq!(
        desk.ground
            .rows("SELECT value FROM goatherd_custom_value ORDER BY value")
            .await,
        [[Some("a contact's".to_owned())], [Some("his".to_owned())]]
    );
    assert_eq!(
        desk.log("ticket", 1).await[1],
        "hard-delete | 7 | ann | probe-entities | asked by the customer"
    );
    // One that was never in the bin goes as well.
    desk.ask("hard-delete", 2).await.unwrap();
    assert_eq!(
        desk.ground
            .number("SELECT COUNT(*) FROM ticket WHERE org_id = 7")
            .await,
        0
    );
}

async fn an_entity_that_others_refer_to_stays_with_everything_that_belongs_to_it(ground: Ground) {
    let deferred = "CREATE TABLE later (
        id INTEGER PRIMARY KEY, ticket_id INTEGER NOT NULL REFERENCES ticket (id) DEFERRABLE INITIALLY DEFERRED)";
    let desk = Desk::open(ground, vec![]).await;
    desk.ground.run(deferred).await;
    desk.ground
        .run("INSERT INTO article VALUES (1, 1, 'a'); INSERT INTO later VALUES (1, 2)")
        .await;
    for id in [1, 2] {
        desk.ask("soft-delete", id).await.unwrap();
        let words = refused(desk.ask("hard-delete", id).await, "conflict");
        assert!(words.contains("still refer to it"), "{words}");
        assert_eq!(desk.log("ticket", id).await.len(), 1);
    }
    assert_eq!(desk.in_bin("ticket").await, 2);
    desk.ground.run("DELETE FROM article").await;
    desk.ask("hard-delete", 1).await.unwrap();
}

async fn a_table_that_refuses_a_change_is_a_conflict_and_nothing_happens(ground: Ground) {
    let sqlite = matches!(ground, Ground::Sqlite(_));
    let desk = Desk::open(ground, vec![]).await;
    desk.ground
        .run("CREATE TABLE copy (phone TEXT CHECK (phone NOT LIKE 'gone%'))")
        .await;
    desk.ground
        .run(if sqlite {
            "CREATE TRIGGER guard AFTER UPDATE ON ticket BEGIN INSERT INTO copy VALUES (NEW.phone); END"
        } else {
            "CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS
                 'BEGIN INSERT INTO copy VALUES (NEW.phone); RETURN NEW; END';
             CREATE TRIGGER guard AFTER UPDATE ON ticket FOR EACH ROW EXECUTE FUNCTION guard()"
        })
        .await;
    let words = refused(desk.ask("soft-delete", 1).await, "conflict");
    assert!(words.contains("do not allow it"), "{words}");
    desk.untouched().await;
    // One that is silently kept as it is must not be taken for deleted.
    desk.ground
        .run(if sqlite {
            "DROP TRIGGER guard;
             CREATE TRIGGER guard BEFORE UPDATE ON ticket BEGIN SELECT RAISE(IGNORE); END;
             CREATE TRIGGER guard_too BEFORE DELETE ON ticket BEGIN SELECT RAISE(IGNORE); END"
        } else {
            "DROP TRIGGER guard ON ticket;
             CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
             CREATE TRIGGER guard BEFORE UPDATE OR DELETE ON ticket FOR EACH ROW EXECUTE FUNCTION keep()"
        })
        .await;
    for function in ["soft-delete", "hard-delete"] {
        let words = refused(desk.ask(function, 1).await, "conflict");
        assert!(words.contains("kept the row"), "{words}");
        desk.untouched().await;
    }
}

async fn a_reason_has_at_most_a_kibibyte_and_is_only_ever_text(ground: Ground) {
    let desk = Desk::open(ground, vec![]).await;
    let probe = desk.plugin("probe-entities");
    for function in ["soft-delete", "hard-delete"] {
        let with = |reason: Value| {
            call_in(
                &probe,
                ann(),
                function,
                json!({"type": "ticket", "id": 1, "reason": reason}),
            )
        };
        let words = refused(with(json!({"bytes": 1025})).await, "too-large");
        assert!(words.contains("1025") && words.contains("1024"), "{words}");
        refused(with(json!({"bytes": 4_000_000})).await, "too-large");
        refused(with(json!("a\u{0}b")).await, "invalid-argument");
        desk.untouched().await;
    }
    let reason = "'; DROP TABLE ticket; -- \" $1 ? \u{1F410}";
    let args = json!({"type": "ticket", "id": 1, "reason": reason});
    call_in(&probe, ann(), "soft-delete", args).await.unwrap();
    assert_eq!(
        desk.ask("recycle-bin", 0).await.unwrap()[0]["reason"],
        reason
    );
    assert_eq!(desk.ground.number("SELECT COUNT(*) FROM ticket").await, 4);
    let args = json!({"type": "ticket", "id": 2, "reason": {"bytes": 1024}});
    call_in(&probe, ann(), "soft-delete", args).await.unwrap();
}

async fn the_host_itself_deletes_in_every_organisation_and_reads_the_log(ground: Ground) {
    let desk = Desk::open(ground, vec![]).await;
    let root = desk.host();
    desk.service
        .soft_delete(&root, "ticket", 1, "by law")
        .await
        .unwrap();
    desk.service
        .soft_delete(&root, "ticket", 3, "by law")
        .await
        .unwrap();
    desk.service.restore(&root, "ticket", 1).await.unwrap();
    desk.service
        .hard_delete(&root, "ticket", 3, "by law")
        .await
        .unwrap();
    let log = desk.service.deletion_log("ticket", 3).await.unwrap();
    let lines: Vec<_> = log
        .iter()
        .map(|line| {
            (
                line.action,
                line.id,
                line.organisation,
                line.user.as_deref(),
                line.plugin.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            (Action::HardDelete, 3, Some(8), Some("root"), None),
            (Action::Restore, 1, Some(7), Some("root"), None),
            (Action::SoftDelete, 3, Some(8), Some("root"), None),
        ]
    );
    assert_eq!(
        desk.service
            .deletion_log("ticket", 100)
            .await
            .unwrap()
            .len(),
        4
    );
    let own = goatherd::capability::entities::Actor::host(by("admin", Some(7)), desk.peers())
        .in_its_organisation();
    let outside = desk
        .service
        .soft_delete(&own, "ticket", 4, "")
        .await
        .unwrap_err();
    assert_eq!(outside.code(), "not-found");
    assert!(
        desk.ticket(1)
            .await
            .starts_with(LIVE_1.split_once(" |").unwrap().0)
    );
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_millis() as u64
}

on_both! {
    a_soft_deletion_marks_anonymises_and_tells_the_bin_and_the_log_who_when_and_why
    nothing_of_an_entity_is_kept_in_the_hosts_own_tables
    several_entities_of_a_unique_column_can_be_deleted
    restoring_gives_the_mark_back_and_not_the_personal_data
    a_mark_can_be_a_number_and_a_type_without_organisations_is_everybodys
    what_is_in_the_bin_is_a_conflict_and_what_is_not_there_is_not_found
    an_entity_of_another_organisation_does_not_exist
    a_hard_deletion_removes_the_row_its_custom_fields_and_its_place_in_the_bin
    an_entity_that_others_refer_to_stays_with_everything_that_belongs_to_it
    a_table_that_refuses_a_change_is_a_conflict_and_nothing_happens
    a_reason_has_at_most_a_kibibyte_and_is_only_ever_text
    the_host_itself_deletes_in_every_organisation_and_reads_the_log
}
