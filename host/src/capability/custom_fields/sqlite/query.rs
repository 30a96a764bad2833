//! Queries in SQLite.
//!
//! One filter leads: its ranges of keys are walked through, and for each entity found there the values of the other
//! filters' fields are looked up and tested. The one that leads is the one that has the fewest entries, which is found
//! out by counting: all filters up to a few, then up to some more, until one has fewer. So a query costs little more than
//! its most selective filter, whatever the others have, and no statement is left to the planner's guesses.

use std::collections::BTreeSet;
use std::time::Instant;

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::capability::custom_fields::backend::{FOUND, FieldsError, Filter, Organisation};
use crate::capability::custom_fields::condition::{Index, Search, Test};
use crate::store::StoreError;

/// Up to how many entries of each filter are counted, one time after the other.
const COUNTED: [i64; 4] = [16, 256, 4_096, 65_536];

pub(super) const COUNT_VALUES: &str = "SELECT count(*) FROM (SELECT 1 FROM goatherd_custom_value \
     WHERE field_id = ?1 AND organisation = ?2 AND key >= ?3 AND key < ?4 LIMIT ?5)";
pub(super) const COUNT_CHOICES: &str = "SELECT count(*) FROM (SELECT 1 FROM goatherd_custom_choice \
     WHERE field_id = ?1 AND organisation = ?2 AND key >= ?3 AND key < ?4 LIMIT ?5)";
pub(super) const FIND_VALUES: &str = "SELECT entity_id, key FROM goatherd_custom_value \
     WHERE field_id = ?1 AND organisation = ?2 AND key >= ?3 AND key < ?4";
pub(super) const FIND_CHOICES: &str = "SELECT entity_id, key FROM goatherd_custom_choice \
     WHERE field_id = ?1 AND organisation = ?2 AND key >= ?3 AND key < ?4";

/// A filter with what it takes to run it.
struct Part<'a> {
    filter: &'a Filter,
    field_id: i64,
    search: Search,
}

/// The entities for which all filters hold.
pub(super) fn query(
    transaction: &Connection,
    organisation: Organisation,
    filters: &[Filter],
    deadline: Instant,
) -> Result<Vec<i64>, FieldsError> {
    let organisation = organisation.to_string();
    let mut parts = Vec::with_capacity(filters.len());
    for filter in filters {
        let field_id = super::ids(transaction, std::slice::from_ref(&filter.field))?;
        for field_id in field_id {
            parts.push(Part {
                filter,
                field_id,
                search: filter.condition.search(),
            });
        }
    }
    let leader = match parts.len() {
        1 => 0,
        _ => fewest(transaction, &organisation, &parts)?,
    };
    let others: Vec<&Part<'_>> = parts
        .iter()
        .enumerate()
        .filter_map(|(index, part)| (index != leader).then_some(part))
        .collect();
    let Some(leader) = parts.get(leader) else {
        return Ok(Vec::new());
    };
    let mut find = transaction.prepare_cached(match leader.search.index {
        Index::Values => FIND_VALUES,
        Index::Choices => FIND_CHOICES,
    })?;
    let mut found = BTreeSet::new();
    for (from, to) in &leader.search.ranges {
        let mut rows = find.query(params![leader.field_id, organisation, from, to])?;
        while let Some(row) = rows.next()? {
            if Instant::now() >= deadline {
                return Err(StoreError::TimedOut.into());
            }
            let id: i64 = row.get(0)?;
            let holds = match leader.search.test {
                Test::None => true,
                Test::Key => {
                    let key = row.get_ref(1)?.as_blob().unwrap_or_default();
                    match leader.filter.condition.holds_for_key(key) {
                        Some(holds) => holds,
                        None => holds(transaction, &organisation, leader, id)?,
                    }
                }
                Test::Value => holds(transaction, &organisation, leader, id)?,
            };
            if !holds || found.contains(&id) || !all_hold(transaction, &organisation, &others, id)?
            {
                continue;
            }
            found.insert(id);
            if found.len() > FOUND {
                return Err(FieldsError::TooMany);
            }
        }
    }
    Ok(found.into_iter().collect())
}

/// The filter with the fewest entries, as far as that matters.
fn fewest(
    transaction: &Connection,
    organisation: &str,
    parts: &[Part<'_>],
) -> Result<usize, FieldsError> {
    for limit in COUNTED {
        for (index, part) in parts.iter().enumerate() {
            if count(transaction, organisation, part, limit)? < limit {
                return Ok(index);
            }
        }
    }
    Ok(0)
}

fn count(
    transaction: &Connection,
    organisation: &str,
    part: &Part<'_>,
    limit: i64,
) -> Result<i64, FieldsError> {
    let mut statement = transaction.prepare_cached(match part.search.index {
        Index::Values => COUNT_VALUES,
        Index::Choices => COUNT_CHOICES,
    })?;
    let mut counted = 0;
    for (from, to) in &part.search.ranges {
        let left = limit - counted;
        let more: i64 = statement.query_row(
            params![part.field_id, organisation, from, to, left],
            |row| row.get(0),
        )?;
        counted += more;
        if counted >= limit {
            break;
        }
    }
    Ok(counted)
}

fn all_hold(
    transaction: &Connection,
    organisation: &str,
    parts: &[&Part<'_>],
    id: i64,
) -> Result<bool, FieldsError> {
    for part in parts {
        if !holds(transaction, organisation, part, id)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn holds(
    transaction: &Connection,
    organisation: &str,
    part: &Part<'_>,
    id: i64,
) -> Result<bool, FieldsError> {
    let text: Option<String> = transaction
        .prepare_cached(super::VALUE)?
        .query_row(params![id, part.field_id, organisation], |row| row.get(0))
        .optional()?;
    let Some(text) = text else {
        return Ok(false);
    };
    let value = super::read(&part.filter.field, text)?;
    Ok(part.filter.condition.holds(&value))
}
