//! SQL functions: which ones plugins may call, and replacements for those that could hold a thread for minutes.
//!
//! A function call is one instruction of the engine's program, and the watch looks only between instructions. So every
//! function here must be quick on values of the largest size that is allowed. The engine's `instr`, `replace` and
//! two-argument `trim`, and its `LIKE` and `GLOB` (see [`super::pattern`]), compare each place of one argument with all of the other, which is minutes for a few megabytes;
//! the ones here take linear time. `json_patch` has the same flaw and is left out, as are functions that reach beyond
//! their arguments (`load_extension`, `fts3_tokenizer`, `rtreecheck`, `sqlite_log` and others). What is not listed is
//! refused, so a function that a later engine adds is not available until somebody looked at it.

use std::collections::HashSet;

use memchr::memmem;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Error, Result};

/// In alphabetical order, for the binary search.
#[rustfmt::skip]
const HARMLESS: &[&str] = &[
    "->", "->>", "abs", "avg", "bm25", "ceil", "changes", "char", "coalesce", "concat", "concat_ws", "count",
    "cume_dist", "current_date", "current_time", "current_timestamp", "date", "datetime", "dense_rank", "first_value",
    "floor", "format", "glob", "group_concat", "hex", "highlight", "if", "ifnull", "iif", "instr", "json",
    "json_array", "json_array_insert", "json_array_length", "json_error_position", "json_extract", "json_group_array",
    "json_group_object", "json_insert", "json_object", "json_pretty", "json_quote", "json_remove", "json_replace",
    "json_set", "json_type", "json_valid", "jsonb", "jsonb_array", "jsonb_array_insert", "jsonb_extract",
    "jsonb_group_array", "jsonb_group_object", "jsonb_insert", "jsonb_object", "jsonb_remove", "jsonb_replace",
    "jsonb_set", "julianday", "lag", "last_insert_rowid", "last_value", "lead", "length", "like", "likelihood",
    "likely", "lower", "ltrim", "match", "matchinfo", "max", "min", "mod", "nth_value", "ntile", "nullif",
    "octet_length", "offsets", "percent_rank", "pow", "power", "printf", "quote", "random", "randomblob", "rank",
    "replace", "round", "row_number", "rtrim", "sign", "snippet", "soundex", "sqlite_source_id", "sqlite_version",
    "sqrt", "strftime", "string_agg", "substr", "substring", "subtype", "sum", "time", "timediff", "total",
    "total_changes", "trim", "trunc", "typeof", "unhex", "unicode", "unistr", "unistr_quote", "unixepoch", "unlikely",
    "upper", "zeroblob",
];

/// Whether plugins may call the function of this name, in whatever case a statement or a definition has it.
pub(super) fn harmless(name: &str) -> bool {
    HARMLESS
        .binary_search(&name.to_ascii_lowercase().as_str())
        .is_ok()
}

/// Whether the engine calls the function of this name when it alters a table. Plugins cannot name these.
pub(super) fn of_alter(name: &str) -> bool {
    name.starts_with("sqlite_rename_")
        || name.starts_with("sqlite_drop_")
        || matches!(
            name,
            "sqlite_add_constraint" | "sqlite_find_constraint" | "sqlite_fail"
        )
}

/// Of functions that depend on their arguments only and may stand in a schema.
pub(super) const FLAGS: FunctionFlags = FunctionFlags::SQLITE_UTF8
    .union(FunctionFlags::SQLITE_DETERMINISTIC)
    .union(FunctionFlags::SQLITE_INNOCUOUS);

/// Puts the quick versions in place of the engine's.
pub(super) fn install(db: &Connection) -> Result<()> {
    let flags = FLAGS;
    db.create_scalar_function("instr", 2, flags, instr)?;
    db.create_scalar_function("replace", 3, flags, replace)?;
    db.create_scalar_function("trim", 2, flags, |c| trim(c, true, true))?;
    db.create_scalar_function("ltrim", 2, flags, |c| trim(c, true, false))?;
    db.create_scalar_function("rtrim", 2, flags, |c| trim(c, false, true))
}

