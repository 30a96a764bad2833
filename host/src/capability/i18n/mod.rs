//! `i18n`: texts in the language of the call.
//!
//! The host's own texts and each plugin's live in one [`Catalog`], by namespace. A plugin's are prepared when it is loaded
//! and are gone when it is unloaded. Looking one up never fails: after the language of the call come that language
//! without its region, the fallback language, and at last the key itself.

use std::collections::HashMap;
use std::sync::Arc;

use crate::capability::table::I18N;
use crate::capability::{Interface, Of, PrepareError, Provider, Setup, View};
use crate::contract::bindings::link;
use crate::contract::registration::{PluralCategory, Text};
use crate::contract::{Language, host};

/// Texts by language, then by key with its namespace.
#[derive(Debug, Clone, Default)]
pub struct Catalog(HashMap<Language, HashMap<String, Text>>);

impl Catalog {
    /// Adds a text. `key` has its namespace: `stats.title`.
    pub fn insert(&mut self, language: Language, key: String, text: String) {
        self.put(language, key, Text::One(text));
    }

    fn put(&mut self, language: Language, key: String, text: Text) {
        self.0.entry(language).or_default().insert(key, text);
    }

    fn get(&self, language: &Language, key: &str) -> Option<&str> {
        let text = self.0.get(language)?.get(key)?;
        Some(text.of(PluralCategory::Other))
    }
}

/// Serves `i18n` from the host's catalog and each plugin's own translations.
pub struct Translations {
    host: Arc<Catalog>,
    fallback: Language,
}

impl Translations {
    /// `fallback` is the language to look in when the language of the call has no text.
    pub fn new(host: Catalog, fallback: Language) -> Self {
        Self {
            host: Arc::new(host),
            fallback,
        }
    }
}

impl Provider for Translations {
    type State = PluginTexts;

    fn interfaces(&self) -> Vec<Interface<PluginTexts>> {
        vec![Interface::known(I18N, link::i18n::<_, Of<PluginTexts>>)]
    }

    async fn prepare(&self, setup: &Setup<'_>) -> Result<PluginTexts, PrepareError> {
        Ok(PluginTexts::new(self, setup))
    }
}

/// The texts that one plugin can ask for.
pub struct PluginTexts {
    namespace: String,
    own: Catalog,
    host: Arc<Catalog>,
    fallback: Language,
}

impl PluginTexts {
    fn new(translations: &Translations, setup: &Setup<'_>) -> Self {
        let mut own = Catalog::default();
        let said = setup
            .registration
            .i18n
            .iter()
            .flat_map(|i18n| &i18n.translations);
        for (language, texts) in said {
            for (key, text) in texts {
                let key = format!("{}.{key}", setup.plugin);
                own.put(language.clone(), key, text.clone());
            }
        }
        Self {
            namespace: format!("{}.", setup.plugin),
            own,
            host: Arc::clone(&translations.host),
            fallback: translations.fallback.clone(),
        }
    }

    /// The text for a key in a language, or the key itself.
    pub fn translate(&self, language: &Language, key: &str, args: &[(String, String)]) -> String {
        let full = format!("{}{key}", self.namespace);
        let primary = language.without_region();
        let languages = [language, &primary, &self.fallback];
        let text = languages.into_iter().find_map(|language| {
            let own = self.own.get(language, key);
            own.or_else(|| self.own.get(language, &full))
                .or_else(|| self.host.get(language, key))
        });
        text.map_or_else(|| key.to_owned(), |text| fill_in(text, args))
    }
}

/// Replaces each `{name}` by the argument of that name, in one pass, so that an argument's text is never taken for a
/// placeholder.
fn fill_in(text: &str, args: &[(String, String)]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let found = after.split_once('}').and_then(|(name, behind)| {
            let (_, value) = args.iter().find(|(other, _)| other == name)?;
            Some((value, behind))
        });
        if let Some((value, behind)) = found {
            filled.push_str(value);
            rest = behind;
        } else {
            filled.push('{');
            rest = after;
        }
    }
    filled.push_str(rest);
    filled
}

impl host::I18n for View<'_, PluginTexts> {
    fn translate(&mut self, key: String, args: Vec<(String, String)>) -> String {
        let language = &self.caller.context().language;
        match self.state() {
            Ok(texts) => texts.translate(language, &key, &args),
            // While a plugin is described it has no texts yet.
            Err(_) => key,
        }
    }
}
