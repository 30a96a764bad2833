//! What works in the background: jobs, templates, texts, fields, capabilities.

use std::time::Duration;

use serde_json::json;

use super::*;

#[test]
fn a_job_has_a_schedule_a_zone_and_five_minutes() {
    let mut berlin = job("30 6 * * MON-FRI");
    berlin.time_zone = Some("europe/berlin".into());
    let registration = with(vec![Contribution::Job(berlin)]);
    let job = &registration.jobs[0];
    assert_eq!(job.timeout, Duration::from_secs(300));
    assert_eq!(
        serde_json::to_value(job).unwrap(),
        json!({
            "id": "nightly", "handler": "nightly", "schedule": "30 6 * * MON-FRI", "time_zone": "Europe/Berlin",
            "description": "", "enabled": true, "timeout": "300s"
        })
    );
    let friday = "2026-11-20T06:30:00+01:00[Europe/Berlin]";
    let now: jiff::Zoned = friday.parse().unwrap();
    let next = job
        .schedule
        .cron()
        .find_next_occurrence(&now, false)
        .unwrap();
    assert_eq!(next.to_string(), "2026-11-23T06:30:00+01:00[Europe/Berlin]");
}

#[test]
fn schedules_that_are_not_five_right_fields_are_refused() {
    for (schedule, text) in [
        ("", "has 0 fields"),
        ("* * * *", "has 4 fields"),
        ("0 * * * * *", "has 6 fields"),
        ("0 0 * * * * 2026", "has 7 fields"),
        ("@daily", "has 1 fields"),
        ("61 * * * *", "is wrong"),
        ("* 24 * * *", "is wrong"),
        ("* * 0 * *", "is wrong"),
        ("a b c d e", "is wrong"),
        ("*/0 * * * *", "is wrong"),
        ("@ @ @ @ @", "is wrong"),
        ("* * * * \x1b[31m", "contains '\\u{1b}'"),
        ("* * * * é", "contains 'é'"),
        (", * * * *", "never comes"),
        ("0 0 30 2 *", "never comes"),
        ("0 0 31 2,4,6,9,11 *", "never comes"),
        ("0 0 29 2 +MON#1", "never comes"),
    ] {
        refused(
            vec![Contribution::Job(job(schedule))],
            "jobs[0].schedule",
            text,
        );
    }
}

#[test]
fn a_rare_time_is_not_taken_for_one_that_never_comes() {
    for schedule in [
        "0 0 29 2 *",
        "0 0 29 2 +MON#5",
        "0 0 31 2 MON",
        "0 0 31W 12 *",
    ] {
        assert_eq!(
            with(vec![Contribution::Job(job(schedule))]).jobs[0]
                .schedule
                .as_str(),
            schedule
        );
    }
}

#[test]
fn zones_and_times_of_jobs_are_checked() {
    for zone in ["", "Berlin", "Etc/Unknown", "../etc/passwd", "+01:00"] {
        let mut bad = job("* * * * *");
        bad.time_zone = Some(zone.into());
        refused(
            vec![Contribution::Job(bad)],
            "jobs[0].time_zone",
            "is not a time zone",
        );
    }
    for seconds in [0, 86_401] {
        let mut bad = job("* * * * *");
        bad.timeout_sec = Some(seconds);
        refused(
            vec![Contribution::Job(bad)],
            "jobs[0].timeout_sec",
            "at most 24 hours",
        );
    }
}

#[test]
fn a_template_comes_from_inside_the_package() {
    let template = |name: &str, path: &str| {
        Contribution::Template(wire::Template {
            name: name.into(),
            path: path.into(),
            override_: true,
        })
    };
    let registration = with(vec![template("stats/a.html", "templates/a.html")]);
    assert_eq!(
        serde_json::to_value(&registration.templates[0]).unwrap(),
        json!({"name": "stats/a.html", "path": "templates/a.html", "override": true})
    );
    refused(
        vec![template("a", "../secret")],
        "templates[0].path",
        "\"..\"",
    );
    refused(vec![template("", "a")], "templates[0].name", "is empty");
    refused(
        vec![template("a", "a"), template("a", "b")],
        "templates[1].name",
        "the same name",
    );
}

fn texts(namespace: Option<&str>, list: &[(&str, &str, &str)]) -> Contribution {
    Contribution::I18n(wire::I18n {
        namespace: namespace.map(str::to_owned),
        languages: vec!["ar".into()],
        translations: list
            .iter()
            .map(|(language, key, text)| wire::Translation {
                language: (*language).into(),
                key: (*key).into(),
                text: (*text).into(),
                plural: None,
            })
            .collect(),
    })
}

