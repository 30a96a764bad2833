//! Queries in PostgreSQL.
//!
//! As in SQLite, the filter with the fewest entries leads, which is found out by counting up to a few, then up to some
//! more. What it finds is fetched in batches, and for each batch the values of the other filters' fields in one statement.
//! The planner is told not to compile statements and not to collect what it finds before it returns the first of it:
//! nothing here is ever read to its end if there is much of it.

use std::collections::{BTreeSet, HashMap};

use tokio_postgres::types::ToSql;
use tokio_postgres::{IsolationLevel, Transaction};

use crate::capability::custom_fields::backend::{FOUND, FieldsError, Filter, Organisation};
use crate::capability::custom_fields::condition::{Index, Search, Test};
use crate::store::PostgresSession;

/// Up to how many entries of each filter are counted, one time after the other.
const COUNTED: [i64; 3] = [64, 2_048, 65_536];
/// How many entries are fetched at a time.
const BATCH: i32 = 2_000;

const SETTINGS: &str = "SET LOCAL jit = off; SET LOCAL enable_bitmapscan = off";
const VALUES: &str = "SELECT entity_id, field_id, value FROM goatherd_custom_value \
     WHERE entity_id = ANY ($1) AND field_id = ANY ($2) AND organisation = $3";

/// Statements that walk through ranges of keys.
struct Walk {
    count: &'static str,
    find: &'static str,
}

/// `OFFSET 0` makes the planner look for each range by itself.
const WALK_VALUES: Walk = Walk {
    count: "SELECT count(*) FROM (SELECT 1 FROM unnest($3::bytea[], $4::bytea[]) AS r (low, high) \
         CROSS JOIN LATERAL (SELECT 1 FROM goatherd_custom_value \
             WHERE field_id = $1 AND organisation = $2 AND key >= r.low AND key < r.high OFFSET 0) v LIMIT $5) n",
    find: "SELECT v.entity_id, v.key FROM unnest($3::bytea[], $4::bytea[]) AS r (low, high) \
         CROSS JOIN LATERAL (SELECT entity_id, key FROM goatherd_custom_value \
             WHERE field_id = $1 AND organisation = $2 AND key >= r.low AND key < r.high OFFSET 0) v",
};
const WALK_CHOICES: Walk = Walk {
    count: "SELECT count(*) FROM (SELECT 1 FROM unnest($3::bytea[], $4::bytea[]) AS r (low, high) \
         CROSS JOIN LATERAL (SELECT 1 FROM goatherd_custom_choice \
             WHERE field_id = $1 AND organisation = $2 AND key >= r.low AND key < r.high OFFSET 0) v LIMIT $5) n",
    find: "SELECT v.entity_id, v.key FROM unnest($3::bytea[], $4::bytea[]) AS r (low, high) \
         CROSS JOIN LATERAL (SELECT entity_id, key FROM goatherd_custom_choice \
             WHERE field_id = $1 AND organisation = $2 AND key >= r.low AND key < r.high OFFSET 0) v",
};

/// A filter with what it takes to run it.
struct Part<'a> {
    filter: &'a Filter,
    field_id: i64,
    low: Vec<Vec<u8>>,
    high: Vec<Vec<u8>>,
    walk: Walk,
    test: Test,
}

impl<'a> Part<'a> {
    fn new(filter: &'a Filter, field_id: i64) -> Self {
        let Search {
            index,
            ranges,
            test,
        } = filter.condition.search();
        let (low, high) = ranges.into_iter().unzip();
        Self {
            filter,
            field_id,
            low,
            high,
            walk: match index {
                Index::Values => WALK_VALUES,
                Index::Choices => WALK_CHOICES,
            },
            test,
        }
    }
}

