//! Other plugins, what the application can do, and whoever listens to this one. The grants cover two plugins, capabilities
//! called `echo` and the channel `tour`.

use crate::Args;
use crate::goatherd::plugin::{capabilities, events, plugins};
use crate::steps::Steps;

pub fn tour(steps: &mut Steps, args: &Args) {
    let peer = args.peer.as_str();
    let echoed = plugins::call(peer, "echo", r#"{"a":[1,"ä"]}"#);
    steps.shows("plugins.call", echoed, |json| {
        serde_json::from_str(json).is_ok_and(|value: serde_json::Value| value["a"][1] == "ä")
    });
    // An error of the called function arrives as it is.
    let unknown = plugins::call(peer, "no-such-function", "{}");
    steps.refuses("plugins.call/unknown-function", unknown);
    steps.refuses("plugins.call/not-json", plugins::call(peer, "echo", "{"));
    let absent = plugins::call(&args.absent_peer, "echo", "{}");
    steps.refuses("plugins.call/absent", absent);
    steps.refuses(
        "plugins.call/denied",
        plugins::call("somebody-else", "echo", "{}"),
    );

    let echo = args.capability.as_str();
    let echoed = capabilities::run(echo, r#"{"a":[1,"ä"]}"#);
    steps.shows("capabilities.run", echoed, |json| {
        serde_json::from_str(json).is_ok_and(|value: serde_json::Value| value["a"][1] == "ä")
    });
    let absent = capabilities::run(&args.absent_capability, "{}");
    steps.refuses("capabilities.run/absent", absent);
    steps.refuses("capabilities.run/not-json", capabilities::run(echo, "{"));
    let denied = capabilities::run("somebody.else", "{}");
    steps.refuses("capabilities.run/denied", denied);
    steps.shows(
        "capabilities.available",
        capabilities::available(),
        |available| available.iter().any(|capability| capability.slug == echo),
    );

    let data = "two\nlines";
    steps.gives(
        "events.publish",
        events::publish("tour", "progress", data),
        (),
    );
    steps.refuses(
        "events.publish/denied",
        events::publish("other", "progress", data),
    );
    let two_lines = events::publish("tour", "two\nlines", data);
    steps.refuses("events.publish/two-lines", two_lines);
    let large = events::publish("tour", "progress", &"x".repeat(65_537));
    steps.refuses("events.publish/too-large", large);
}
