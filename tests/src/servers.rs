//! The servers that `cargo xtask servers` starts, for tests of the back-ends that talk to them.
//!
//! A test that finds none fails and says how to run it: such a test is never skipped. Redis, the SMTP server and its
//! folder are shared by all tests of a run, so each uses keys and recipients of its own.

use std::env;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

/// The URL of a fresh, empty PostgreSQL database of the test's own. Its role may do everything, other databases and
/// roles included; roles are shared by all databases of the server. Works with and without a runtime around it.
pub fn postgres() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);

    let server = variable("GOATHERD_TEST_POSTGRES");
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("test_{}_{number}", std::process::id());
    let (address, _) = server
        .rsplit_once('/')
        .expect("the URL names a database of the server");
    let url = format!("{address}/{name}");
    let create = move || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime")
            .block_on(create_database(&server, &name));
    };
    // Waiting for a runtime inside of another is not possible.
    std::thread::spawn(create)
        .join()
        .expect("the database is made");
    url
}

async fn create_database(server: &str, name: &str) {
    let (client, connection) = tokio_postgres::connect(server, tokio_postgres::NoTls)
        .await
        .expect("the PostgreSQL server answers");
    let connection = tokio::spawn(connection);
    client
        .batch_execute(&format!("CREATE DATABASE {name}"))
        .await
        .expect("the role may make databases");
    drop(client);
    connection
        .await
        .expect("no panic")
        .expect("the connection ends in order");
}

/// The URL of the Redis server, which all tests share.
pub fn redis() -> String {
    variable("GOATHERD_TEST_REDIS")
}

/// The URL of an SMTP server that takes everything, without TLS and login, except that the recipient `rejected@…` is
/// refused for good (550) and `later@…` for now (451).
pub fn smtp() -> String {
    variable("GOATHERD_TEST_SMTP")
}

/// The same server where it takes nothing before STARTTLS and the login that the URL has, and the PEM file with its
/// certificate, which is its own issuer and is for `127.0.0.1` and `localhost`.
pub fn smtp_with_starttls() -> (String, PathBuf) {
    (
        variable("GOATHERD_TEST_SMTP_STARTTLS"),
        variable("GOATHERD_TEST_SMTP_CERTIFICATE").into(),
    )
}

/// Where the SMTP server puts each message: `NUMBER.eml` as it was sent, and `NUMBER.json` with `mail_from`, `rcpt_tos`,
/// `mail_options`, `smtp_utf8`, `helo`, `tls` and `user` (who logged in, or null). Once there is a `NUMBER.eml`, both are whole.
pub fn mail_folder() -> PathBuf {
    variable("GOATHERD_TEST_MAIL").into()
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run it through `cargo xtask servers -- cargo test …`, or `cargo xtask test`")
    })
}
