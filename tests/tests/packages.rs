//! Packages: what is taken apart, and what is refused with nothing left of it.

use std::fs;
use std::io::{Cursor, Read, Write as _};
use std::path::Path;

use goatherd::loader::manifest::{Manifest, Runtime};
use goatherd::loader::package::{Extracted, PackageError, PackageLimits};
use tempfile::TempDir;
use zip::write::{SimpleFileOptions, ZipWriter};

const MANIFEST: &str = "name: stats\nversion: 1.2.0\nruntime: wasm\n";

/// An archive under construction, with a manifest in it.
fn archive() -> ZipWriter<Cursor<Vec<u8>>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    put(&mut zip, "plugin.yaml", MANIFEST.as_bytes());
    zip
}

fn put(zip: &mut ZipWriter<Cursor<Vec<u8>>>, name: &str, content: &[u8]) {
    zip.start_file(name, SimpleFileOptions::default()).unwrap();
    zip.write_all(content).unwrap();
}

fn bytes(zip: ZipWriter<Cursor<Vec<u8>>>) -> Vec<u8> {
    zip.finish().unwrap().into_inner()
}

/// A package with one more file.
fn with(name: &str, content: &[u8]) -> Vec<u8> {
    let mut zip = archive();
    put(&mut zip, name, content);
    bytes(zip)
}

fn extract(package: &[u8], beside: &Path) -> Result<Extracted, PackageError> {
    Extracted::from_zip(package, beside, &PackageLimits::default())
}

/// Fails unless a package is refused with these words and nothing is left of it.
#[track_caller]
fn refused(package: &[u8], words: &str) {
    let outer = TempDir::new().unwrap();
    let beside = outer.path().join("plugins");
    fs::create_dir(&beside).unwrap();
    let error = extract(package, &beside).expect_err(words).to_string();
    assert!(error.contains(words), "{words:?} is not in {error:?}");
    assert_eq!(
        fs::read_dir(&beside).unwrap().count(),
        0,
        "something is left"
    );
    assert_eq!(
        fs::read_dir(outer.path()).unwrap().count(),
        1,
        "something is outside"
    );
}

/// The same archive with each of some bytes in the place of others, wherever they are.
fn patched(package: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut patched = package.to_vec();
    let mut found = 0;
    for place in 0..patched.len() - from.len() {
        if patched[place..].starts_with(from) {
            patched[place..place + to.len()].copy_from_slice(to);
            found += 1;
        }
    }
    assert!(found > 0, "there is nothing to patch");
    patched
}

#[test]
fn a_package_becomes_a_folder_in_one_step() {
    let outer = TempDir::new().unwrap();
    let mut zip = archive();
    zip.add_directory("templates", SimpleFileOptions::default())
        .unwrap();
    put(
        &mut zip,
        "templates/de/page.html",
        "<p>Grüße</p>".as_bytes(),
    );
    put(&mut zip, "stats.wasm", b"\0asm");
    let extracted = extract(&bytes(zip), outer.path()).unwrap();
    assert_eq!(extracted.manifest().name.as_str(), "stats");
    let target = outer.path().join("stats");
    assert!(!target.exists());
    extracted.publish(&target).unwrap();
    assert_eq!(fs::read(target.join("stats.wasm")).unwrap(), b"\0asm");
    let page = fs::read_to_string(target.join("templates/de/page.html")).unwrap();
    assert_eq!(page, "<p>Grüße</p>");
    assert_eq!(fs::read_dir(outer.path()).unwrap().count(), 1);
}

#[test]
fn what_is_there_already_is_not_replaced_and_nothing_else_is_left() {
    let outer = TempDir::new().unwrap();
    let target = outer.path().join("stats");
    fs::create_dir(&target).unwrap();
    let extracted = extract(&bytes(archive()), outer.path()).unwrap();
    assert!(matches!(
        extracted.publish(&target),
        Err(PackageError::Write { .. })
    ));
    assert_eq!(fs::read_dir(outer.path()).unwrap().count(), 1);
    assert_eq!(fs::read_dir(&target).unwrap().count(), 0);
}

