//! Texts of plugins in the language of whoever reads them.
//!
//! Labels and titles are plain text or a key of the plugin's translations; which, is seen by whether there is a
//! translation. After the language that is wanted come that language without its region, then English, then the label as
//! it is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Contributor;
use crate::contract::registration::{I18n, PluralCategory};
use crate::contract::{Language, PluginName};
use crate::runtime::Description;

/// The texts of all plugins.
#[derive(Debug, Clone, Default)]
pub struct Texts(BTreeMap<PluginName, Arc<Description>>);

/// In which direction a language is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// As English.
    LeftToRight,
    /// As Arabic.
    RightToLeft,
}

/// Languages that are written from right to left, unless a tag names another script.
const RIGHT_TO_LEFT: [&str; 12] = [
    "ar", "arc", "ckb", "dv", "fa", "he", "ks", "ps", "sd", "syr", "ug", "ur",
];
/// Scripts that are written from right to left.
const RIGHT_TO_LEFT_SCRIPTS: [&str; 6] = ["Adlm", "Arab", "Hebr", "Nkoo", "Syrc", "Thaa"];

impl Direction {
    /// The direction of a language.
    pub fn of(language: &Language) -> Self {
        let script = language
            .as_str()
            .split('-')
            .skip(1)
            .take_while(|part| part.len() > 1)
            .find(|part| part.len() == 4 && part.starts_with(|first: char| first.is_alphabetic()));
        let right_to_left = match script {
            Some(script) => RIGHT_TO_LEFT_SCRIPTS.contains(&script),
            None => RIGHT_TO_LEFT.contains(&language.primary()),
        };
        if right_to_left {
            Self::RightToLeft
        } else {
            Self::LeftToRight
        }
    }

    /// The value of HTML's `dir`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LeftToRight => "ltr",
            Self::RightToLeft => "rtl",
        }
    }
}

impl Texts {
    pub(super) fn of<'a>(contributors: impl Iterator<Item = Contributor<'a>>) -> Self {
        let with_texts = contributors.filter(|one| one.registration().i18n.is_some());
        Self(
            with_texts
                .map(|one| (one.name().clone(), Arc::clone(one.description)))
                .collect(),
        )
    }

    /// A label of a plugin in a language. Untrusted text, whatever the language.
    pub fn label<'a>(&'a self, plugin: &str, label: &'a str, language: &Language) -> &'a str {
        let translated = self.0.get(plugin).and_then(|description| {
            let texts = description.registration.i18n.as_ref()?;
            let unprefixed = label
                .strip_prefix(plugin)
                .and_then(|rest| rest.strip_prefix('.'));
            lookup(texts, label, language).or_else(|| lookup(texts, unprefixed?, language))
        });
        translated.unwrap_or(label)
    }

    /// The languages in which some plugin has texts, and English.
    pub fn languages(&self) -> BTreeSet<Language> {
        let spoken = self.0.values().filter_map(|description| {
            let texts = description.registration.i18n.as_ref()?;
            Some(texts.languages.iter().cloned())
        });
        let mut languages: BTreeSet<Language> = spoken.flatten().collect();
        languages.insert(Language::default());
        languages
    }
}

fn lookup<'a>(texts: &'a I18n, key: &str, language: &Language) -> Option<&'a str> {
    let wider: Option<Language> = language.primary().parse().ok();
    [Some(language), wider.as_ref(), Some(&Language::default())]
        .into_iter()
        .flatten()
        .find_map(|language| texts.translations.get(language)?.get(key))
        .map(|text| text.of(PluralCategory::Other))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::testing::{contributor, description};
    use super::*;
    use crate::contract::wire::registration as wire;
    use crate::permission::Grants;

    fn texts() -> Texts {
        let translation = |(language, text): (&str, &str)| wire::Translation {
            language: language.to_owned(),
            key: "title".to_owned(),
            text: text.to_owned(),
            plural: None,
        };
        let translations = [("en", "Tickets"), ("de", "Vorgänge"), ("ar", "تذاكر")];
        let plugin = description(
            "stats",
            vec![wire::Contribution::I18n(wire::I18n {
                namespace: None,
                languages: Vec::new(),
                translations: translations.map(translation).to_vec(),
            })],
        );
        Texts::of([contributor(&plugin, &Grants::default())].into_iter())
    }

    #[test]
    fn a_label_that_is_a_key_is_shown_in_the_nearest_language_that_has_it() {
        let texts = texts();
        for (language, expected) in [("de", "Vorgänge"), ("de-AT", "Vorgänge"), ("fr", "Tickets")]
        {
            let language = language.parse().unwrap();
            assert_eq!(texts.label("stats", "title", &language), expected);
            assert_eq!(texts.label("stats", "stats.title", &language), expected);
        }
    }

    #[test]
    fn a_label_that_is_no_key_is_shown_as_it_is_and_so_is_anothers_key() {
        let texts = texts();
        let german = "de".parse().unwrap();
        assert_eq!(texts.label("stats", "My tickets", &german), "My tickets");
        assert_eq!(texts.label("other", "title", &german), "title");
    }

    #[test]
    fn the_script_decides_the_direction_where_a_tag_names_one() {
        for (tag, direction) in [
            ("ar", "rtl"),
            ("he-IL", "rtl"),
            ("en", "ltr"),
            ("ur-Latn", "ltr"),
            ("az-Arab-IR", "rtl"),
            ("de-1996", "ltr"),
        ] {
            let language = tag.parse().unwrap();
            assert_eq!(Direction::of(&language).as_str(), direction, "{tag}");
        }
    }
}
