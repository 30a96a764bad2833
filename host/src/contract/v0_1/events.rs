//! `events`.

use super::generated::plugin::goatherd::plugin::events;
use crate::contract::Error;
use crate::contract::host::Events;

impl<V: Events> events::Host for V {
    async fn publish(
        &mut self,
        channel: String,
        event_type: String,
        data: String,
    ) -> Result<(), Error> {
        Events::publish(self, channel, event_type, data).await
    }
}
