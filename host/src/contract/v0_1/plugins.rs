//! `plugins`.

use super::generated::plugin::goatherd::plugin::plugins;
use crate::contract::Error;
use crate::contract::host::Plugins;

impl<V: Plugins> plugins::Host for V {
    async fn call(
        &mut self,
        plugin: String,
        function: String,
        args: String,
    ) -> Result<String, Error> {
        Plugins::call(self, plugin, function, args).await
    }
}