#[test]
fn pieces_of_translations_are_put_together() {
    let registration = with(vec![
        texts(
            None,
            &[("en", "title", "Statistics"), ("de", "title", "Statistik")],
        ),
        texts(Some("stats"), &[("EN", "none", "Nothing")]),
    ]);
    assert_eq!(
        serde_json::to_value(&registration.i18n).unwrap(),
        json!({
            "languages": ["en", "ar", "de"],
            "translations": {"en": {"title": "Statistics", "none": "Nothing"}, "de": {"title": "Statistik"}}
        })
    );
}

#[test]
fn translations_are_of_the_plugins_own_and_each_given_once() {
    refused(
        vec![texts(Some("tickets"), &[])],
        "i18n[0].namespace",
        "\"tickets\" is not the plugin's own",
    );
    refused(
        vec![
            texts(None, &[("en", "a", "1")]),
            texts(None, &[("en", "b", "1"), ("en", "a", "2")]),
        ],
        "i18n[1].translations[1].key",
        "\"a\" has a text for all numbers in en already",
    );
    refused(
        vec![texts(None, &[("english_us", "a", "1")])],
        "i18n[0].translations[0].language",
        "\"english_us\"",
    );
    refused(
        vec![texts(None, &[("en", "", "1")])],
        "i18n[0].translations[0].key",
        "is empty",
    );
    refused(
        vec![Contribution::I18n(wire::I18n {
            namespace: None,
            languages: vec!["e".into()],
            translations: Vec::new(),
        })],
        "i18n[0].languages[0]",
        "\"e\"",
    );
}

#[test]
fn an_error_code_has_the_status_of_an_error() {
    let code = |code: &str, http_status: u16| {
        Contribution::ErrorCode(wire::ErrorCode {
            code: code.into(),
            message: "It failed".into(),
            http_status,
        })
    };
    assert_eq!(
        with(vec![code("export_failed", 599)]).error_codes[0].http_status,
        599
    );
    for status in [0, 200, 399, 600] {
        refused(
            vec![code("a", status)],
            "error_codes[0].http_status",
            "expected 400 to 599",
        );
    }
    refused(
        vec![code("stats:a", 400)],
        "error_codes[0].code",
        "contains ':'",
    );
    refused(
        vec![code("a", 400), code("a", 500)],
        "error_codes[1].code",
        "the same code",
    );
}

#[test]
fn groups_have_names_that_routes_can_use() {
    let group = |name: &str| {
        Contribution::Group(wire::Group {
            name: name.into(),
            description: None,
        })
    };
    assert_eq!(
        with(vec![group("stats-readers")]).groups[0].name.as_str(),
        "stats-readers"
    );
    refused(
        vec![group("Stats Readers")],
        "groups[0].name",
        "begins with 'S'",
    );
    refused(
        vec![group("a"), group("a")],
        "groups[1].name",
        "the same name",
    );
}

#[test]
fn a_custom_field_stands_in_the_section_custom_without_configuration() {
    let registration = with(vec![Contribution::CustomField(field(
        "vat_id",
        wire::FieldType::Text,
        None,
    ))]);
    let json = serde_json::to_value(&registration.custom_fields[0]).unwrap();
    assert_eq!(json["section"], "custom");
    assert_eq!(json["config"], json!({}));
    assert_eq!(json["entity_type"], "contact");
    assert_eq!(json["field_type"], "text");
}

