//! From what a plugin passes to what can be sent.
//!
//! Everything is parsed here, once, into types that have no room for a line break: whoever composes a message of them
//! cannot be made to write a header that the plugin chose. What has the wrong form is refused and never repaired.

use crate::contract::host::{Message, MessageBody, MessageOption};
use crate::contract::{Error, PluginName};
use crate::names::text::quoted;
use crate::permission::{Address, AddressPattern, Scope};

/// How many recipients a message may have over its three lists.
pub const RECIPIENTS: usize = 100;
/// How long a subject may be, in bytes.
pub const SUBJECT_BYTES: usize = 998;
/// How long a body may be, in bytes.
pub const BODY_BYTES: usize = 1024 * 1024;

/// How long a word for recognising a message may be, in bytes.
pub(super) const RETRY_KEY_BYTES: usize = 128;

/// A message that can be sent.
pub(super) struct Checked {
    pub(super) to: Vec<Address>,
    pub(super) cc: Vec<Address>,
    pub(super) bcc: Vec<Address>,
    pub(super) reply_to: Option<Address>,
    pub(super) subject: Subject,
    pub(super) body: Body,
    /// What makes one that is sent again recognisable.
    pub(super) retry_key: Option<String>,
}

/// What it says.
pub(super) enum Body {
    Text(String),
    Html(String),
}

/// What a message has beside recipients, subject and body.
#[derive(Default)]
struct Options {
    cc: Vec<String>,
    bcc: Vec<String>,
    reply_to: Option<String>,
    retry_key: Option<String>,
}

impl Options {
    fn parse(plugin: &PluginName, given: Vec<MessageOption>) -> Result<Self, Error> {
        let mut options = Self::default();
        for option in given {
            match option {
                MessageOption::Cc(recipients) => options.cc.extend(recipients),
                MessageOption::Bcc(recipients) => options.bcc.extend(recipients),
                MessageOption::ReplyTo(address) => options.reply_to = Some(address),
                MessageOption::RetryKey(key) if (1..=RETRY_KEY_BYTES).contains(&key.len()) => {
                    options.retry_key = Some(key);
                }
                MessageOption::RetryKey(key) => {
                    return Err(Error::InvalidArgument(format!(
                        "plugin \"{plugin}\" tried to send a message with a retry-key of {} bytes; it has 1 to \
                         {RETRY_KEY_BYTES}",
                        key.len()
                    )));
                }
                MessageOption::Unknown(name) => {
                    return Err(Error::InvalidArgument(format!(
                        "plugin \"{plugin}\" tried to send a message with the option {}, which this host does not know; \
                         it knows cc, bcc, reply-to and retry-key",
                        quoted(&name)
                    )));
                }
            }
        }
        Ok(options)
    }
}

/// One line without control characters.
pub(super) struct Subject(String);

impl Checked {
    /// Checks form and size, then the scope.
    pub(super) fn new(
        plugin: &PluginName,
        scope: Option<&Scope<AddressPattern>>,
        message: Message,
    ) -> Result<Self, Error> {
        let options = Options::parse(plugin, message.options)?;
        let count = message.to.len() + options.cc.len() + options.bcc.len();
        if count == 0 {
            return Err(Error::InvalidArgument(format!(
                "plugin \"{plugin}\" tried to send a message to nobody; a message has 1 to {RECIPIENTS} recipients"
            )));
        }
        if count > RECIPIENTS {
            return Err(Error::TooLarge(format!(
                "plugin \"{plugin}\" tried to send a message to {count} recipients; it may have 1 to {RECIPIENTS}"
            )));
        }
        let parse = |field: &str, text: &String| {
            text.parse::<Address>().map_err(|error| {
                Error::InvalidArgument(format!(
                    "plugin \"{plugin}\" tried to send a message whose {field} {} {error}",
                    quoted(text)
                ))
            })
        };
        let all = |field: &str, list: &[String]| -> Result<Vec<Address>, Error> {
            list.iter().map(|text| parse(field, text)).collect()
        };
        let checked = Self {
            to: all("recipient", &message.to)?,
            cc: all("recipient", &options.cc)?,
            bcc: all("recipient", &options.bcc)?,
            reply_to: options
                .reply_to
                .map(|text| parse("reply-to", &text))
                .transpose()?,
            subject: Subject::new(plugin, message.subject)?,
            body: match message.body {
                MessageBody::Text(text) => Body::Text(text),
                MessageBody::Html(html) => Body::Html(html),
                MessageBody::Unknown(name) => {
                    return Err(Error::InvalidArgument(format!(
                        "plugin \"{plugin}\" tried to send a message with a body of the kind {}, which this host does \
                         not know; it knows text and html",
                        quoted(&name)
                    )));
                }
            },
            retry_key: options.retry_key,
        };
        let (Body::Text(text) | Body::Html(text)) = &checked.body;
        if text.len() > BODY_BYTES {
            return Err(Error::TooLarge(format!(
                "plugin \"{plugin}\" tried to send a body of {} bytes; it may have at most {BODY_BYTES}",
                text.len()
            )));
        }
        checked.within(plugin, scope)?;
        Ok(checked)
    }

    /// Everybody who gets the message, each once.
    pub(super) fn recipients(&self) -> Vec<Address> {
        distinct(self.all())
    }

    fn all(&self) -> impl Iterator<Item = &Address> {
        self.to.iter().chain(&self.cc).chain(&self.bcc)
    }

    fn within(
        &self,
        plugin: &PluginName,
        scope: Option<&Scope<AddressPattern>>,
    ) -> Result<(), Error> {
        let allowed = |address: &Address| scope.is_some_and(|scope| scope.allows(address));
        let outside = distinct(self.all().filter(|address| !allowed(address)));
        if outside.is_empty() {
            return Ok(());
        }
        let outside: Vec<_> = outside.iter().map(Address::to_string).collect();
        let covered = scope.map_or_else(|| "nothing".to_owned(), Scope::to_string);
        Err(Error::PermissionDenied(format!(
            "plugin \"{plugin}\" may not write to {}: its email grant covers {covered}; nothing was sent; grant email={} \
             to allow it",
            outside.join(", "),
            outside.join(",")
        )))
    }
}

fn distinct<'a>(addresses: impl Iterator<Item = &'a Address>) -> Vec<Address> {
    let mut found: Vec<Address> = Vec::new();
    for address in addresses {
        if !found.iter().any(|other| other.same_mailbox(address)) {
            found.push(address.clone());
        }
    }
    found
}

impl Subject {
    fn new(plugin: &PluginName, text: String) -> Result<Self, Error> {
        if text.len() > SUBJECT_BYTES {
            return Err(Error::TooLarge(format!(
                "plugin \"{plugin}\" tried to send a subject of {} bytes; it may have at most {SUBJECT_BYTES}",
                text.len()
            )));
        }
        if text.contains(|char: char| char.is_control() || matches!(char, '\u{2028}' | '\u{2029}'))
        {
            return Err(Error::InvalidArgument(format!(
                "plugin \"{plugin}\" tried to send the subject {}, which has a line break or another control character",
                quoted(&text)
            )));
        }
        Ok(Self(text))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}