/// The argument as the engine's functions see it: numbers as their text; none for null.
pub(super) fn bytes(argument: ValueRef<'_>) -> Option<std::borrow::Cow<'_, [u8]>> {
    use std::borrow::Cow;
    match argument {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(Cow::Owned(number.to_string().into_bytes())),
        ValueRef::Real(number) => Some(Cow::Owned(real(number).into_bytes())),
        ValueRef::Text(text) => Some(Cow::Borrowed(text)),
        ValueRef::Blob(blob) => Some(Cow::Borrowed(blob)),
    }
}

/// A real number as the engine writes it: 15 significant digits, or 17 if 15 mean another number, always
/// (the last of the 17 can differ from the engine's) with a decimal point, and with an exponent where it is far from 1.
fn real(number: f64) -> String {
    if number.is_infinite() {
        return if number > 0.0 { "Inf" } else { "-Inf" }.to_owned();
    }
    if number == 0.0 {
        return "0.0".to_owned();
    }
    let short = format!("{number:.14e}");
    let (digits, scientific) = if short.parse() == Ok(number) {
        (14, short)
    } else {
        (16, format!("{number:.16e}"))
    };
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..17).contains(&exponent) {
        let decimals = usize::try_from(digits - exponent).unwrap_or(0);
        return with_point(&format!("{number:.decimals$}"));
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", with_point(mantissa), exponent.abs())
}

/// Without zeros at the end, but with one digit behind the point.
fn with_point(number: &str) -> String {
    let short = if number.contains('.') {
        number.trim_end_matches('0').trim_end_matches('.')
    } else {
        number
    };
    if short.contains('.') {
        short.to_owned()
    } else {
        format!("{short}.0")
    }
}

fn text(bytes: Vec<u8>) -> Result<Value> {
    String::from_utf8(bytes)
        .map(Value::Text)
        .map_err(|e| Error::Utf8Error(0, e.utf8_error()))
}

/// The place of the second argument in the first, from 1; in bytes if both are blobs, else in characters.
fn instr(context: &Context<'_>) -> Result<Option<i64>> {
    let (haystack, needle) = (context.get_raw(0), context.get_raw(1));
    let blobs = matches!((haystack, needle), (ValueRef::Blob(_), ValueRef::Blob(_)));
    let (Some(haystack), Some(needle)) = (bytes(haystack), bytes(needle)) else {
        return Ok(None);
    };
    let Some(at) = memmem::find(&haystack, &needle) else {
        return Ok(Some(0));
    };
    let before = haystack.get(..at).unwrap_or_default();
    let place = if blobs {
        before.len()
    } else {
        // A character begins at each byte that does not continue one.
        before.iter().filter(|byte| (**byte & 0xC0) != 0x80).count()
    };
    Ok(i64::try_from(place + 1).ok())
}

/// The first argument with every occurrence of the second replaced by the third.
fn replace(context: &Context<'_>) -> Result<Value> {
    let (Some(source), Some(pattern)) = (bytes(context.get_raw(0)), bytes(context.get_raw(1)))
    else {
        return Ok(Value::Null);
    };
    if pattern.is_empty() {
        return text(source.into_owned());
    }
    let Some(with) = bytes(context.get_raw(2)) else {
        return Ok(Value::Null);
    };
    let limit = LONGEST;
    let mut result = Vec::with_capacity(source.len());
    let mut rest = 0;
    for at in memmem::find_iter(&source, pattern.as_ref()) {
        result.extend_from_slice(source.get(rest..at).unwrap_or_default());
        result.extend_from_slice(&with);
        rest = at + pattern.len();
        if result.len() > limit {
            return Err(too_long());
        }
    }
    result.extend_from_slice(source.get(rest..).unwrap_or_default());
    text(result)
}

/// More than any limit on values allows; the engine checks the exact one on the result.
const LONGEST: usize = 64 << 20;

fn too_long() -> Error {
    Error::SqliteFailure(
        rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_TOOBIG),
        None,
    )
}

/// The first argument without those characters at its ends that are in the second.
fn trim(context: &Context<'_>, start: bool, end: bool) -> Result<Value> {
    let (Some(source), Some(set)) = (bytes(context.get_raw(0)), bytes(context.get_raw(1))) else {
        return Ok(Value::Null);
    };
    let source = std::str::from_utf8(&source).map_err(|e| Error::Utf8Error(0, e))?;
    let set: HashSet<char> = std::str::from_utf8(&set)
        .map_err(|e| Error::Utf8Error(1, e))?
        .chars()
        .collect();
    let mut trimmed = source;
    if start {
        trimmed = trimmed.trim_start_matches(|c| set.contains(&c));
    }
    if end {
        trimmed = trimmed.trim_end_matches(|c| set.contains(&c));
    }
    Ok(Value::Text(trimmed.to_owned()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::{Connection, HARMLESS, Value, install};

    #[test]
    fn the_list_is_sorted_and_names_no_function_that_reaches_further() {
        assert!(HARMLESS.windows(2).all(|pair| pair[0] < pair[1]));
        for name in [
            "load_extension",
            "fts3_tokenizer",
            "sqlite_log",
            "rtreecheck",
            "optimize",
            "writefile",
            "readfile",
            "edit",
            "json_patch",
            "jsonb_patch",
            "fts5",
            "sqlite_rename_table",
        ] {
            assert!(!super::harmless(name), "{name}");
        }
    }

    #[test]
    fn the_quick_functions_answer_like_those_of_the_engine() {
        let theirs = Connection::open_in_memory().unwrap();
        let ours = Connection::open_in_memory().unwrap();
        install(&ours).unwrap();
        let values = [
            "NULL",
            "''",
            "'a'",
            "'abcabc'",
            "'ßüß'",
            "'ß'",
            "x'616263'",
            "x'62'",
            "x''",
            "12.0",
            "121",
            "'b'",
            "'  x '",
            "' '",
            "1.5e300",
            "-0.0",
            "0.1",
            "123456789.125",
            "0.30000000000000004",
            "1e15",
            "1e14",
            "1e-5",
            "0.0001",
            "-2.5e-10",
            "9007199254740993.0",
            "9e999",
            "-9e999",
        ];
        let calls = [
            "instr(A, B)",
            "replace(A, B, 'Q')",
            "replace(A, B, NULL)",
            "replace(A, B, 7)",
            "trim(A, B)",
            "ltrim(A, B)",
            "rtrim(A, B)",
        ];
        for call in calls {
            for a in values {
                for b in values {
                    let sql = format!("SELECT {}", call.replace('A', a).replace('B', b));
                    let answer = |db: &Connection| {
                        db.query_row(&sql, [], |row| row.get::<_, Value>(0))
                            .unwrap()
                    };
                    assert_eq!(answer(&ours), answer(&theirs), "{sql}");
                }
            }
        }
    }
}
