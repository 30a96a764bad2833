//! How a plugin's statement reads a table that organisations own: by which index, in which order, under which conditions.
//!
//! The engine asks once for each way in which it could use the table, with the conditions that the statement has on its
//! columns. The answer is a statement of the host's own, which always has the organisation in its condition and never an
//! expression of the plugin's: those are computed on what it returns. It is decided by the schema alone and never by
//! what is in the tables, so rows of other organisations change neither a plan nor the order of rows. Every condition
//! that is passed on is checked again by the engine, so it may let through too much and must not let through too little.

use rusqlite::vtab::IndexConstraintOp;

use super::super::text::identifier;
use super::shape::{Affinity, Index, IndexColumn, Key, Shape, is_known};

/// A comparison of a column with a value that is known before the table is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Is,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    IsNull,
    IsNotNull,
}

impl Comparison {
    /// None for those that help no index.
    pub(super) fn of(operator: &IndexConstraintOp) -> Option<Self> {
        use IndexConstraintOp as Op;
        Some(match operator {
            Op::SQLITE_INDEX_CONSTRAINT_EQ => Self::Equal,
            Op::SQLITE_INDEX_CONSTRAINT_IS => Self::Is,
            Op::SQLITE_INDEX_CONSTRAINT_GT => Self::Greater,
            Op::SQLITE_INDEX_CONSTRAINT_GE => Self::GreaterOrEqual,
            Op::SQLITE_INDEX_CONSTRAINT_LT => Self::Less,
            Op::SQLITE_INDEX_CONSTRAINT_LE => Self::LessOrEqual,
            Op::SQLITE_INDEX_CONSTRAINT_ISNULL => Self::IsNull,
            Op::SQLITE_INDEX_CONSTRAINT_ISNOTNULL => Self::IsNotNull,
            _ => return None,
        })
    }

    fn sql(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::Is => "IS",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::IsNull => "IS NULL",
            Self::IsNotNull => "IS NOT NULL",
        }
    }

    fn takes_value(self) -> bool {
        !matches!(self, Self::IsNull | Self::IsNotNull)
    }

    fn is_equality(self) -> bool {
        matches!(self, Self::Equal | Self::Is | Self::IsNull)
    }

    fn is_range(self) -> bool {
        !self.is_equality() && self != Self::IsNotNull
    }
}

/// A condition of the statement on one column.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    /// Its place among the engine's.
    pub(super) at: usize,
    /// The column; none for the row id.
    pub(super) column: Option<usize>,
    pub(super) comparison: Comparison,
    pub(super) collation: String,
}

/// What the statement wants of the table.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) conditions: Vec<Condition>,
    /// Column or row id, and whether descending.
    pub(super) order: Vec<(Option<usize>, bool)>,
    /// A bit for each column that is used, the last one for all from the 64th on.
    pub(super) used: u64,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) plan: Plan,
    /// The places of the conditions whose values the statement takes, in its order.
    pub(super) values: Vec<usize>,
    pub(super) rows: i64,
    pub(super) is_ordered: bool,
    pub(super) is_unique: bool,
}

/// What a cursor needs of it, which the engine carries to it as text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Plan {
    /// The columns that are read, as [`Wanted::used`].
    pub(super) used: u64,
    /// The values, by bits, with which the column must be compared as text for the index to be of use.
    pub(super) texts: u64,
    /// The statement. Its first parameter is the organisation.
    pub(super) narrow: String,
    /// The same without the plugin's conditions.
    pub(super) wide: String,
}

impl Plan {
    pub(super) fn to_text(&self) -> String {
        let Self {
            used,
            texts,
            narrow,
            wide,
        } = self;
        format!("{used:x} {texts:x} {:x} {narrow}{wide}", narrow.len())
    }

    pub(super) fn from_text(text: &str) -> Option<Self> {
        let mut parts = text.splitn(4, ' ');
        let mut number = || u64::from_str_radix(parts.next()?, 16).ok();
        let (used, texts, length) = (number()?, number()?, number()?);
        let (narrow, wide) = parts
            .next()?
            .split_at_checked(usize::try_from(length).ok()?)?;
        Some(Self {
            used,
            texts,
            narrow: narrow.to_owned(),
            wide: wide.to_owned(),
        })
    }