#[test]
fn configurations_of_custom_fields_that_make_no_sense_are_refused() {
    use wire::FieldType as T;
    for (field_type, config, part, text) in [
        (T::Select, None, "config.options", "needs options"),
        (
            T::MultiSelect,
            Some(r#"{"options": []}"#),
            "config.options",
            "0 entries",
        ),
        (
            T::Select,
            Some(r#"{"options": "a"}"#),
            "config.options",
            "not a list",
        ),
        (
            T::Select,
            Some(r#"{"options": ["a", {"value": "a"}]}"#),
            "config.options",
            "twice",
        ),
        (
            T::Select,
            Some(r#"{"options": [{"label": "a"}]}"#),
            "config.options",
            "no value",
        ),
        (
            T::Integer,
            Some(r#"{"min": 5, "max": 4}"#),
            "config.min",
            "min 5 is more than max 4",
        ),
        (
            T::Text,
            Some(r#"{"min_length": 5, "max_length": 4}"#),
            "config.min_length",
            "more than",
        ),
        (
            T::Text,
            Some(r#"{"regex": 5}"#),
            "config.regex",
            "not a text",
        ),
        (T::Text, Some("[]"), "config", "not a JSON object"),
        (T::Text, Some("{"), "config", "is not JSON"),
        (
            T::Other("colour".into()),
            None,
            "field_type",
            "multi_select",
        ),
    ] {
        refused(
            vec![Contribution::CustomField(field("a", field_type, config))],
            &format!("custom_fields[0].{part}"),
            text,
        );
    }
    let long = format!(r#"{{"regex": "{}"}}"#, "a".repeat(1001));
    refused(
        vec![Contribution::CustomField(field("a", T::Text, Some(&long)))],
        "custom_fields[0].config.regex",
        "longer than 1000",
    );
}

#[test]
fn a_custom_field_has_a_name_of_its_own_on_its_entity() {
    use wire::FieldType::Text;
    refused(
        vec![Contribution::CustomField(field("vat-id", Text, None))],
        "custom_fields[0].name",
        "contains '-'",
    );
    let mut other = field("a", Text, None);
    other.entity_type = "agent".into();
    let same = || Contribution::CustomField(field("a", Text, None));
    assert_eq!(
        with(vec![same(), Contribution::CustomField(other.clone())])
            .custom_fields
            .len(),
        2
    );
    refused(
        vec![same(), same()],
        "custom_fields[1].name",
        "the same name and entity type",
    );
    other.entity_type = "Agent Smith".into();
    refused(
        vec![Contribution::CustomField(other)],
        "custom_fields[0].entity_type",
        "begins with 'A'",
    );
}

#[test]
fn a_cascade_has_at_least_one_handler() {
    let cascade = |soft: Option<&str>| {
        Contribution::Cascade(wire::Cascade {
            entity_type: "contact".into(),
            on_soft_delete: soft.map(str::to_owned),
            on_hard_delete: None,
        })
    };
    assert_eq!(
        serde_json::to_value(&with(vec![cascade(Some("forget"))]).cascades).unwrap(),
        json!([{"entity_type": "contact", "on_soft_delete": "forget"}])
    );
    refused(vec![cascade(None)], "cascades[0]", "no handler");
    refused(
        vec![cascade(Some(""))],
        "cascades[0].on_soft_delete",
        "is empty",
    );
    refused(
        vec![cascade(Some("a")), cascade(Some("b"))],
        "cascades[1].entity_type",
        "the same entity type",
    );
}

#[test]
fn an_event_authorizer_names_a_handler_and_patterns_of_channels() {
    let authorizer = |function: &str, channels: &[&str]| {
        Contribution::EventAuthorizer(wire::EventAuthorizer {
            handler: function.into(),
            channels: channels.iter().map(|one| (*one).to_owned()).collect(),
        })
    };
    let read = with(vec![authorizer("may_listen", &["private.*", "stats"])]);
    assert_eq!(
        serde_json::to_value(&read.event_authorizers).unwrap(),
        json!([{"handler": "may_listen", "channels": ["private.*", "stats"]}])
    );
    let covers = |channel: &str| read.event_authorizers[0].covers(&channel.parse().unwrap());
    assert!(covers("private.7") && covers("stats"));
    assert!(!covers("private") && !covers("stats.7"));
    refused(
        vec![authorizer("", &["*"])],
        "event_authorizers[0].handler",
        "is empty",
    );
    refused(
        vec![authorizer("a", &[])],
        "event_authorizers[0].channels",
        "0 channels",
    );
    refused(
        vec![authorizer("a", &["*"; 101])],
        "event_authorizers[0].channels",
        "101 channels",
    );
    refused(
        vec![authorizer("a", &["fine", "Not fine\n"])],
        "event_authorizers[0].channels[1]",
        "is not a channel",
    );
}

#[test]
fn a_capability_begins_with_the_plugins_name() {
    let capability = |slug: &str, schema: Option<&str>| {
        Contribution::Capability(wire::Capability {
            slug: slug.into(),
            does: wire::CapabilityBody::Function("send".into()),
            title: "Send".into(),
            description: None,
            input_schema: schema.map(str::to_owned),
        })
    };
    let registration = with(vec![capability(
        "stats.send",
        Some(r#"{"type": "object"}"#),
    )]);
    assert_eq!(
        serde_json::to_value(&registration.capabilities[0]).unwrap()["input_schema"],
        json!({"type": "object"})
    );
    assert_eq!(
        serde_json::to_value(&registration.capabilities[0]).unwrap()["function"],
        "send"
    );
    refused(
        vec![capability("send", None)],
        "capabilities[0].slug",
        "has no \".\"",
    );
    refused(
        vec![capability("news.send", None)],
        "capabilities[0].slug",
        "own name \"stats\"",
    );
    refused(
        vec![capability("stats.a.b", None)],
        "capabilities[0].slug",
        "contains '.'",
    );
    refused(
        vec![capability("stats.a", Some("true"))],
        "capabilities[0].input_schema",
        "not a JSON object",
    );
    refused(
        vec![capability("stats.a", None), capability("stats.a", None)],
        "capabilities[1].slug",
        "the same slug",
    );
}

#[test]
fn a_capability_can_be_a_workflow_whose_every_part_is_read() {
    let step = |name: &str, input: &str| wire::WorkflowStep {
        name: name.into(),
        capability: "crm.create".into(),
        input: input.into(),
        undo: Some(wire::WorkflowUndo {
            capability: "crm.delete".into(),
            input: "{}".into(),
        }),
    };
    let workflow = |steps| {
        Contribution::Capability(wire::Capability {
            slug: "stats.sync".into(),
            does: wire::CapabilityBody::Workflow(steps),
            title: "Sync".into(),
            description: None,
            input_schema: None,
        })
    };
    let registration = with(vec![workflow(vec![step("create", "{}")])]);
    assert_eq!(
        serde_json::to_value(&registration.capabilities[0]).unwrap()["workflow"],
        json!([{
            "name": "create", "capability": "crm.create", "input": {},
            "undo": {"capability": "crm.delete", "input": {}}
        }])
    );
    refused(
        vec![workflow(vec![step("create", "{}"), step("b", "{")])],
        "capabilities[0].does.workflow[1].input",
        "is not JSON",
    );
    refused(
        vec![workflow(Vec::new())],
        "capabilities[0].does.workflow",
        "0 steps",
    );
}

#[test]
fn plural_forms_of_a_text_are_put_together_and_have_one_for_all_other_numbers() {
    let form = |plural, text: &str| wire::Translation {
        language: "en".into(),
        key: "tickets".into(),
        text: text.into(),
        plural,
    };
    let one = || form(Some(wire::PluralCategory::One), "a ticket");
    let other = || form(Some(wire::PluralCategory::Other), "{count} tickets");
    let texts = |translations| {
        vec![Contribution::I18n(wire::I18n {
            namespace: None,
            languages: Vec::new(),
            translations,
        })]
    };
    let registration = with(texts(vec![one(), other()]));
    assert_eq!(
        serde_json::to_value(&registration.i18n).unwrap()["translations"]["en"]["tickets"],
        json!({"one": "a ticket", "other": "{count} tickets"})
    );
    refused(texts(vec![one()]), "i18n", "none for \"other\"");
    refused(
        texts(vec![one(), other(), one()]),
        "i18n[0].translations[2].key",
        "has a text for one in en already",
    );
    refused(
        texts(vec![other(), form(None, "tickets")]),
        "i18n[0].translations[1].key",
        "for some numbers",
    );
}

#[test]
fn there_is_one_configuration_schema_and_it_is_an_object() {
    let schema = |text: &str| Contribution::ConfigSchema(text.into());
    assert!(
        with(vec![schema(r#"{"type": "object"}"#)])
            .config_schema
            .is_some()
    );
    refused(vec![schema("{")], "config_schema[0]", "is not JSON");
    refused(vec![schema("3")], "config_schema[0]", "not a JSON object");
    refused(
        vec![schema("{}"), schema("{}")],
        "config_schema[1]",
        "at most one",
    );
}

#[test]
fn an_extension_is_kept_when_its_data_is_json() {
    let extension = |name: &str, data: &str| Contribution::Extension((name.into(), data.into()));
    assert_eq!(
        serde_json::to_value(&with(vec![extension("theme", "[1]")]).extensions).unwrap(),
        json!([{"name": "theme", "data": [1]}])
    );
    refused(
        vec![extension("theme", "x")],
        "extensions[0].data",
        "is not JSON",
    );
    refused(vec![extension("", "1")], "extensions[0].name", "is empty");
}
