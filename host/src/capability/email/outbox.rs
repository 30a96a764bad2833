//! The embedded back-end: a folder in which messages wait for whoever collects them.
//!
//! Each message is one file, `TIME-NUMBER.eml`, exactly as it would be sent; sorting the names sorts the messages. Beside it
//! lies `TIME-NUMBER.json` with its envelope (`plugin`, `sender`, and all `recipients`, those of `bcc` included), which
//! only the operator gets to see. The envelope is there first, and both appear whole or not at all: once there is an
//! `.eml`, both can be read, also after a crash.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use async_trait::async_trait;
use jiff::Timestamp;
use thiserror::Error;

use super::backend::{MailError, Mailer, Outgoing};

/// Why a folder cannot be an outbox.
#[derive(Debug, Error)]
pub enum OutboxError {
    /// It cannot be made or looked at.
    #[error("the outbox {} cannot be used: {reason}", folder.display())]
    Unusable {
        /// The folder.
        folder: PathBuf,
        /// Why not.
        reason: io::Error,
    },
    /// Others can read what lies in it.
    #[error("the outbox {0} is open to other users (mode {mode:03o}): chmod 700 {0}", folder.display())]
    Open {
        /// The folder.
        folder: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}

/// A folder of messages. Cheap to clone; several processes may use the same folder.
#[derive(Debug, Clone)]
pub struct Outbox(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    /// When the last message was written, in microseconds; no two of this process have the same.
    last: AtomicI64,
}

impl Outbox {
    /// Uses a folder, which is made with mode 0700 if it does not exist.
    ///
    /// # Errors
    ///
    /// When it cannot be made, or users other than its owner have any access to it.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, OutboxError> {
        let folder = folder.as_ref();
        let unusable = |reason| OutboxError::Unusable {
            folder: folder.to_owned(),
            reason,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(unusable)?;
        let folder = fs::canonicalize(folder).map_err(unusable)?;
        let mode = fs::metadata(&folder)
            .map_err(unusable)?
            .permissions()
            .mode()
            & 0o777;
        if mode & 0o077 != 0 {
            return Err(OutboxError::Open { folder, mode });
        }
        Ok(Self(Arc::new(Shared {
            folder,
            last: AtomicI64::new(0),
        })))
    }
}

#[async_trait]
impl Mailer for Outbox {
    async fn send(&self, mail: &Outgoing, deadline: Instant) -> Result<(), MailError> {
        let (parts, mail) = (Arc::clone(&self.0), mail.clone());
        let writing = tokio::task::spawn_blocking(move || parts.write(&mail, deadline));
        tokio::time::timeout_at(deadline.into(), writing)
            .await
            .map_err(|_| MailError::TimedOut)?
            .map_err(|stopped| MailError::Unavailable(stopped.to_string()))?
    }
}

impl Shared {
    fn write(&self, mail: &Outgoing, deadline: Instant) -> Result<(), MailError> {
        let failed = |error: io::Error| {
            MailError::Unavailable(format!("the outbox cannot be written ({error})"))
        };
        let name = self.name().map_err(failed)?;
        let recipients: Vec<_> = mail.recipients.iter().map(ToString::to_string).collect();
        let envelope = serde_json::json!({
            "plugin": mail.plugin.as_str(),
            "sender": mail.sender.to_string(),
            "recipients": recipients,
        });
        let envelope =
            Unfinished::write(&self.folder, &name, "json", envelope.to_string().as_bytes())
                .map_err(failed)?;
        let message =
            Unfinished::write(&self.folder, &name, "eml", &mail.message).map_err(failed)?;
        if Instant::now() >= deadline {
            return Err(MailError::TimedOut);
        }
        let envelope = envelope.finish().map_err(failed)?;
        if let Err(error) = message.finish() {
            let _ = fs::remove_file(envelope);
            return Err(failed(error));
        }
        // The message is there; that its name is on the disk as well can only be asked for.
        let _ = File::open(&self.folder).and_then(|folder| folder.sync_all());
        Ok(())
    }

    /// A name that no other message has, and that sorts behind those of earlier messages.
    fn name(&self) -> io::Result<String> {
        let now = Timestamp::now().as_microsecond();
        let next = |last: i64| Some(now.max(last.saturating_add(1)));
        let last = self
            .last
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        let time = now.max(last.unwrap_or_default().saturating_add(1));
        let time = Timestamp::from_microsecond(time).map_err(io::Error::other)?;
        let mut random = [0; 4];
        getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
        let number = u32::from_be_bytes(random);
        Ok(format!(
            "{}-{number:08x}",
            time.strftime("%Y%m%dT%H%M%S.%6fZ")
        ))
    }
}

/// A file that has another name until it is whole, and is taken away when it does not get that far.
struct Unfinished {
    now: PathBuf,
    then: PathBuf,
}

impl Unfinished {
    fn write(folder: &Path, name: &str, kind: &str, content: &[u8]) -> io::Result<Self> {
        let unfinished = Self {
            now: folder.join(format!(".{name}.{kind}.unfinished")),
            then: folder.join(format!("{name}.{kind}")),
        };
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&unfinished.now)?;
        file.write_all(content)?;
        file.sync_all()?;
        Ok(unfinished)
    }

    fn finish(self) -> io::Result<PathBuf> {
        fs::rename(&self.now, &self.then)?;
        Ok(self.then.clone())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // When it was finished there is nothing by that name any more.
        let _ = fs::remove_file(&self.now);
    }
}
