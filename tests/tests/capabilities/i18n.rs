//! Texts: in which language one is found, how its places are filled, and whose texts a plugin sees.

use goatherd::capability::i18n::{Catalog, Translations};
use goatherd::contract::Language;
use goatherd::{Host, Plugin};
use goatherd_tests::{NoDatabase, call_in, host_builder, in_language, limits, plugin, probe};
use serde_json::{Value, json};

fn language(tag: &str) -> Language {
    tag.parse().unwrap()
}

/// A host with texts of the application, which falls back to German.
fn speaking_host() -> Host {
    let mut catalog = Catalog::default();
    for (tag, key, text) in [
        ("en", "app.save", "Save {what}"),
        ("de", "app.save", "{what} sichern"),
        ("pt", "app.save", "Salvar {what}"),
        ("pt-BR", "app.open", "Abrir"),
        ("de", "app.only-german", "Nur auf Deutsch"),
        ("en", "app.twice", "{a} and {b}, {a}"),
        ("en", "app.odd", "{a} {missing} {a {} }"),
    ] {
        catalog.insert(language(tag), key.to_owned(), text.to_owned());
    }
    host_builder()
        .provider(NoDatabase)
        .provider(Translations::new(catalog, language("de")))
        .build()
        .unwrap()
}

async fn translate(plugin: &Plugin, tag: &str, key: &str, args: Value) -> String {
    let answer = call_in(
        plugin,
        in_language(tag),
        "i18n.translate",
        json!({"key": key, "args": args}),
    )
    .await
    .unwrap();
    answer["text"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_text_is_looked_for_in_the_language_then_without_its_region_then_in_the_fallback() {
    let host = speaking_host();
    let plugin = probe(&host, limits()).await;
    let args = || json!([["what", "X"]]);
    assert_eq!(translate(&plugin, "en", "app.save", args()).await, "Save X");
    assert_eq!(
        translate(&plugin, "pt-BR", "app.save", args()).await,
        "Salvar X"
    );
    assert_eq!(
        translate(&plugin, "pt-BR", "app.open", args()).await,
        "Abrir"
    );
    assert_eq!(
        translate(&plugin, "fr-CA", "app.save", args()).await,
        "X sichern"
    );
    assert_eq!(
        translate(&plugin, "en", "app.only-german", args()).await,
        "Nur auf Deutsch"
    );
}

#[tokio::test]
async fn what_no_language_has_comes_back_as_its_key() {
    let host = speaking_host();
    let plugin = probe(&host, limits()).await;
    for key in [
        "app.nothing",
        "nothing",
        "",
        "a {b} c",
        "other-plugin.title",
    ] {
        assert_eq!(
            translate(&plugin, "en", key, json!([["b", "X"]])).await,
            key
        );
    }
}

#[tokio::test]
async fn arguments_fill_their_places_once_and_nothing_else() {
    let host = speaking_host();
    let plugin = probe(&host, limits()).await;
    let tricky = json!([["a", "{b}"], ["b", "{a}"]]);
    assert_eq!(
        translate(&plugin, "en", "app.twice", tricky).await,
        "{b} and {a}, {b}"
    );
    assert_eq!(
        translate(&plugin, "en", "app.odd", json!([["a", "1"]])).await,
        "1 {missing} {a {} }"
    );
}

#[tokio::test]
async fn a_plugin_brings_texts_of_its_own_in_its_namespace() {
    let host = host_builder().provider(NoDatabase).build().unwrap();
    let stats = plugin(
        &host,
        "helpdesk-stats",
        &["db:read=ticket,queue", "cache:readwrite"],
        limits(),
    )
    .await;
    let texts = stats
        .description()
        .registration
        .i18n
        .as_ref()
        .expect("it has texts");
    assert!(texts.translations.contains_key(&language("de")));
    // Another plugin has no part in them.
    let probe = probe(&host, limits()).await;
    assert_eq!(
        translate(&probe, "de", "helpdesk-stats.title", json!([])).await,
        "helpdesk-stats.title"
    );
    assert_eq!(translate(&probe, "de", "title", json!([])).await, "title");
}
