//! A statement of the host's own that runs inside a statement of a plugin, row by row as the engine asks for them.
//!
//! The driver's statements borrow the connection for as long as their rows are read; a cursor of a virtual table lives
//! between calls of the engine and has nothing to borrow from. So this holds the engine's own handle, and promises what
//! the engine asks for: it is used on the connection's thread, and ended before the connection is. The engine takes
//! virtual tables down, and these with them, before it closes.

use std::ffi::{CStr, c_int};
use std::ptr::NonNull;
use std::slice;

use rusqlite::types::ValueRef;
use rusqlite::{Error, Result, ffi};

/// See the module.
#[derive(Debug)]
pub(super) struct Inner {
    statement: NonNull<ffi::sqlite3_stmt>,
    db: *mut ffi::sqlite3,
}

impl Inner {
    /// Compiles `sql`, of one statement.
    ///
    /// # Safety
    ///
    /// `db` must be open, stay so while this lives, and be used by no other thread meanwhile.
    pub(super) unsafe fn prepare(db: *mut ffi::sqlite3, sql: &str) -> Result<Self> {
        let length = c_int::try_from(sql.len()).unwrap_or(c_int::MAX);
        let mut statement = std::ptr::null_mut();
        // SAFETY: the text and its length are those of a slice that outlives the call, the handle is the caller's promise.
        let code = unsafe {
            ffi::sqlite3_prepare_v3(
                db,
                sql.as_ptr().cast(),
                length,
                ffi::SQLITE_PREPARE_PERSISTENT,
                &raw mut statement,
                std::ptr::null_mut(),
            )
        };
        match NonNull::new(statement) {
            Some(statement) if code == ffi::SQLITE_OK => Ok(Self { statement, db }),
            _ => Err(failure(db, code)),
        }
    }

    /// Sets the parameter of this number, from 1.
    pub(super) fn bind(&mut self, number: usize, value: ValueRef<'_>) -> Result<()> {
        let statement = self.statement.as_ptr();
        let number = c_int::try_from(number).unwrap_or(c_int::MAX);
        let length = |bytes: &[u8]| bytes.len() as u64;
        // SAFETY: the statement is compiled and not ended; texts and blobs are copied by the engine before it returns.
        let code = unsafe {
            match value {
                ValueRef::Null => ffi::sqlite3_bind_null(statement, number),
                ValueRef::Integer(value) => ffi::sqlite3_bind_int64(statement, number, value),
                ValueRef::Real(value) => ffi::sqlite3_bind_double(statement, number, value),
                ValueRef::Text(text) => ffi::sqlite3_bind_text64(
                    statement,
                    number,
                    text.as_ptr().cast(),
                    length(text),
                    ffi::SQLITE_TRANSIENT(),
                    ffi::SQLITE_UTF8 as u8,
                ),
                ValueRef::Blob(blob) => ffi::sqlite3_bind_blob64(
                    statement,
                    number,
                    blob.as_ptr().cast(),
                    length(blob),
                    ffi::SQLITE_TRANSIENT(),
                ),
            }
        };
        if code == ffi::SQLITE_OK {
            Ok(())
        } else {
            Err(failure(self.db, code))
        }
    }

    /// Goes to the next row, if there is one.
    pub(super) fn step(&mut self) -> Result<bool> {
        // SAFETY: the statement is compiled and not ended.
        match unsafe { ffi::sqlite3_step(self.statement.as_ptr()) } {
            ffi::SQLITE_ROW => Ok(true),
            ffi::SQLITE_DONE => Ok(false),
            code => Err(failure(self.db, code)),
        }
    }

    /// The value at this place of the present row, from 0; null where there is none.
    pub(super) fn value(&self, place: usize) -> ValueRef<'_> {
        let statement = self.statement.as_ptr();
        let place = c_int::try_from(place).unwrap_or(c_int::MAX);
        // SAFETY: the statement is compiled and not ended. What it points to stays until it is stepped, reset or asked for
        // the same value in another form; all of these need it mutably or are not done here.
        unsafe {
            match ffi::sqlite3_column_type(statement, place) {
                ffi::SQLITE_INTEGER => {
                    ValueRef::Integer(ffi::sqlite3_column_int64(statement, place))
                }
                ffi::SQLITE_FLOAT => ValueRef::Real(ffi::sqlite3_column_double(statement, place)),
                ffi::SQLITE_TEXT => ValueRef::Text(bytes(
                    ffi::sqlite3_column_text(statement, place),
                    ffi::sqlite3_column_bytes(statement, place),
                )),
                ffi::SQLITE_BLOB => ValueRef::Blob(bytes(
                    ffi::sqlite3_column_blob(statement, place).cast(),
                    ffi::sqlite3_column_bytes(statement, place),
                )),
                _ => ValueRef::Null,
            }
        }
    }

    /// Makes it ready to run again, with other values.
    pub(super) fn reset(&mut self) {
        // SAFETY: the statement is compiled and not ended. The code says again how the last step ended.
        unsafe {
            ffi::sqlite3_reset(self.statement.as_ptr());
        }
    }

    /// Lets go of the values that were bound, which may be large.
    pub(super) fn forget_values(&mut self) {
        // SAFETY: the statement is compiled, not ended, and was reset.
        unsafe {
            ffi::sqlite3_clear_bindings(self.statement.as_ptr());
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // SAFETY: the statement is ended here, once, and its connection is still open.
        unsafe {
            ffi::sqlite3_finalize(self.statement.as_ptr());
        }
    }
}

/// An empty value has no address.
///
/// # Safety
///
/// `start` must be null or point to `length` bytes that live as long as the result is used.
unsafe fn bytes<'a>(start: *const u8, length: c_int) -> &'a [u8] {
    let length = usize::try_from(length).unwrap_or(0);
    if start.is_null() || length == 0 {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { slice::from_raw_parts(start, length) }
}

fn failure(db: *mut ffi::sqlite3, code: c_int) -> Error {
    // SAFETY: the connection is open, and the text is copied before anything else is done with it.
    let (code, text) = unsafe {
        let text = CStr::from_ptr(ffi::sqlite3_errmsg(db));
        let extended = ffi::sqlite3_extended_errcode(db);
        let code = if extended & 0xff == code & 0xff {
            extended
        } else {
            code
        };
        (code, text.to_string_lossy().into_owned())
    };
    Error::SqliteFailure(ffi::Error::new(code), Some(text))
}
