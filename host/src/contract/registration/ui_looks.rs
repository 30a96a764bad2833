//! How a user interface looks: branding, navigation, installation as an application.
//!
//! Every path here is relative to the interface's base, with a `/` before it, so none of them can lead elsewhere.

use serde::Serialize;
use url::Url;

use super::{
    check::{Color, FunctionName, ICON_MAX, IMAGE_MAX, LABEL_MAX, LIST_MAX, at_most},
    path::LocalPath,
    problem::Item,
};
use crate::contract::wire::registration as wire;
use crate::names::text::quoted;

/// Looks of a user interface.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UiBranding {
    /// Takes the place of the interface's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_name: Option<String>,
    /// An image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo: Option<ImageAddress>,
    /// A small image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub favicon: Option<ImageAddress>,
    /// The main colour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<Color>,
}

/// Where an image is: an `http` or `https` address, a path of this server, or a `data:image/…` URI; at most 512 KiB.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ImageAddress(String);

impl ImageAddress {
    fn parse(text: String) -> Result<Self, String> {
        let text = at_most(text, IMAGE_MAX)?;
        let plain = !text.contains(|c: char| c.is_control() || c.is_whitespace());
        let web = || Url::parse(&text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        let here = || LocalPath::parse(text.clone()).is_ok();
        if plain && (text.starts_with("data:image/") || web() || here()) {
            return Ok(ImageAddress(text));
        }
        Err(format!(
            "{} is not the address of an image; expected http://…, https://…, /… or data:image/…",
            quoted(&text)
        ))
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl UiBranding {
    pub(super) fn parse(item: &mut Item<'_>, given: wire::UiBranding) -> Option<Self> {
        let app_name = item.optional("branding.app_name", given.app_name, LABEL_MAX);
        let logo = item.if_present("branding.logo", given.logo, ImageAddress::parse);
        let favicon = item.if_present("branding.favicon", given.favicon, ImageAddress::parse);
        let color = item.if_present("branding.color", given.color, Color::parse);
        Some(UiBranding {
            app_name: app_name?,
            logo: logo?,
            favicon: favicon?,
            color: color?,
        })
    }
}

/// Installation as an application, and use without a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UiPwa {
    /// Whether it can be installed.
    pub enabled: bool,
    /// Where it starts, relative to the interface's base; the base itself by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_url: Option<LocalPath>,
    /// How it is shown.
    pub display: UiDisplay,
    /// The colour of the window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theme_color: Option<Color>,
    /// Paths relative to the interface's base that are kept for use without a network.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cache_routes: Vec<LocalPath>,
}

words_of_wit! {
    /// How an installed interface is shown.
    UiDisplay, "display" {
        /// In a window of its own.
        Standalone = "standalone",
        /// On the whole screen.
        Fullscreen = "fullscreen",
        /// In a window with few controls of the browser's.
        MinimalUi = "minimal-ui",
    }
}

impl UiPwa {
    pub(super) fn parse(item: &mut Item<'_>, given: wire::UiPwa) -> Option<Self> {
        let start_url = item.if_present("pwa.start_url", given.start_url, LocalPath::parse);
        let display = item.if_present("pwa.display", given.display, UiDisplay::known);
        let theme_color = item.if_present("pwa.theme_color", given.theme_color, Color::parse);
        let (wanted, mut cache_routes) = (given.cache_routes.len(), Vec::new());
        if wanted > LIST_MAX {
            let message = format!("it has {wanted} paths; expected at most {LIST_MAX}");
            item.problem("pwa.cache_routes", message);
            return None;
        }
        for (index, path) in given.cache_routes.into_iter().enumerate() {
            let field = format_args!("pwa.cache_routes[{index}]");
            cache_routes.extend(item.take(field, LocalPath::parse(path)));
        }
        Some(UiPwa {
            enabled: given.enabled,
            start_url: start_url?,
            display: display?.unwrap_or(UiDisplay::Standalone),
            theme_color: theme_color?,
            cache_routes: (cache_routes.len() == wanted).then_some(cache_routes)?,
        })
    }
}

/// A user interface's own navigation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UiNav {
    /// Where it stands.
    pub position: UiNavPosition,
    /// Its entries, sorted by `order`; equal ones as the plugin gives them.
    pub items: Vec<UiNavItem>,
}

words_of_wit! {
    /// Where the navigation stands.
    UiNavPosition, "position of the navigation" {
        /// Below the page.
        Bottom = "bottom",
        /// Above the page.
        Top = "top",
        /// Beside the page.
        Side = "side",
    }
}

/// An entry of a user interface's navigation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UiNavItem {
    /// Text, or an i18n key.
    pub label: String,
    /// The name of an icon, or an SVG, which is untrusted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// Relative to the interface's base.
    pub path: LocalPath,
    /// Counts what is shown beside the label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub badge: Option<FunctionName>,
    /// Sorts the entries.
    pub order: i32,
}

impl UiNav {
    pub(super) fn parse(item: &mut Item<'_>, given: wire::UiNav) -> Option<Self> {
        let position = item.take("nav.position", UiNavPosition::known(given.position));
        let (wanted, mut items) = (given.items.len(), Vec::new());
        if wanted > LIST_MAX {
            let message = format!("it has {wanted} entries; expected at most {LIST_MAX}");
            item.problem("nav.items", message);
            return None;
        }
        for (index, entry) in given.items.into_iter().enumerate() {
            items.extend(UiNavItem::parse(item, index, entry));
        }
        items.sort_by_key(|entry| entry.order);
        let position = position?;
        (items.len() == wanted).then_some(UiNav { position, items })
    }
}

impl UiNavItem {
    fn parse(item: &mut Item<'_>, index: usize, given: wire::UiNavItem) -> Option<Self> {
        let field = |name: &str| format!("nav.items[{index}].{name}");
        let label = item.required(field("label"), given.label, LABEL_MAX);
        let icon = item.optional(field("icon"), given.icon, ICON_MAX);
        let path = item.take(field("path"), LocalPath::parse(given.path));
        let badge = item.if_present(field("badge"), given.badge, |name| {
            FunctionName::parse(&name)
        });
        Some(UiNavItem {
            label: label?,
            icon: icon?,
            path: path?,
            badge: badge?,
            order: given.order,
        })
    }
}
