//! What a route's handler gets and gives, byte for byte, through the server.

use goatherd_tests::{Answer, Helpdesk, Server, helpdesk};
use serde_json::{Value, json};

fn serve(helpdesk: &Helpdesk) -> Server {
    let grants = ["db:readwrite=note", "cache:readwrite", "config"];
    let configuration = format!(
        "database = {:?}\nopen = true\n[plugin.probe]\ngrants = {grants:?}\n",
        helpdesk.path_text()
    );
    Server::start(helpdesk.folder(), &configuration, &["probe"])
}

/// What the visitor gets when the handler answers so.
fn answered(server: &Server, told: &Value) -> Answer {
    let path = "/api/plugins/probe/answer";
    server.ask("POST", path, &[], &told.to_string())
}

#[test]
fn json_is_json_whatever_its_members_are_called() {
    let helpdesk = helpdesk();
    let server = serve(&helpdesk);
    for body in [
        r#"{"id": 7, "redirect": "/elsewhere"}"#,
        r#"{"status": 404, "body": "bm8=", "headers": {"x": "y"}}"#,
        r#"{"html": "<p>no page</p>", "error": {"code": "none"}}"#,
        r#""text""#,
        "null",
        "[1,   2]",
    ] {
        let answer = answered(&server, &json!({ "json": body }));
        assert_eq!(answer.status, 200, "{body}: {answer:?}");
        assert_eq!(answer.body, body, "as it was given");
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
    let broken = answered(&server, &json!({ "json": "{" }));
    assert_eq!(broken.status, 502, "{broken:?}");
}

#[test]
fn each_kind_of_answer_arrives_as_that_kind() {
    let helpdesk = helpdesk();
    let server = serve(&helpdesk);
    let empty = answered(&server, &json!({}));
    assert_eq!((empty.status, empty.body.as_str()), (204, ""));

    let text = answered(&server, &json!({ "text": "{\"no\": \"json\"}" }));
    assert_eq!(
        (text.status, text.body.as_str()),
        (200, "{\"no\": \"json\"}")
    );
    let kind = text.header("content-type").unwrap();
    assert!(kind.starts_with("text/plain"), "{kind}");

    let bytes = json!({ "content_type": "text/csv", "content": [97, 44, 98, 10] });
    let bytes = answered(&server, &json!({ "status": 201, "bytes": bytes }));
    assert_eq!((bytes.status, bytes.body.as_str()), (201, "a,b\n"));
    assert_eq!(bytes.header("content-type"), Some("text/csv"));

    let away = answered(&server, &json!({ "redirect": "/menu" }));
    assert_eq!((away.status, away.header("location")), (303, Some("/menu")));
    let moved = answered(&server, &json!({ "status": 308, "redirect": "/menu" }));
    assert_eq!(
        (moved.status, moved.header("location")),
        (308, Some("/menu"))
    );

    let html = json!({ "content": "<p>mine</p>", "title": "T", "whole_page": true });
    let page = answered(&server, &json!({ "html": html }));
    assert_eq!(page.status, 200, "{page:?}");
    assert!(page.body.contains("<p>mine</p>"), "{page:?}");
    assert!(
        page.header("content-security-policy").is_some(),
        "a page of a plugin is untrusted: {page:?}"
    );
}

#[test]
fn an_answer_that_is_wrong_in_a_part_is_an_error_and_never_half_sent() {
    let helpdesk = helpdesk();
    let server = serve(&helpdesk);
    for told in [
        json!({ "status": 99, "text": "secret" }),
        json!({ "status": 200, "redirect": "/menu" }),
        json!({ "redirect": "javascript:alert(1)" }),
        json!({ "redirect": "//elsewhere.example" }),
        json!({ "bytes": { "content_type": "no type", "content": [115] } }),
        json!({ "other": "secret" }),
    ] {
        let answer = answered(&server, &told);
        assert_eq!(answer.status, 502, "{told}: {answer:?}");
        assert!(!answer.body.contains("secret"), "{told}: {answer:?}");
        assert_eq!(answer.header("location"), None, "{told}");
    }
}

#[test]
fn a_handler_gets_the_request_in_parts_and_the_body_as_it_was_sent() {
    let helpdesk = helpdesk();
    let server = serve(&helpdesk);
    let path = "/api/plugins/probe/echo?b=2&a=%C3%A9&b=3";
    let body = "no json: { \u{0} \r\n é";
    let seen = server.ask("POST", path, &[("X-Twice", "1")], body).json();
    assert_eq!(seen["handler"], "echo");
    assert_eq!(seen["method"], "POST");
    assert_eq!(seen["path"], "/api/plugins/probe/echo");
    assert_eq!(seen["query"], json!([["b", "2"], ["a", "é"], ["b", "3"]]));
    assert_eq!(seen["body"], body);
    let headers = seen["headers"].as_array().unwrap();
    assert!(headers.contains(&json!(["x-twice", "1"])), "{headers:?}");
    let details = seen["details"].as_array().unwrap();
    assert!(
        details.contains(&json!(["client_address", "127.0.0.1"])),
        "{details:?}"
    );
}
