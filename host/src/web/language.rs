//! Which language a visitor reads.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;

use crate::contract::Language;

/// How many languages of a request are looked at.
const LANGUAGES_MAX: usize = 16;

/// The languages that a request asks for, the most wanted first; never more than 16, and perhaps none.
pub(super) fn wanted(headers: &HeaderMap) -> Vec<Language> {
    let values = headers.get_all(ACCEPT_LANGUAGE).iter();
    let parts = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .take(LANGUAGES_MAX);
    let mut wanted: Vec<(u16, Language)> = parts
        .filter_map(|part| {
            let (tag, parameters) = part.split_once(';').unwrap_or((part, ""));
            let weight = weight(parameters)?;
            let language = tag.trim().parse().ok()?;
            (weight > 0).then_some((weight, language))
        })
        .collect();
    // Stable, so that languages of one weight stay in the order of the request.
    wanted.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    wanted.into_iter().map(|(_, language)| language).collect()
}

/// The weight in thousandths; 1000 where none is given.
fn weight(parameters: &str) -> Option<u16> {
    let parameters = parameters.trim();
    if parameters.is_empty() {
        return Some(1_000);
    }
    let (_, value) = parameters.split_once('=')?;
    let value: f32 = value.trim().parse().ok()?;
    (0.0..=1.0)
        .contains(&value)
        .then(|| (value * 1_000.0).round() as u16)
}

/// The first of the wanted languages that is spoken, in that region or in any; English if none is.
pub(super) fn negotiated<'a>(
    wanted: impl IntoIterator<Item = &'a Language>,
    spoken: impl Fn(&Language) -> bool,
) -> Language {
    for language in wanted {
        if spoken(language) {
            return language.clone();
        }
        if let Ok(wider) = language.primary().parse()
            && spoken(&wider)
        {
            return wider;
        }
    }
    Language::default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use axum::http::HeaderValue;

    use super::*;

    fn tags(header: &'static str) -> Vec<String> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static(header));
        wanted(&headers).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn languages_come_in_the_order_of_their_weights() {
        assert_eq!(
            tags("de;q=0.5, ar-EG, en;q=0.8, fr;q=0"),
            ["ar-EG", "en", "de"]
        );
        assert_eq!(tags("de, en"), ["de", "en"]);
    }

    #[test]
    fn what_is_no_language_is_passed_over() {
        assert_eq!(tags("*, de;q=x, en;q=7, ;;;, pt-br"), ["pt-BR"]);
    }

    #[test]
    fn a_page_is_in_a_language_that_it_has() {
        let spoken = |language: &Language| ["en", "ar"].contains(&language.as_str());
        let ask = |header| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static(header));
            negotiated(&wanted(&headers), spoken).to_string()
        };
        assert_eq!(ask("fr, ar-EG;q=0.5"), "ar");
        assert_eq!(ask("fr"), "en");
    }
}