    /// Where among the values of a row a column is; the row id, where there is one, is before all.
    pub(super) fn place(&self, column: usize) -> usize {
        let wide = column.saturating_sub(63);
        let below = match column {
            0..63 => self.used & ((1 << column) - 1),
            _ => self.used & ((1 << 63) - 1),
        };
        1 + below.count_ones() as usize + wide
    }
}

/// Whether the column is read.
pub(super) fn is_used(used: u64, column: usize) -> bool {
    used >> column.min(63) & 1 == 1
}

/// Rows that a condition of each kind is taken to leave, whatever there is.
const ALL_ROWS: i64 = 1 << 20;
const RANGE_ROWS: i64 = 1 << 14;
const EQUAL_ROWS: [i64; 4] = [1 << 17, 100, 20, 10];

/// A way to the rows.
struct Way<'a> {
    index: Option<&'a Index>,
    /// Columns of the index that have one value, those of the plugin alone and with the organisation's.
    equal: usize,
    fixed: usize,
    has_range: bool,
    is_unique: bool,
    is_ordered: bool,
}

/// See the module.
pub(super) fn plan(shape: &Shape, wanted: &Wanted) -> Planned {
    let usable: Vec<&Condition> = wanted
        .conditions
        .iter()
        .filter(|condition| is_passed_on(shape, condition))
        .take(60)
        .collect();
    let worth = |way: &Way<'_>| {
        (
            way.is_unique,
            way.equal,
            way.has_range,
            way.fixed,
            way.is_ordered,
        )
    };
    let mut way = by_row_id(shape, &usable, wanted);
    for index in &shape.indexes {
        let other = by_index(shape, index, &usable, wanted);
        if worth(&other) > worth(&way) {
            way = other;
        }
    }
    let rows = match (way.is_unique, way.equal, way.has_range) {
        (true, ..) => 1,
        (_, 0, false) if way.fixed == 0 => ALL_ROWS,
        (_, 0, true) => RANGE_ROWS,
        (_, equal, range) => {
            EQUAL_ROWS.get(equal).copied().unwrap_or(10) / if range { 4 } else { 1 }
        }
    };
    let mut texts = 0;
    let mut values = Vec::new();
    let mut conditions = String::new();
    for condition in usable {
        let name = shape.name_of(condition.column);
        let comparison = condition.comparison;
        let column = condition.column.and_then(|at| shape.columns.get(at));
        if column.is_some_and(|column| column.affinity == Affinity::Text) {
            if comparison.takes_value() {
                texts |= 1 << values.len();
            }
            conditions += &format!(" AND {name} COLLATE {} ", condition.collation);
        } else {
            conditions += &format!(" AND {name} ");
        }
        conditions += comparison.sql();
        if comparison.takes_value() {
            values.push(condition.at);
            conditions += &format!(" ?{}", values.len() + 1);
        }
    }
    let order = if way.is_ordered {
        order(shape, wanted)
    } else {
        String::new()
    };
    let by = match way.index {
        Some(index) => format!("INDEXED BY {}", identifier(&index.name)),
        None => "NOT INDEXED".to_owned(),
    };
    let columns: String = (0..shape.columns.len())
        .filter(|column| is_used(wanted.used, *column))
        .map(|column| format!(", {}", shape.name_of(Some(column))))
        .collect();
    let select = format!(
        "SELECT {}{columns} FROM main.{}",
        shape.name_of(None),
        identifier(&shape.table)
    );
    let own = format!("WHERE {} = ?1", shape.organisation_name());
    // Without the plugin's conditions the index may be of no use, which the engine would call an error.
    let begins_with_organisation = way
        .index
        .and_then(|index| index.columns.first())
        .is_some_and(|first| first.column == Some(shape.organisation));
    let wide_by = if begins_with_organisation {
        by.as_str()
    } else {
        "NOT INDEXED"
    };
    Planned {
        plan: Plan {
            used: wanted.used,
            texts,
            narrow: format!("{select} {by} {own}{conditions}{order}"),
            wide: format!("{select} {wide_by} {own}{order}"),
        },
        values,
        rows,
        is_ordered: way.is_ordered,
        is_unique: way.is_unique,
    }
}

