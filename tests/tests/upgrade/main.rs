//! Versions of the host's own tables: upgrades from every earlier one on both engines, whoever starts and whoever dies.

mod contents;
mod database;
mod killed;
mod schemas;
mod together;
