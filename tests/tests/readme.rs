//! The README: that its code compiles, and that its configuration serves.

use std::fs;
use std::path::Path;

use goatherd_tests::{Outcome, Server, guest, postgres_helpdesk, servers};
use serde_json::json;

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The blocks of the README in a language.
fn blocks(language: &str) -> Vec<String> {
    let readme = read("README.md");
    let start = format!("```{language}\n");
    let blocks = readme.split(&start).skip(1);
    let ends = |block: &str| block.split("```").next().unwrap().to_owned();
    blocks.map(ends).collect()
}

#[test]
fn its_code_is_in_an_example_that_compiles() {
    let example = read("host/examples/embed.rs");
    let example: String = example.split_whitespace().collect();
    let blocks = blocks("rust");
    assert_eq!(blocks.len(), 2);
    for statement in blocks.iter().flat_map(|block| block.split(";\n")) {
        let wanted: String = statement.split_whitespace().collect();
        // A formatter may have added commas.
        let plain = |text: &str| {
            text.replace(",)", ")")
                .replace(",}", "}")
                .replace(",]", "]")
        };
        assert!(
            plain(&example).contains(&plain(&wanted)),
            "the example does not have\n{statement}"
        );
    }
}

#[test]
fn its_configuration_serves() {
    let helpdesk = postgres_helpdesk();
    helpdesk.run(
        "ALTER TABLE ticket ADD customer_name TEXT, ADD customer_email TEXT, ADD deleted_at TIMESTAMPTZ",
    );
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let done = Outcome::of(Outcome::command(folder.path()).args(arguments));
        assert_eq!(done.status, Some(0), "{done:?}");
        done.stdout.trim().to_owned()
    };
    let key = run(&["keygen", "release.key"]);
    let [configuration] = blocks("toml").try_into().expect("one block");
    let (_, certificate) = servers::smtp_with_starttls();
    fs::copy(certificate, folder.path().join("company.pem")).unwrap();
    let here = [
        ("\"helpdesk.db\" ", format!("{:?} ", helpdesk.url())),
        ("redis://cache.internal", servers::redis()),
        ("goatherd-public:…", key),
        ("smtps://user:password@mail.acme.io", servers::smtp()),
        (
            "admin_token = \"…\"",
            "admin_token = \"a-token-of-this-test\"".to_owned(),
        ),
    ];
    let mut adapted = configuration;
    for (there, here) in here {
        assert!(adapted.contains(there), "{there} is not in\n{adapted}");
        adapted = adapted.replace(there, &here);
    }
    fs::create_dir(folder.path().join("plugins")).unwrap();
    for name in ["helpdesk-stats", "hello-js"] {
        fs::write(
            folder.path().join(format!("plugins/{name}.wasm")),
            guest(name),
        )
        .unwrap();
    }
    run(&[
        "sign",
        "plugins/helpdesk-stats.wasm",
        "--key",
        "release.key",
    ]);
    let server = Server::start(folder.path(), &adapted, &[]);
    let token = [("Authorization", "Bearer a-token-of-this-test")];
    let stats = server.ask("GET", "/api/plugins/helpdesk-stats/stats", &token, "");
    assert_eq!(stats.status, 200, "{stats:?}");
    // The administrator's token acts in no organisation, and sees the tickets of none.
    assert_eq!(stats.json()["tickets"]["total"], json!(0));
    let plugins = server
        .ask("GET", "/api/v1/plugins", &token, "")
        .json()
        .to_string();
    assert!(
        plugins.contains("hello-js") && plugins.contains("signature"),
        "{plugins}"
    );
}
