//! How each interface is added to a linker.
//!
//! One function for each interface that a component can import, under the interface's own name.

pub(in super::super) use super::generated::plugin::goatherd::plugin::{
    cache_read::add_to_linker as cache_read, cache_write::add_to_linker as cache_write,
    capabilities::add_to_linker as capabilities, config::add_to_linker as config,
    context::add_to_linker as context, custom_fields_read::add_to_linker as custom_fields_read,
    custom_fields_write::add_to_linker as custom_fields_write, db_read::add_to_linker as db_read,
    db_write::add_to_linker as db_write, email::add_to_linker as email,
    entities_purge::add_to_linker as entities_purge, entities_read::add_to_linker as entities_read,
    entities_write::add_to_linker as entities_write, events::add_to_linker as events,
    http_client::add_to_linker as http_client, i18n::add_to_linker as i18n,
    log::add_to_linker as log, plugins::add_to_linker as plugins,
    secure_config_write::add_to_linker as secure_config_write,
};
pub(in super::super) use super::secure_config::link_read as secure_config_read;
