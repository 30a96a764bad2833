//! Reading: what is checked is what is loaded.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Arc;

use goatherd::loader::signature::{SecretKey, SignatureError, TrustedKeys};
use goatherd::loader::{Bundle, InnerPath, Layout, ReadError, content_to_sign, discover};
use goatherd_tests::{guest, host, relay};

use crate::{Ground, at, look, look_zip, put, soon, zip};

fn inner(path: &str) -> InnerPath {
    path.parse().unwrap()
}

async fn page(bundle: &Bundle) -> String {
    let files = bundle.files.as_ref().unwrap();
    let bytes = files.read(&inner("templates/page.html")).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

const WASM: &str = "name: relay-a\nversion: 0.1.0\nruntime: wasm\nwasm: bin/relay.wasm\n";

#[tokio::test]
async fn one_plugin_reads_the_same_from_all_three_layouts() {
    let ground = Ground::new();
    let component = relay('a');
    ground.put("one.wasm", &component);
    ground.put("two/plugin.yaml", WASM);
    ground.put("two/bin/relay.wasm", &component);
    let package = zip(&[
        ("plugin.yaml", WASM.as_bytes()),
        ("bin/relay.wasm", &component),
    ]);
    ground.put("three.zip", package);
    let reader = ground.reader();
    let found = discover(&ground.plugins()).await.unwrap();
    let layouts: Vec<_> = found
        .iter()
        .map(|one| (one.layout, one.name_hint.as_str()))
        .collect();
    assert_eq!(
        layouts,
        [
            (Layout::Component, "one"),
            (Layout::Package, "three"),
            (Layout::Folder, "two")
        ]
    );
    for one in &found {
        let bundle = reader.read(one).await.unwrap();
        assert_eq!(bundle.component.as_deref(), Some(component.as_slice()));
        assert_eq!(bundle.signed_by, None);
        assert_eq!(bundle.hash.len(), 64);
        let described = host()
            .describe_bytes("x", bundle.component.clone().unwrap())
            .await;
        bundle.check_against(&described.unwrap()).unwrap();
        assert_eq!(bundle.manifest.is_some(), one.layout != Layout::Component);
    }
}

#[tokio::test]
async fn a_file_that_is_replaced_between_the_check_and_the_load_changes_nothing() {
    let ground = Ground::new();
    let key = SecretKey::generate().unwrap();
    let reader = ground.reader_by(TrustedKeys::new([key.public()], []), true);
    let good = relay('a');
    let path = ground.put("relay-a.wasm", &good);
    ground.put("relay-a.wasm.sig", key.sign(&good).to_string());
    let bundle = reader.read(&at(&path)).await.unwrap();
    assert_eq!(bundle.signed_by, Some(key.public().id()));
    // Both ways of replacing it: within the same file, and by another one.
    fs::write(&path, relay('b')).unwrap();
    let described = host()
        .describe_bytes("relay", bundle.component.clone().unwrap())
        .await;
    assert_eq!(described.unwrap().registration.name.as_str(), "relay-a");
    let component = host()
        .compile("relay", bundle.component.unwrap())
        .await
        .unwrap();
    assert_eq!(component.hash(), bundle.hash);
    // And whoever reads again checks again.
    let again = reader.read(&at(&path)).await.unwrap_err();
    let mismatch = SignatureError::Mismatch {
        key: key.public().id(),
    };
    assert!(matches!(again, ReadError::Signature { source, .. } if source == mismatch));
}

#[tokio::test]
async fn templates_of_a_package_and_a_folder_stay_as_they_were_read() {
    let ground = Ground::new();
    let package = ground.put("look.zip", look_zip("look", "1.0.0", "old"));
    ground.put("form/plugin.yaml", look("form", "1.0.0"));
    let template = ground.put("form/templates/page.html", "old");
    let reader = ground.reader();
    let from_package = reader.read(&at(&package)).await.unwrap();
    let from_folder = reader
        .read(&at(&ground.plugins().join("form")))
        .await
        .unwrap();
    fs::write(&package, look_zip("look", "2.0.0", "new")).unwrap();
    fs::write(&template, "new").unwrap();
    assert_eq!(page(&from_package).await, "old");
    assert_eq!(page(&from_folder).await, "old");
    let anew = reader
        .read(&at(&ground.plugins().join("form")))
        .await
        .unwrap();
    assert_eq!(page(&anew).await, "new");
    assert_ne!(anew.hash, from_folder.hash);
}

#[tokio::test]
async fn what_was_unpacked_is_shared_while_it_is_used_and_gone_afterwards() {
    let ground = Ground::new();
    let path = ground.put("look.zip", look_zip("look", "1.0.0", "x"));
    let reader = ground.reader();
    let first = reader.read(&at(&path)).await.unwrap();
    let second = reader.read(&at(&path)).await.unwrap();
    assert_eq!(ground.unpacked_now(), 1);
    drop(first);
    assert_eq!(page(&second).await, "x");
    drop(second);
    soon("an empty folder", || ground.unpacked_now() == 0).await;
    let third = reader.read(&at(&path)).await.unwrap();
    assert_eq!(page(&third).await, "x");
    // Nothing was written into the plugin directory.
    assert_eq!(fs::read_dir(ground.plugins()).unwrap().count(), 1);
}

#[tokio::test]
async fn what_a_killed_host_left_is_removed_and_what_a_living_one_uses_is_not() {
    let ground = Ground::new();
    let path = ground.put("look.zip", look_zip("look", "1.0.0", "x"));
    let living = ground.reader();
    let bundle = living.read(&at(&path)).await.unwrap();
    let left = ground.unpacked().join("run-left");
    put(&left.join("somebody/page.html"), "x");
    put(&left.join(".lock"), "");
    let _other = ground.reader();
    assert!(!left.exists());
    assert_eq!(page(&bundle).await, "x");
}

#[tokio::test]
async fn a_file_that_was_changed_after_it_was_unpacked_is_not_served() {
    let ground = Ground::new();
    let path = ground.put("look.zip", look_zip("look", "1.0.0", "x"));
    let bundle = ground.reader().read(&at(&path)).await.unwrap();
    let files = bundle.files.unwrap();
    fs::write(
        files.unpacked_to().unwrap().join("templates/page.html"),
        "y",
    )
    .unwrap();
    let error = files.read(&inner("templates/page.html")).await.unwrap_err();
    assert!(error.to_string().contains("changed"), "{error}");
    let absent = files
        .read(&inner("templates/other.html"))
        .await
        .unwrap_err();
    assert_eq!(absent.kind(), std::io::ErrorKind::NotFound);
}

#[test]
fn a_folder_that_others_can_write_to_is_not_used_for_unpacking() {
    use std::os::unix::fs::PermissionsExt as _;
    let ground = Ground::new();
    fs::set_permissions(ground.unpacked(), fs::Permissions::from_mode(0o777)).unwrap();
    let settings =
        goatherd::loader::ReaderSettings::new(ground.unpacked()).limits(Default::default());
    let error = goatherd::loader::Reader::new(settings).err().unwrap();
    assert!(error.to_string().contains("0700"), "{error}");
}

#[tokio::test]
async fn a_link_out_of_a_folder_is_refused_and_one_within_it_is_its_file() {
    let ground = Ground::new();
    put(&ground.beside("secret/key"), "s");
    let folder = ground.plugins().join("look");
    let reader = ground.reader();
    ground.put("look/plugin.yaml", look("look", "1.0.0"));
    ground.put("look/templates/.data/page.html", "within");
    symlink(".data/page.html", folder.join("templates/page.html")).unwrap();
    let bundle = reader.read(&at(&folder)).await.unwrap();
    assert_eq!(page(&bundle).await, "within");
    for (name, target) in [
        ("file", "../../secret/key"),
        ("absolute", "/etc/passwd"),
        ("folder", "../../secret"),
        ("itself", "itself"),
        ("upwards", ".."),
        ("nowhere", "does-not-exist"),
        ("inner-folder", "templates"),
    ] {
        let link = folder.join(name);
        symlink(target, &link).unwrap();
        let error = reader.read(&at(&folder)).await.unwrap_err().to_string();
        assert!(
            error.contains("is a link") && error.contains(name),
            "{error}"
        );
        fs::remove_file(&link).unwrap();
    }
    reader.read(&at(&folder)).await.unwrap();
}

#[tokio::test]
async fn a_folder_has_the_bounds_of_a_package() {
    let ground = Ground::new();
    let folder = ground.plugins().join("look");
    ground.put("look/plugin.yaml", look("look", "1.0.0"));
    for number in 0..1_000 {
        ground.put(&format!("look/f{number}"), "");
    }
    let error = ground.reader().read(&at(&folder)).await.unwrap_err();
    assert!(error.to_string().contains("1000"), "{error}");
    assert_eq!(error.code(), "too-large");
    soon("an empty folder", || ground.unpacked_now() == 0).await;
}

#[tokio::test]
async fn a_component_that_is_too_large_is_not_read_to_its_end() {
    let ground = Ground::new();
    let path = ground.put("large.wasm", b"\0asm");
    // A hole: no disk holds so much.
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(1 << 40)
        .unwrap();
    let error = ground.reader().read(&at(&path)).await.unwrap_err();
    assert!(matches!(error, ReadError::TooLarge { .. }), "{error}");
}

#[tokio::test]
async fn a_pipe_is_refused_and_not_waited_for() {
    let ground = Ground::new();
    let pipe = |name: &str| {
        let path = ground.plugins().join(name);
        let made = std::process::Command::new("mkfifo").arg(path).status();
        assert!(made.unwrap().success());
    };
    let path = ground.put("a.wasm", guest("bench"));
    pipe("a.wasm.sig");
    let error = ground.reader().read(&at(&path)).await.unwrap_err();
    assert!(error.to_string().contains("a.wasm.sig"), "{error}");
    ground.put("look/plugin.yaml", look("look", "1.0.0"));
    pipe("look/pipe");
    let folder = ground.plugins().join("look");
    let error = ground.reader().read(&at(&folder)).await.unwrap_err();
    assert!(
        error.to_string().contains("neither a file nor a folder"),
        "{error}"
    );
    pipe("b.wasm");
    assert_eq!(discover(&ground.plugins()).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_manifest_that_disagrees_with_its_component_is_named_with_both() {
    let ground = Ground::new();
    let reader = ground.reader();
    let component = relay('a');
    let described = host()
        .describe_bytes("x", Arc::from(component.clone()))
        .await
        .unwrap();
    for (manifest, words) in [
        (
            WASM.replace("relay-a", "relay-b"),
            ["\"relay-b\"", "\"relay-a\"", "name"],
        ),
        (
            WASM.replace("0.1.0", "9.0.0"),
            ["\"9.0.0\"", "\"0.1.0\"", "version"],
        ),
    ] {
        let package = zip(&[
            ("plugin.yaml", manifest.as_bytes()),
            ("bin/relay.wasm", &component),
        ]);
        let path = ground.put("relay.zip", package);
        let bundle = reader.read(&at(&path)).await.unwrap();
        let error = bundle.check_against(&described).unwrap_err().to_string();
        for word in words {
            assert!(error.contains(word), "{error}");
        }
    }
    let path = ground.put("none.zip", zip(&[("plugin.yaml", WASM.as_bytes())]));
    let error = reader.read(&at(&path)).await.unwrap_err();
    assert!(error.to_string().contains("bin/relay.wasm"), "{error}");
}

#[tokio::test]
async fn what_is_not_signed_is_refused_with_the_command_that_signs_where_signatures_are_required() {
    let ground = Ground::new();
    let key = SecretKey::generate().unwrap();
    let trusted = TrustedKeys::new([key.public()], []);
    ground.put("a.wasm", guest("bench"));
    ground.put("b.zip", look_zip("b", "1.0.0", "x"));
    ground.put("c/plugin.yaml", look("c", "1.0.0"));
    let strict = ground.reader_by(trusted.clone(), true);
    let lenient = ground.reader_by(trusted, false);
    for one in discover(&ground.plugins()).await.unwrap() {
        let error = strict.read(&one).await.unwrap_err();
        assert!(error.to_string().contains("goatherd sign"), "{error}");
        assert!(
            error.to_string().contains(one.path.to_str().unwrap()),
            "{error}"
        );
        assert_eq!(error.code(), "permission-denied");
        lenient.read(&one).await.unwrap();
        let content = content_to_sign(&one.path, &Default::default()).unwrap();
        fs::write(one.signature(), format!("{}\n", key.sign(&content))).unwrap();
        let bundle = strict.read(&one).await.unwrap();
        assert_eq!(bundle.signed_by, Some(key.public().id()));
    }
}

#[tokio::test]
async fn a_signature_is_one_of_the_whole_folder() {
    let ground = Ground::new();
    let key = SecretKey::generate().unwrap();
    let reader = ground.reader_by(TrustedKeys::new([key.public()], []), true);
    ground.put("look/plugin.yaml", look("look", "1.0.0"));
    let page = ground.put("look/templates/page.html", "good");
    let folder = ground.plugins().join("look");
    let sign = || {
        let content = content_to_sign(&folder, &Default::default()).unwrap();
        ground.put("look.sig", key.sign(&content).to_string());
    };
    sign();
    reader.read(&at(&folder)).await.unwrap();
    let with_a_slash = ground.plugins().join("look/");
    reader.read(&at(&with_a_slash)).await.unwrap();
    let refused = async |what: &str| {
        let refused = reader.read(&at(&folder)).await;
        assert!(
            matches!(refused, Err(ReadError::Signature { .. })),
            "{what}"
        );
    };
    fs::write(&page, "evil").unwrap();
    refused("a changed file").await;
    fs::write(&page, "good").unwrap();
    reader.read(&at(&folder)).await.unwrap();
    let more = ground.put("look/templates/more.html", "");
    refused("one more file").await;
    fs::remove_file(more).unwrap();
    fs::rename(&page, folder.join("templates/other.html")).unwrap();
    refused("another name").await;
    fs::rename(folder.join("templates/other.html"), &page).unwrap();
    reader.read(&at(&folder)).await.unwrap();
}

#[tokio::test]
async fn a_signature_that_is_there_must_be_good_also_where_none_is_required() {
    let ground = Ground::new();
    let (ours, old, other) = (
        SecretKey::generate().unwrap(),
        SecretKey::generate().unwrap(),
        SecretKey::generate().unwrap(),
    );
    let keys = TrustedKeys::new([ours.public(), old.public()], [old.public().id()]);
    let reader = ground.reader_by(keys, false);
    let bytes = guest("bench");
    let path = ground.put("a.wasm", &bytes);
    for (text, words) in [
        (old.sign(&bytes).to_string(), "revoked"),
        (other.sign(&bytes).to_string(), "not among the trusted"),
        (ours.sign(b"another file").to_string(), "does not fit"),
        (String::new(), "cannot be read"),
        (format!("{}\n\n", ours.sign(&bytes)), "cannot be read"),
        ("x".repeat(10_000), "4096"),
    ] {
        ground.put("a.wasm.sig", text);
        let error = reader.read(&at(&path)).await.unwrap_err().to_string();
        assert!(error.contains(words), "{words}: {error}");
    }
    ground.put("a.wasm.sig", format!("{}\n", ours.sign(&bytes)));
    let bundle = reader.read(&at(&path)).await.unwrap();
    assert_eq!(bundle.signed_by, Some(ours.public().id()));
}

#[tokio::test]
async fn a_host_that_trusts_no_key_takes_what_is_signed_for_unsigned() {
    let ground = Ground::new();
    let key = SecretKey::generate().unwrap();
    let bytes = guest("bench");
    let path = ground.put("a.wasm", &bytes);
    ground.put("a.wasm.sig", key.sign(&bytes).to_string());
    let bundle = ground.reader().read(&at(&path)).await.unwrap();
    assert_eq!(bundle.signed_by, None);
    let strict = ground.reader_by(TrustedKeys::default(), true);
    let error = strict.read(&at(&path)).await.unwrap_err().to_string();
    assert!(error.contains("trusts no key"), "{error}");
    let revoking = ground.reader_by(TrustedKeys::new([], [key.public().id()]), false);
    let error = revoking.read(&at(&path)).await.unwrap_err().to_string();
    assert!(error.contains("revoked"), "{error}");
}

#[tokio::test]
async fn a_package_that_was_replaced_by_a_signed_one_of_another_name_keeps_its_own_signature() {
    let ground = Ground::new();
    let key = SecretKey::generate().unwrap();
    let reader = ground.reader_by(TrustedKeys::new([key.public()], []), true);
    let (one, two) = (look_zip("one", "1.0.0", "1"), look_zip("two", "1.0.0", "2"));
    ground.put("one.zip", &two);
    ground.put("one.zip.sig", key.sign(&one).to_string());
    let path = ground.plugins().join("one.zip");
    assert!(reader.read(&at(&path)).await.is_err());
    ground.put("one.zip", &one);
    reader.read(&at(&path)).await.unwrap();
}
