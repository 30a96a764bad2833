//! Installing, rolling back, removing, packing.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use goatherd::contract::PluginName;
use goatherd::loader::signature::{SecretKey, TrustedKeys};
use goatherd::loader::{InstallError, Installer, PackageLimits, ReadError, Reader, discover, pack};
use goatherd_tests::{host, relay};

use crate::{Ground, look, look_zip, put, stamped, zip};

fn installer(ground: &Ground) -> Installer {
    by(ground, ground.reader())
}

fn by(ground: &Ground, reader: Reader) -> Installer {
    Installer::new(ground.plugins(), reader, host().clone())
}

fn name(text: &str) -> PluginName {
    text.parse().unwrap()
}

/// What a host would find.
async fn found(ground: &Ground) -> Vec<String> {
    let found = discover(&ground.plugins()).await.unwrap();
    let names = found
        .iter()
        .map(|one| one.path.file_name().unwrap().to_str().unwrap().to_owned());
    names.collect()
}

/// A package beside the directory.
fn package(ground: &Ground, version: &str) -> PathBuf {
    let path = ground.beside(&format!("look-{version}.zip"));
    put(&path, look_zip("look", version, version));
    path
}

async fn version_of(ground: &Ground, file: &str) -> String {
    let bundle = ground
        .reader()
        .read(&crate::at(&ground.plugins().join(file)))
        .await
        .unwrap();
    bundle.manifest.unwrap().version.to_string()
}

#[tokio::test]
async fn a_package_is_installed_replaced_rolled_back_and_rolled_forward() {
    let ground = Ground::new();
    let installer = installer(&ground);
    let first = installer.install(&package(&ground, "1.0.0")).await.unwrap();
    assert_eq!((first.name.as_str(), first.previous), ("look", None));
    assert_eq!(first.path, ground.plugins().join("look.zip"));
    let second = installer.install(&package(&ground, "2.0.0")).await.unwrap();
    assert_eq!(second.previous, Some("1.0.0".parse().unwrap()));
    assert_eq!(found(&ground).await, ["look.zip"]);
    assert_eq!(version_of(&ground, "look.zip").await, "2.0.0");
    for (now, before) in [("1.0.0", "2.0.0"), ("2.0.0", "1.0.0"), ("1.0.0", "2.0.0")] {
        let swapped = installer.rollback(&name("look")).await.unwrap();
        assert_eq!(swapped.version, now.parse().unwrap());
        assert_eq!(swapped.previous, Some(before.parse().unwrap()));
        assert_eq!(version_of(&ground, "look.zip").await, now);
        assert_eq!(found(&ground).await, ["look.zip"]);
    }
    // One previous version is kept, not all of them.
    installer.install(&package(&ground, "3.0.0")).await.unwrap();
    let back = installer.rollback(&name("look")).await.unwrap();
    assert_eq!(back.version, "1.0.0".parse().unwrap());
    assert!(!ground.plugins().join(".changing/look").exists());
}

#[tokio::test]
async fn a_component_and_a_package_of_one_name_are_never_there_together() {
    let ground = Ground::new();
    let installer = installer(&ground);
    let component = relay('a');
    let bare = ground.beside("anything.wasm");
    put(&bare, &component);
    let installed = installer.install(&bare).await.unwrap();
    assert_eq!(installed.name.as_str(), "relay-a");
    assert_eq!(found(&ground).await, ["relay-a.wasm"]);
    let manifest = "name: relay-a\nversion: 0.1.0\nruntime: wasm\n";
    let packed = ground.beside("relay.zip");
    put(
        &packed,
        zip(&[
            ("plugin.yaml", manifest.as_bytes()),
            ("relay-a.wasm", &component),
        ]),
    );
    let replaced = installer.install(&packed).await.unwrap();
    assert_eq!(replaced.previous, Some("0.1.0".parse().unwrap()));
    assert_eq!(found(&ground).await, ["relay-a.zip"]);
    installer.rollback(&name("relay-a")).await.unwrap();
    assert_eq!(found(&ground).await, ["relay-a.wasm"]);
    assert_eq!(
        fs::read(ground.plugins().join("relay-a.wasm")).unwrap(),
        component
    );
    installer.rollback(&name("relay-a")).await.unwrap();
    assert_eq!(found(&ground).await, ["relay-a.zip"]);
}

#[tokio::test]
async fn a_plugin_under_another_file_name_is_found_by_what_it_says() {
    let ground = Ground::new();
    let installer = installer(&ground);
    let component = relay('a');
    ground.put("my-relay-1.2.wasm", &component);
    let newer = ground.beside("new.wasm");
    put(&newer, stamped(&component, 1));
    installer.install(&newer).await.unwrap();
    assert_eq!(found(&ground).await, ["relay-a.wasm"]);
    installer.rollback(&name("relay-a")).await.unwrap();
    assert_eq!(found(&ground).await, ["my-relay-1.2.wasm"]);
    // A file that has the name and holds another plugin is not replaced.
    ground.put("relay-a.wasm", relay('b'));
    let refused = installer.install(&newer).await.unwrap_err();
    assert!(matches!(refused, InstallError::Taken { .. }), "{refused}");
    assert_eq!(
        fs::read(ground.plugins().join("relay-a.wasm")).unwrap(),
        relay('b')
    );
    // Two files of one plugin are a case for a person.
    ground.put("other.wasm", &component);
    let refused = installer.install(&newer).await.unwrap_err();
    assert!(
        matches!(refused, InstallError::Ambiguous { .. }),
        "{refused}"
    );
}

