//! Errors that the plugin's handlers return.

use serde::Serialize;

use super::{check::DESCRIPTION_MAX, problem::Item};
use crate::contract::wire::registration as wire;
use crate::names::text::{NameShape, quoted};

/// An error that the plugin's handlers return, and the HTTP status that stands for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ErrorCode {
    /// Without the plugin's prefix, `^[a-z][a-z0-9_-]{0,62}$`; shown as `<plugin>:<code>`.
    pub code: String,
    /// The default message, in English.
    pub message: String,
    /// 400 to 599.
    pub http_status: u16,
}

impl ErrorCode {
    pub(super) fn parse(item: &mut Item<'_>, given: wire::ErrorCode) -> Option<Self> {
        let wire::ErrorCode {
            code,
            message,
            http_status,
        } = given;
        let right = NameShape::Either
            .check(&code)
            .map_err(|wrong| format!("the code {} {wrong}", quoted(&code)));
        let right = item.take("code", right);
        if right.is_some() {
            item.unique("code", code.clone(), "code");
        }
        let message = item.required("message", message, DESCRIPTION_MAX);
        let status = item.take(
            "http_status",
            if (400..=599).contains(&http_status) {
                Ok(http_status)
            } else {
                Err(format!(
                    "{http_status} is not the status of an error; expected 400 to 599"
                ))
            },
        );
        right?;
        Some(ErrorCode {
            code,
            message: message?,
            http_status: status?,
        })
    }
}
