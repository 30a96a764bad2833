//! What follows from what a back-end has read: where an entity is, and whether it may be removed.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::backend::{EntityFault, Found, Reach, Removal, Target};
use super::config::{Constant, EntityType, TimeForm};
use crate::store::StoreError;

/// A row of the application's table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) organisation: Option<i64>,
    /// Whether it bears the mark: the configured constant, or a time that is not what stood there before.
    pub(super) marked: bool,
}

/// Where an entity is, from its row and from the organisation that the bin has it under.
pub(super) fn locate(row: Option<Row>, bin: Option<Option<i64>>, reach: Reach) -> Found {
    match (row, bin) {
        (Some(row), _) if !reach.covers(row.organisation) => Found::Nowhere,
        (None, Some(organisation)) if !reach.covers(organisation) => Found::Nowhere,
        (None, None) => Found::Nowhere,
        (None, Some(_)) => Found::Gone,
        (Some(_), None) => Found::Live,
        (Some(row), Some(_)) if row.marked => Found::InBin,
        (Some(_), Some(_)) => Found::Unmarked,
    }
}

/// What there is of an entity, with values of its mark as the back-end has them.
pub(super) struct Seen<V> {
    pub(super) found: Found,
    pub(super) organisation: Option<i64>,
    /// The mark as it is.
    pub(super) mark: V,
    /// The mark as it was before it was deleted.
    pub(super) before: V,
    pub(super) expires_at_ms: i64,
}

/// What the bin has of an entity.
pub(super) struct Binned<V> {
    pub(super) organisation: Option<i64>,
    pub(super) before: V,
    pub(super) expires_at_ms: i64,
}

/// What is done to a row of the application's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Touch {
    Row,
    /// It is as it should be, or not there.
    Nothing,
}

impl<V: Default> Seen<V> {
    /// From a row and its mark, and from the bin.
    pub(super) fn of(row: Option<(Row, V)>, bin: Option<Binned<V>>, reach: Reach) -> Self {
        let binned_for = bin.as_ref().map(|bin| bin.organisation);
        let there = row.as_ref().map(|(row, _)| *row);
        let (before, expires_at_ms) = match bin {
            Some(bin) => (bin.before, bin.expires_at_ms),
            None => (V::default(), i64::MAX),
        };
        Self {
            found: locate(there, binned_for, reach),
            organisation: there.map_or(binned_for.flatten(), |row| row.organisation),
            mark: row.map(|(_, mark)| mark).unwrap_or_default(),
            before,
            expires_at_ms,
        }
    }

    /// Whether it can be deleted softly.
    pub(super) fn to_delete(&self) -> Result<(), EntityFault> {
        match self.found {
            Found::Live => Ok(()),
            elsewhere => Err(EntityFault::Elsewhere(elsewhere)),
        }
    }

    /// What restoring it does to its row.
    pub(super) fn to_restore(&self) -> Result<Touch, EntityFault> {
        match self.found {
            Found::InBin => Ok(Touch::Row),
            Found::Unmarked => Ok(Touch::Nothing),
            elsewhere => Err(EntityFault::Elsewhere(elsewhere)),
        }
    }

    /// What removing it for this reason does to its row.
    pub(super) fn to_remove(&self, why: Removal) -> Result<Touch, EntityFault> {
        match self.found {
            found if !why.applies(found, self.expires_at_ms) => Err(EntityFault::Elsewhere(found)),
            Found::Gone => Ok(Touch::Nothing),
            _ => Ok(Touch::Row),
        }
    }
}

/// A back-end's plan for each of the application's entity types.
pub(super) struct Plans<P>(pub(super) BTreeMap<String, P>);

impl<P> Plans<P> {
    /// The plan for a type that the back-end was opened with.
    pub(super) fn of(&self, entity_type: &EntityType) -> Result<&P, EntityFault> {
        self.0.get(&entity_type.name).ok_or_else(|| {
            let problem = format!("it was opened without {:?}", entity_type.name);
            StoreError::Unavailable(problem).into()
        })
    }
}

impl Target<'_> {
    /// The reach, which means nothing where entities belong to no organisation.
    pub(super) fn reach(&self) -> Reach {
        match self.entity_type.organisation {
            Some(_) => self.reach,
            None => Reach::Everywhere,
        }
    }

    /// How long the entity stays in the bin.
    pub(super) fn retention_ms(&self) -> i64 {
        i64::try_from(self.entity_type.retention().as_millis()).unwrap_or(i64::MAX)
    }
}

impl Reach {
    /// Whether an entity of this organisation is within reach. One of no organisation is nobody's, and a call without an
    /// organisation reaches nothing that belongs to one: the same as for a plugin's own queries.
    pub(super) fn covers(self, organisation: Option<i64>) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Organisation(own) => own.is_some() && own == organisation,
        }
    }
}

impl Removal {
    /// Whether an entity that is there, and whose time in the bin ends then, is to be removed.
    pub(super) fn applies(self, found: Found, expires_at_ms: i64) -> bool {
        match self {
            Self::Wanted => found != Found::Nowhere,
            Self::Expired { now_ms } => {
                matches!(found, Found::InBin | Found::Gone) && expires_at_ms <= now_ms
            }
        }
    }
}

/// A point in time as the application wants it.
pub(super) fn time(form: TimeForm, at_ms: i64) -> Constant {
    match form {
        TimeForm::Seconds => Constant::Integer(at_ms.div_euclid(1_000)),
        TimeForm::Milliseconds => Constant::Integer(at_ms),
        TimeForm::Timestamp => {
            let time = Timestamp::from_millisecond(at_ms).unwrap_or_default();
            Constant::Text(format!("{time:.3}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_the_form_that_was_asked_for() {
        let at = 1_795_180_362_007;
        assert_eq!(
            time(TimeForm::Timestamp, at),
            Constant::Text("2026-11-20T13:12:42.007Z".to_owned())
        );
        assert_eq!(
            time(TimeForm::Seconds, at),
            Constant::Integer(1_795_180_362)
        );
        assert_eq!(time(TimeForm::Milliseconds, at), Constant::Integer(at));
    }

    #[test]
    fn whose_row_is_out_of_reach_is_nowhere_whatever_the_bin_says() {
        let row = Some(Row {
            organisation: Some(2),
            marked: true,
        });
        let one = Reach::Organisation(Some(1));
        assert_eq!(locate(row, Some(Some(1)), one), Found::Nowhere);
        assert_eq!(locate(row, None, Reach::Organisation(None)), Found::Nowhere);
        assert_eq!(locate(None, Some(Some(2)), one), Found::Nowhere);
        assert_eq!(
            locate(None, Some(None), Reach::Organisation(None)),
            Found::Nowhere
        );
        assert_eq!(locate(None, Some(Some(1)), one), Found::Gone);
        assert_eq!(locate(row, None, Reach::Everywhere), Found::Live);
    }

    #[test]
    fn the_purge_leaves_alone_what_bears_no_mark_or_is_not_over() {
        let purge = Removal::Expired { now_ms: 10 };
        assert!(purge.applies(Found::InBin, 10) && purge.applies(Found::Gone, 9));
        assert!(!purge.applies(Found::InBin, 11));
        assert!(!purge.applies(Found::Unmarked, 0) && !purge.applies(Found::Live, 0));
        assert!(Removal::Wanted.applies(Found::Live, i64::MAX));
        assert!(!Removal::Wanted.applies(Found::Nowhere, 0));
    }
}
