//! Events between nodes through PostgreSQL.
//!
//! One statement numbers an event, writes it into a table and notifies the nodes of its row; they read what the row says.
//! So an event may be larger than a notification, and a notification cannot forge one: any role of the database may send
//! them, but all that they can do is make nodes look for a row, which only the host's own role can write. A row that was
//! handed over already is passed over by its number.
//!
//! Rows stay for a minute. A node that lost its connection reads those that it missed, and learns from the counts how many
//! are gone. The tables are not logged: a crash of the server empties them, after which counting begins anew.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_postgres::types::ToSql;
use tokio_postgres::{AsyncMessage, Client, Row};

use super::backend::{Broker, PublishError, keep_hearing};
use super::event::{Address, Epoch, Event, EventId, Message};
use super::sink::Sink;
use crate::store::{PostgresStore, SchemaError, StoreError, families};

/// How long the database may take to answer what a node asks for itself.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often old rows are removed, which also tries a silent connection.
const PROBE: Duration = Duration::from_secs(15);
/// How many notifications may wait; if there are more, a node reads all that is new instead of what they name.
const WAITING: usize = 1_024;
/// How many rows are read at once. Each has at most 64 KiB.
const PAGE: usize = 64;
const ROWS: i64 = PAGE as i64;
/// How far from their order rows can be committed.
const UNORDERED: i64 = 1_000;
/// How long a node waits before it reads anew what too many notifications may have named.
const FLOODED: Duration = Duration::from_millis(500);

/// The row is numbered while its channel's count is locked, so that rows of a channel are committed, and notified, in the
/// order of their numbers.
const PUBLISH: &str = "
    WITH counted AS (
        INSERT INTO goatherd_event_count AS c (plugin, channel, epoch, number) VALUES ($1, $2, $3, 1)
        ON CONFLICT (plugin, channel) DO UPDATE SET number = c.number + 1, used = now()
        RETURNING epoch, number
    ), written AS (
        INSERT INTO goatherd_event (plugin, channel, epoch, number, type, data)
        SELECT $1, $2, epoch, number, $4, $5 FROM counted
        RETURNING id, epoch, number
    )
    SELECT epoch, number, pg_notify('goatherd_event', id::text) FROM written
";

const COUNTS: &str = "
    SELECT c.epoch, c.number FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS asked (plugin, channel, place)
    LEFT JOIN goatherd_event_count AS c USING (plugin, channel) ORDER BY place
";
/// Rows by their numbers, after one. The next has the same parameters, and passes over the first.
const NAMED: &str = "SELECT id, plugin, channel, epoch, number, type, data FROM goatherd_event
     WHERE id = ANY ($1::bigint[]) AND id > $2 ORDER BY id LIMIT $3";
const RECENT: &str = "SELECT id, plugin, channel, epoch, number, type, data FROM goatherd_event
     WHERE $1::bigint[] IS NOT NULL AND id > $2 ORDER BY id LIMIT $3";
/// Rows of a channel between two numbers.
const BETWEEN: &str = "SELECT id, plugin, channel, epoch, number, type, data FROM goatherd_event
     WHERE plugin = $1 AND channel = $2 AND epoch = $3 AND number > $4 AND number < $5 ORDER BY number LIMIT $6";
const CLEAN: &str = "DELETE FROM goatherd_event WHERE created < now() - interval '1 minute';
     DELETE FROM goatherd_event_count WHERE used < now() - interval '1 day'";

/// A broker over a PostgreSQL database.
pub struct PostgresBroker {
    store: PostgresStore,
}

impl PostgresBroker {
    /// A broker for all nodes that use the same database. Makes its tables where they are missing.
    ///
    /// # Errors
    ///
    /// When the database does not answer or the host's role may not make tables.
    pub async fn open(store: PostgresStore) -> Result<Self, SchemaError> {
        store.migrate(&families::EVENTS).await?;
        Ok(Self { store })
    }
}

