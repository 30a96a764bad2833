//! Upgrades of the host's own tables.

mod contents;
mod fill;
