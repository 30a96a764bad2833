//! Boxes on dashboards.

use serde::Serialize;

use super::{
    check::{DESCRIPTION_MAX, FunctionName, LABEL_MAX},
    problem::Item,
};
use crate::contract::wire::registration as wire;

/// A box on a dashboard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Widget {
    /// Unique in the plugin.
    pub id: String,
    /// Text, or an i18n key.
    pub title: String,
    /// For people; may be empty.
    pub description: String,
    /// Makes the contents.
    pub handler: FunctionName,
    /// Which dashboard.
    pub location: WidgetLocation,
    /// How much of a row.
    pub size: WidgetSize,
    /// Sorts before plugin and id.
    pub order: i32,
    /// Whether the page may fetch it again without a reload.
    pub refreshable: bool,
    /// Seconds after which it refreshes by itself, at least [`REFRESH_MIN_SEC`]; only where it is refreshable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_sec: Option<u32>,
}

/// The shortest time between two refreshes that a plugin can ask for, in seconds.
pub const REFRESH_MIN_SEC: u32 = 5;

words_of_wit! {
    /// Which dashboard.
    WidgetLocation, "widget location" {
        /// The agents'.
        AgentHome = "agent_home",
        /// The administrators'.
        AdminHome = "admin_home",
        /// The customers'.
        CustomerHome = "customer_home",
        /// Beside a ticket.
        TicketSidebar = "ticket_sidebar",
    }
}

words_of_wit! {
    /// How much of a row.
    WidgetSize, "widget size" {
        /// A quarter.
        Small = "small",
        /// A half.
        Medium = "medium",
        /// Three quarters.
        Large = "large",
        /// All of it.
        Full = "full",
    }
}

impl From<WidgetLocation> for wire::WidgetLocation {
    fn from(location: WidgetLocation) -> Self {
        match location {
            WidgetLocation::AgentHome => Self::AgentHome,
            WidgetLocation::AdminHome => Self::AdminHome,
            WidgetLocation::CustomerHome => Self::CustomerHome,
            WidgetLocation::TicketSidebar => Self::TicketSidebar,
        }
    }
}

impl Widget {
    pub(super) fn parse(item: &mut Item<'_>, given: wire::Widget) -> Option<Self> {
        let id = item.id(given.id);
        let title = item.required("title", given.title, LABEL_MAX);
        let description = item.text(
            "description",
            given.description.unwrap_or_default(),
            DESCRIPTION_MAX,
        );
        let handler = item.function("handler", &given.handler);
        let location = item.take("location", WidgetLocation::known(given.location));
        let size = item.if_present("size", given.size, WidgetSize::known);
        let refresh_sec = item.if_present("refresh_sec", given.refresh_sec, |seconds| {
            if !given.refreshable {
                Err("it refreshes by itself but is not refreshable; set refreshable too".to_owned())
            } else if seconds < REFRESH_MIN_SEC {
                Err(format!(
                    "{seconds} seconds is too often; expected at least {REFRESH_MIN_SEC}"
                ))
            } else {
                Ok(seconds)
            }
        });
        Some(Widget {
            id: id?,
            title: title?,
            description: description?,
            handler: handler?,
            location: location?,
            size: size?.unwrap_or(WidgetSize::Medium),
            order: given.order,
            refreshable: given.refreshable,
            refresh_sec: refresh_sec?,
        })
    }
}
