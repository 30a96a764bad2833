//! The text of a message.
//!
//! What comes out is ASCII with CRLF at the end of each line and no line over 998 bytes, whatever goes in: the body is
//! always encoded, and so is a subject that is not short plain text. A text that looks like an encoded word is encoded
//! once more, so that what is shown is what the plugin passed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lettre::Message;
use lettre::address::Envelope;
use lettre::message::header::{
    ContentTransferEncoding, ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0,
};
use lettre::message::{Body, Mailbox};

use super::check::{self, Checked, Subject};
use super::sender::Sender;
use crate::contract::{Error, PluginName};
use crate::permission::Address;

/// How many bytes of a subject go into one encoded word, so that the first line is short enough with the header's name.
const WORD_BYTES: usize = 36;
/// How long a subject can be that is written as it is.
const PLAIN_BYTES: usize = 66;

/// Writes a message, without those of `bcc`.
pub(super) fn compose(
    sender: &Sender,
    plugin: &PluginName,
    mail: Checked,
) -> Result<Vec<u8>, Error> {
    let failed = |error: &dyn std::fmt::Display| {
        Error::Unavailable(format!("the message cannot be composed: {error}"))
    };
    let from = mailbox(sender.address());
    let envelope = Envelope::new(
        Some(from.email.clone()),
        mail.recipients()
            .iter()
            .map(|to| mailbox(to).email)
            .collect(),
    )
    .map_err(|error| failed(&error))?;
    let id = message_id(plugin, sender.address().domain(), mail.retry_key.as_deref())
        .map_err(|error| failed(&error))?;
    let mut builder = Message::builder()
        .envelope(envelope)
        .from(Mailbox::new(sender.name().map(str::to_owned), from.email))
        .date_now()
        .message_id(Some(id))
        .header(MIME_VERSION_1_0)
        .raw_header(subject(&mail.subject))
        .raw_header(plain("Auto-Submitted", "auto-generated"))
        .raw_header(plain("X-Goatherd-Plugin", plugin.as_str()));
    for (name, addresses) in [("To", &mail.to), ("Cc", &mail.cc)] {
        if !addresses.is_empty() {
            builder = builder.raw_header(plain(name, &listed(addresses)));
        }
    }
    if mail.to.is_empty() && mail.cc.is_empty() {
        builder = builder.raw_header(plain("To", "undisclosed-recipients:;"));
    }
    if let Some(address) = &mail.reply_to {
        builder = builder.reply_to(mailbox(address));
    }
    let (kind, text) = match mail.body {
        check::Body::Text(text) => (ContentType::TEXT_PLAIN, text),
        check::Body::Html(text) => (ContentType::TEXT_HTML, text),
    };
    let message = builder.header(kind).body(body(text));
    let mut message = message.map_err(|error| failed(&error))?.formatted();
    if !message.ends_with(b"\r\n") {
        message.extend_from_slice(b"\r\n");
    }
    Ok(message)
}

/// An [`Address`] is checked more strictly than lettre would.
fn mailbox(address: &Address) -> Mailbox {
    let address = lettre::Address::new_dangerous(address.local(), address.domain());
    Mailbox::new(None, address)
}

/// A random one, or the one that belongs to the plugin's word for the message.
fn message_id(
    plugin: &PluginName,
    domain: &str,
    retry_key: Option<&str>,
) -> Result<String, getrandom::Error> {
    if let Some(key) = retry_key {
        let mut hash = blake3::Hasher::new_derive_key("goatherd e-mail message id");
        hash.update(format!("{plugin} {key}").as_bytes());
        return Ok(format!("<{}@{domain}>", hash.finalize().to_hex()));
    }
    let mut random = [0; 16];
    getrandom::fill(&mut random)?;
    let number = u128::from_be_bytes(random);
    Ok(format!("<{number:032x}@{domain}>"))
}

/// One on each line, since a line has room for three of the longest.
fn listed(addresses: &[Address]) -> String {
    let all: Vec<_> = addresses.iter().map(Address::to_string).collect();
    all.join(",\r\n ")
}

/// A header whose value is ASCII and has no line breaks but folded ones.
fn plain(name: &'static str, value: &str) -> HeaderValue {
    let name = HeaderName::new_from_ascii_str(name);
    HeaderValue::dangerous_new_pre_encoded(name, value.to_owned(), value.to_owned())
}

fn subject(subject: &Subject) -> HeaderValue {
    let text = subject.as_str();
    let encoded = if is_plain(text) {
        text.to_owned()
    } else {
        let words: Vec<_> = pieces(text)
            .map(|piece| format!("=?utf-8?B?{}?=", STANDARD.encode(piece)))
            .collect();
        words.join("\r\n ")
    };
    let name = HeaderName::new_from_ascii_str("Subject");
    HeaderValue::dangerous_new_pre_encoded(name, text.to_owned(), encoded)
}

fn is_plain(text: &str) -> bool {
    text.len() <= PLAIN_BYTES
        && text.trim() == text
        && !text.contains("=?")
        && text.bytes().all(|b| matches!(b, b' '..=b'~'))
}

/// Cuts a text between characters, since each encoded word is decoded by itself.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (piece, after) = rest.split_at_checked(rest.floor_char_boundary(WORD_BYTES))?;
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

/// Quoted-printable for what is mostly ASCII, so that it can be read as it is; base64 for the rest. Both have short lines
/// and room for any character.
fn body(text: String) -> Body {
    let escaped = text
        .bytes()
        .filter(|b| !matches!(b, b' '..=b'~' | b'\r' | b'\n' | b'\t'))
        .count();
    let encoding = if escaped > text.len() / 6 {
        ContentTransferEncoding::Base64
    } else {
        ContentTransferEncoding::QuotedPrintable
    };
    Body::new_with_encoding(text, encoding)
        .unwrap_or_else(|text| Body::dangerous_pre_encoded(text, encoding))
}
