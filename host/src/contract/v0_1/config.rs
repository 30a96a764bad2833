//! `config`.

use super::generated::plugin::goatherd::plugin::config;
use crate::contract::Error;
use crate::contract::host::Config;

impl<V: Config> config::Host for V {
    fn get(&mut self, key: String) -> Result<Option<String>, Error> {
        Config::get(self, key)
    }
}
