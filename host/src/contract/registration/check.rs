//! The checks that many kinds of contribution share, and the small types that they yield.
//!
//! Lengths that the contract does not name are bounded here generously, so that nothing of a plugin's own can crowd a
//! page or a log: labels 1 KiB, descriptions and messages 4 KiB, icons 64 KiB, images 512 KiB.

use std::{fmt, sync::Arc};

use serde::Serialize;

use super::problem::Item;
use crate::contract::Json;
use crate::names::text::{NameShape, quoted};

/// The most bytes in a label, a title or a heading.
pub(super) const LABEL_MAX: usize = 1 << 10;
/// The most bytes in a description or a message.
pub(super) const DESCRIPTION_MAX: usize = 4 << 10;
/// The most bytes in an icon, which may be an SVG.
pub(super) const ICON_MAX: usize = 64 << 10;
/// The most bytes in an image's address, which may be a data URI.
pub(super) const IMAGE_MAX: usize = 512 << 10;
/// The most bytes in an id.
const ID_MAX: usize = 128;
/// The most entries in a list inside of a contribution.
pub(super) const LIST_MAX: usize = 1_000;
/// The most bytes in the name of a function.
const FUNCTION_MAX: usize = 256;

/// The name of a function or of a handler, as the plugin gets it back when it is called: 1 to 256 bytes without white
/// space and control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct FunctionName(Arc<str>);

impl FunctionName {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = if text.is_empty() {
            "is empty".to_owned()
        } else if text.len() > FUNCTION_MAX {
            format!("has {} bytes, more than {FUNCTION_MAX}", text.len())
        } else if let Some(bad) = text.chars().find(|c| c.is_whitespace() || c.is_control()) {
            format!("contains {bad:?}")
        } else {
            return Ok(FunctionName(Arc::from(text)));
        };
        Err(format!(
            "the function name {} {wrong}; expected a name that the plugin knows, such as \"show_report\"",
            quoted(text)
        ))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FunctionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a group of users, `^[a-z][a-z0-9-]{0,62}$`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct GroupName(Arc<str>);

impl GroupName {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match NameShape::Hyphen.check(text) {
            Ok(()) => Ok(GroupName(Arc::from(text))),
            Err(wrong) => Err(format!("the group name {} {wrong}", quoted(text))),
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a type of entity, such as `contact`: `^[a-z][a-z0-9_-]{0,62}$`. Whether the application has that type
/// is not known here.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct EntityType(Arc<str>);

impl EntityType {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match NameShape::Either.check(text) {
            Ok(()) => Ok(EntityType(Arc::from(text))),
            Err(wrong) => Err(format!("the entity type {} {wrong}", quoted(text))),
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EntityType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A colour, `#rgb` or `#rrggbb`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Color(String);

impl Color {
    pub(super) fn parse(text: String) -> Result<Self, String> {
        let digits = text.strip_prefix('#').unwrap_or_default();
        let right =
            matches!(digits.len(), 3 | 6) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if right {
            Ok(Color(text))
        } else {
            Err(format!(
                "{} is not a colour; expected #rgb or #rrggbb in hexadecimal digits",
                quoted(&text)
            ))
        }
    }

    /// The colour as CSS takes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Checks an id: 1 to 128 letters, digits, `_`, `-` and `.`, so that it can stand in a path and in a page.
pub(super) fn id(text: &str) -> Result<(), String> {
    let wrong = if text.is_empty() {
        "is empty".to_owned()
    } else if text.len() > ID_MAX {
        format!("has {} bytes, more than {ID_MAX}", text.len())
    } else {
        let allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        match text.chars().find(|c| !allowed(c)) {
            Some(bad) => format!("contains {bad:?}"),
            None if text.starts_with('.') => "begins with a dot".to_owned(),
            None => return Ok(()),
        }
    };
    Err(format!(
        "the id {} {wrong}; expected letters, digits, \"_\", \"-\" and \".\"",
        quoted(text)
    ))
}

/// Checks the length of a text.
pub(super) fn at_most(text: String, max: usize) -> Result<String, String> {
    if text.len() > max {
        return Err(format!(
            "the text {} is longer than {max} bytes",
            quoted(&text)
        ));
    }
    Ok(text)
}

/// The words of a list as they stand in a sentence: `a, b or c`.
pub(super) fn either(words: impl IntoIterator<Item = impl fmt::Display>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| word.to_string()).collect();
    match words.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    }
}

impl Item<'_> {
    /// An id that no earlier contribution of this kind has.
    pub(super) fn id(&mut self, text: String) -> Option<String> {
        self.take("id", id(&text))?;
        self.unique("id", text.clone(), "id");
        Some(text)
    }

