//! What the demo shows: a helpdesk's database, a configuration, and the server over both.

pub(crate) mod configuration;
pub(crate) mod helpdesk;
pub(crate) mod server;
