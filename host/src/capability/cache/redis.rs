//! The shared cache: in a Redis server that all nodes of an installation use.
//!
//! What one plugin keeps is in four keys of Redis, which are named after it: a hash with its values, and the books on
//! them. A plugin's keys are fields of that hash and no part of any name in Redis, so that no spelling of a key reaches
//! another plugin's or anything else in the server. Each operation is one script, which Redis runs as a whole: the books
//! are right however many nodes write at a time, and a quota is one quota for all nodes.
//!
//! A new entry is always taken, unless it alone is over the quota; what expired makes room first, then the plugin's own
//! least recently used entries. Should somebody else, such as Redis itself when its memory is full, take one of the four
//! keys away, the plugin's cache starts over empty instead of being counted wrongly. When nothing in it is meant to stay
//! for ever, Redis drops all of it after the last entry expired, also if the plugin never comes back.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use redis::aio::MultiplexedConnection;
use redis::{Cmd, ErrorKind, FromRedisValue, ServerErrorKind};

use super::backend::{Cache, IncrementError, Keys, PART, PluginCache, Unavailable};
use crate::contract::PluginName;
use crate::store::{RedisFailure, RedisStore};

/// What an entry costs beside its key and value.
const OVERHEAD: usize = 64;
/// The store's own patience ends well before this, and the deadline of a plugin's call is watched by the runtime.
const LONGEST: Duration = Duration::from_secs(60);

/// A cache in Redis. A plugin that is loaded again, also on another node, finds what it left.
///
/// Its keys in Redis all begin with `PREFIX:cache:`, which is what a user of Redis with limited rights needs.
#[derive(Debug, Clone)]
pub struct RedisCache {
    store: RedisStore,
    prefix: String,
    quota: u64,
}

impl RedisCache {
    /// A cache in which each plugin may keep `quota` bytes of keys and values. Installations that share a server have
    /// prefixes of their own, such as `goatherd`; nodes of one installation have the same prefix and the same quota.
    pub fn new(store: RedisStore, prefix: impl Into<String>, quota: u64) -> Self {
        Self {
            store,
            prefix: prefix.into(),
            quota,
        }
    }
}

impl Cache for RedisCache {
    fn open(&self, plugin: &PluginName) -> Arc<dyn PluginCache> {
        // The braces keep a plugin's four keys together where Redis spreads keys over servers.
        let key = |part| format!("{}:cache:{{{plugin}}}:{part}", self.prefix);
        Arc::new(PluginRedis {
            store: self.store.clone(),
            keys: [key("values"), key("used"), key("expires"), key("books")],
            quota: self.quota,
        })
    }
}

struct PluginRedis {
    store: RedisStore,
    keys: [String; 4],
    quota: u64,
}

/// What every script begins with. Times are Redis's own, in milliseconds.
const BOOKS: &str = r"
local values, used, expires, books = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local key, overhead = ARGV[1], tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function forget(key)
    local bytes = #key + redis.call('HSTRLEN', values, key) + overhead
    if redis.call('HDEL', values, key) == 1 then
        redis.call('HINCRBY', books, 'bytes', -bytes)
    end
    redis.call('ZREM', used, key)
    if redis.call('ZREM', expires, key) == 1 then
        redis.call('HINCRBY', books, 'expiring', -1)
    end
end

local function touch(key)
    redis.call('ZADD', used, redis.call('HINCRBY', books, 'clock', 1), key)
end

local entries = redis.call('HLEN', values)
if entries ~= redis.call('ZCARD', used)
    or redis.call('ZCARD', expires) ~= tonumber(redis.call('HGET', books, 'expiring') or 0)
    or entries > 0 and not redis.call('HGET', books, 'bytes')
then
    redis.call('UNLINK', values, used, expires, books)
end
";

const GET: &str = r"
local due = redis.call('ZSCORE', expires, key)
if due and tonumber(due) <= now then
    forget(key)
    return false
end
local value = redis.call('HGET', values, key)
if value then
    touch(key)
end
return value
";

/// What every script that writes goes on with.
const WRITING: &str = r"
local quota = tonumber(ARGV[3])

local function expired()
    local gone = redis.call('ZRANGEBYSCORE', expires, '-inf', now, 'LIMIT', 0, 100)
    for _, old in ipairs(gone) do
        forget(old)
    end
    return #gone > 0
end

local function make_room(bytes)
    local function kept()
        return tonumber(redis.call('HGET', books, 'bytes') or 0)
    end
    while kept() + bytes > quota do
        if not expired() then
            local oldest = redis.call('ZRANGE', used, 0, 0)[1]
            if not oldest then
                break
            end
            forget(oldest)
        end
    end
