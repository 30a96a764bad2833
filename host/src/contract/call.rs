//! For whom and within what a call runs.
//!
//! A [`CallContext`] goes along with every call, nested ones included, and is the only source of what the interface
//! `context` tells a plugin: nothing in it comes from the arguments, so a client cannot forge it. The host makes one
//! for each call on its hottest path, so making or cloning the default takes nanoseconds: no text is formatted and
//! nothing is allocated until somebody asks.

use std::{
    cell::Cell,
    fmt,
    hash::{BuildHasher, RandomState},
    str::FromStr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use serde::{Serialize, Serializer};

use super::chain::Chain;
use crate::names::text::quoted_owned;
use crate::setters::setters;

/// For whom a call runs, in which language, and until when.
///
/// The default is a call of the host's own: no organisation, no user, English, a fresh request id and no deadline
/// beyond the plugin's limits.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct CallContext {
    /// The organisation that the call acts in; none in an application with a single organisation.
    pub org_id: Option<i64>,
    /// The user who acts; none for anonymous visitors, jobs, `init` and `shutdown`.
    pub user: Option<Arc<User>>,
    /// The language of texts for that user.
    pub language: Language,
    /// Names the request in logs, and in everything that the request causes.
    pub request_id: RequestId,
    /// A limit of the caller's, besides the plugin's own; the earlier one holds.
    pub deadline: Option<Instant>,
    /// The plugins that wait for the call; none for a call from outside.
    pub chain: Chain,
}

setters!(CallContext {
    org_id: Option<i64>,
    user: Option<Arc<User>>,
    language: Language,
    request_id: RequestId,
    deadline: Option<Instant>,
    chain: Chain,
});

/// A signed-in user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct User {
    /// Unique in the application.
    pub id: String,
    /// For people.
    pub name: String,
    /// The groups that the user is a member of.
    pub groups: Vec<String>,
    /// What else the application says about the user, each kind at most once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub traits: Vec<UserTrait>,
}

setters!(User {
    id: String,
    name: String,
    groups: Vec<String>,
    traits: Vec<UserTrait>,
});

impl User {
    /// A user of no group.
    #[must_use]
    pub fn new(id: String, name: String) -> Self {
        Self {
            id,
            name,
            groups: Vec::new(),
            traits: Vec::new(),
        }
    }
}

/// Something more about a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum UserTrait {
    /// What the user is to the application.
    Role(UserRole),
    /// An address.
    Email(String),
    /// A trait of the application's own: its name and its value.
    Other(String, String),
}

/// What a user is to the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum UserRole {
    /// Runs it, and may do what every other role may.
    Administrator,
    /// Works with it.
    Agent,
    /// Is served by it.
    Customer,
}

impl User {
    /// Whether the user is a member of `group`.
    #[must_use]
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|own| own == group)
    }
}

/// A language tag in the shape of BCP 47, such as `en`, `pt-BR` or `zh-Hant-TW`; `en` by default.
///
/// The case of its parts is set right (`PT-br` becomes `pt-BR`), so tags that mean the same are equal. Whether the
/// parts are registered is not looked up. Cloning the default touches no shared counter.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Language(Option<Arc<str>>);

/// The default language, which [`Language`] does not allocate.
const ENGLISH: &str = "en";

/// The longest tag that is taken; RFC 5646 asks for at least 35.
const LANGUAGE_MAX: usize = 64;

/// A text that is no language tag, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the language tag {shown} {reason}; expected one such as \"en\" or \"pt-BR\"")]
pub struct LanguageError {
    shown: String,
    reason: &'static str,
}

impl Language {
    /// The tag.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or(ENGLISH)
    }

    /// The language alone, as a tag: `pt` of `pt-BR`.
    #[must_use]
    pub fn without_region(&self) -> Language {
        match self.as_str().split_once('-') {
            Some((ENGLISH, _)) => Language::default(),
            Some((primary, _)) => Language(Some(Arc::from(primary))),
            None => self.clone(),
        }
    }

    /// The language alone, without script, region and the rest: `pt` of `pt-BR`.
    #[must_use]
    pub fn primary(&self) -> &str {
        let tag = self.as_str();
        tag.split_once('-').map_or(tag, |(primary, _)| primary)
    }
}

