//! `plugin.yaml`: what a package says about itself before anything of it runs.
//!
//! A manifest is a claim. Name and version must be those that the component says too; what the plugin may do is read off
//! its component and decided by a policy, whatever stands here. Unknown fields are errors, since a misspelt dependency that
//! is silently ignored is worse than a package that is refused.

use std::fmt;
use std::str::FromStr;

use semver::{Version, VersionReq};
use serde::{Deserialize, Deserializer};
use thiserror::Error;

use super::inner_path::InnerPath;
use crate::contract::PluginName;

/// The name of the file, at the top of a package.
pub const FILE: &str = "plugin.yaml";
/// How large it may be, in bytes.
pub const BYTES_MAX: usize = 64 << 10;

/// A manifest.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Manifest {
    /// The plugin's name.
    pub name: PluginName,
    /// Its version.
    pub version: Version,
    /// What runs it.
    pub runtime: Runtime,
    /// For people; may be empty, as may be the next three.
    pub description: String,
    /// Who made it.
    pub author: String,
    /// An SPDX expression.
    pub license: String,
    /// Where to read about it.
    pub homepage: String,
    /// Plugins that must be there before it is loaded.
    pub dependencies: Vec<Dependency>,
    /// What it asks for, as it stands there; shown beside what the component needs.
    pub resources: Option<serde_json::Value>,
}

/// What runs a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Runtime {
    /// A component.
    Wasm {
        /// Its file in the package; `<name>.wasm` by default.
        file: InnerPath,
    },
    /// Nothing: templates, static files and translations.
    Template,
    /// Nothing: what a template has, and styles.
    Theme,
}

/// A plugin that another one needs: `crm`, or `crm >=1.2, <2`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dependency {
    /// The plugin.
    pub name: PluginName,
    /// Which versions serve; any where none is said.
    pub versions: VersionReq,
}

/// Why a text is no manifest.
#[derive(Debug, Error)]
pub enum ManifestError {
    /// It is not YAML of the expected form.
    #[error("{FILE} cannot be read: {0}")]
    Form(String),
    /// It is too large.
    #[error("{FILE} has {bytes} bytes; a manifest has at most {BYTES_MAX}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// A runtime that this version does not have.
    #[error(
        "{FILE} asks for the runtime {runtime:?}, which this version does not serve; there are wasm, template and theme"
    )]
    Runtime {
        /// What it asks for.
        runtime: String,
    },
    /// Fields that do not go together.
    #[error("{FILE}: {0}")]
    Disagrees(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(deserialize_with = "parsed")]
    name: PluginName,
    #[serde(deserialize_with = "parsed")]
    version: Version,
    #[serde(default)]
    runtime: String,
    binary: Option<String>,
    wasm: Option<String>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    author: String,
    #[serde(default)]
    license: String,
    #[serde(default)]
    homepage: String,
    resources: Option<serde_json::Value>,
    #[serde(default)]
    dependencies: Vec<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

fn parsed<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr,
    T::Err: fmt::Display,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(serde::de::Error::custom)
}

impl Manifest {
    /// Reads a manifest's bytes.
    ///
    /// # Errors
    ///
    /// [`ManifestError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() > BYTES_MAX {
            return Err(ManifestError::TooLarge { bytes: bytes.len() });
        }
        let written: Written = serde_yaml_ng::from_slice(bytes)
            .map_err(|error| ManifestError::Form(error.to_string()))?;
        let runtime = runtime(&written)?;
        let dependencies = dependencies(&written)?;
        Ok(Self {
            name: written.name,
            version: written.version,
            runtime,
            description: written.description,
            author: written.author,
            license: written.license,
            homepage: written.homepage,
            dependencies,
            resources: written.resources,
        })
    }
}

fn runtime(written: &Written) -> Result<Runtime, ManifestError> {
    let disagrees = |text: String| Err(ManifestError::Disagrees(text));
    let theme = match written.kind.as_deref() {
        None | Some("plugin") => false,
        Some("theme") => true,
        Some(other) => return disagrees(format!("type is {other:?}; there are plugin and theme")),
    };
    let runtime = match written.runtime.as_str() {
        "wasm" => {
            let file = match &written.wasm {
                Some(file) => file.clone(),
                None => format!("{}.wasm", written.name),
            };
            let file = file.parse::<InnerPath>();
            let file = file.map_err(|error| ManifestError::Disagrees(format!("wasm: {error}")))?;
            Runtime::Wasm { file }
        }
        "" | "template" if theme => Runtime::Theme,
        "" | "template" => Runtime::Template,
        "theme" => Runtime::Theme,
        other => {
            return Err(ManifestError::Runtime {
                runtime: other.to_owned(),
            });
        }
    };
    if theme && runtime != Runtime::Theme {
        return disagrees("a theme has no component: leave runtime out".to_owned());
    }
    if written.binary.is_some() {
        return disagrees(
            "binary is for native plugins, which this version does not serve".to_owned(),
        );
    }
    if written.wasm.is_some() && !matches!(runtime, Runtime::Wasm { .. }) {
        return disagrees("wasm names a component, but runtime is not wasm".to_owned());
    }
    Ok(runtime)
}

fn dependencies(written: &Written) -> Result<Vec<Dependency>, ManifestError> {
    let mut all: Vec<Dependency> = Vec::new();
    for text in &written.dependencies {
        let one: Dependency = text.parse().map_err(ManifestError::Disagrees)?;
        if one.name == written.name {
            return Err(ManifestError::Disagrees(format!(
                "dependencies: {} depends on itself",
                one.name
            )));
        }
        if all.iter().any(|other| other.name == one.name) {
            return Err(ManifestError::Disagrees(format!(
                "dependencies: {} is listed twice",
                one.name
            )));
        }
        all.push(one);
    }
    Ok(all)
}

impl FromStr for Dependency {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let end = text.find([' ', '@']).unwrap_or(text.len());
        let (name, rest) = text.split_at_checked(end).unwrap_or((text, ""));
        let rest = rest.trim_start_matches(['@', ' ']);
        let wrong = |reason: String| {
            format!(
                "dependencies: {text:?} {reason}; write a name, and versions behind it: crm >=1.2, <2"
            )
        };
        let name = name
            .parse()
            .map_err(|error| wrong(format!("names no plugin ({error})")))?;
        let versions = if rest.is_empty() {
            VersionReq::STAR
        } else {
            rest.parse()
                .map_err(|error| wrong(format!("has no range of versions ({error})")))?
        };
        Ok(Self { name, versions })
    }
}

impl fmt::Display for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.versions == VersionReq::STAR {
            write!(f, "{}", self.name)
        } else {
            write!(f, "{} {}", self.name, self.versions)
        }
    }
}