end

local function put(value, lifetime)
    forget(key)
    local bytes = #key + #value + overhead
    if bytes > quota then
        return
    end
    expired()
    make_room(bytes)
    redis.call('HSET', values, key, value)
    redis.call('HINCRBY', books, 'bytes', bytes)
    touch(key)
    if lifetime > 0 then
        redis.call('ZADD', expires, now + lifetime, key)
        redis.call('HINCRBY', books, 'expiring', 1)
    end
    local last = redis.call('ZREVRANGE', expires, 0, 0, 'WITHSCORES')[2]
    local all = redis.call('ZCARD', expires) == redis.call('HLEN', values)
    for _, name in ipairs(KEYS) do
        if all then
            redis.call('PEXPIREAT', name, last)
        else
            redis.call('PERSIST', name)
        end
    end
end

local function present()
    local due = redis.call('ZSCORE', expires, key)
    if due and tonumber(due) <= now then
        forget(key)
        return false
    end
    return redis.call('HGET', values, key)
end
";

const SET: &str = "put(ARGV[4], tonumber(ARGV[5]))";

const DELETE: &str = "forget(key)";

/// The number is added by Redis itself: one of Lua's has 53 bits.
const INCREMENT: &str = r"
local by = ARGV[4]
local before = present()
if not before then
    put(by, tonumber(ARGV[5]))
    return {'sum', by}
end
local canonical = before == '0' or string.match(before, '^-?[1-9]%d*$')
if not canonical or type(redis.pcall('HINCRBY', values, key, 0)) ~= 'number' then
    return {'no number', ''}
end
if type(redis.pcall('HINCRBY', values, key, by)) ~= 'number' then
    return {'overflow', ''}
