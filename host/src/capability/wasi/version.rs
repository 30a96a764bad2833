//! Which of WASI's names are served, and why the others are not.
//!
//! A component names WASI's interfaces in the version of its toolchain, and every toolchain has another patch version. Within
//! WASI 0.2 an interface only ever gains functions, so all of `wasi:…@0.2.x` is one implementation here, which has everything
//! up to the version of wasmtime. Of what WASI has not released, single [drafts](super::draft) are served.

use semver::Version;

use super::draft;
use crate::capability::Interfaces;
use crate::capability::table::KNOWN;

/// Why an import of WASI is not served by a host with these interfaces, by its whole name; none where it is.
pub fn refusal(name: &str, interfaces: &Interfaces) -> Option<String> {
    let (interface, version) = match name.split_once('@') {
        Some((interface, version)) => (interface, Some(version)),
        None => (name, None),
    };
    if let Some(judged) = draft::judge(interface, version) {
        return judged.err();
    }
    let Some(version) = version.and_then(|version| Version::parse(version).ok()) else {
        return Some(
            "it has no version; this host serves version 0.2 of WASI: wasi:…@0.2.0 and every later patch of it".to_owned(),
        );
    };
    if version.major > 0 || version.minor > 2 {
        return Some(format!(
            "this host does not serve WASI {}.{} yet; it serves 0.2, so build the component for that",
            version.major, version.minor
        ));
    }
    if version.minor < 2 {
        return Some("this host serves version 0.2 of WASI".to_owned());
    }
    if !version.pre.is_empty() {
        return Some(format!(
            "{version} is a draft from before the release; this host serves 0.2.0 and every later patch of it"
        ));
    }
    if cfg!(not(feature = "http")) && interface.starts_with("wasi:http/") {
        return Some(
            "this host was built without requests to other servers: the feature http of the crate goatherd has them"
                .to_owned(),
        );
    }
    if interfaces.gate(interface).is_some() {
        return None;
    }
    Some(unknown(interface))
}

/// Why there is nothing of this name in WASI 0.2 as it is served here.
fn unknown(interface: &str) -> String {
    match interface {
        "wasi:http/incoming-handler" => {
            "it is there to be exported, not imported; requests reach a plugin by the routes that it registers".to_owned()
        }
        "wasi:cli/run" => {
            "it is there to be exported, not imported; a plugin is called by what it registers".to_owned()
        }
        _ => {
            let package = interface.split_once('/').map_or(interface, |(package, _)| package);
            let known = KNOWN.iter().any(|row| {
                row.name
                    .strip_prefix(package)
                    .is_some_and(|rest| rest.starts_with('/'))
            });
            if known {
                format!("this host serves no interface of this name in {package}")
            } else {
                format!("this host does not serve {package}")
            }
        }
    }
}
