//! Which export each contribution with a handler needs.
//!
//! A plugin says what it contributes, and its component exports what answers for it; one without the other is found when
//! the plugin is described and not when a visitor asks.

use super::problem::Found;
use super::{Handler, Problems, Registration};
use crate::contract::bindings::Exported;
use crate::names::text::quoted;

/// What a component has to export for a contribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NeededExport {
    /// An interface of the contract.
    Contract(Exported),
    /// `wasi:http/incoming-handler`.
    WasiHttp,
}

impl NeededExport {
    fn of(handler: &Handler) -> Self {
        match handler {
            Handler::Function(_) => Self::Contract(Exported::RouteHandler),
            Handler::WasiHttp => Self::WasiHttp,
        }
    }
}

impl Registration {
    /// Checks that what each contribution needs is exported.
    ///
    /// # Errors
    ///
    /// All contributions for which it is not, each with the interface and the world to include.
    pub(crate) fn check_exports(&self, has: impl Fn(NeededExport) -> bool) -> Result<(), Problems> {
        let mut found = Found::default();
        self.each_handler(|field, what, needed| {
            if has(needed) {
                return;
            }
            match needed {
                NeededExport::Contract(exported) => found.add(
                    &field,
                    format_args!(
                        "{what}: the component does not export {}; include the world {} and implement it",
                        exported.interface(),
                        exported.world()
                    ),
                ),
                NeededExport::WasiHttp => found.add(
                    &field,
                    format_args!(
                        "{what}: the component does not export wasi:http/incoming-handler of WASI 0.2; export it from \
                         your world"
                    ),
                ),
            }
        });
        found.finish(Some(()))
    }

    /// Calls `visit` with the field, a description and the export of each contribution that has a handler.
    fn each_handler(&self, mut visit: impl FnMut(String, String, NeededExport)) {
        use NeededExport::Contract;
        for (index, route) in self.routes.iter().enumerate() {
            let what = format!("route {} {}", route.method, route.path);
            let needed = NeededExport::of(&route.handler);
            visit(format!("routes[{index}]"), what, needed);
        }
        for (index, widget) in self.widgets.iter().enumerate() {
            let what = format!("widget {}", quoted(&widget.id));
            let needed = Contract(Exported::WidgetHandler);
            visit(format!("widgets[{index}]"), what, needed);
        }
        for (index, job) in self.jobs.iter().enumerate() {
            let what = format!("job {}", quoted(&job.id));
            let needed = Contract(Exported::JobHandler);
            visit(format!("jobs[{index}]"), what, needed);
        }
        for (index, cascade) in self.cascades.iter().enumerate() {
            let what = format!("cascade for {}", cascade.entity_type);
            let needed = Contract(Exported::CascadeHandler);
            visit(format!("cascades[{index}]"), what, needed);
        }
        for (index, authorizer) in self.event_authorizers.iter().enumerate() {
            let what = format!("event authorizer {}", authorizer.handler);
            let needed = Contract(Exported::EventAuthorizer);
            visit(format!("event_authorizers[{index}]"), what, needed);
        }
        for (index, ui) in self.uis.iter().enumerate() {
            let ui_id = quoted(&ui.id);
            for (page, route) in ui.routes.iter().enumerate() {
                let what = format!("page {} of {ui_id}", route.path);
                let needed = NeededExport::of(&route.handler);
                visit(format!("uis[{index}].routes[{page}]"), what, needed);
            }
            let entries = ui.nav.iter().flat_map(|nav| &nav.items).enumerate();
            for (entry, item) in entries.filter(|(_, item)| item.badge.is_some()) {
                let what = format!("entry {} of {ui_id}", quoted(&item.label));
                let field = format!("uis[{index}].nav.items[{entry}].badge");
                visit(field, what, Contract(Exported::Navigation));
            }
        }
    }
}
