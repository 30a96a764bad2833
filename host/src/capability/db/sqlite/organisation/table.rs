//! The virtual table that stands for a table which organisations own, and its cursors.
//!
//! It has the columns of the table and the rows of the organisation that the call is for. Whatever a plugin's statement
//! does with it, it does with values that a cursor gave out, and a cursor has none of other organisations: that is the
//! whole barrier, and it holds for every expression, join and optimisation of the engine.

use std::borrow::Cow;
use std::cell::RefCell;
use std::ffi::{CStr, CString, c_int};
use std::sync::Arc;

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::vtab::{
    Context, CreateVTab, Filters, IndexFlags, IndexInfo, Inserts, Module, UpdateVTab, Updates,
    VTab, VTabConfig, VTabConnection, VTabCursor, VTabKind, sqlite3_vtab, sqlite3_vtab_cursor,
};
use rusqlite::{Connection, Error, Result, ToSql, ffi};

use super::super::authorizer::Guard;
use super::super::policy::Purpose;
use super::inner::Inner;
use super::plan::{self, Comparison, Condition, Plan, Wanted, is_used};
use super::shape::{Key, Shape};
use super::state::Shared;
use super::write;

/// What statements of the host call the module. Plugins cannot create virtual tables.
pub(super) const MODULE: &str = "goatherd_owned";

/// Compiled statements that a table keeps for the next cursor.
const IDLE: usize = 16;

/// What a connection's tables share.
#[derive(Debug, Clone)]
pub(super) struct Side {
    pub(super) shared: Shared,
    pub(super) guard: Guard,
}

/// Makes the module known. `writes` says whether its tables can be changed.
pub(super) fn install(db: &Connection, side: Side, writes: bool) -> Result<()> {
    const READS: &Module<'static, OwnedTable> = &Module::read_only_module();
    const WRITES: &Module<'static, OwnedTable> = &Module::update_module();
    db.create_module(MODULE, if writes { WRITES } else { READS }, Some(side))
}

/// See the module.
#[repr(C)]
pub(super) struct OwnedTable {
    base: sqlite3_vtab,
    pub(super) db: *mut ffi::sqlite3,
    pub(super) side: Side,
    /// Among the tables that organisations own.
    pub(super) index: usize,
    pub(super) shape: Arc<Shape>,
    idle: RefCell<Vec<(String, Inner)>>,
}

