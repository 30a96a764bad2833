//! Values on their way out.
//!
//! The driver asks the server for its binary formats. Types whose binary format is as good as their text are read from
//! it; a column of any other type is cast to text by the server, which prints it as it always does, before it is sent.

use std::error::Error;

use tokio_postgres::types::{FromSql, Kind, Type};

use super::super::backend::Value;
use super::param::base;

/// Whether values of the type are read as they are sent. All others must be cast to text by the server.
pub(super) fn is_read(ty: &Type) -> bool {
    let ty = base(ty);
    matches!(
        *ty,
        Type::BOOL
            | Type::INT2
            | Type::INT4
            | Type::INT8
            | Type::OID
            | Type::FLOAT4
            | Type::FLOAT8
            | Type::TEXT
            | Type::VARCHAR
            | Type::BPCHAR
            | Type::NAME
            | Type::UNKNOWN
            | Type::BYTEA
            | Type::UUID
            | Type::JSON
            | Type::JSONB
            | Type::VOID
    ) || matches!(ty.kind(), Kind::Enum(_))
}

/// A value of any type that [`is_read`].
pub(super) struct Cell(pub(super) Value);

impl<'a> FromSql<'a> for Cell {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let ty = base(ty);
        let value = match *ty {
            Type::BOOL => Value::Boolean(bool::from_sql(ty, raw)?),
            Type::INT2 => Value::Integer(i16::from_sql(ty, raw)?.into()),
            Type::INT4 => Value::Integer(i32::from_sql(ty, raw)?.into()),
            Type::INT8 => Value::Integer(i64::from_sql(ty, raw)?),
            Type::OID => Value::Integer(u32::from_sql(ty, raw)?.into()),
            // As the number is printed, and not with the digits that only the wider type has.
            Type::FLOAT4 => Value::Real(f32::from_sql(ty, raw)?.to_string().parse()?),
            Type::FLOAT8 => Value::Real(f64::from_sql(ty, raw)?),
            Type::BYTEA => Value::Blob(raw.to_vec()),
            Type::UUID => Value::Text(uuid(raw)),
            Type::JSONB => Value::Text(text(raw.get(1..).unwrap_or_default())?),
            Type::VOID => Value::Null,
            _ => Value::Text(text(raw)?),
        };
        Ok(Self(value))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(Value::Null))
    }

    fn accepts(ty: &Type) -> bool {
        is_read(ty)
    }
}

fn text(raw: &[u8]) -> Result<String, Box<dyn Error + Sync + Send>> {
    Ok(std::str::from_utf8(raw)?.to_owned())
}

fn uuid(raw: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (index, byte) in raw.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}
