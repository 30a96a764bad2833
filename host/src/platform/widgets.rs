//! Boxes on dashboards, sorted by order, then by plugin, then by id.

use std::sync::Arc;

use super::Contributor;
use crate::contract::PluginName;
use crate::contract::registration::{Widget, WidgetLocation};

/// The widgets of all enabled plugins.
#[derive(Debug, Clone, Default)]
pub struct Widgets(Vec<Arc<PlacedWidget>>);

/// A widget, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlacedWidget {
    /// The plugin.
    pub plugin: PluginName,
    /// The widget.
    pub widget: Widget,
}

impl Widgets {
    pub(super) fn of<'a>(contributors: impl Iterator<Item = Contributor<'a>>) -> Self {
        let mut widgets = Vec::new();
        for contributor in contributors {
            let theirs = contributor.registration().widgets.iter();
            widgets.extend(theirs.map(|widget| {
                Arc::new(PlacedWidget {
                    plugin: contributor.name().clone(),
                    widget: widget.clone(),
                })
            }));
        }
        widgets.sort_by(|one, other| one.sort_key().cmp(&other.sort_key()));
        Self(widgets)
    }

    /// The widgets of a dashboard, in their order.
    pub fn at(&self, location: WidgetLocation) -> impl Iterator<Item = &Arc<PlacedWidget>> {
        self.0
            .iter()
            .filter(move |placed| placed.widget.location == location)
    }

    /// One widget of a plugin.
    pub fn get(&self, plugin: &str, id: &str) -> Option<&Arc<PlacedWidget>> {
        self.0
            .iter()
            .find(|placed| placed.plugin.as_str() == plugin && placed.widget.id == id)
    }
}

impl PlacedWidget {
    /// What widgets are ordered by.
    fn sort_key(&self) -> (i32, &PluginName, &str) {
        (self.widget.order, &self.plugin, &self.widget.id)
    }
}