/// Whether comparing in the table gives what the engine would: the column must have a kind by which its values and the
/// other side are turned, and an order that is known.
fn is_passed_on(shape: &Shape, condition: &Condition) -> bool {
    let Some(at) = condition.column else {
        return matches!(shape.key, Key::Row(_));
    };
    let Some(column) = shape.columns.get(at) else {
        return false;
    };
    match column.affinity {
        Affinity::Numeric => true,
        Affinity::Text => is_known(&condition.collation),
        Affinity::None => !condition.comparison.takes_value(),
    }
}

fn by_row_id<'a>(shape: &Shape, usable: &[&Condition], wanted: &Wanted) -> Way<'a> {
    let is_row = |column: Option<usize>| column.is_none() || column == shape.row_alias;
    let has_rows = matches!(shape.key, Key::Row(_));
    let on_row = |test: fn(Comparison) -> bool| {
        has_rows
            && usable
                .iter()
                .any(|condition| is_row(condition.column) && test(condition.comparison))
    };
    let is_unique = on_row(|comparison| matches!(comparison, Comparison::Equal | Comparison::Is));
    Way {
        index: None,
        equal: usize::from(is_unique),
        fixed: usize::from(is_unique),
        has_range: on_row(Comparison::is_range),
        is_unique,
        is_ordered: match wanted.order.as_slice() {
            [] => false,
            [(column, _)] => has_rows && is_row(*column),
            _ => false,
        },
    }
}

fn by_index<'a>(
    shape: &Shape,
    index: &'a Index,
    usable: &[&Condition],
    wanted: &Wanted,
) -> Way<'a> {
    let mut way = Way {
        index: Some(index),
        equal: 0,
        fixed: 0,
        has_range: false,
        is_unique: false,
        is_ordered: false,
    };
    let on = |column: &IndexColumn, test: fn(Comparison) -> bool| {
        usable.iter().any(|condition| {
            let is_text = column
                .column
                .and_then(|at| shape.columns.get(at))
                .is_some_and(|column| column.affinity == Affinity::Text);
            condition.column == column.column
                && test(condition.comparison)
                && (!is_text || condition.collation == column.collation)
        })
    };
    // Nulls are all different to a unique index.
    let mut is_one = index.is_unique;
    for column in &index.columns {
        if on(column, Comparison::is_equality) {
            is_one &= on(column, |comparison| comparison == Comparison::Equal);
            way.equal += 1;
            way.fixed += 1;
        } else if column.column == Some(shape.organisation) {
            way.fixed += 1;
        } else {
            way.has_range = on(column, Comparison::is_range);
            break;
        }
    }
    // An index of which nothing is fixed is of no use, and the engine refuses to use it.
    if way.fixed == 0 && !way.has_range {
        way.index = None;
        return way;
    }
    way.is_unique = is_one && way.fixed == index.columns.len();
    let rest = index.columns.get(way.fixed..).unwrap_or_default();
    let backwards = wanted
        .order
        .first()
        .zip(rest.first())
        .is_some_and(|((_, down), column)| *down != column.is_descending);
    way.is_ordered = !wanted.order.is_empty()
        && wanted.order.len() <= rest.len()
        && wanted
            .order
            .iter()
            .zip(rest)
            .all(|((wanted, down), column)| {
                *wanted == column.column
                    && (*down != column.is_descending) == backwards
                    && column
                        .column
                        .and_then(|at| shape.columns.get(at))
                        .is_some_and(|found| found.collation == column.collation)
            });
    way
}

fn order(shape: &Shape, wanted: &Wanted) -> String {
    let terms: Vec<String> = wanted
        .order
        .iter()
        .map(|(column, down)| {
            let direction = if *down { " DESC" } else { "" };
            format!("{}{direction}", shape.name_of(*column))
        })
        .collect();
    format!(" ORDER BY {}", terms.join(", "))
}
