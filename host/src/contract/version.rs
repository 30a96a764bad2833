//! Versions of the contract, and which of them this host serves.
//!
//! A component names the contract in its imports and exports, `goatherd:plugin/<interface>@<version>`. It runs here
//! when every such version is one that the host serves: of the same compatible line by the rules of semantic
//! versioning, and not newer. A component that was built against anything else is refused with the list of what is
//! served, before any of its code runs.

use std::{fmt, str::FromStr};

use semver::Version;
use serde::{Serialize, Serializer};

use crate::names::text::{quoted, quoted_owned};

/// The name of the WIT package.
pub const PACKAGE: &str = "goatherd:plugin";

/// The interface that a component exports to be a plugin.
pub const GUEST_INTERFACE: &str = "guest";

pub use super::bindings::served;

/// A version of the WIT package `goatherd:plugin`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContractVersion(Version);

/// Why a version of the contract is of no use here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// The text is not a semantic version.
    #[error("{shown} is not a contract version: {reason}; expected one such as 0.1.0")]
    Malformed {
        /// The text, quoted and cut.
        shown: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An interface of the package without a version.
    #[error(
        "the interface {shown} has no contract version; expected {PACKAGE}/<interface>@<version>"
    )]
    Missing {
        /// The interface's full name, quoted and cut.
        shown: String,
    },
    /// Of a served line, but newer than this host.
    #[error(
        "contract version {version} is newer than this host, which serves {}",
        Served
    )]
    Newer {
        /// The version that was asked for.
        version: ContractVersion,
    },
    /// Of a line that this host does not know.
    #[error(
        "contract version {version} is not served; this host serves {}",
        Served
    )]
    NotServed {
        /// The version that was asked for.
        version: ContractVersion,
    },
}

impl ContractVersion {
    /// The newest version that this host serves.
    #[must_use]
    pub fn newest() -> ContractVersion {
        served()
            .iter()
            .max()
            .cloned()
            .unwrap_or(ContractVersion(Version::new(0, 1, 0)))
    }

    /// The semantic version.
    #[must_use]
    pub fn semver(&self) -> &Version {
        &self.0
    }

    /// The version by which this host serves an import or export of this version: of the same line, and the same or
    /// newer. A pre-release is served only by itself.
    ///
    /// # Errors
    ///
    /// [`VersionError::Newer`] and [`VersionError::NotServed`]; both texts list the versions that are served.
    pub fn served_by(&self) -> Result<&'static ContractVersion, VersionError> {
        let line = served().iter().find(|served| served.line() == self.line());
        match line {
            Some(served) if served.0.cmp_precedence(&self.0).is_eq() => Ok(served),
            Some(served) if self.0.pre.is_empty() && self.0 < served.0 => Ok(served),
            Some(served) if self.0 > served.0 => Err(VersionError::Newer {
                version: self.clone(),
            }),
            Some(_) | None => Err(VersionError::NotServed {
                version: self.clone(),
            }),
        }
    }

    /// Whether another version, given as text, is of the same line.
    #[cfg(feature = "rehearsal")]
    pub(super) fn is_of_line(&self, other: &str) -> bool {
        let other = other.parse::<ContractVersion>();
        other.is_ok_and(|other| other.line() == self.line())
    }

    fn line(&self) -> Line {
        line(&self.0)
    }
}

/// Major number, and minor and patch where they tell lines apart.
type Line = (u64, Option<u64>, Option<u64>);

/// What two versions have in common when the newer one can serve the older.
pub(crate) fn line(version: &Version) -> Line {
    match (version.major, version.minor) {
        (0, 0) => (0, Some(0), Some(version.patch)),
        (0, minor) => (0, Some(minor), None),
        (major, _) => (major, None, None),
    }
}

/// The served versions as they stand in messages: `goatherd:plugin 0.1.0`, or `… 0.1.0 to 0.1.3, 1.0.0 to 1.2.0`.
#[derive(Debug, Clone, Copy)]
pub struct Served;

