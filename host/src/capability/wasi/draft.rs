//! Proposals that WASI has not released, in the versions that components in use name.
//!
//! A draft's version promises nothing about the next one, so each that is served is listed here by its whole name, and every
//! other one is refused with those that are. Toolchains and hosts of different years name different drafts of one interface;
//! where these differ in nothing but the name, one implementation is linked under all of them ([`names`]).
//!
//! | versions | who names them |
//! |---|---|
//! | `wasi:keyvalue@0.2.0-draft` | wasmtime, wasmCloud |
//! | `wasi:keyvalue@0.2.0-draft2` | Spin, the proposal itself since September 2024 |
//! | `wasi:config/store@0.2.0-rc.1` | wasmtime, wasmCloud |
//! | `wasi:config/store@0.2.0-draft-2024-09-27`, `@0.2.0-draft` | Spin, the proposal itself |
//! | `wasi:config/runtime@0.2.0-draft` | wasmCloud 1, before the interface was renamed |
//! | `wasi:logging/logging`, `@0.1.0-draft` | Golem and wasmCloud 1, wasmCloud |

/// An interface of a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draft {
    /// Its name with its package, without a version.
    pub interface: &'static str,
    /// The versions of it that are served; none for its name without a version.
    pub versions: &'static [Option<&'static str>],
}

const KEYVALUE: &[Option<&str>] = &[Some("0.2.0-draft"), Some("0.2.0-draft2")];

/// Every draft that is served.
#[rustfmt::skip]
pub const DRAFTS: &[Draft] = &[
    Draft { interface: "wasi:keyvalue/store", versions: KEYVALUE },
    Draft { interface: "wasi:keyvalue/atomics", versions: KEYVALUE },
    Draft { interface: "wasi:keyvalue/batch", versions: KEYVALUE },
    Draft { interface: "wasi:config/store", versions: &[Some("0.2.0-rc.1"), Some("0.2.0-draft-2024-09-27"), Some("0.2.0-draft")] },
    Draft { interface: "wasi:config/runtime", versions: &[Some("0.2.0-draft")] },
    Draft { interface: "wasi:logging/logging", versions: &[None, Some("0.1.0-draft")] },
];

impl Draft {
    /// Its names as components import them.
    pub fn names(&self) -> impl Iterator<Item = String> + use<> {
        let interface = self.interface;
        self.versions.iter().map(move |version| match version {
            Some(version) => format!("{interface}@{version}"),
            None => interface.to_owned(),
        })
    }
}

/// The names under which an interface is linked whose drafts differ in nothing else.
pub(in crate::capability) fn names(interface: &str) -> impl Iterator<Item = String> + use<> {
    let drafts: Vec<&Draft> = of(|draft| draft.interface == interface);
    drafts.into_iter().flat_map(Draft::names)
}

/// What is said to an import of a package of which only drafts are served: why it is refused, or nothing where it is served.
/// None for other packages.
pub(super) fn judge(interface: &str, version: Option<&str>) -> Option<Result<(), String>> {
    let package = package(interface);
    let served = of(|draft| self::package(draft.interface) == package);
    if served.is_empty() {
        return None;
    }
    let Some(draft) = served.iter().find(|draft| draft.interface == interface) else {
        return Some(Err(format!(
            "this host serves no interface of this name in {package}; it serves {}",
            listed(served)
        )));
    };
    if draft.versions.contains(&version) {
        return Some(Ok(()));
    }
    Some(Err(format!(
        "WASI has not released {package}, and of its drafts this host serves {}, so build the component for that",
        listed([*draft])
    )))
}

fn of(matches: impl Fn(&Draft) -> bool) -> Vec<&'static Draft> {
    DRAFTS.iter().filter(|draft| matches(draft)).collect()
}

fn package(interface: &str) -> &str {
    interface
        .split_once('/')
        .map_or(interface, |(package, _)| package)
}

fn listed(drafts: impl IntoIterator<Item = &'static Draft>) -> String {
    let names: Vec<String> = drafts.into_iter().flat_map(Draft::names).collect();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}
