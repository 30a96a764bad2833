//! `capabilities`.

use super::generated::plugin::goatherd::plugin::capabilities;
use crate::contract::Error;
use crate::contract::host::{AvailableCapability, Capabilities};

impl<V: Capabilities> capabilities::Host for V {
    async fn run(&mut self, slug: String, input: String) -> Result<String, Error> {
        Capabilities::run(self, slug, input).await
    }

    async fn available(&mut self) -> Result<Vec<capabilities::AvailableCapability>, Error> {
        let available = Capabilities::available(self).await?;
        Ok(available.into_iter().map(Into::into).collect())
    }
}

impl From<AvailableCapability> for capabilities::AvailableCapability {
    fn from(capability: AvailableCapability) -> Self {
        Self {
            slug: capability.slug,
            title: capability.title,
            description: capability.description,
            input_schema: capability.input_schema,
        }
    }
}