    /// A text of at most `max` bytes that may be empty.
    pub(super) fn text(
        &mut self,
        field: impl fmt::Display,
        text: String,
        max: usize,
    ) -> Option<String> {
        self.take(field, at_most(text, max))
    }

    /// A text of at most `max` bytes that says something.
    pub(super) fn required(
        &mut self,
        field: impl fmt::Display,
        text: String,
        max: usize,
    ) -> Option<String> {
        if text.trim().is_empty() {
            self.problem(
                field,
                format_args!("{} is empty; expected a text", quoted(&text)),
            );
            return None;
        }
        self.text(field, text, max)
    }

    /// A text of at most `max` bytes; an empty one counts as absent.
    pub(super) fn optional(
        &mut self,
        field: impl fmt::Display,
        text: Option<String>,
        max: usize,
    ) -> Option<Option<String>> {
        match text {
            Some(text) if !text.is_empty() => self.text(field, text, max).map(Some),
            _ => Some(None),
        }
    }

    /// The name of a function of the plugin.
    pub(super) fn function(
        &mut self,
        field: impl fmt::Display,
        text: &str,
    ) -> Option<FunctionName> {
        self.take(field, FunctionName::parse(text))
    }

    /// What `parse` makes of a value that may be absent.
    pub(super) fn if_present<V, T, E: fmt::Display>(
        &mut self,
        field: impl fmt::Display,
        value: Option<V>,
        parse: impl FnOnce(V) -> Result<T, E>,
    ) -> Option<Option<T>> {
        match value {
            None => Some(None),
            Some(value) => self.take(field, parse(value)).map(Some),
        }
    }
}

/// JSON whose value is an object.
pub(super) fn json_object(text: String) -> Result<Json, String> {
    let json = Json::parse(text).map_err(|error| error.to_string())?;
    if json.is_object() {
        Ok(json)
    } else {
        Err(format!(
            "{} is not a JSON object; expected {{…}}",
            quoted(json.as_str())
        ))
    }
}

/// What to say of a word that is none of the known ones.
pub(super) fn unknown(
    word: &str,
    what: &str,
    known: impl IntoIterator<Item = impl fmt::Display>,
) -> String {
    format!(
        "{} is not a known {what}; expected {}",
        quoted(word),
        either(known)
    )
}

/// An enumeration of words: how the contract's JSON form writes them, and which ones there are.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $case:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $case,)+ }

        impl $name {
            /// Every case, in the order of the contract.
            pub const ALL: &'static [$name] = &[$($name::$case,)+];

            /// The word for it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $($name::$case => $word,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

/// [`words!`] that come from a WIT variant with the same cases and `other`, which is refused with the known ones.
macro_rules! words_of_wit {
    ($(#[$meta:meta])* $name:ident, $what:literal { $($(#[$doc:meta])* $case:ident = $word:literal,)+ }) => {
        words!($(#[$meta])* $name { $($(#[$doc])* $case = $word,)+ });

        impl $name {
            pub(super) fn known(
                given: $crate::contract::wire::registration::$name,
            ) -> Result<Self, String> {
                use $crate::contract::wire::registration::$name as Given;
                match given {
                    $(Given::$case => Ok($name::$case),)+
                    Given::Other(word) => Err($crate::contract::registration::check::unknown(
                        &word, $what, Self::ALL,
                    )),
                }
            }
        }
    };
}
