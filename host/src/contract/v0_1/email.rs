//! `email`.

use super::generated::plugin::goatherd::plugin::email;
use crate::contract::Error;
use crate::contract::host::{Email, Message, MessageBody, MessageOption};

impl<V: Email> email::Host for V {
    async fn send(&mut self, message: email::Message) -> Result<(), Error> {
        let message = Message {
            to: message.to,
            subject: message.subject,
            body: message.body.into(),
            options: message.options.into_iter().map(Into::into).collect(),
        };
        Email::send(self, message).await
    }
}

impl From<email::Body> for MessageBody {
    fn from(body: email::Body) -> Self {
        match body {
            email::Body::Text(text) => Self::Text(text),
            email::Body::Html(html) => Self::Html(html),
            email::Body::Other((name, _)) => Self::Unknown(name),
        }
    }
}

impl From<email::MessageOption> for MessageOption {
    fn from(option: email::MessageOption) -> Self {
        match option {
            email::MessageOption::Cc(recipients) => Self::Cc(recipients),
            email::MessageOption::Bcc(recipients) => Self::Bcc(recipients),
            email::MessageOption::ReplyTo(address) => Self::ReplyTo(address),
            email::MessageOption::RetryKey(key) => Self::RetryKey(key),
            email::MessageOption::Other((name, _)) => Self::Unknown(name),
        }
    }
}