end
local sum = redis.call('HGET', values, key)
redis.call('HINCRBY', books, 'bytes', #sum - #before)
touch(key)
make_room(0)
return {'sum', sum}
";

const COMPARE_AND_SET: &str = r"
local before = present()
local expected = ARGV[5] == '1' and ARGV[6]
if before ~= expected then
    return 0
end
if ARGV[7] == '1' then
    put(ARGV[8], tonumber(ARGV[4]))
else
    forget(key)
end
return 1
";

/// The names come from the books on uses, which are scanned without their values. Redis walks through them in pieces and
/// serves others in between.
const KEYS: &str = r"
local scanned = redis.call('ZSCAN', used, ARGV[3], 'MATCH', ARGV[4], 'COUNT', ARGV[5])
local found = {}
for place = 1, #scanned[2], 2 do
    local name = scanned[2][place]
    local due = redis.call('ZSCORE', expires, name)
    if not due or tonumber(due) > now then
        found[#found + 1] = name
    end
end
return {scanned[1], found}
";

/// A script and its hash, by which Redis knows those that it has run before.
struct Known {
    code: String,
    hash: String,
}

struct Scripts {
    get: Known,
    set: Known,
    delete: Known,
    increment: Known,
    compare_and_set: Known,
    keys: Known,
}

static SCRIPTS: LazyLock<Scripts> = LazyLock::new(|| {
    let known = |code: &str| {
        let code = format!("{BOOKS}{code}");
        let hash = redis::Script::new(&code).get_hash().to_owned();
        Known { code, hash }
    };
    Scripts {
        get: known(GET),
        set: known(&format!("{WRITING}{SET}")),
        delete: known(DELETE),
        increment: known(&format!("{WRITING}{INCREMENT}")),
        compare_and_set: known(&format!("{WRITING}{COMPARE_AND_SET}")),
        keys: known(KEYS),
    }
});

impl PluginRedis {
    /// Runs a script by its hash, or by its text if the server has forgotten it, as one that was restarted has.
    async fn run<T: FromRedisValue>(
        &self,
        script: &Known,
        key: &str,
        more: impl Fn(&mut Cmd),
    ) -> Result<T, Unavailable> {
        let command = |name: &str, script: &str| {
            let mut command = redis::cmd(name);
            command.arg(script).arg(self.keys.len()).arg(&self.keys[..]);
            command.arg(key).arg(OVERHEAD);
            more(&mut command);
            command
        };
        let run = |mut connection: MultiplexedConnection| async move {
            let known = command("EVALSHA", &script.hash);
            match known.query_async(&mut connection).await {
                Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                    let whole = command("EVAL", &script.code);
                    whole.query_async(&mut connection).await
                }
                answer => answer,
            }
        };
        let done = self.store.run(Instant::now() + LONGEST, run).await;
        done.map_err(Unavailable::from)
    }
}

impl From<RedisFailure> for Unavailable {
    fn from(failure: RedisFailure) -> Self {
        Self(failure.to_string())
    }
}

#[async_trait]
impl PluginCache for PluginRedis {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        self.run(&SCRIPTS.get, key, |_| {}).await
    }

    async fn set(
        &self,
        key: &str,
        value: Vec<u8>,
        ttl: Option<Duration>,
    ) -> Result<(), Unavailable> {
        let more = |command: &mut Cmd| {
            command.arg(self.quota).arg(&value[..]).arg(lifetime(ttl));
        };
        self.run(&SCRIPTS.set, key, more).await
    }

    async fn delete(&self, key: &str) -> Result<(), Unavailable> {
        self.run(&SCRIPTS.delete, key, |_| {}).await
    }

    async fn increment(
        &self,
        key: &str,
        by: i64,
        ttl: Option<Duration>,
    ) -> Result<i64, IncrementError> {
        let more = |command: &mut Cmd| {
            command.arg(self.quota).arg(by).arg(lifetime(ttl));
        };
        let (ended, sum): (String, String) = self.run(&SCRIPTS.increment, key, more).await?;
        match ended.as_str() {
            "sum" => sum.parse().map_err(|_| IncrementError::NotANumber),
            "overflow" => Err(IncrementError::Overflow),
            _ => Err(IncrementError::NotANumber),
        }
    }

    async fn compare_and_set(
        &self,
        key: &str,
        expected: Option<Vec<u8>>,
        new: Option<Vec<u8>>,
        ttl: Option<Duration>,
    ) -> Result<bool, Unavailable> {
        let more = |command: &mut Cmd| {
            command.arg(self.quota).arg(lifetime(ttl));
            for value in [&expected, &new] {
                command.arg(u8::from(value.is_some()));
                command.arg(value.as_deref().unwrap_or_default());
            }
        };
        self.run(&SCRIPTS.compare_and_set, key, more).await
    }

    async fn keys(&self, beginnings: &[String], after: Option<u64>) -> Result<Keys, Unavailable> {
        let pattern = format!("{}*", literally(common(beginnings)));
        let mut cursor = after.unwrap_or_default();
        loop {
            let more = |command: &mut Cmd| {
                command.arg(cursor).arg(&pattern).arg(PART);
            };
            let (next, mut keys): (u64, Vec<String>) = self.run(&SCRIPTS.keys, "", more).await?;
            keys.retain(|key| {
                beginnings
                    .iter()
                    .any(|beginning| key.starts_with(beginning))
            });
            if next == 0 || !keys.is_empty() {
                let next = (next > 0).then_some(next);
                return Ok(Keys { keys, next });
            }
            cursor = next;
        }
    }
}

/// What all of these begin with.
fn common(texts: &[String]) -> &str {
    let Some((first, others)) = texts.split_first() else {
        return "";
    };
    let mut common = first.as_str();
    for other in others {
        let pairs = common.chars().zip(other.chars());
        let same = pairs.take_while(|(one, other)| one == other);
        let bytes = same.map(|(char, _)| char.len_utf8()).sum();
        common = common.get(..bytes).unwrap_or_default();
    }
    common
}

/// A pattern of Redis that matches this text and nothing else.
fn literally(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for char in text.chars() {
        if matches!(char, '*' | '?' | '[' | ']' | '\\') {
            pattern.push('\\');
        }
        pattern.push(char);
    }
    pattern
}

/// Milliseconds; 0 is for ever.
fn lifetime(ttl: Option<Duration>) -> u64 {
    let milliseconds = ttl.map_or(0, |ttl| ttl.as_millis().max(1));
    u64::try_from(milliseconds).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{common, literally};

    #[test]
    fn a_beginning_is_scanned_for_as_it_is_written() {
        assert_eq!(literally(r"a*[b]?\ü"), r"a\*\[b\]\?\\ü");
    }

    #[test]
    fn several_beginnings_are_scanned_for_by_what_they_have_in_common() {
        let common = |texts: &[&str]| {
            let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
            common(&texts).to_owned()
        };
        assert_eq!(common(&["stats:"]), "stats:");
        assert_eq!(common(&["stats:a", "stats:b:", "stats:"]), "stats:");
        assert_eq!(common(&["ü", "ö"]), "");
        assert_eq!(common(&[]), "");
    }
}