#[test]
fn a_path_that_leads_out_is_refused_before_anything_is_written_there() {
    for (name, words) in [
        ("../evil", "is . or .."),
        ("templates/../../evil", "is . or .."),
        ("/etc/evil", "is absolute"),
        ("..\\evil", "backslash"),
        ("C:evil", "colon"),
        ("a//b", "empty part"),
        ("./a", "is . or .."),
        ("a/.. /b", "ends in a dot or a space"),
        ("a\nb", "control character"),
    ] {
        // The writer would make some names harmless, so they are put in afterwards.
        let stand_in = "x".repeat(name.len());
        let package = with(&stand_in, b"evil");
        refused(
            &patched(&package, stand_in.as_bytes(), name.as_bytes()),
            words,
        );
    }
    refused(&with(&"n".repeat(300), b""), "255 bytes");
    refused(&with(&vec!["n"; 700].join("/"), b""), "1024 bytes");
}

#[test]
fn links_and_devices_are_refused() {
    let mut zip = archive();
    zip.add_symlink("link", "/etc/passwd", SimpleFileOptions::default())
        .unwrap();
    refused(&bytes(zip), "neither a file nor a folder");
    // A type that no tool writes into an archive: a device, a socket, a pipe.
    for kind in [0o020_000_u32, 0o060_000, 0o140_000, 0o010_000] {
        let mut zip = archive();
        let options = SimpleFileOptions::default().unix_permissions(0o644);
        zip.start_file("special", options).unwrap();
        let package = bytes(zip);
        let plain = (0o100_644_u32 << 16).to_le_bytes();
        let special = ((kind | 0o644) << 16).to_le_bytes();
        refused(
            &patched(&package, &plain, &special),
            "neither a file nor a folder",
        );
    }
}

#[test]
fn a_hard_link_to_a_file_outside_is_refused() {
    // Written as a field that nobody knows, and made PKWARE's field for Unix, which names a link's target.
    let target = b"/etc/passwd";
    let mut field = vec![0_u8; 12];
    field.extend(target);
    let mut options = zip::write::FileOptions::<zip::write::ExtendedFileOptions>::default();
    options.add_extra_field(0xbeef, field, false).unwrap();
    let mut zip = archive();
    zip.start_file("link", options).unwrap();
    let package = bytes(zip);
    extract(&package, TempDir::new().unwrap().path()).unwrap();
    let size = u16::try_from(12 + target.len()).unwrap().to_le_bytes();
    let unknown = [0xbeef_u16.to_le_bytes(), size].concat();
    let unix = [0x000d_u16.to_le_bytes(), size].concat();
    refused(
        &patched(&package, &unknown, &unix),
        "neither a file nor a folder",
    );
}

#[test]
fn two_thousand_files_are_refused() {
    let mut zip = archive();
    for number in 0..2_000 {
        put(&mut zip, &format!("f{number}"), b"");
    }
    refused(&bytes(zip), "2001");
}

#[test]
fn a_bomb_stops_at_the_limit_of_a_file() {
    let mut zip = archive();
    let options = SimpleFileOptions::default().large_file(true);
    zip.start_file("bomb", options).unwrap();
    // 10 GB of zeros, of which 100 MB come out before it is refused.
    std::io::copy(&mut std::io::repeat(0).take(10 << 30), &mut zip).unwrap();
    refused(&bytes(zip), "more bytes in bomb");
}

#[test]
fn many_files_stop_at_the_limit_for_all() {
    let limits = PackageLimits::default().total_bytes(100_000);
    let mut zip = archive();
    for number in 0..20 {
        put(&mut zip, &format!("f{number}"), &[0; 10_000]);
    }
    let outer = TempDir::new().unwrap();
    let error = Extracted::from_zip(&bytes(zip), outer.path(), &limits).unwrap_err();
    assert!(error.to_string().contains("more bytes in all"), "{error}");
}

#[test]
fn one_name_twice_is_refused_whichever_way_it_is_written() {
    let package = patched(
        &{
            let mut zip = archive();
            put(&mut zip, "aaaa", b"1");
            put(&mut zip, "bbbb", b"2");
            bytes(zip)
        },
        b"bbbb",
        b"aaaa",
    );
    refused(&package, "twice");
    let mut zip = archive();
    put(&mut zip, "Page.html", b"1");
    put(&mut zip, "page.html", b"2");
    refused(&bytes(zip), "twice");
}

