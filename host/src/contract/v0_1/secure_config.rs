//! `secure-config-read` and `secure-config-write`.

use wasmtime::component::{HasData, Linker};

use super::VERSION;
use super::generated::plugin::goatherd::plugin::secure_config_write;
use crate::contract::Error;
use crate::contract::host::{SecureConfigRead, SecureConfigWrite};

/// Adds `secure-config-read` to a linker. Not by the generated code, which would take the text away from whoever
/// overwrites it.
pub(in super::super) fn link_read<T, D>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> D::Data<'_>,
) -> wasmtime::Result<()>
where
    T: Send + 'static,
    D: HasData,
    for<'a> D::Data<'a>: SecureConfigRead,
{
    let mut interface =
        linker.instance(&format!("goatherd:plugin/secure-config-read@{VERSION}"))?;
    interface.func_wrap_async("get", move |mut store, (key,): (String,)| {
        Box::new(async move {
            let answer = view(store.data_mut()).get(key).await;
            wasmtime::Result::Ok((answer,))
        })
    })
}

impl<V: SecureConfigWrite> secure_config_write::Host for V {
    async fn set(&mut self, key: String, value: String) -> Result<(), Error> {
        SecureConfigWrite::set(self, key, value).await
    }

    async fn delete(&mut self, key: String) -> Result<(), Error> {
        SecureConfigWrite::delete(self, key).await
    }
}