// SAFETY: the structure has the engine's as its first member and the layout of C.
unsafe impl VTab<'static> for OwnedTable {
    type Aux = Side;
    type Cursor = Cursor<'static>;

    fn connect(
        db: &mut VTabConnection,
        side: Option<&Side>,
        _module: &[u8],
        _database: &[u8],
        _table: &[u8],
        arguments: &[&[u8]],
    ) -> Result<(Cow<'static, CStr>, Self)> {
        let index = arguments
            .first()
            .and_then(|text| std::str::from_utf8(text).ok()?.trim().parse().ok());
        let (Some(side), Some(index)) = (side, index) else {
            return Err(misuse("a table without its number"));
        };
        let Some(shape) = side.shared.lock().shape(index) else {
            return Err(misuse("a table that is not there"));
        };
        db.config(VTabConfig::ConstraintSupport)?;
        let definition =
            CString::new(shape.definition()).map_err(|_| misuse("a definition with a NUL"))?;
        let table = Self {
            base: sqlite3_vtab::default(),
            // SAFETY: it is used for statements alone, on the connection's thread, while the table lives.
            db: unsafe { db.handle() },
            side: side.clone(),
            index,
            shape,
            idle: RefCell::default(),
        };
        Ok((Cow::Owned(definition), table))
    }

    fn best_index(&self, info: &mut IndexInfo) -> Result<bool> {
        let address = std::ptr::from_ref(self).addr();
        self.side.shared.lock().found_at(address, self.index);
        let mut wanted = Wanted {
            used: info.col_used() | self.always_read(),
            ..Wanted::default()
        };
        for (at, condition) in info.constraints().enumerate() {
            if let (true, Some(comparison)) =
                (condition.is_usable(), Comparison::of(&condition.operator()))
            {
                wanted.conditions.push(Condition {
                    at,
                    column: usize::try_from(condition.column()).ok(),
                    comparison,
                    collation: info.collation(at)?.to_uppercase(),
                });
            }
        }
        wanted.order = info
            .order_bys()
            .map(|order| {
                (
                    usize::try_from(order.column()).ok(),
                    order.is_order_by_desc(),
                )
            })
            .collect();
        let planned = plan::plan(&self.shape, &wanted);
        for (place, at) in planned.values.iter().enumerate() {
            info.constraint_usage(*at)
                .set_argv_index(c_int::try_from(place + 1).unwrap_or(c_int::MAX));
        }
        info.set_idx_str(&planned.plan.to_text());
        info.set_order_by_consumed(planned.is_ordered);
        info.set_estimated_rows(planned.rows);
        // A row costs about the same however it is found, and finding the first one costs a few.
        #[expect(clippy::cast_precision_loss, reason = "a rough number")]
        info.set_estimated_cost(planned.rows as f64 * 2.0 + 5.0);
        if planned.is_unique {
            info.set_idx_flags(IndexFlags::SQLITE_INDEX_SCAN_UNIQUE);
        }
        Ok(true)
    }

    fn open(&'static mut self) -> Result<Cursor<'static>> {
        Ok(Cursor {
            base: sqlite3_vtab_cursor::default(),
            table: self,
            text: String::new(),
            plan: Plan::default(),
            inner: None,
            is_at_end: true,
        })
    }
}

impl CreateVTab<'static> for OwnedTable {
    const KIND: VTabKind = VTabKind::Default;
}

impl UpdateVTab<'static> for OwnedTable {
    fn delete(&mut self, key: ValueRef<'_>) -> Result<()> {
        write::delete(self, key)
    }

    fn insert(&mut self, values: &Inserts<'_>) -> Result<i64> {
        write::insert(self, values)
    }

    fn update(&mut self, values: &Updates<'_>) -> Result<()> {
        write::update(self, values)
    }
}

impl OwnedTable {
    /// The key of a table without row ids is what its rows are known by.
    fn always_read(&self) -> u64 {
        match &self.shape.key {
            Key::Row(_) => 0,
            Key::Columns(columns) => columns
                .iter()
                .fold(0, |used, column| used | 1 << (*column).min(63)),
        }
    }

    /// A statement of this text, ready to run.
    fn take(&self, sql: &str) -> Result<Inner> {
        let mut idle = self.idle.borrow_mut();
        if let Some(at) = idle.iter().position(|(text, _)| text == sql) {
            return Ok(idle.swap_remove(at).1);
        }
        drop(idle);
        // SAFETY: the connection is open for as long as its tables are, and its thread is the one that calls.
        unsafe { Inner::prepare(self.db, sql) }
    }

    fn put_back(&self, sql: String, mut inner: Inner) {
        inner.reset();
        inner.forget_values();
        let mut idle = self.idle.borrow_mut();
        if idle.len() == IDLE {
            idle.remove(0);
        }
        idle.push((sql, inner));
    }
}

/// Reads the rows of the call's organisation.
#[repr(C)]
pub(super) struct Cursor<'t> {
    base: sqlite3_vtab_cursor,
    table: &'t OwnedTable,
    /// What `plan` was made from.
    text: String,
    plan: Plan,
    /// The statement, by its text.
    inner: Option<(String, Inner)>,
    is_at_end: bool,
}