#[test]
fn an_archive_that_lies_about_a_size_is_refused() {
    let content = [7_u8; 12_345];
    let mut zip = archive();
    let stored = SimpleFileOptions::default();
    zip.start_file("file", stored).unwrap();
    zip.write_all(&content).unwrap();
    let package = bytes(zip);
    let truth = 12_345_u32.to_le_bytes();
    for lie in [1_u32, 12_344, 12_346, 4_000_000_000] {
        let outer = TempDir::new().unwrap();
        let lying = patched(&package, &truth, &lie.to_le_bytes());
        let error = extract(&lying, outer.path()).expect_err("the size is wrong");
        let expected = matches!(error, PackageError::Size { .. } | PackageError::Archive(_));
        assert!(expected, "{lie}: {error}");
        assert_eq!(fs::read_dir(outer.path()).unwrap().count(), 0);
    }
}

#[test]
fn a_changed_byte_is_noticed() {
    let package = with("file", b"some content that is stored and has a checksum");
    let mut broken = 0;
    for place in 60..package.len() - 60 {
        let mut changed = package.clone();
        changed[place] ^= 0x40;
        let outer = TempDir::new().unwrap();
        if let Ok(extracted) = extract(&changed, outer.path()) {
            // Times and permissions mean nothing to us; content does.
            if let Ok(content) = fs::read(extracted.folder().join("file")) {
                assert_eq!(content, b"some content that is stored and has a checksum");
            }
        } else {
            broken += 1;
        }
    }
    assert!(broken > 20);
}

#[test]
fn what_is_no_archive_or_has_no_manifest_is_refused() {
    refused(b"", "ZIP");
    refused(b"\0asm\x0d\0\x01\0", "ZIP");
    let package = with("file", b"x");
    refused(&package[..package.len() / 2], "ZIP");
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    put(&mut zip, "stats/plugin.yaml", MANIFEST.as_bytes());
    refused(&bytes(zip), "no plugin.yaml at its top");
}

#[test]
fn a_manifest_says_name_version_runtime_and_what_it_depends_on() {
    let manifest = Manifest::parse(
        b"name: stats\nversion: 1.2.0\nruntime: wasm\nwasm: bin/s.wasm\nauthor: A\ndependencies:\n- tickets\n- crm >=1.2, <2\n- mail@^0.3\n",
    )
    .unwrap();
    let Runtime::Wasm { file } = &manifest.runtime else {
        panic!("{manifest:?}")
    };
    assert_eq!(file.as_str(), "bin/s.wasm");
    let shown: Vec<String> = manifest
        .dependencies
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(shown, ["tickets", "crm >=1.2, <2", "mail ^0.3"]);
    let plain = Manifest::parse(b"name: look\nversion: 0.1.0\n").unwrap();
    assert_eq!(plain.runtime, Runtime::Template);
    let theme = Manifest::parse(b"name: look\nversion: 0.1.0\ntype: theme\n").unwrap();
    assert_eq!(theme.runtime, Runtime::Theme);
}

#[test]
fn a_manifest_that_is_wrong_is_refused_with_the_reason() {
    for (text, words) in [
        ("name: Stats\nversion: 1.0.0\n", "name"),
        ("name: stats\nversion: '1.0'\n", "version"),
        ("name: stats\n", "version"),
        (
            "name: stats\nversion: 1.0.0\nruntime: grpc\nbinary: bin/stats\n",
            "\"grpc\"",
        ),
        (
            "name: stats\nversion: 1.0.0\nruntime: wasm\nwasm: ../other/o.wasm\n",
            "..",
        ),
        (
            "name: stats\nversion: 1.0.0\nwasm: s.wasm\n",
            "runtime is not wasm",
        ),
        (
            "name: stats\nversion: 1.0.0\nruntime: wasm\ntype: theme\n",
            "theme has no component",
        ),
        (
            "name: stats\nversion: 1.0.0\ndependences: [a]\n",
            "dependences",
        ),
        (
            "name: stats\nversion: 1.0.0\ndependencies: [stats]\n",
            "itself",
        ),
        (
            "name: stats\nversion: 1.0.0\ndependencies: [a, 'a >1']\n",
            "twice",
        ),
        (
            "name: stats\nversion: 1.0.0\ndependencies: ['a one']\n",
            "range",
        ),
        ("name: stats\nname: other\nversion: 1.0.0\n", "duplicate"),
        ("a: &a [*a]", "plugin.yaml"),
        ("- 1", "plugin.yaml"),
    ] {
        let error = Manifest::parse(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(words), "{text:?}: {error}");
    }
    let long = format!(
        "name: stats\nversion: 1.0.0\ndescription: {}\n",
        "x".repeat(70_000)
    );
    assert!(
        Manifest::parse(long.as_bytes())
            .unwrap_err()
            .to_string()
            .contains("65536")
    );
}
