//! Registrations as plugins give them, right and wrong.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use semver::Version;

use super::*;
use crate::contract::wire::types::Method as M;

mod data;
mod pages;
mod ui;
mod whole;

/// A registration without problems, named `stats`, that adds nothing.
fn plain() -> wire::Registration {
    wire::Registration {
        name: "stats".into(),
        version: "2.0.0".into(),
        description: None,
        author: None,
        license: None,
        homepage: None,
        min_host_version: None,
        resources: None,
        contributions: Vec::new(),
    }
}

fn parse(given: wire::Registration) -> Result<Registration, Problems> {
    Registration::parse(given, &Version::new(0, 10, 0))
}

fn with(contributions: Vec<Contribution>) -> Registration {
    parse(wire::Registration {
        contributions,
        ..plain()
    })
    .unwrap()
}

fn problems(given: wire::Registration) -> Problems {
    parse(given).expect_err("the registration has problems")
}

/// The one problem of a registration with these contributions.
#[track_caller]
fn only(contributions: Vec<Contribution>) -> Problem {
    let found = problems(wire::Registration {
        contributions,
        ..plain()
    });
    assert_eq!(found.len(), 1, "{found}");
    found.into_iter().next().unwrap()
}

/// Asserts that these contributions have one problem, with this field and with this text in its message.
#[track_caller]
fn refused(contributions: Vec<Contribution>, field: &str, text: &str) {
    let problem = only(contributions);
    assert_eq!(problem.field, field, "{problem}");
    assert!(problem.message.contains(text), "{problem}");
}

fn route(method: M, path: &str) -> wire::Route {
    wire::Route {
        methods: vec![method],
        path: path.into(),
        handler: wire::Handler::Function("report".into()),
        middleware: Vec::new(),
        description: None,
        max_body_bytes: None,
    }
}

fn menu_item(id: &str, parent: Option<&str>) -> wire::MenuItem {
    wire::MenuItem {
        id: id.into(),
        label: "Statistics".into(),
        icon: None,
        path: "/stats".into(),
        location: wire::MenuLocation::Admin,
        parent: parent.map(str::to_owned),
        order: 0,
    }
}

fn widget(id: &str) -> wire::Widget {
    wire::Widget {
        id: id.into(),
        title: "Clock".into(),
        description: None,
        handler: "clock".into(),
        location: wire::WidgetLocation::AgentHome,
        size: None,
        order: 0,
        refreshable: false,
        refresh_sec: None,
    }
}

fn job(schedule: &str) -> wire::Job {
    wire::Job {
        id: "nightly".into(),
        handler: "nightly".into(),
        schedule: schedule.into(),
        time_zone: None,
        description: None,
        enabled: true,
        timeout_sec: None,
    }
}

fn field(name: &str, field_type: wire::FieldType, config: Option<&str>) -> wire::CustomField {
    wire::CustomField {
        name: name.into(),
        label: "Field".into(),
        entity_type: "contact".into(),
        field_type,
        section: None,
        order: 0,
        required: false,
        description: None,
        placeholder: None,
        config: config.map(str::to_owned),
    }
}
