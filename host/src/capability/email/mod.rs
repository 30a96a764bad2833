//! `email`: messages from plugins to people.
//!
//! A plugin says to whom and what; whom a message is from is the operator's to say, and each message names the plugin
//! that wrote it. Form, size and scope are checked here, before anything is counted or a back-end is asked. A message is
//! counted once it could be sent, whatever the back-end then says.

mod backend;
mod check;
mod compose;
mod outbox;
mod sender;
#[cfg(feature = "smtp")]
mod smtp;

use std::sync::Arc;

pub use backend::{MailError, Mailer, Outgoing, Refusal};
pub use check::{BODY_BYTES, RECIPIENTS, SUBJECT_BYTES};
pub use outbox::{Outbox, OutboxError};
pub use sender::{Sender, SenderError};
#[cfg(feature = "smtp")]
pub use smtp::{Smtp, SmtpError};

use self::check::Checked;
use crate::capability::table::EMAIL;
use crate::capability::{Interface, Of, PrepareError, Provider, RateLimit, Setup, View};
use crate::contract::Error;
use crate::contract::bindings::link;
use crate::contract::host::{self, Message};
use crate::permission::{AddressPattern, Counted, Scope};

/// Serves `email` from a back-end.
pub struct Mail {
    post: Arc<Post>,
}

/// What all plugins share.
struct Post {
    sender: Sender,
    mailer: Box<dyn Mailer>,
}

impl Mail {
    /// Sends messages from this sender through this back-end.
    pub fn new(sender: Sender, mailer: impl Mailer) -> Self {
        let mailer = Box::new(mailer);
        Self {
            post: Arc::new(Post { sender, mailer }),
        }
    }
}

impl Provider for Mail {
    type State = EmailAccess;

    fn interfaces(&self) -> Vec<Interface<EmailAccess>> {
        vec![Interface::known(EMAIL, link::email::<_, Of<EmailAccess>>)]
    }

    async fn prepare(&self, setup: &Setup<'_>) -> Result<EmailAccess, PrepareError> {
        Ok(EmailAccess {
            post: Arc::clone(&self.post),
            scope: setup.grants.email().cloned(),
            rate: setup.rates.of(&Counted::Emails),
        })
    }
}

/// What one plugin may send.
pub struct EmailAccess {
    post: Arc<Post>,
    scope: Option<Scope<AddressPattern>>,
    rate: RateLimit,
}

impl View<'_, EmailAccess> {
    async fn post(&self, message: Message) -> Result<(), Error> {
        let access = self.state()?;
        let plugin = self.caller.plugin();
        let checked = Checked::new(plugin, access.scope.as_ref(), message)?;
        access.rate.check()?;
        let recipients = checked.recipients();
        let (post, name) = (Arc::clone(&access.post), plugin.clone());
        // Encoding a large body takes longer than others should wait for this thread.
        let composing =
            tokio::task::spawn_blocking(move || compose::compose(&post.sender, &name, checked));
        let message = composing
            .await
            .map_err(|stopped| Error::Unavailable(stopped.to_string()))??;
        let mail = Outgoing {
            plugin: plugin.clone(),
            sender: access.post.sender.address().clone(),
            recipients,
            message,
        };
        let sent = access.post.mailer.send(&mail, self.caller.deadline()).await;
        match &sent {
            Ok(()) => tracing::debug!(?mail, "a message was taken"),
            Err(error) => tracing::warn!(?mail, %error, "a message was not taken"),
        }
        Ok(sent?)
    }
}

impl host::Email for View<'_, EmailAccess> {
    async fn send(&mut self, message: Message) -> Result<(), Error> {
        self.post(message).await
    }
}
