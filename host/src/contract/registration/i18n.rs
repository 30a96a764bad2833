//! Translations.
//!
//! A plugin may give its translations in several pieces; [`I18n`] is all of them together. The namespace is always the
//! plugin's own name, so no plugin can replace another's texts or the application's.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use serde::Serialize;

use super::problem::Item;
use crate::contract::{Language, text::quoted, v0_1::goatherd::plugin::registration as wit};

/// All translations of a plugin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct I18n {
    /// The languages that the plugin says it speaks, and those of its translations.
    pub languages: BTreeSet<Language>,
    /// Texts by language and by key, the key without the namespace.
    pub translations: BTreeMap<Language, BTreeMap<String, String>>,
}

/// The most bytes in a key.
const KEY_MAX: usize = 256;
/// The most bytes in a text.
const TEXT_MAX: usize = 64 << 10;

impl I18n {
    /// Adds one piece. `plugin` is the plugin's name as it gave it.
    pub(super) fn add(&mut self, item: &mut Item<'_>, given: wit::I18n, plugin: &str) {
        if let Some(namespace) = given.namespace
            && namespace != plugin
        {
            item.problem(
                "namespace",
                format_args!(
                    "the namespace {} is not the plugin's own; leave it out or write {}",
                    quoted(&namespace),
                    quoted(plugin)
                ),
            );
        }
        for (index, tag) in given.languages.iter().enumerate() {
            let language = item.take(format_args!("languages[{index}]"), tag.parse());
            self.languages.extend(language);
        }
        for (index, translation) in given.translations.into_iter().enumerate() {
            self.add_translation(item, index, translation);
        }
    }

    fn add_translation(&mut self, item: &mut Item<'_>, index: usize, given: wit::Translation) {
        let wit::Translation {
            language,
            key,
            text,
        } = given;
        let language: Option<Language> = item.take(
            format_args!("translations[{index}].language"),
            language.parse(),
        );
        let key = item.take(format_args!("translations[{index}].key"), check_key(key));
        let text = item.text(format_args!("translations[{index}].text"), text, TEXT_MAX);
        let (Some(language), Some(key), Some(text)) = (language, key, text) else {
            return;
        };
        self.languages.insert(language.clone());
        let texts = self.translations.entry(language.clone()).or_default();
        match texts.entry(key) {
            Entry::Vacant(place) => {
                place.insert(text);
            }
            Entry::Occupied(place) => item.problem(
                format_args!("translations[{index}].key"),
                format_args!(
                    "the key {} has a text in {language} already; give one text for each key and language",
                    quoted(place.key())
                ),
            ),
        }
    }
}

fn check_key(key: String) -> Result<String, String> {
    let wrong = if key.is_empty() {
        "is empty".to_owned()
    } else if key.len() > KEY_MAX {
        format!("has {} bytes, more than {KEY_MAX}", key.len())
    } else if let Some(bad) = key.chars().find(|c| c.is_control()) {
        format!("contains {bad:?}")
    } else {
        return Ok(key);
    };
    Err(format!(
        "the key {} {wrong}; expected one such as \"dashboard.title\"",
        quoted(&key)
    ))
}
