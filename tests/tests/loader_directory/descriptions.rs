//! Descriptions out of a cache: the same as fresh ones, or none.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use goatherd::Host;
use goatherd::runtime::{CodeCache, DescribeError, Description, DescriptionCache, LoadError};
use goatherd_tests::{grants, guest, importing, limits, misregistered, relay};
use serde_json::to_value;
use tempfile::TempDir;

use crate::{Ground, at, stamped};

fn private() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    folder
}

fn host_on(directory: &Path) -> Host {
    let cache = DescriptionCache::open(directory).unwrap();
    Host::builder().description_cache(cache).build().unwrap()
}

async fn describe(host: &Host, bytes: &[u8]) -> Result<Description, DescribeError> {
    host.describe_bytes("guest.wasm", Arc::from(bytes)).await
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(directory).unwrap().flatten();
    files.map(|entry| entry.path()).collect()
}

#[tokio::test]
async fn a_kept_description_is_the_same_as_a_fresh_one() {
    let folder = private();
    for name in [
        "api-tour",
        "helpdesk-stats",
        "probe-fields",
        "bench",
        "cascader",
    ] {
        let bytes = guest(name);
        let fresh = describe(&host_on(folder.path()), &bytes).await.unwrap();
        let kept = describe(&host_on(folder.path()), &bytes).await.unwrap();
        assert_eq!(kept.registration, fresh.registration);
        assert_eq!(to_value(&kept).unwrap(), to_value(&fresh).unwrap());
        let host = host_on(folder.path());
        let component = host.compile("x", bytes).await.unwrap();
        let compiled = host.describe(&component).await.unwrap();
        assert_eq!(to_value(&kept).unwrap(), to_value(&compiled).unwrap());
    }
    assert_eq!(entries(folder.path()).len(), 5);
}

#[tokio::test]
async fn a_known_component_is_not_compiled_again() {
    let folder = private();
    let bytes = relay('a');
    // What is compiled is in the code cache afterwards.
    let compiled = async || {
        let code = private();
        let host = Host::builder()
            .description_cache(DescriptionCache::open(folder.path()).unwrap())
            .code_cache(CodeCache::open(code.path()).unwrap())
            .build()
            .unwrap();
        describe(&host, &bytes).await.unwrap();
        entries(code.path()).len()
    };
    assert_eq!(compiled().await, 1);
    assert_eq!(compiled().await, 0);
}

#[tokio::test]
async fn an_entry_that_is_damaged_in_any_place_is_not_believed_and_is_replaced() {
    let folder = private();
    let bytes = relay('a');
    let host = host_on(folder.path());
    let fresh = to_value(describe(&host, &bytes).await.unwrap()).unwrap();
    let entry = entries(folder.path()).remove(0);
    let good = fs::read(&entry).unwrap();
    let mut damages: Vec<Vec<u8>> = (0..good.len())
        .step_by(good.len() / 12)
        .map(|place| {
            let mut damaged = good.clone();
            damaged[place] ^= 1;
            damaged
        })
        .collect();
    damages.extend([Vec::new(), good[..good.len() / 2].to_vec(), vec![0xff; 100]]);
    damages.push([good.as_slice(), b" "].concat());
    for damaged in damages {
        fs::write(&entry, &damaged).unwrap();
        let described = describe(&host, &bytes).await.unwrap();
        assert_eq!(to_value(described).unwrap(), fresh);
        assert_eq!(fs::read(&entry).unwrap(), good, "it was not replaced");
    }
}

#[tokio::test]
async fn an_entry_of_another_component_is_not_believed_under_this_ones_name() {
    let folder = private();
    let host = host_on(folder.path());
    let (a, b) = (relay('a'), relay('b'));
    describe(&host, &a).await.unwrap();
    let of_a = entries(folder.path()).remove(0);
    describe(&host, &b).await.unwrap();
    let of_b = entries(folder.path())
        .into_iter()
        .find(|entry| *entry != of_a)
        .unwrap();
    fs::copy(&of_a, &of_b).unwrap();
    let described = describe(&host, &b).await.unwrap();
    assert_eq!(described.registration.name.as_str(), "relay-b");
}

