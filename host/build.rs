//! Joins the files of `wit/` into the one text that `goatherd wit` prints, and tells the crate how it is optimised.
//!
//! A package may be spread over files that each repeat its name, or stand in one file that says it once. The second form is
//! easier to hand to a toolchain, so it is made here from the first, which is easier to read.

use std::error::Error;
use std::fs;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    // Dependencies are optimised together as a rule: where this crate is not, the compiler of plugins is not either. A
    // workspace that optimises the compiler by name says so, as this one does in `.cargo/config.toml`.
    const SAID: &str = "GOATHERD_COMPILER_OPT_LEVEL";
    println!("cargo::rerun-if-env-changed={SAID}");
    let level = std::env::var(SAID).or_else(|_| std::env::var("OPT_LEVEL"))?;
    println!("cargo::rustc-env={SAID}={level}");

    let wit = PathBuf::from("../wit");
    println!("cargo::rerun-if-changed={}", wit.display());
    let mut files: Vec<_> = fs::read_dir(&wit)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "wit"));
    files.sort();

    let mut package = None;
    let mut joined = String::new();
    for path in files {
        println!("cargo::rerun-if-changed={}", path.display());
        let text = fs::read_to_string(&path)?;
        let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
        if !first.starts_with("package ") {
            return Err(format!("{} does not begin with its package", path.display()).into());
        }
        if *package.get_or_insert(first.to_owned()) != first {
            return Err(format!("{} is of another package than the rest", path.display()).into());
        }
        joined.push_str(rest);
    }
    let package = package.ok_or("wit/ has no file")?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?).join("goatherd-plugin.wit");
    fs::write(out, format!("{package}\n{joined}"))?;
    Ok(())
}