impl FromStr for Language {
    type Err = LanguageError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == ENGLISH {
            return Ok(Language::default());
        }
        let fail = |reason| {
            Err(LanguageError {
                shown: quoted_owned(text),
                reason,
            })
        };
        if text.len() > LANGUAGE_MAX {
            return fail("has more than 64 bytes");
        }
        let mut tag = String::with_capacity(text.len());
        // After a single letter come extensions and private use, whose parts are all in lower case.
        let mut extended = false;
        for (index, part) in text.split('-').enumerate() {
            if part.is_empty() || part.len() > 8 {
                return fail("has a part that is not 1 to 8 long");
            }
            if !part.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                return fail("has a part with other chars than letters and digits");
            }
            let alphabetic = part.bytes().all(|byte| byte.is_ascii_alphabetic());
            if index == 0 && (part.len() < 2 || !alphabetic) {
                return fail("does not begin with a language of 2 to 8 letters");
            }
            if index > 0 {
                tag.push('-');
            }
            match part.len() {
                2 if index > 0 && alphabetic && !extended => {
                    tag.extend(part.chars().map(|letter| letter.to_ascii_uppercase()));
                }
                4 if index > 0 && alphabetic && !extended => {
                    let mut letters = part.chars();
                    tag.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
                    tag.extend(letters.map(|letter| letter.to_ascii_lowercase()));
                }
                length => {
                    extended |= length == 1;
                    tag.extend(part.chars().map(|letter| letter.to_ascii_lowercase()));
                }
            }
        }
        if tag.len() >= 2 && tag.rsplit('-').next().is_some_and(|last| last.len() == 1) {
            return fail("ends in a single letter");
        }
        if tag == ENGLISH {
            return Ok(Language::default());
        }
        Ok(Language(Some(Arc::from(tag))))
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl Serialize for Language {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Names a request, and everything that it causes, in logs and answers.
///
/// Either made here, unique in this process and with a random prefix that tells processes apart
/// (`9f0c…-1a`), or taken over from the client or a proxy in front.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RequestId(RequestIdText);

#[derive(Clone, PartialEq, Eq, Hash)]
enum RequestIdText {
    Numbered(u64),
    Given(Arc<str>),
}

/// The longest id that is taken over from outside.
const REQUEST_ID_MAX: usize = 128;

/// How many numbers a thread takes from the common counter at once, so that threads do not wait for each other.
const NUMBERS_AT_ONCE: u64 = 1 << 16;

/// A text from outside that is not used as a request id, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the request id {shown} is not 1 to 128 visible ASCII characters")]
pub struct RequestIdError {
    shown: String,
}

impl RequestId {
    /// A new id, unique in this process. Costs a thread-local addition.
    #[must_use]
    pub fn new() -> RequestId {
        static COMMON: AtomicU64 = AtomicU64::new(0);
        thread_local! {
            static NEXT: Cell<u64> = const { Cell::new(0) };
        }
        let number = NEXT.get();
        // A multiple of the block size is where a block begins, so this thread's block is used up (or not yet begun).
        let number = if number.is_multiple_of(NUMBERS_AT_ONCE) {
            COMMON.fetch_add(NUMBERS_AT_ONCE, Ordering::Relaxed) + 1
        } else {
            number
        };
        NEXT.set(number + 1);
        RequestId(RequestIdText::Numbered(number))
    }

    /// An id that came from outside: 1 to 128 visible ASCII characters, so that it can stand in a log line and a
    /// header.
    ///
    /// # Errors
    ///
    /// [`RequestIdError`] where the text is anything else.
    pub fn given(text: &str) -> Result<RequestId, RequestIdError> {
        let fits = (1..=REQUEST_ID_MAX).contains(&text.len());
        if fits && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(RequestId(RequestIdText::Given(Arc::from(text))))
        } else {
            Err(RequestIdError {
                shown: quoted_owned(text),
            })
        }
    }
}

impl Default for RequestId {
    fn default() -> Self {
        RequestId::new()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        static PROCESS: OnceLock<u64> = OnceLock::new();
        match &self.0 {
            RequestIdText::Numbered(number) => {
                // The standard library seeds its hash maps from the system's random source, once for each process.
                let process = PROCESS.get_or_init(|| RandomState::new().hash_one(0u8));
                write!(f, "{process:016x}-{number:x}")
            }
            RequestIdText::Given(text) => f.pad(text),
        }
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{collections::HashSet, thread};

    use super::*;

    #[test]
    fn request_ids_of_several_threads_are_never_the_same() {
        let per_thread = NUMBERS_AT_ONCE as usize * 2 + 10;
        let threads: Vec<_> = (0..4)
            .map(|_| {
                thread::spawn(move || {
                    (0..per_thread)
                        .map(|_| RequestId::new())
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        let all: HashSet<RequestId> = threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect();
        assert_eq!(all.len(), 4 * per_thread);
    }

    #[test]
    fn a_request_id_always_shows_the_same_text() {
        let id = RequestId::new();
        assert_eq!(id.to_string(), id.clone().to_string());
        assert_ne!(id.to_string(), RequestId::new().to_string());
    }

    #[test]
    fn an_id_from_outside_cannot_break_a_log_line_or_a_header() {
        assert_eq!(RequestId::given("abc-1").unwrap().to_string(), "abc-1");
        for bad in ["", "a b", "a\nb", "a\r\nx: y", "é", &"a".repeat(129)] {
            assert!(RequestId::given(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn tags_that_mean_the_same_language_are_equal() {
        for (text, canonical) in [
            ("en", "en"),
            ("EN", "en"),
            ("PT-br", "pt-BR"),
            ("zh-hant-tw", "zh-Hant-TW"),
            ("de-1996", "de-1996"),
            ("en-x-TWAIN", "en-x-twain"),
            ("es-419", "es-419"),
        ] {
            let language: Language = text.parse().unwrap();
            assert_eq!(language.as_str(), canonical);
        }
        assert_eq!("EN".parse::<Language>().unwrap(), Language::default());
        assert_eq!("pt-BR".parse::<Language>().unwrap().primary(), "pt");
    }

    #[test]
    fn what_is_no_language_tag_is_refused_with_the_text() {
        for bad in [
            "",
            "e",
            "en_US",
            "en-",
            "-en",
            "en--US",
            "12",
            "../en",
            "x-a",
            "en-toolongpart",
            "en-x",
        ] {
            let message = bad.parse::<Language>().unwrap_err().to_string();
            assert!(message.contains(&format!("\"{bad}\"")), "{message}");
        }
    }
}
