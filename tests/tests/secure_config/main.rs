//! Secrets of plugins, on both back-ends by the same bodies.
//!
//! A test is written once, as a function of the place where the secrets are kept, and `on_both!` makes two tests of it.

mod access;
mod hostile;
mod kept;
mod killed;
mod leaks;
mod ring;
mod rotation;
mod values;

use goatherd::Plugin;
use goatherd::contract::CallContext;
use goatherd::runtime::CallError;
use goatherd_tests::call_in;
use serde_json::{Value, json};

/// Makes two tests of each function: one with a SQLite file, one with PostgreSQL.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$name(crate::kept::Kept::sqlite()).await;
                }
            )*
        }
        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$name(crate::kept::Kept::postgres()).await;
                }
            )*
        }
    };
}
pub(crate) use on_both;

/// The context of a call in an organisation.
fn org(id: impl Into<Option<i64>>) -> CallContext {
    CallContext::default().org_id(id.into())
}

async fn try_get(plugin: &Plugin, context: CallContext, key: &str) -> Result<Value, CallError> {
    let answer = call_in(plugin, context, "get", json!({ "key": key })).await;
    answer.map(|answer| answer["value"].clone())
}

/// What a plugin reads, for no organisation.
async fn get(plugin: &Plugin, key: &str) -> Value {
    try_get(plugin, org(None), key).await.unwrap()
}

async fn try_set(
    plugin: &Plugin,
    context: CallContext,
    key: &str,
    value: &str,
) -> Result<Value, CallError> {
    call_in(
        plugin,
        context,
        "set",
        json!({ "key": key, "value": value }),
    )
    .await
}

async fn set(plugin: &Plugin, key: &str, value: &str) {
    try_set(plugin, org(None), key, value).await.unwrap();
}

/// Code and text of an error.
fn said(error: &CallError) -> (String, String) {
    (error.code(), error.to_string())
}