impl Cursor<'_> {
    /// Whether a value is one that a column of text would be compared with as a number.
    fn is_doubtful(&self, values: &Filters<'_>) -> bool {
        self.plan.texts != 0
            && values.iter().enumerate().any(|(at, value)| {
                self.plan.texts >> at & 1 == 1
                    && matches!(value, ValueRef::Integer(_) | ValueRef::Real(_))
            })
    }

    /// The statement of this text, ready to run.
    fn chosen(&mut self, sql: &str) -> Result<(String, Inner)> {
        match self.inner.take() {
            Some((text, mut inner)) if text == sql => {
                inner.reset();
                return Ok((text, inner));
            }
            Some((text, inner)) => self.table.put_back(text, inner),
            None => {}
        }
        Ok((sql.to_owned(), self.table.take(sql)?))
    }

    fn begin(&mut self, values: &Filters<'_>) -> Result<bool> {
        let organisation = self.table.side.shared.lock().organisation;
        // Nobody's rows are nobody's.
        let Some(organisation) = organisation else {
            return Ok(false);
        };
        let is_doubtful = self.is_doubtful(values);
        let plan = std::mem::take(&mut self.plan);
        let sql = if is_doubtful {
            &plan.wide
        } else {
            &plan.narrow
        };
        let chosen = self.chosen(sql);
        self.plan = plan;
        let (_, inner) = self.inner.insert(chosen?);
        inner.bind(1, ValueRef::Integer(organisation))?;
        if !is_doubtful {
            for (at, value) in values.iter().enumerate() {
                inner.bind(at + 2, value)?;
            }
        }
        inner.step()
    }
}

// SAFETY: the structure has the engine's as its first member and the layout of C.
unsafe impl VTabCursor for Cursor<'_> {
    fn filter(&mut self, _: c_int, text: Option<&str>, values: &Filters<'_>) -> Result<()> {
        let text = text.unwrap_or_default();
        if self.text != text {
            self.plan = Plan::from_text(text).ok_or_else(|| misuse("a plan that is none"))?;
            self.text = text.to_owned();
        }
        let guard = self.table.side.guard.clone();
        self.is_at_end = !guard.as_host(|| self.begin(values))?;
        Ok(())
    }

    fn next(&mut self) -> Result<()> {
        self.is_at_end = match &mut self.inner {
            Some((_, inner)) => !inner.step()?,
            None => true,
        };
        Ok(())
    }

    fn eof(&self) -> bool {
        self.is_at_end
    }

    fn column(&self, context: &mut Context, column: c_int) -> Result<()> {
        // So a change learns which columns the statement sets.
        if context.no_change() {
            return Ok(());
        }
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        match &self.inner {
            Some((_, inner)) if is_used(self.plan.used, column) => {
                context.set_result(Given(inner.value(self.plan.place(column))))
            }
            _ => Ok(()),
        }
    }

    fn rowid(&self) -> Result<i64> {
        let Some((_, inner)) = &self.inner else {
            return Err(misuse("no row"));
        };
        match &self.table.shape.key {
            Key::Row(_) => match inner.value(0) {
                ValueRef::Integer(row) => Ok(row),
                _ => Err(misuse("a row without its id")),
            },
            Key::Columns(_) if self.table.side.guard.policy().purpose == Purpose::Query => {
                Err(write::no_row_ids())
            }
            Key::Columns(columns) => {
                let key = columns
                    .iter()
                    .map(|column| Value::try_from(inner.value(self.plan.place(*column))))
                    .collect::<std::result::Result<Vec<_>, _>>()
                    .map_err(|_| misuse("a key that is not UTF-8"))?;
                Ok(self
                    .table
                    .side
                    .shared
                    .lock()
                    .remember(self.table.index, key))
            }
        }
    }
}

impl Drop for Cursor<'_> {
    fn drop(&mut self) {
        if let Some((text, inner)) = self.inner.take() {
            self.table.put_back(text, inner);
        }
    }
}

/// A value as it is.
struct Given<'a>(ValueRef<'a>);

impl ToSql for Given<'_> {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(self.0))
    }
}

pub(super) fn misuse(what: &str) -> Error {
    Error::SqliteFailure(
        ffi::Error::new(ffi::SQLITE_MISUSE),
        Some(format!("the host asked for {what}")),
    )
}