impl fmt::Display for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, served) in served().iter().enumerate() {
            f.write_str(if index == 0 { PACKAGE } else { "," })?;
            let (major, minor, patch) = served.line();
            let first = Version::new(major, minor.unwrap_or(0), patch.unwrap_or(0));
            if first < served.0 {
                write!(f, " {first} to {served}")?;
            } else {
                write!(f, " {served}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for ContractVersion {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Version::parse(text)
            .map(ContractVersion)
            .map_err(|reason| VersionError::Malformed {
                shown: quoted_owned(text),
                reason: reason.to_string(),
            })
    }
}

impl fmt::Display for ContractVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for ContractVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The name of an import or export of the package: `goatherd:plugin/db-read@0.1.0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterfaceName<'a> {
    /// The interface, such as `db-read`.
    pub interface: &'a str,
    /// The version of the contract that it belongs to.
    pub version: ContractVersion,
}

impl<'a> InterfaceName<'a> {
    /// Reads the name of an import or export of a component; `None` where it is of another package, such as
    /// `wasi:io/streams@0.2.0`.
    ///
    /// # Errors
    ///
    /// [`VersionError::Missing`] and [`VersionError::Malformed`]. Whether the version is served is another question:
    /// [`ContractVersion::served_by`].
    pub fn parse(name: &'a str) -> Result<Option<InterfaceName<'a>>, VersionError> {
        let Some(rest) = name
            .strip_prefix(PACKAGE)
            .and_then(|rest| rest.strip_prefix('/'))
        else {
            return Ok(None);
        };
        let Some((interface, version)) = rest.split_once('@') else {
            return Err(VersionError::Missing {
                shown: quoted(name).to_string(),
            });
        };
        Ok(Some(InterfaceName {
            interface,
            version: version.parse()?,
        }))
    }

    /// Whether this is the interface that makes a component a plugin: `goatherd:plugin/guest`.
    #[must_use]
    pub fn is_guest(&self) -> bool {
        self.interface == GUEST_INTERFACE
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;

    /// What stands in messages.
    const SHOWN: &str = if cfg!(feature = "rehearsal") {
        "goatherd:plugin 0.1.0 to 0.1.1, 0.2.0-draft"
    } else {
        "goatherd:plugin 0.1.0"
    };

    fn version(text: &str) -> ContractVersion {
        text.parse().unwrap()
    }

    fn refusal(text: &str) -> String {
        version(text).served_by().unwrap_err().to_string()
    }

    #[test]
    fn every_line_that_has_bindings_is_served_once() {
        let shown: Vec<_> = served().iter().map(ToString::to_string).collect();
        let expected = if cfg!(feature = "rehearsal") {
            vec!["0.1.1", "0.2.0-draft"]
        } else {
            vec!["0.1.0"]
        };
        assert_eq!(shown, expected);
        assert_eq!(Served.to_string(), SHOWN);
    }

    #[test]
    fn what_was_built_against_a_served_version_is_served_by_the_newest_of_its_line() {
        for newest in served() {
            assert_eq!(newest.served_by(), Ok(newest));
        }
        assert_eq!(version("0.1.0").served_by(), Ok(&served()[0]));
    }

    #[test]
    fn a_newer_version_of_a_served_line_is_refused_with_what_is_served() {
        assert_eq!(
            refusal("0.1.5"),
            format!("contract version 0.1.5 is newer than this host, which serves {SHOWN}")
        );
    }

    #[test]
    fn another_line_is_refused_with_what_is_served() {
        for version in ["0.3.0", "1.0.0", "0.0.9", "0.1.0-rc.1", "0.2.0-alpha"] {
            assert_eq!(
                refusal(version),
                format!("contract version {version} is not served; this host serves {SHOWN}")
            );
        }
    }

    #[test]
    fn a_draft_serves_nothing_but_itself() {
        let refused = refusal("0.2.0");
        assert!(refused.ends_with(SHOWN), "{refused}");
        assert!(version("0.2.0-drafts").served_by().is_err());
        let draft = version("0.2.0-draft").served_by();
        assert_eq!(draft.is_ok(), cfg!(feature = "rehearsal"));
    }

    #[test]
    fn interface_names_of_the_package_are_told_from_others() {
        let name = InterfaceName::parse("goatherd:plugin/guest@0.1.0")
            .unwrap()
            .unwrap();
        assert!(name.is_guest());
        assert_eq!(name.version.to_string(), "0.1.0");
        assert_eq!(InterfaceName::parse("wasi:io/streams@0.2.0"), Ok(None));
        assert_eq!(
            InterfaceName::parse("goatherd:pluginx/guest@0.1.0"),
            Ok(None)
        );
    }

    #[test]
    fn an_interface_without_a_usable_version_is_an_error_that_names_it() {
        let missing = InterfaceName::parse("goatherd:plugin/guest").unwrap_err();
        assert!(missing.to_string().contains("\"goatherd:plugin/guest\""));
        let malformed = InterfaceName::parse("goatherd:plugin/guest@banana").unwrap_err();
        assert!(malformed.to_string().contains("\"banana\""));
    }
}