/// The entities for which all filters hold.
pub(super) async fn query(
    session: &mut PostgresSession,
    organisation: Organisation,
    filters: &[Filter],
) -> Result<Vec<i64>, FieldsError> {
    let transaction = session
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .read_only(true)
        .start()
        .await?;
    transaction.batch_execute(SETTINGS).await?;
    let organisation = organisation.to_string();
    let fields: Vec<_> = filters.iter().map(|filter| filter.field.clone()).collect();
    let ids = super::ids(&transaction, &fields, super::FIELDS).await?;
    let mut parts: Vec<_> = filters
        .iter()
        .zip(ids)
        .map(|(filter, id)| Part::new(filter, id))
        .collect();
    let leading = match parts.len() {
        1 => 0,
        _ => fewest(&transaction, &organisation, &parts).await?,
    };
    let leader = parts.swap_remove(leading);
    let statement = transaction.prepare(leader.walk.find).await?;
    let params: [&(dyn ToSql + Sync); 4] =
        [&leader.field_id, &organisation, &leader.low, &leader.high];
    let portal = transaction.bind(&statement, &params).await?;
    let mut found = BTreeSet::new();
    loop {
        let rows = transaction.query_portal(&portal, BATCH).await?;
        let last = i32::try_from(rows.len()).is_ok_and(|count| count < BATCH);
        let (mut sure, mut unsure) = (BTreeSet::new(), BTreeSet::new());
        for row in rows {
            let id: i64 = row.try_get(0)?;
            let holds = match leader.test {
                Test::None => Some(true),
                Test::Key => leader.filter.condition.holds_for_key(row.try_get(1)?),
                Test::Value => None,
            };
            match holds {
                _ if found.contains(&id) => false,
                Some(true) => sure.insert(id),
                Some(false) => false,
                None => unsure.insert(id),
            };
        }
        let mut tests: Vec<&Part<'_>> = parts.iter().collect();
        found.extend(satisfying(&transaction, &organisation, &tests, sure).await?);
        tests.push(&leader);
        found.extend(satisfying(&transaction, &organisation, &tests, unsure).await?);
        if found.len() > FOUND {
            return Err(FieldsError::TooMany);
        }
        if last {
            return Ok(found.into_iter().collect());
        }
    }
}

/// The filter with the fewest entries, as far as that matters.
async fn fewest(
    transaction: &Transaction<'_>,
    organisation: &str,
    parts: &[Part<'_>],
) -> Result<usize, FieldsError> {
    for limit in COUNTED {
        for (index, part) in parts.iter().enumerate() {
            let row = transaction
                .query_one(
                    part.walk.count,
                    &[&part.field_id, &organisation, &part.low, &part.high, &limit],
                )
                .await?;
            let count: i64 = row.try_get(0)?;
            if count < limit {
                return Ok(index);
            }
        }
    }
    Ok(0)
}

/// Those of some entities for which all these filters hold.
async fn satisfying(
    transaction: &Transaction<'_>,
    organisation: &str,
    parts: &[&Part<'_>],
    candidates: BTreeSet<i64>,
) -> Result<BTreeSet<i64>, FieldsError> {
    if parts.is_empty() || candidates.is_empty() {
        return Ok(candidates);
    }
    let ids: Vec<i64> = candidates.into_iter().collect();
    let fields: BTreeSet<i64> = parts.iter().map(|part| part.field_id).collect();
    let fields: Vec<i64> = fields.into_iter().collect();
    let rows = transaction
        .query(VALUES, &[&ids, &fields, &organisation])
        .await?;
    let mut texts: HashMap<(i64, i64), String> = HashMap::with_capacity(rows.len());
    for row in rows {
        let key = (row.try_get(0)?, row.try_get(1)?);
        texts.insert(key, row.try_get(2)?);
    }
    let mut satisfying = BTreeSet::new();
    for id in ids {
        let mut all = true;
        for part in parts {
            // Several filters can ask for one field.
            let Some(text) = texts.get(&(id, part.field_id)) else {
                all = false;
                break;
            };
            let value = super::read(&part.filter.field, text.clone())?;
            if !part.filter.condition.holds(&value) {
                all = false;
                break;
            }
        }
        if all {
            satisfying.insert(id);
        }
    }
    Ok(satisfying)
}
