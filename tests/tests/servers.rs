//! The servers that other suites talk to, as those suites find them.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

use goatherd_tests::servers;

#[test]
fn each_test_gets_an_empty_database_of_its_own() {
    let (one, other) = (servers::postgres(), servers::postgres());
    assert_ne!(one, other);
    assert_eq!(tables(&one), 0);
}

#[tokio::test]
async fn a_test_inside_a_runtime_gets_one_too() {
    let url = servers::postgres();
    let count = std::thread::spawn(move || tables(&url)).join();
    assert_eq!(count.expect("no panic"), 0);
}

/// Counts what is not PostgreSQL's own.
fn tables(url: &str) -> i64 {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(async {
            let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
                .await
                .expect("the database is there");
            tokio::spawn(connection);
            client
                .query_one(
                    "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'",
                    &[],
                )
                .await
                .expect("a count")
                .get(0)
        })
}

#[tokio::test]
async fn redis_keeps_what_it_is_given() {
    let client = redis::Client::open(servers::redis()).expect("a URL");
    let mut connection = client
        .get_multiplexed_async_connection()
        .await
        .expect("Redis answers");
    let key = format!("servers-{}", std::process::id());
    redis::cmd("SET")
        .arg(&key)
        .arg("kept")
        .exec_async(&mut connection)
        .await
        .expect("set");
    let value: String = redis::cmd("GETDEL")
        .arg(&key)
        .query_async(&mut connection)
        .await
        .expect("get");
    assert_eq!(value, "kept");
}

/// Speaks SMTP as a client that waits for each answer, and returns the answers.
fn say(url: &str, lines: &[&str]) -> Vec<String> {
    let address = url.rsplit(['/', '@']).next().expect("an address");
    let mut stream = TcpStream::connect(address).expect("the SMTP server listens");
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    let mut answer = move || {
        let mut text = String::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).expect("a line");
            text += &line;
            if line.as_bytes().get(3) == Some(&b' ') {
                return text;
            }
        }
    };
    let mut answers = vec![answer()];
    for line in lines {
        stream
            .write_all(format!("{line}\r\n").as_bytes())
            .expect("sent");
        answers.push(answer());
    }
    answers
}

#[test]
fn the_smtp_server_keeps_messages_with_their_envelopes_and_refuses_who_is_to_be_refused() {
    let recipient = format!("grüße-{}@example.org", std::process::id());
    let to = format!("RCPT TO:<{recipient}>");
    let answers = say(
        &servers::smtp(),
        &[
            "EHLO client.test",
            "MAIL FROM:<sender@example.org> SMTPUTF8 BODY=8BITMIME",
            "RCPT TO:<rejected@example.org>",
            "RCPT TO:<later@example.org>",
            &to,
            "DATA",
            "Subject: kept\r\n\r\nbody\r\n..dot\r\n.",
        ],
    );
    assert!(answers[1].contains("SMTPUTF8"), "{answers:?}");
    assert!(!answers[1].contains("STARTTLS"), "{answers:?}");
    let codes: Vec<&str> = answers[3..].iter().map(|answer| &answer[..3]).collect();
    assert_eq!(codes, ["550", "451", "250", "354", "250"], "{answers:?}");

    let number = answers[7].trim_end().rsplit(' ').next().expect("a number");
    let folder = servers::mail_folder();
    let message = fs::read(folder.join(format!("{number}.eml"))).expect("the message");
    assert_eq!(message, b"Subject: kept\r\n\r\nbody\r\n.dot\r\n");
    let envelope = fs::read(folder.join(format!("{number}.json"))).expect("the envelope");
    let envelope: serde_json::Value = serde_json::from_slice(&envelope).expect("JSON");
    assert_eq!(envelope["mail_from"], "sender@example.org");
    assert_eq!(envelope["rcpt_tos"], serde_json::json!([recipient]));
    assert_eq!(envelope["smtp_utf8"], true);
    assert_eq!(envelope["tls"], false);
}

#[test]
fn the_smtp_server_with_starttls_takes_nothing_in_plain_text() {
    let (url, certificate) = servers::smtp_with_starttls();
    let answers = say(
        &url,
        &["EHLO client.test", "MAIL FROM:<sender@example.org>"],
    );
    assert!(answers[1].contains("STARTTLS"), "{answers:?}");
    assert!(answers[2].starts_with("530"), "{answers:?}");
    let certificate = fs::read_to_string(certificate).expect("the certificate");
    assert!(certificate.starts_with("-----BEGIN CERTIFICATE-----"));
}
