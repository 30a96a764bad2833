//! What pages and programs are shown of widgets and menus, in the language that the visitor reads.

use std::collections::BTreeMap;

use axum::extract::Query;
use serde::Serialize;

use super::edge::Asked;
use super::language;
use crate::contract::Language;
use crate::contract::registration::{WidgetLocation, WidgetSize};
use crate::platform::{Contributions, MenuEntry, PlacedWidget};

/// The parameters of a query.
pub(super) type Parameters = Query<BTreeMap<String, String>>;

/// The parameter that chooses a language.
pub(super) const LANGUAGE: &str = "lang";

/// A request with the language that its query chooses, before those that the browser wants.
pub(super) fn with_language(mut asked: Asked, parameters: &Parameters) -> Asked {
    let chosen = parameters.get(LANGUAGE).and_then(|tag| tag.parse().ok());
    if let Some(chosen) = chosen {
        let others = asked.languages.iter().cloned();
        asked.languages = std::iter::once(chosen).chain(others).collect();
    }
    asked
}

/// The language of texts for a visitor.
pub(super) fn spoken(contributions: &Contributions, asked: &Asked) -> Language {
    let languages = contributions.texts.languages();
    language::negotiated(asked.languages.iter(), |language| {
        languages.contains(language)
    })
}

/// A widget in the list of widgets.
#[derive(Serialize)]
pub(super) struct WidgetItem<'a> {
    pub(super) id: &'a str,
    pub(super) title: &'a str,
    pub(super) description: &'a str,
    pub(super) plugin_name: &'a str,
    pub(super) location: WidgetLocation,
    pub(super) size: WidgetSize,
    pub(super) refreshable: bool,
    pub(super) refresh_sec: Option<u32>,
}

impl<'a> WidgetItem<'a> {
    pub(super) fn of(
        placed: &'a PlacedWidget,
        contributions: &'a Contributions,
        language: &Language,
    ) -> Self {
        let (plugin, widget) = (placed.plugin.as_str(), &placed.widget);
        let texts = &contributions.texts;
        Self {
            id: &widget.id,
            title: texts.label(plugin, &widget.title, language),
            description: texts.label(plugin, &widget.description, language),
            plugin_name: plugin,
            location: widget.location,
            size: widget.size,
            refreshable: widget.refreshable,
            refresh_sec: widget.refresh_sec,
        }
    }
}

/// An entry in a menu.
#[derive(Serialize)]
pub(super) struct MenuView<'a> {
    pub(super) id: &'a str,
    pub(super) label: &'a str,
    pub(super) icon: Option<&'a str>,
    pub(super) path: &'a str,
    /// None for the application's own.
    pub(super) plugin_name: Option<&'a str>,
    pub(super) order: i32,
    pub(super) children: Vec<MenuView<'a>>,
}

impl<'a> MenuView<'a> {
    pub(super) fn of(
        entry: &'a MenuEntry,
        contributions: &'a Contributions,
        language: &Language,
    ) -> Self {
        let plugin = entry.owner.plugin().map(|name| name.as_str());
        let label = plugin.map_or(entry.label.as_str(), |plugin| {
            contributions.texts.label(plugin, &entry.label, language)
        });
        let children = entry.children.iter();
        Self {
            id: &entry.id,
            label,
            icon: entry.icon.as_deref(),
            path: &entry.path,
            plugin_name: plugin,
            order: entry.order,
            children: children
                .map(|child| Self::of(child, contributions, language))
                .collect(),
        }
    }
}
