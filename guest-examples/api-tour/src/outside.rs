//! The world outside: other servers, and people's mailboxes. The grants cover one server and `@example.org`.

use crate::Args;
use crate::goatherd::plugin::email::{Body, Message, MessageOption};
use crate::goatherd::plugin::http_client::{HttpRequest, RequestOption};
use crate::goatherd::plugin::types::Method;
use crate::goatherd::plugin::{email, http_client};
use crate::steps::Steps;

pub fn tour(steps: &mut Steps, args: &Args) {
    let request = HttpRequest {
        method: Method::Post,
        url: args.http_url.clone(),
        headers: vec![("content-type".into(), "text/plain".into())],
        body: Some(b"ping".to_vec()),
        options: vec![
            RequestOption::TimeoutMs(20_000),
            RequestOption::Redirects(0),
        ],
    };
    steps.shows(
        "http-client.request",
        http_client::request(&request),
        |response| response.status == 200 && response.body == b"ping",
    );
    let elsewhere = HttpRequest {
        url: "https://elsewhere.example/".into(),
        ..request.clone()
    };
    steps.refuses(
        "http-client.request/denied",
        http_client::request(&elsewhere),
    );
    let no_method = HttpRequest {
        method: Method::Other("NO METHOD".into()),
        ..request.clone()
    };
    steps.refuses(
        "http-client.request/bad-method",
        http_client::request(&no_method),
    );
    let no_url = HttpRequest {
        url: "no url".into(),
        ..request.clone()
    };
    steps.refuses("http-client.request/bad-url", http_client::request(&no_url));
    let no_option = HttpRequest {
        options: vec![RequestOption::Other(("colour".into(), "red".into()))],
        ..request
    };
    steps.refuses(
        "http-client.request/bad-option",
        http_client::request(&no_option),
    );

    let message = Message {
        to: vec![args.recipient.clone()],
        subject: "Grüße from the tour".into(),
        body: Body::Text("As plain as it gets.".into()),
        options: vec![
            MessageOption::ReplyTo("desk@example.org".into()),
            MessageOption::RetryKey("tour/greeting".into()),
        ],
    };
    steps.gives("email.send", email::send(&message), ());
    let html = Message {
        body: Body::Html("<p>With <b>weight</b>.</p>".into()),
        options: vec![],
        ..message.clone()
    };
    steps.gives("email.send/html", email::send(&html), ());
    let denied = Message {
        options: vec![MessageOption::Bcc(vec!["mallory@elsewhere.example".into()])],
        ..message.clone()
    };
    steps.refuses("email.send/denied", email::send(&denied));
    let injected = Message {
        subject: "Hello\r\nBcc: mallory@elsewhere.example".into(),
        ..message.clone()
    };
    steps.refuses("email.send/two-lines", email::send(&injected));
    let no_option = Message {
        options: vec![MessageOption::Other(("colour".into(), "red".into()))],
        ..message
    };
    steps.refuses("email.send/bad-option", email::send(&no_option));
}