#[tokio::test]
async fn a_folder_is_packed_and_an_operators_own_folder_is_kept_and_comes_back() {
    let ground = Ground::new();
    let installer = installer(&ground);
    ground.put("look/plugin.yaml", look("look", "0.5.0"));
    ground.put("look/templates/page.html", "own");
    let source = ground.beside("source");
    put(&source.join("plugin.yaml"), look("look", "1.0.0"));
    put(&source.join("templates/page.html"), "new");
    let installed = installer.install(&source).await.unwrap();
    assert_eq!(installed.previous, Some("0.5.0".parse().unwrap()));
    assert_eq!(found(&ground).await, ["look.zip"]);
    installer.rollback(&name("look")).await.unwrap();
    assert_eq!(found(&ground).await, ["look"]);
    let page = ground.plugins().join("look/templates/page.html");
    assert_eq!(fs::read_to_string(page).unwrap(), "own");
    installer.rollback(&name("look")).await.unwrap();
    assert_eq!(found(&ground).await, ["look.zip"]);
}

#[tokio::test]
async fn signatures_are_checked_before_and_go_with_what_they_sign() {
    let ground = Ground::new();
    let key = SecretKey::generate().unwrap();
    let strict = || ground.reader_by(TrustedKeys::new([key.public()], []), true);
    let installer = by(&ground, strict());
    let source = package(&ground, "1.0.0");
    let signature = ground.beside("look-1.0.0.zip.sig");
    let refused = installer.install(&source).await.unwrap_err().to_string();
    assert!(refused.contains("goatherd sign"), "{refused}");
    assert!(found(&ground).await.is_empty());
    fs::write(
        &signature,
        key.sign(&fs::read(&source).unwrap()).to_string(),
    )
    .unwrap();
    installer.install(&source).await.unwrap();
    let newer = package(&ground, "2.0.0");
    fs::write(
        ground.beside("look-2.0.0.zip.sig"),
        key.sign(&fs::read(&newer).unwrap()).to_string(),
    )
    .unwrap();
    installer.install(&newer).await.unwrap();
    let installed = crate::at(&ground.plugins().join("look.zip"));
    strict().read(&installed).await.unwrap();
    installer.rollback(&name("look")).await.unwrap();
    strict().read(&installed).await.unwrap();
    // A signature of the replaced version is not left beside one that has none.
    let lenient = by(&ground, ground.reader());
    fs::remove_file(&signature).unwrap();
    lenient.install(&source).await.unwrap();
    assert!(!installed.signature().exists());
    // A key that was revoked meanwhile takes nothing back.
    let key_id = key.public().id();
    let revoking = by(
        &ground,
        ground.reader_by(TrustedKeys::new([key.public()], [key_id]), false),
    );
    let refused = revoking.rollback(&name("look")).await.unwrap_err();
    assert!(refused.to_string().contains("revoked"), "{refused}");
    // A folder has no signature that its package could have.
    let folder = ground.beside("source");
    put(&folder.join("plugin.yaml"), look("look", "3.0.0"));
    let content = goatherd::loader::content_to_sign(&folder, &PackageLimits::default()).unwrap();
    put(&ground.beside("source.sig"), key.sign(&content).to_string());
    let refused = installer.install(&folder).await.unwrap_err();
    assert!(
        matches!(refused, InstallError::FolderNotSigned { .. }),
        "{refused}"
    );
}

#[tokio::test]
async fn what_would_not_load_is_not_installed_and_leaves_nothing() {
    let ground = Ground::new();
    let installer = installer(&ground);
    installer.install(&package(&ground, "1.0.0")).await.unwrap();
    let manifest = "name: relay-b\nversion: 0.1.0\nruntime: wasm\nwasm: r.wasm\n";
    let disagreeing = zip(&[
        ("plugin.yaml", manifest.as_bytes()),
        ("r.wasm", &relay('a')),
    ]);
    for (file, content) in [
        ("a.zip", disagreeing),
        ("b.zip", zip(&[("file", b"x")])),
        ("c.zip", b"no archive".to_vec()),
        ("d.wasm", b"no component".to_vec()),
        ("e.wasm", b"\0asm\x0d\0\x01\0".to_vec()),
        ("f.txt", relay('a')),
    ] {
        let path = ground.beside(file);
        put(&path, content);
        installer.install(&path).await.unwrap_err();
        assert_eq!(found(&ground).await, ["look.zip"], "{file}");
    }
    assert!(matches!(
        installer.install(&ground.beside("nothing.zip")).await,
        Err(InstallError::NoPlugin { .. })
    ));
    assert!(
        !ground.plugins().join(".changing").exists()
            || fs::read_dir(ground.plugins().join(".changing"))
                .unwrap()
                .count()
                == 0
    );
}

