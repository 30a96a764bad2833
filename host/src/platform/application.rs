//! What the application itself has, which plugins must fit beside.

use crate::contract::registration::MenuLocation;
use crate::setters::setters;

/// The application's own routes and menu entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Application {
    /// Paths that no plugin may take for any method, written as plugins write theirs: `/login`, `/ui/*rest`.
    pub routes: Vec<String>,
    /// Menu entries.
    pub menu: Vec<ApplicationItem>,
}

setters!(Application {
    routes: Vec<String>,
    menu: Vec<ApplicationItem>,
});

/// A menu entry of the application. Plugins may put theirs under it, or hide it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationItem {
    /// Unique in the application.
    pub id: String,
    /// What it says.
    pub label: String,
    /// Where it leads.
    pub path: String,
    /// Which menu it is in.
    pub location: MenuLocation,
    /// Sorts as the plugins' entries do.
    pub order: i32,
}
