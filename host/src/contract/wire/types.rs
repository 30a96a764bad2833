//! `types`: what every interface uses.

use std::fmt;

use serde::{Deserialize, Serialize};
use wasmtime::component::{ComponentType, Lift, Lower};

pub use crate::contract::error::{Error, ErrorDetail, RateLimited};

types_only!();

/// JSON text, unchecked; [`contract::Json`](crate::contract::Json) is checked.
pub type Json = String;

/// The method of an HTTP request.
#[derive(Debug, Clone, PartialEq, Eq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(variant)]
pub enum Method {
    /// `GET`.
    #[component(name = "get")]
    Get,
    /// `HEAD`.
    #[component(name = "head")]
    Head,
    /// `POST`.
    #[component(name = "post")]
    Post,
    /// `PUT`.
    #[component(name = "put")]
    Put,
    /// `PATCH`.
    #[component(name = "patch")]
    Patch,
    /// `DELETE`.
    #[component(name = "delete")]
    Delete,
    /// `OPTIONS`.
    #[component(name = "options")]
    Options,
    /// One that a later version adds, in capital letters. This version refuses it by name.
    #[component(name = "other")]
    Other(String),
}

impl Method {
    /// The method as it stands in a request, such as `GET`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
            Self::Other(name) => name,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
