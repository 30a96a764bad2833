//! Translations.
//!
//! A plugin may give its translations in several pieces; [`I18n`] is all of them together. The namespace is always the
//! plugin's own name, so no plugin can replace another's texts or the application's.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use serde::Serialize;

use super::problem::{Found, Item};
use crate::contract::{Language, wire::registration as wire};
use crate::names::text::{quoted, quoted_owned};

/// All translations of a plugin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct I18n {
    /// The languages that the plugin says it speaks, and those of its translations.
    pub languages: BTreeSet<Language>,
    /// Texts by language and by key, the key without the namespace.
    pub translations: BTreeMap<Language, BTreeMap<String, Text>>,
}

/// A text in one language. As JSON: the text, or an object with a text for each class of numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Text {
    /// The same for all numbers.
    One(String),
    /// One for each class of numbers that the language has; `other` is among them.
    Plural(BTreeMap<PluralCategory, String>),
}

impl Text {
    /// The text for numbers of this class; that for all others where it has none of its own.
    #[must_use]
    pub fn of(&self, category: PluralCategory) -> &str {
        match self {
            Self::One(text) => text,
            Self::Plural(forms) => forms
                .get(&category)
                .or_else(|| forms.get(&PluralCategory::Other))
                .map_or("", String::as_str),
        }
    }
}

words! {
    /// A class of numbers that a language has a form for (CLDR).
    PluralCategory {
        /// None.
        Zero = "zero",
        /// One, or what is like one.
        One = "one",
        /// Two.
        Two = "two",
        /// A few.
        Few = "few",
        /// Many.
        Many = "many",
        /// All others.
        Other = "other",
    }
}

impl From<wire::PluralCategory> for PluralCategory {
    fn from(given: wire::PluralCategory) -> Self {
        match given {
            wire::PluralCategory::Zero => Self::Zero,
            wire::PluralCategory::One => Self::One,
            wire::PluralCategory::Two => Self::Two,
            wire::PluralCategory::Few => Self::Few,
            wire::PluralCategory::Many => Self::Many,
            wire::PluralCategory::Other => Self::Other,
        }
    }
}

/// The most bytes in a key.
const KEY_MAX: usize = 256;
/// The most bytes in a text.
const TEXT_MAX: usize = 64 << 10;

impl I18n {
    /// Adds one piece. `plugin` is the plugin's name as it gave it.
    pub(super) fn add(&mut self, item: &mut Item<'_>, given: wire::I18n, plugin: &str) {
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

    fn add_translation(&mut self, item: &mut Item<'_>, index: usize, given: wire::Translation) {
        let wire::Translation {
            language,
            key,
            text,
            plural,
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
        let plural = plural.map(PluralCategory::from);
        match (texts.entry(key), plural) {
            (Entry::Vacant(entry), None) => {
                entry.insert(Text::One(text));
            }
            (Entry::Vacant(entry), Some(category)) => {
                entry.insert(Text::Plural(BTreeMap::from([(category, text)])));
            }
            (Entry::Occupied(mut entry), plural) => {
                let key = quoted_owned(entry.key());
                let taken = match (entry.get_mut(), plural) {
                    (Text::Plural(forms), Some(category)) => match forms.entry(category) {
                        Entry::Vacant(form) => {
                            form.insert(text);
                            return;
                        }
                        Entry::Occupied(_) => format!("for {category}"),
                    },
                    (Text::One(_), _) => "for all numbers".to_owned(),
                    (Text::Plural(_), None) => "for some numbers".to_owned(),
                };
                item.problem(
                    format_args!("translations[{index}].key"),
                    format_args!(
                        "the key {key} has a text {taken} in {language} already; give one text for each key and \
                         language, or one for each of its plural categories"
                    ),
                );
            }
        }
    }

    /// Notes a problem for each text that has forms, and none for all other numbers. Called when all pieces were added.
    pub(super) fn check(&self, found: &mut Found) {
        for (language, texts) in &self.translations {
            for (key, text) in texts {
                if let Text::Plural(forms) = text
                    && !forms.contains_key(&PluralCategory::Other)
                {
                    found.add(
                        "i18n",
                        format_args!(
                            "the key {} has plural forms in {language}, but none for \"other\"; add one",
                            quoted(key)
                        ),
                    );
                }
            }
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