#[async_trait]
impl Broker for PostgresBroker {
    fn start(&self, sink: Sink) {
        let store = self.store.clone();
        let hear = async move |sink: &Sink| match hear(&store, sink).await {
            Ok(()) => "the connection ended".to_owned(),
            Err(error) => error.to_string(),
        };
        tokio::spawn(keep_hearing(sink, "PostgreSQL", hear));
    }

    async fn publish(
        &self,
        to: &Address,
        message: Message,
        deadline: Instant,
    ) -> Result<EventId, PublishError> {
        let published = async {
            let session = self.store.session(deadline).await?;
            let statement = session.prepare_cached(PUBLISH).await?;
            let row = session
                .query_one(
                    &statement,
                    &[
                        &to.plugin.as_str(),
                        &to.channel.as_str(),
                        &Epoch::random().to_i64(),
                        &message.event_type().as_bytes(),
                        &message.data().as_bytes(),
                    ],
                )
                .await?;
            Ok::<_, StoreError>(id(row.try_get("epoch")?, row.try_get("number")?))
        };
        published.await.map_err(|error| match error {
            StoreError::TimedOut => PublishError::TimedOut,
            StoreError::Conflict(_) | StoreError::Unavailable(_) => {
                PublishError::Unavailable(error.to_string())
            }
        })
    }
}

/// Hands over what the nodes publish, until the connection breaks.
async fn hear(store: &PostgresStore, sink: &Sink) -> Result<(), StoreError> {
    let connecting = timeout(PATIENCE, store.config().connect(store.tls())).await;
    let (client, mut connection) = connecting.map_err(|_| StoreError::TimedOut)??;
    let notices = Notices::default();
    // The connection never waits for what is done with notifications, because the answers to queries come over it too.
    let driver = async {
        while let Some(message) = poll_fn(|cx| connection.poll_message(cx)).await {
            if let AsyncMessage::Notification(said) = message? {
                notices.note(said.payload());
            }
        }
        Ok(())
    };
    tokio::select! {
        ended = driver => ended,
        ended = Hearing { client: &client, sink, newest: 0 }.listen(&notices) => ended,
    }
}

/// Notifications that have not been looked into yet.
#[derive(Default)]
struct Notices {
    noted: Mutex<Noted>,
    news: Notify,
}

#[derive(Default)]
struct Noted {
    rows: BTreeSet<i64>,
    /// There were more than can be kept.
    more: bool,
}

impl Notices {
    fn note(&self, payload: &str) {
        // Anything but a row's number is from nobody who matters.
        let Ok(row) = payload.parse::<i64>() else {
            return;
        };
        {
            let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
            if noted.rows.len() < WAITING {
                noted.rows.insert(row);
            } else {
                noted.more = true;
            }
        }
        self.news.notify_one();
    }

    async fn take(&self) -> Noted {
        self.news.notified().await;
        std::mem::take(&mut *self.noted.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One connection's hearing.
struct Hearing<'a> {
    client: &'a Client,
    sink: &'a Sink,
    /// The greatest row that was read.
    newest: i64,
}

impl Hearing<'_> {
    async fn listen(mut self, notices: &Notices) -> Result<(), StoreError> {
        within(self.client.batch_execute("LISTEN goatherd_event")).await?;
        // What was counted by now was committed by now, and so is among the rows that are read after it.
        let channels = self.sink.channels();
        let counts = self.counts(&channels).await?;
        self.catch_up(0).await?;
        for (address, newest) in channels.iter().zip(counts) {
            self.sink.resume(address, newest);
        }
        self.sink.connected(true);

        let mut probe = interval(PROBE);
        probe.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let noted = tokio::select! {
                noted = notices.take() => noted,
                _ = probe.tick() => {
                    within(self.client.batch_execute(CLEAN)).await?;
                    continue;
                }
            };
            let rows: Vec<i64> = noted.rows.into_iter().collect();
            self.read(NAMED, &rows, 0).await?;
            if noted.more {
                // A role that floods the database with notifications does not get more work done by it.
                tokio::time::sleep(FLOODED).await;
                self.catch_up(self.newest.saturating_sub(UNORDERED)).await?;
            }
        }
    }

