//! An SMTP server that puts each message into a folder: `mail/sink.py`, by the library that PyPI calls aiosmtpd.
//!
//! It listens twice: where everything is plain, and where it takes nothing before STARTTLS and a login. The certificate
//! is made for this run, for `127.0.0.1` and `localhost`.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use super::keeper::{Keeper, Signal};
use super::{attempt, connect, free_port};
use crate::guest::once_for;
use crate::places::Places;
use crate::process::{is_installed, run_quietly};

/// As in `sink.py`, with the space as a URL has it.
const LOGIN: &str = "goatherd:only%20for%20the%20tests";

pub(super) fn start(places: &Places, keeper: &mut Keeper) -> Result<[(&'static str, String); 4]> {
    let sources = places.root().join("tests/xtask/mail");
    let library = install(places, &sources)?;
    let folder = keeper.folder().join("mail");
    fs::create_dir(&folder)?;
    let (certificate, key) = certify(keeper.folder())?;
    let (plain, secure) = attempt(|| {
        let (plain, secure) = (free_port()?, free_port()?);
        let mut command = Command::new("python3");
        command
            .env("PYTHONPATH", &library)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .arg(sources.join("sink.py"))
            .arg(&folder)
            .args([plain.to_string(), secure.to_string()])
            .args([&certificate, &key]);
        keeper.serve(
            "the SMTP sink",
            &mut command,
            Signal::Terminate,
            |process| {
                [plain, secure]
                    .iter()
                    .all(|&port| is_ready(port, process).unwrap_or(false))
            },
        )?;
        Ok((plain, secure))
    })?;
    Ok([
        ("GOATHERD_TEST_SMTP", format!("smtp://127.0.0.1:{plain}")),
        (
            "GOATHERD_TEST_SMTP_STARTTLS",
            format!("smtp://{LOGIN}@127.0.0.1:{secure}"),
        ),
        (
            "GOATHERD_TEST_SMTP_CERTIFICATE",
            certificate.display().to_string(),
        ),
        ("GOATHERD_TEST_MAIL", folder.display().to_string()),
    ])
}

/// The greeting has the process.
fn is_ready(port: u16, process: u32) -> Result<bool> {
    let mut greeting = String::new();
    BufReader::new(connect(port)?).read_line(&mut greeting)?;
    Ok(greeting.trim_end().ends_with(&format!(" {process}")))
}

/// Into a plain folder and not a virtual environment, because a Python with pip need not have the module for those.
fn install(places: &Places, sources: &Path) -> Result<PathBuf> {
    if !is_installed("python3") {
        bail!(
            "the SMTP server of the tests needs Python 3 with pip, and there is no python3 on the PATH: install it from \
             your system's packages"
        );
    }
    let folder = places.servers();
    let library = folder.join("python");
    let pins = sources.join("requirements.txt");
    once_for(&fs::read(&pins)?, &folder, || {
        println!(
            "servers: installing what tests/xtask/mail/requirements.txt pins into {} (pip)",
            library.display()
        );
        run_quietly(
            Command::new("python3")
                .args(["-m", "pip", "install", "--quiet", "--upgrade", "--target"])
                .arg(&library)
                .arg("--requirement")
                .arg(&pins),
        )
    })?;
    Ok(library)
}

fn certify(folder: &Path) -> Result<(PathBuf, PathBuf)> {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".into(), "localhost".into()])?;
    let (certificate, key) = (folder.join("mail.pem"), folder.join("mail.key"));
    fs::write(&certificate, made.cert.pem())?;
    fs::write(&key, made.signing_key.serialize_pem())?;
    Ok((certificate, key))
}
