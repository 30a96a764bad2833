//! Parameters on their way in.
//!
//! The server says which type it takes each parameter for. A value that this type holds exactly goes as that type; text
//! goes as what stands between the quotes of a literal, so that it can be a timestamp, a number or JSON. A value that the
//! type does not hold makes its own type the parameter's, and the server decides whether that fits.

use std::error::Error;

use bytes::{BufMut as _, BytesMut};
use tokio_postgres::types::{Format, IsNull, Kind, ToSql, Type};

use super::super::backend::Value;

/// A value as a parameter.
#[derive(Debug)]
pub(super) struct Param(pub(super) Value);

/// The type under a domain.
pub(super) fn base(ty: &Type) -> &Type {
    match ty.kind() {
        Kind::Domain(under) => base(under),
        _ => ty,
    }
}

/// The type that a value has by itself; none where the server must find it.
pub(super) fn own_type(value: &Value) -> Type {
    match value {
        Value::Null => Type::UNKNOWN,
        Value::Boolean(_) => Type::BOOL,
        Value::Integer(_) => Type::INT8,
        Value::Real(_) => Type::FLOAT8,
        Value::Text(_) => Type::UNKNOWN,
        Value::Blob(_) => Type::BYTEA,
    }
}

/// How the value is called in messages.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Boolean(_) => "a boolean",
        Value::Integer(_) => "an integer",
        Value::Real(_) => "a real number",
        Value::Text(_) => "a text",
        Value::Blob(_) => "a blob",
    }
}

/// Whether a parameter of the type holds the value exactly.
pub(super) fn holds(ty: &Type, value: &Value) -> bool {
    let ty = base(ty);
    match value {
        Value::Null => true,
        Value::Text(_) => *ty != Type::BYTEA,
        Value::Blob(_) => *ty == Type::BYTEA,
        Value::Boolean(_) => is_integer(ty) || matches!(*ty, Type::BOOL | Type::NUMERIC),
        Value::Integer(number) => match *ty {
            Type::INT2 => i16::try_from(*number).is_ok(),
            Type::INT4 => i32::try_from(*number).is_ok(),
            Type::OID => u32::try_from(*number).is_ok(),
            Type::INT8 | Type::NUMERIC => true,
            Type::BOOL => matches!(number, 0 | 1),
            Type::FLOAT8 => number.unsigned_abs() <= 1 << 53,
            Type::FLOAT4 => number.unsigned_abs() <= 1 << 24,
            _ => false,
        },
        Value::Real(number) => match *ty {
            Type::FLOAT8 | Type::NUMERIC => true,
            Type::FLOAT4 => number.is_nan() || f64::from(narrow(*number)) == *number,
            _ => false,
        },
    }
}

fn is_integer(ty: &Type) -> bool {
    matches!(*ty, Type::INT2 | Type::INT4 | Type::INT8)
}

#[allow(clippy::cast_possible_truncation)]
fn narrow(number: f64) -> f32 {
    number as f32
}

impl ToSql for Param {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let is_bool = *base(ty) == Type::BOOL;
        match &self.0 {
            Value::Null => return Ok(IsNull::Yes),
            Value::Boolean(flag) if is_bool => out.put_slice(if *flag { b"t" } else { b"f" }),
            Value::Boolean(flag) => out.put_slice(if *flag { b"1" } else { b"0" }),
            Value::Integer(number) => out.put_slice(number.to_string().as_bytes()),
            Value::Real(number) => out.put_slice(real(*number).as_bytes()),
            Value::Text(text) => out.put_slice(text.as_bytes()),
            Value::Blob(bytes) => out.put_slice(bytes),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn to_sql_checked(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        if !holds(ty, &self.0) {
            return Err(format!("{} is not what {ty} holds", kind(&self.0)).into());
        }
        self.to_sql(ty, out)
    }

    fn encode_format(&self, _: &Type) -> Format {
        match self.0 {
            Value::Blob(_) => Format::Binary,
            _ => Format::Text,
        }
    }
}

/// The shortest decimal that means exactly this number among those of its type.
fn real(number: f64) -> String {
    if number.is_nan() {
        "NaN".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        }
        .to_owned()
    } else {
        format!("{number:e}")
    }
}