    /// The newest events of channels.
    async fn counts(&self, channels: &[Address]) -> Result<Vec<Option<EventId>>, StoreError> {
        let plugins: Vec<&str> = channels.iter().map(|one| one.plugin.as_str()).collect();
        let names: Vec<&str> = channels.iter().map(|one| one.channel.as_str()).collect();
        let rows = within(self.client.query(COUNTS, &[&plugins, &names])).await?;
        let count = |row: &Row| match (row.try_get(0)?, row.try_get(1)?) {
            (Some(epoch), Some(number)) => Ok(Some(id(epoch, number))),
            _ => Ok(None),
        };
        rows.iter().map(count).collect()
    }

    /// Hands over every row after one.
    async fn catch_up(&mut self, after: i64) -> Result<(), StoreError> {
        self.read(RECENT, &[], after).await
    }

    /// Hands over rows in their order.
    async fn read(&mut self, query: &str, rows: &[i64], after: i64) -> Result<(), StoreError> {
        let mut after = after;
        loop {
            let page = within(self.client.query(query, &[&rows, &after, &ROWS])).await?;
            for row in &page {
                after = row.try_get("id")?;
                self.newest = self.newest.max(after);
                self.hand_over(row).await?;
            }
            if page.len() < PAGE {
                return Ok(());
            }
        }
    }

    /// Hands over a row, and before it those of its channel that were not named yet.
    async fn hand_over(&self, row: &Row) -> Result<(), StoreError> {
        let Some((address, event)) = parse(row)? else {
            return Ok(());
        };
        let known = self.sink.newest(&address);
        if let Some(known) = known.filter(|known| known.epoch == event.id.epoch)
            && event.id.number > known.number.saturating_add(1)
        {
            let epoch = event.id.epoch.to_i64();
            let between = (known.number.cast_signed(), event.id.number.cast_signed());
            let (plugin, channel) = (address.plugin.as_str(), address.channel.as_str());
            let parameters: [&(dyn ToSql + Sync); 6] =
                [&plugin, &channel, &epoch, &between.0, &between.1, &ROWS];
            let missed = self.client.query(BETWEEN, &parameters);
            for row in within(missed).await? {
                if let Some((address, event)) = parse(&row)? {
                    self.sink.deliver(&address, event);
                }
            }
        }
        self.sink.deliver(&address, event);
        Ok(())
    }
}

async fn within<T>(
    query: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, StoreError> {
    let answered = timeout(PATIENCE, query).await;
    Ok(answered.map_err(|_| StoreError::TimedOut)??)
}

fn id(epoch: i64, number: i64) -> EventId {
    EventId {
        epoch: Epoch::from_i64(epoch),
        number: number.cast_unsigned(),
    }
}

/// The event that a row holds; none if no host wrote it so.
fn parse(row: &Row) -> Result<Option<(Address, Event)>, StoreError> {
    let text = |name: &str| row.try_get::<_, String>(name);
    let bytes = |name: &str| row.try_get::<_, Vec<u8>>(name);
    let (plugin, channel) = (text("plugin")?, text("channel")?);
    let (event_type, data) = (bytes("type")?, bytes("data")?);
    let id = id(row.try_get("epoch")?, row.try_get("number")?);
    let parsed = || {
        let address = Address {
            plugin: plugin.parse().ok()?,
            channel: channel.parse().ok()?,
        };
        let (event_type, data) = (String::from_utf8(event_type), String::from_utf8(data));
        let message = Message::new(event_type.ok()?, data.ok()?).ok()?;
        Some((address, Event { id, message }))
    };
    let parsed = parsed();
    if parsed.is_none() {
        tracing::warn!("a row of goatherd_event that is no event was passed over");
    }
    Ok(parsed)
}