#[tokio::test]
async fn a_forged_entry_that_anybody_could_have_written_is_not_believed() {
    let folder = private();
    let bytes = relay('a');
    let host = host_on(folder.path());
    describe(&host, &bytes).await.unwrap();
    let entry = entries(folder.path()).remove(0);
    let text = fs::read_to_string(&entry).unwrap();
    // The same with a rightly made checksum, and another plugin's name in it.
    let (head, body) = text.split_once('\n').unwrap();
    let body = body.replace("relay-a", "relay-x");
    let forged = forged(head, &body).await;
    fs::write(&entry, &forged).unwrap();
    // From this user's own file it would be believed: so the checksum is right.
    let believed = describe(&host, &bytes).await.unwrap();
    assert_eq!(believed.registration.name.as_str(), "relay-x");
    for mode in [0o666, 0o622, 0o620] {
        fs::write(&entry, &forged).unwrap();
        fs::set_permissions(&entry, fs::Permissions::from_mode(mode)).unwrap();
        let described = describe(&host, &bytes).await.unwrap();
        assert_eq!(described.registration.name.as_str(), "relay-a", "{mode:o}");
    }
    fs::write(&entry, &forged).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let described = describe(&host, &bytes).await.unwrap();
    assert_eq!(described.registration.name.as_str(), "relay-a");
}

#[tokio::test]
async fn a_description_that_hides_an_import_links_nothing() {
    let folder = private();
    let bytes = guest("bench");
    let host = host_on(folder.path());
    let fresh = describe(&host, &bytes).await.unwrap();
    let entry = entries(folder.path()).remove(0);
    let text = fs::read_to_string(&entry).unwrap();
    let (head, body) = text.split_once('\n').unwrap();
    let mut body: serde_json::Value = serde_json::from_str(body).unwrap();
    body["imports"] = serde_json::json!([]);
    fs::write(&entry, forged(head, &body.to_string()).await).unwrap();
    let hiding = describe(&host, &bytes).await.unwrap();
    assert!(hiding.imports.is_empty() && !fresh.imports.is_empty());
    let component = host.compile("bench", bytes).await.unwrap();
    let nobody = Arc::new(goatherd::capability::Alone);
    let loaded = host
        .load_described(&component, hiding, grants(&[]), limits(), nobody)
        .await;
    assert!(matches!(loaded, Err(LoadError::NotGranted { .. })));
}

/// An entry with another text, whose checksum is right. It is the last word of the head, and a reader's hash of a file is the same.
async fn forged(head: &str, body: &str) -> String {
    let ground = Ground::new();
    let path = ground.put("text.wasm", body);
    let checksum = ground.reader().read(&at(&path)).await.unwrap().hash;
    let (form, _) = head.rsplit_once(' ').unwrap();
    format!("{form} {checksum}\n{body}")
}

#[tokio::test]
async fn what_cannot_be_described_is_not_kept_and_is_refused_each_time() {
    let folder = private();
    let host = host_on(folder.path());
    let unknown = importing(&["acme:secret/door@1.0.0"]);
    for bytes in [
        misregistered(b'm'),
        b"\0asm\x01\0\0\0".to_vec(),
        b"text".to_vec(),
        unknown,
    ] {
        for _ in 0..2 {
            describe(&host, &bytes).await.unwrap_err();
        }
    }
    assert!(entries(folder.path()).is_empty());
}

#[test]
fn a_directory_that_others_can_write_to_keeps_no_descriptions() {
    let folder = private();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o770)).unwrap();
    let error = DescriptionCache::open(folder.path())
        .unwrap_err()
        .to_string();
    assert!(error.contains("0700"), "{error}");
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_to_any_more_is_no_error() {
    let folder = private();
    let directory = folder.path().join("cache");
    let host = host_on(&directory);
    fs::remove_dir(&directory).unwrap();
    let stamped = stamped(&relay('a'), 1);
    for bytes in [&relay('a'), &stamped, &stamped] {
        let described = describe(&host, bytes).await.unwrap();
        assert_eq!(described.registration.name.as_str(), "relay-a");
        // Whoever removed it may have had a reason: it is not made again behind their back.
        assert!(!directory.exists());
    }
    // A host that starts makes it.
    describe(&host_on(&directory), &relay('a')).await.unwrap();
    assert_eq!(entries(&directory).len(), 1);
}
