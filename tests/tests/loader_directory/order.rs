//! In which order plugins are loaded, and who cannot be.

use goatherd::loader::{DependencyError, Node, Order, order};

/// Plugins as `name version: dependency, dependency`.
fn nodes(texts: &[&str]) -> Vec<Node> {
    let node = |text: &&str| {
        let (head, needs) = text.split_once(':').unwrap_or((text, ""));
        let (name, version) = head.split_once(' ').unwrap_or((head, "1.0.0"));
        let needs = needs.split(';').filter(|need| !need.trim().is_empty());
        Node {
            name: name.parse().unwrap(),
            version: version.parse().unwrap(),
            dependencies: needs.map(|need| need.trim().parse().unwrap()).collect(),
        }
    };
    texts.iter().map(node).collect()
}

fn sequence(order: &Order) -> Vec<&str> {
    order.sequence.iter().map(|name| name.as_str()).collect()
}

fn reasons(order: &Order) -> Vec<String> {
    order.refused.values().map(ToString::to_string).collect()
}

#[test]
fn what_is_needed_comes_first_and_names_decide_the_rest_however_they_were_found() {
    let texts = ["z", "d: b; c", "c: a", "b: a", "a", "y: z"];
    let expected = ["a", "b", "c", "d", "z", "y"];
    let mut nodes = nodes(&texts);
    for _ in 0..nodes.len() {
        nodes.rotate_left(1);
        let order = order(&nodes);
        assert_eq!(sequence(&order), expected);
        assert!(order.refused.is_empty());
    }
}

#[test]
fn a_version_must_be_within_the_range() {
    let order = order(&nodes(&[
        "crm 1.4.0",
        "low: crm >=1.2, <2",
        "high: crm ^2",
        "next 2.0.0-rc.1",
        "eager: next >=1",
    ]));
    assert_eq!(sequence(&order), ["crm", "low", "next"]);
    assert_eq!(
        reasons(&order),
        [
            "plugin \"eager\" needs next >=1, and there is next 2.0.0-rc.1; install a version that fits",
            "plugin \"high\" needs crm ^2, and there is crm 1.4.0; install a version that fits",
        ]
    );
}

#[test]
fn who_needs_a_refused_one_is_refused_with_the_first_reason_and_nobody_else_is() {
    let order = order(&nodes(&["a: gone >=1", "b: a", "c: b", "d", "e: d"]));
    assert_eq!(sequence(&order), ["d", "e"]);
    assert_eq!(
        reasons(&order),
        [
            "plugin \"a\" needs gone >=1, which is not there; install it",
            "plugin \"b\" needs a, which is refused: plugin \"a\" needs gone >=1, which is not there; install it",
            "plugin \"c\" needs b, which is refused: plugin \"a\" needs gone >=1, which is not there; install it",
        ]
    );
}

#[test]
fn a_cycle_is_named_in_full_and_once() {
    let order = order(&nodes(&[
        "c: a",
        "a: b",
        "b: c",
        "x: y",
        "y: x",
        "outside: a",
        "free",
        "knot: x; knot-b",
        "knot-b: knot",
    ]));
    assert_eq!(sequence(&order), ["free"]);
    let reasons = reasons(&order);
    assert!(
        reasons[0].contains("\"a\" needs itself: a -> b -> c -> a;"),
        "{}",
        reasons[0]
    );
    assert!(
        reasons[1].contains("\"b\" needs itself: a -> b -> c -> a;"),
        "{}",
        reasons[1]
    );
    assert!(
        reasons[2].contains("\"c\" needs itself: a -> b -> c -> a;"),
        "{}",
        reasons[2]
    );
    assert!(
        reasons[3].contains("knot -> knot-b -> knot"),
        "{}",
        reasons[3]
    );
    let outside = &order.refused["outside"];
    assert!(
        matches!(outside, DependencyError::Refused { needs, .. } if needs.as_str() == "a"),
        "{outside}"
    );
    assert!(order.refused["y"].to_string().contains("x -> y -> x"));
    assert_eq!(order.refused.len(), 8);
}

#[test]
fn a_chain_of_ten_thousand_is_no_danger() {
    let chain = |last: &str| {
        let texts: Vec<String> = (0..10_000)
            .map(|number| match number {
                9_999 => format!("p{number}: {last}"),
                number => format!("p{number}: p{}", number + 1),
            })
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        order(&nodes(&texts))
    };
    let whole = chain("");
    assert_eq!(whole.sequence.len(), 10_000);
    assert_eq!(whole.sequence[0].as_str(), "p9999");
    let broken = chain("gone");
    assert_eq!(broken.refused.len(), 10_000);
    assert!(broken.refused["p0"].to_string().len() < 300);
    let circle = chain("p0");
    assert_eq!(circle.refused.len(), 10_000);
}

#[test]
fn everybody_needing_everybody_is_told_quickly() {
    let names: Vec<String> = (0..200).map(|number| format!("p{number}")).collect();
    let texts: Vec<String> = names
        .iter()
        .map(|name| {
            let others: Vec<&str> = names
                .iter()
                .filter(|other| *other != name)
                .map(String::as_str)
                .collect();
            format!("{name}: {}", others.join(";"))
        })
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let order = order(&nodes(&texts));
    assert!(order.sequence.is_empty());
    assert_eq!(order.refused.len(), 200);
}
