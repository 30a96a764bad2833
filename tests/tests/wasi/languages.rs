//! The examples as their toolchains make them, with nothing of WASI stubbed: time, random numbers, printing, and what becomes
//! of an exception that nobody catches.

use std::collections::BTreeSet;

use goatherd::capability::log::{Entry, Source};
use goatherd::runtime::Component;
use goatherd::{Host, Plugin};
use goatherd_tests::{call, grants, guest, host_builder, limits};
use serde_json::{Value, json};

use crate::messages;

/// An example, the part of its code that fails, and how it shows where that is.
struct Example {
    name: &'static str,
    source: &'static str,
    failing: &'static str,
    file: &'static str,
    before_line: &'static str,
    message: &'static str,
}

const EXAMPLES: [Example; 3] = [
    Example {
        name: "hello-js",
        source: include_str!("../../../guest-examples/hello-js/plugin.js"),
        failing: "throw new Error(\"a bug\")",
        file: "plugin.js",
        before_line: ":",
        message: "a bug",
    },
    Example {
        name: "hello-py",
        source: include_str!("../../../guest-examples/hello-py/app.py"),
        failing: "raise RuntimeError(\"a bug\")",
        file: "app.py",
        before_line: "\", line ",
        message: "RuntimeError: a bug",
    },
    Example {
        name: "hello-go",
        source: include_str!("../../../guest-examples/hello-go/hello/hello.go"),
        failing: "panic(\"a bug\")",
        file: "hello.go",
        before_line: ":",
        message: "panic: a bug",
    },
];

impl Example {
    /// Where it fails, as its language writes it.
    fn place(&self) -> String {
        let before = self.source.split(self.failing).next().unwrap();
        assert!(before.len() < self.source.len(), "{} fails", self.name);
        format!(
            "{}{}{}",
            self.file,
            self.before_line,
            before.lines().count()
        )
    }

    async fn compile(&self, host: &Host) -> Component {
        let label = format!("{}.wasm", self.name);
        let compiled = host.compile(&label, guest(self.name)).await;
        compiled.unwrap_or_else(|error| panic!("{error}"))
    }
}

fn host() -> Host {
    host_builder().build().unwrap()
}

async fn load(host: &Host, component: &Component) -> Plugin {
    let loaded = host.load(component, grants(&["cache:readwrite"]), limits());
    loaded.await.unwrap_or_else(|error| panic!("{error}"))
}

fn from(source: Source, entries: &[Entry]) -> Vec<Entry> {
    let entries = entries.iter();
    entries
        .filter(|entry| entry.source == source)
        .cloned()
        .collect()
}

#[tokio::test]
async fn each_example_answers_and_has_the_time() {
    for example in EXAMPLES {
        let host = host();
        let plugin = load(&host, &example.compile(&host).await).await;
        let answer = call(&plugin, "hello", json!({"name": "Ada"}))
            .await
            .unwrap();
        let expected = json!({"greeting": "Hello, Ada!", "visits": 1, "language": "en"});
        assert_eq!(answer, expected, "{}", example.name);

        let entries = plugin.log().entries();
        // Printed where the language can print, logged where it cannot.
        let lines = messages(&entries);
        let line = lines.iter().find(|line| line.starts_with("ready at "));
        let line = line.unwrap_or_else(|| panic!("{}: {lines:?}", example.name));
        // In this century, and in the form of RFC 3339.
        assert!(
            line.starts_with("ready at 20") && line.ends_with('Z'),
            "{line}"
        );
    }
}

/// Runtimes that keep a state from when they were built would otherwise draw the same in every instance.
#[tokio::test]
async fn random_numbers_differ_between_the_instances_of_each_example() {
    for example in EXAMPLES {
        let host = host();
        let component = example.compile(&host).await;
        let (mut tickets, mut lots) = (BTreeSet::new(), BTreeSet::new());
        for _ in 0..4 {
            // Each load starts an instance of its own.
            let plugin = load(&host, &component).await;
            let drawn: Value = call(&plugin, "ticket", json!({})).await.unwrap();
            let ticket = drawn["ticket"].as_str().unwrap();
            assert_eq!(ticket.len(), 32, "{drawn}");
            let lot = drawn["lot"].as_f64().unwrap();
            assert!((0.0..1.0).contains(&lot), "{drawn}");
            tickets.insert(ticket.to_owned());
            lots.insert(lot.to_string());
        }
        assert_eq!((tickets.len(), lots.len()), (4, 4), "{}", example.name);
    }
}

#[tokio::test]
async fn an_exception_that_nobody_catches_is_readable_with_its_line_in_the_error_and_in_the_log() {
    for example in EXAMPLES {
        let host = host();
        let plugin = load(&host, &example.compile(&host).await).await;
        let error = call(&plugin, "fail", json!({}))
            .await
            .expect_err("it fails");
        let text = error.to_string();
        let log = from(Source::Stderr, &plugin.log().entries());
        let log = messages(&log).join("\n");
        for part in [example.message, &example.place()] {
            assert!(text.contains(part), "{part:?} is not in: {text}");
            assert!(log.contains(part), "{part:?} is not in: {log}");
        }
    }
}

/// Go writes a stack in many small pieces.
#[tokio::test]
async fn a_stack_becomes_an_entry_a_line() {
    let host = host();
    let go = EXAMPLES.iter().find(|example| example.name == "hello-go");
    let plugin = load(&host, &go.unwrap().compile(&host).await).await;
    call(&plugin, "fail", json!({}))
        .await
        .expect_err("it fails");
    let log = from(Source::Stderr, &plugin.log().entries());
    let lines = messages(&log);
    assert_eq!(lines[0], "panic: a bug");
    assert!(lines.contains(&"goroutine 1 [running]:"), "{lines:?}");
    let place = lines.iter().find(|line| line.contains("plugin.go:"));
    assert!(place.unwrap().starts_with('\t'), "{lines:?}");
}
