//! What follows from what a back-end has read: where an entity is, and whether it may be removed.

use jiff::Timestamp;

use super::backend::{Found, Reach, Removal};
use super::config::{Constant, Mark, TimeForm};

/// A row of the application's table, with its mark as the back-end compares it.
pub(super) struct Row<M> {
    pub(super) organisation: Option<i64>,
    pub(super) mark: M,
    /// Whether the mark is the configured constant; means nothing where the mark is a time.
    pub(super) is_constant: bool,
}

/// Where an entity is, from its row and from the organisation and the former mark in the bin.
pub(super) fn place<M: PartialEq>(
    row: Option<&Row<M>>,
    bin: Option<(Option<i64>, &M)>,
    reach: Reach,
    mark: &Mark,
) -> Found {
    match (row, bin) {
        (Some(row), _) if !reach.covers(row.organisation) => Found::Nowhere,
        (None, Some((organisation, _))) if !reach.covers(organisation) => Found::Nowhere,
        (None, None) => Found::Nowhere,
        (None, Some(_)) => Found::Gone,
        (Some(_), None) => Found::Live,
        (Some(row), Some((_, before))) => {
            let marked = match mark {
                Mark::Constant(_) => row.is_constant,
                Mark::Now(_) => row.mark != *before,
            };
            if marked {
                Found::InBin
            } else {
                Found::Unmarked
            }
        }
    }
}

impl Reach {
    /// Whether an entity of this organisation is within reach.
    pub(super) fn covers(self, organisation: Option<i64>) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Organisation(own) => own == organisation,
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
        assert_eq!(time(TimeForm::Seconds, at), Constant::Integer(1_795_180_362));
        assert_eq!(time(TimeForm::Milliseconds, at), Constant::Integer(at));
    }

    #[test]
    fn whose_row_is_out_of_reach_is_nowhere_whatever_the_bin_says() {
        let row = Row {
            organisation: Some(2),
            mark: 1,
            is_constant: true,
        };
        let mark = Mark::Constant(Constant::Integer(1));
        let one = Reach::Organisation(Some(1));
        assert_eq!(place(Some(&row), Some((Some(1), &0)), one, &mark), Found::Nowhere);
        assert_eq!(place(Some(&row), None, Reach::Organisation(None), &mark), Found::Nowhere);
        assert_eq!(place(None, Some((Some(2), &0)), one, &mark), Found::Nowhere);
        assert_eq!(place(None, Some((Some(1), &0)), one, &mark), Found::Gone);
        assert_eq!(place(Some(&row), None, Reach::Everywhere, &mark), Found::Live);
    }
}
