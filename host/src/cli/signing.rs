//! `goatherd keygen`, `sign`, `verify` and `pack`: what authors do with a plugin before they hand it out.

use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::json;

use super::args::{Keygen, Pack, Sign, Verify};
use super::failure::{Failure, print};
use super::plugins::trusted;
use super::settings::Settings;
use crate::loader::signature::{PublicKey, SecretKey, Signature, TrustedKeys};
use crate::loader::{PackageLimits, content_to_sign, pack, signature_path};

/// Makes a key, and prints what others need to trust it.
pub(super) fn keygen(command: &Keygen) -> Result<(), Failure> {
    let key = SecretKey::generate().context("no key is made")?;
    key.write_new(&command.file)
        .context("the key is not kept")?;
    let public = key.public();
    if command.json {
        let shown = json!({ "key": public.id().to_string(), "public": public.to_string() });
        return print(&shown.to_string());
    }
    print(&public.to_string())
}

/// Signs a plugin.
pub(super) fn sign(command: &Sign) -> Result<(), Failure> {
    let key = SecretKey::read(&command.key).context("the key cannot be used")?;
    let content = content_to_sign(&command.plugin, &PackageLimits::default())
        .context("there is nothing to sign")?;
    let signature = signature_path(&command.plugin);
    let beside = signature.with_extension("sig-new");
    std::fs::write(&beside, format!("{}\n", key.sign(&content)))
        .and_then(|()| std::fs::rename(&beside, &signature))
        .with_context(|| format!("{} cannot be written", signature.display()))?;
    print(&signature.display().to_string())
}

/// Checks a signature against keys that are given, or those of the settings.
pub(super) fn verify(settings: &Settings, command: &Verify) -> Result<(), Failure> {
    let keys = if command.keys.is_empty() {
        trusted(settings)?
    } else {
        let keys: Vec<PublicKey> = command
            .keys
            .iter()
            .map(|text| text.parse().context("--key"))
            .collect::<Result<_, _>>()?;
        TrustedKeys::new(keys, [])
    };
    let file = signature_path(&command.plugin);
    let text = std::fs::read_to_string(&file)
        .with_context(|| format!("the signature {} cannot be read", file.display()))?;
    let signature: Signature = text
        .parse()
        .with_context(|| format!("{} is no signature", file.display()))?;
    let content = content_to_sign(&command.plugin, &PackageLimits::default())
        .context("there is nothing to verify")?;
    let key = keys
        .verify(&content, &signature)
        .with_context(|| format!("{} is not to be trusted", command.plugin.display()))?;
    if command.json {
        return print(
            &json!({ "plugin": command.plugin, "signed_by": key.to_string() }).to_string(),
        );
    }
    print(&format!("signed by {key}"))
}

/// Makes a package of a plugin's folder.
pub(super) fn package(command: &Pack) -> Result<(), Failure> {
    let out = command.out.clone().unwrap_or_else(|| {
        // Without the slash that shells put behind a folder's name.
        let folder: PathBuf = command.folder.components().collect();
        let mut name = folder.into_os_string();
        name.push(".zip");
        PathBuf::from(name)
    });
    let manifest = pack(&command.folder, &out, &PackageLimits::default());
    let manifest = manifest.context("no package is made")?;
    if command.json {
        let shown = json!({
            "package": out,
            "name": manifest.name.as_str(),
            "version": manifest.version.to_string(),
        });
        return print(&shown.to_string());
    }
    print(&format!(
        "{}: {} {}",
        out.display(),
        manifest.name,
        manifest.version
    ))
}
