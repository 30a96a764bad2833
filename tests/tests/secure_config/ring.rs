//! The key ring: who may read it, how it comes into being, and where else it can come from.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use goatherd::capability::secure_config::{KeyRing, KeyRingError, SecretError};

use crate::kept::{Kept, own, put};

const ONE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const TWO: &str = "AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn it_is_made_for_its_owner_alone_and_stays_so_when_it_changes() {
    let kept = Kept::sqlite();
    let service = kept.service().await;
    assert_eq!(mode(&kept.ring_path()), 0o600);
    service.rotate().await.unwrap();
    assert_eq!(mode(&kept.ring_path()), 0o600);
    let mut lock = kept.ring_path().into_os_string();
    lock.push(".lock");
    assert_eq!(mode(Path::new(&lock)), 0o600);
    assert_eq!(kept.ring().ids(), service.ring().ids());
}

#[test]
fn one_that_others_can_read_or_write_is_refused_and_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    KeyRing::open(&path).unwrap();
    let before = fs::read(&path).unwrap();
    for wrong in [0o640, 0o604, 0o660, 0o620, 0o602, 0o644, 0o777, 0o610] {
        set_mode(&path, wrong);
        let error = KeyRing::open(&path).unwrap_err();
        let KeyRingError::Exposed { mode, .. } = error else {
            panic!("{error}");
        };
        assert_eq!(mode, wrong);
        assert!(error.to_string().contains("0600"), "{error}");
    }
    for right in [0o600, 0o400] {
        set_mode(&path, right);
        KeyRing::open(&path).unwrap();
    }
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn one_that_is_exposed_while_the_host_runs_is_not_taken_over() {
    let kept = Kept::sqlite();
    let (ours, theirs) = (kept.service().await, kept.service().await);
    theirs.rotate().await.unwrap();
    set_mode(&kept.ring_path(), 0o644);
    let error = ours.reseal().await.unwrap_err();
    assert!(
        matches!(error, SecretError::Ring(KeyRingError::Exposed { .. })),
        "{error}"
    );
}

#[test]
fn what_is_no_ring_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    for content in ["", "\n", "hello", "a:b", "\u{fffd}"] {
        fs::write(&path, content).unwrap();
        set_mode(&path, 0o600);
        let error = KeyRing::open(&path).unwrap_err();
        assert!(matches!(error, KeyRingError::Keys { .. }), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
    fs::write(&path, b"a:\xff\xfe").unwrap();
    assert!(KeyRing::open(&path).is_err());
    assert!(KeyRing::open(folder.path()).is_err(), "a folder");
    assert!(KeyRing::open(folder.path().join("no/such/folder")).is_err());
}

#[test]
fn a_link_to_it_is_followed_and_survives_a_rotation() {
    let folder = tempfile::tempdir().unwrap();
    let (real, link) = (folder.path().join("real"), folder.path().join("link"));
    let first = KeyRing::open(&real).unwrap().ids();
    symlink(&real, &link).unwrap();
    let ring = KeyRing::open(&link).unwrap();
    assert_eq!(ring.ids(), first);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
}

/// What a child process of the next test does: it opens the ring, and prints which keys are in it.
#[test]
#[ignore = "a part of another test, which runs it as a process of its own"]
fn child_opens_the_ring() {
    let path = std::env::var("GOATHERD_TEST_RING").unwrap();
    let go = std::env::var("GOATHERD_TEST_GO").unwrap();
    while !Path::new(&go).exists() {
        std::hint::spin_loop();
    }
    let ring = KeyRing::open(path).unwrap();
    println!("ids={:?}", ring.ids());
}

#[test]
fn processes_that_start_at_once_end_with_one_ring() {
    for _ in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let (path, go) = (folder.path().join("keys"), folder.path().join("go"));
        let start = || {
            Command::new(std::env::current_exe().unwrap())
                .args([
                    "--exact",
                    "ring::child_opens_the_ring",
                    "--ignored",
                    "--nocapture",
                ])
                .env("GOATHERD_TEST_RING", &path)
                .env("GOATHERD_TEST_GO", &go)
                .stdout(Stdio::piped())
                .spawn()
                .unwrap()
        };
        let children: Vec<_> = (0..6).map(|_| start()).collect();
        std::thread::sleep(std::time::Duration::from_millis(100));
        fs::write(&go, "").unwrap();
        let rings: HashSet<String> = children
            .into_iter()
            .map(|child| {
                let output = child.wait_with_output().unwrap();
                let text = String::from_utf8(output.stdout).unwrap();
                assert!(output.status.success(), "{text}");
                let line = text.lines().find(|line| line.contains("ids=["));
                let line = line.unwrap_or_else(|| panic!("{text}"));
                line[line.find("ids=").unwrap()..].to_owned()
            })
            .collect();
        assert_eq!(rings.len(), 1, "{rings:?}");
        let left: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .filter(|name| name.to_string_lossy().starts_with(".goatherd-keys"))
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[tokio::test]
async fn rotations_of_several_processes_at_once_lose_no_key() {
    let kept = Kept::sqlite();
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let service = kept.service().await;
        tasks.push(tokio::spawn(async move {
            let mut made = Vec::new();
            for _ in 0..5 {
                made.push(service.rotate().await.unwrap().current);
            }
            made
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(kept.ring().ids().len(), 21);
}

#[tokio::test]
async fn one_from_text_or_the_environment_encrypts_with_its_first_key_and_cannot_be_changed() {
    let kept = Kept::sqlite();
    let text = format!("new:{ONE},old:{TWO}");
    let ring = KeyRing::from_text(text.into()).unwrap();
    let service = kept.service_with(ring).await;
    put(&service, &own("token"), "v").await;
    assert_eq!(kept.rows().await[0].key_id, "new");
    let error = service.rotate().await.unwrap_err();
    assert!(
        matches!(error, SecretError::Ring(KeyRingError::Fixed(_))),
        "{error}"
    );
    let error = KeyRing::from_environment("GOATHERD_TEST_NO_SUCH_VARIABLE").unwrap_err();
    assert!(error.to_string().contains("GOATHERD_TEST_NO_SUCH_VARIABLE"));
    // One that exists in every test's environment and is no ring.
    let error = KeyRing::from_environment("CARGO_MANIFEST_DIR").unwrap_err();
    assert!(
        !error.to_string().contains(env!("CARGO_MANIFEST_DIR")),
        "{error}"
    );
}