#[tokio::test]
async fn a_plugin_is_removed_for_now_or_for_good() {
    let ground = Ground::new();
    let installer = installer(&ground);
    let look = name("look");
    let refused = installer.remove(&look, true).await.unwrap_err();
    assert!(
        matches!(refused, InstallError::NotThere { .. }),
        "{refused}"
    );
    let refused = installer.rollback(&look).await.unwrap_err();
    assert!(
        matches!(refused, InstallError::NoPrevious { .. }),
        "{refused}"
    );
    installer.install(&package(&ground, "1.0.0")).await.unwrap();
    installer.remove(&look, true).await.unwrap();
    assert!(found(&ground).await.is_empty());
    let back = installer.rollback(&look).await.unwrap();
    assert_eq!(
        (back.version, back.previous),
        ("1.0.0".parse().unwrap(), None)
    );
    assert_eq!(found(&ground).await, ["look.zip"]);
    installer.install(&package(&ground, "2.0.0")).await.unwrap();
    installer.remove(&look, false).await.unwrap();
    assert!(found(&ground).await.is_empty());
    assert!(matches!(
        installer.rollback(&look).await,
        Err(InstallError::NoPrevious { .. })
    ));
}

#[tokio::test]
async fn two_installers_at_once_leave_one_plugin() {
    let ground = Ground::new();
    let sources: Vec<PathBuf> = (1..=8)
        .map(|number| package(&ground, &format!("{number}.0.0")))
        .collect();
    let installers = sources.iter().map(|source| {
        let installer = installer(&ground);
        async move { installer.install(source).await.unwrap() }
    });
    let installed = futures::future::join_all(installers).await;
    assert_eq!(found(&ground).await, ["look.zip"]);
    // Each but the first found what another one had put there.
    let first = installed
        .iter()
        .filter(|one| one.previous.is_none())
        .count();
    assert_eq!(first, 1);
}

#[tokio::test]
async fn a_folder_packs_into_the_same_bytes_each_time_and_is_read_as_itself() {
    let ground = Ground::new();
    let limits = PackageLimits::default();
    let make = |folder: &str, order: [&str; 3]| {
        let folder = ground.beside(folder);
        put(&folder.join("plugin.yaml"), look("look", "1.0.0"));
        for name in order {
            put(&folder.join(name), name);
        }
        folder
    };
    let one = make("one", ["templates/page.html", "b.css", "a.css"]);
    std::thread::sleep(std::time::Duration::from_millis(50));
    let two = make("two", ["a.css", "b.css", "templates/page.html"]);
    put(&two.join(".git/config"), "hidden");
    let (first, second) = (ground.beside("1.zip"), ground.beside("2.zip"));
    let manifest = pack(&one, &first, &limits).unwrap();
    assert_eq!(manifest.name.as_str(), "look");
    pack(&two, &second, &limits).unwrap();
    assert_eq!(fs::read(&first).unwrap(), fs::read(&second).unwrap());
    let bundle = ground.reader().read(&crate::at(&first)).await.unwrap();
    let files: Vec<String> = bundle
        .files
        .unwrap()
        .iter()
        .map(|(path, _)| path.to_string())
        .collect();
    assert_eq!(
        files,
        ["a.css", "b.css", "plugin.yaml", "templates/page.html"]
    );
}

#[test]
fn what_a_reader_would_refuse_is_not_packed() {
    let ground = Ground::new();
    let limits = PackageLimits::default();
    let out = ground.beside("out.zip");
    let folder = ground.beside("folder");
    let refused = |words: &str| {
        let error = pack(&folder, &out, &limits).unwrap_err().to_string();
        assert!(error.contains(words), "{words}: {error}");
        assert!(!out.exists());
    };
    fs::create_dir(&folder).unwrap();
    refused("plugin.yaml");
    put(&folder.join("plugin.yaml"), "name: Look\n");
    refused("plugin.yaml");
    put(
        &folder.join("plugin.yaml"),
        "name: look\nversion: 1.0.0\nruntime: wasm\n",
    );
    refused("look.wasm");
    put(&folder.join("plugin.yaml"), look("look", "1.0.0"));
    symlink("/etc/passwd", folder.join("link")).unwrap();
    refused("link");
    fs::remove_file(folder.join("link")).unwrap();
    put(&folder.join("a:b"), "");
    refused("colon");
    fs::remove_file(folder.join("a:b")).unwrap();
    put(&folder.join("Page.html"), "");
    put(&folder.join("page.html"), "");
    refused("twice");
    fs::remove_file(folder.join("Page.html")).unwrap();
    pack(&folder, &out, &limits).unwrap();
}

#[tokio::test]
async fn a_read_error_of_an_install_names_the_source() {
    let ground = Ground::new();
    let path = ground.beside("broken.zip");
    put(&path, "x");
    let error = installer(&ground).install(&path).await.unwrap_err();
    assert!(matches!(
        error,
        InstallError::Read(ReadError::Package { .. })
    ));
    assert!(error.to_string().contains("broken.zip"), "{error}");
}
