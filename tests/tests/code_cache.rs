//! Compiled code on disk: found again, never trusted too far, never in the way.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use goatherd::runtime::CodeCache;
use goatherd::{Host, Plugin};
use goatherd_tests::{Outcome, Phase, call, grants, guest, guest_path, hostile, limits};
use serde_json::json;
use tempfile::TempDir;

/// A folder that only this user can write to.
fn private() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    folder
}

fn host_on(directory: &Path) -> Host {
    let cache = CodeCache::open(directory).unwrap_or_else(|error| panic!("{error}"));
    Host::builder().code_cache(cache).build().unwrap()
}

/// The files in a folder.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

async fn load(host: &Host, bytes: Vec<u8>) -> Plugin {
    let component = host
        .compile("guest.wasm", bytes)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    let limits = limits().instances(1);
    host.load(&component, grants(&["cache:read"]), limits)
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

#[tokio::test]
async fn a_component_is_compiled_once_and_then_mapped() {
    let folder = private();
    load(&host_on(folder.path()), guest("bench")).await;
    let kept = files(folder.path());
    assert_eq!(kept.len(), 1, "{kept:?}");
    let first = fs::metadata(&kept[0]).unwrap();
    // Another host maps the same file and does not write it again.
    let plugin = load(&host_on(folder.path()), guest("bench")).await;
    assert_eq!(files(folder.path()), kept);
    assert_eq!(
        fs::metadata(&kept[0]).unwrap().modified().unwrap(),
        first.modified().unwrap()
    );
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    assert!(
        maps.contains(kept[0].to_str().unwrap()),
        "the code is mapped from the file"
    );
    assert_eq!(
        plugin
            .call(
                "nothing",
                &goatherd_tests::json(&json!({})),
                Default::default()
            )
            .await
            .unwrap()
            .as_str(),
        "null"
    );
}

#[tokio::test]
async fn code_that_nobody_used_for_a_month_is_removed_and_nothing_else_is() {
    let folder = private();
    let host = host_on(folder.path());
    load(&host, guest("bench")).await;
    let [bench] = files(folder.path()).try_into().unwrap();
    load(&host, hostile(&[])).await;
    let hostile = files(folder.path())
        .into_iter()
        .find(|file| *file != bench)
        .unwrap();
    let other = folder.path().join("notes.txt");
    fs::write(&other, "not ours").unwrap();
    let days = |days: u64| SystemTime::now() - Duration::from_secs(days * 24 * 3_600);
    let set = |file: &Path, time| fs::File::open(file).unwrap().set_modified(time).unwrap();
    for file in [&bench, &hostile, &other] {
        set(file, days(29));
    }
    // One of them is used, which is noted.
    load(&host_on(folder.path()), guest("bench")).await;
    assert_eq!(files(folder.path()).len(), 3);
    assert!(fs::metadata(&bench).unwrap().modified().unwrap() > days(1));
    set(&hostile, days(31));
    set(&other, days(400));
    host_on(folder.path());
    let left = files(folder.path());
    assert!(
        left.contains(&bench) && left.contains(&other) && left.len() == 2,
        "{left:?}"
    );
}

#[tokio::test]
async fn mapping_is_much_quicker_than_compiling() {
    let folder = private();
    let large = guest("hello-js");
    let host = host_on(folder.path());
    let compile = async || {
        let began = Instant::now();
        host.compile("hello-js.wasm", large.clone()).await.unwrap();
        began.elapsed()
    };
    let compiling = compile().await;
    // The quickest of some, since the machine may be busy with other things during one of them.
    let mut mapping = Duration::MAX;
    for _ in 0..5 {
        mapping = mapping.min(compile().await);
    }
    assert!(
        mapping < compiling / 3,
        "mapping took {mapping:?}, compiling {compiling:?}"
    );
}

#[tokio::test]
async fn components_that_differ_in_one_byte_are_not_confused() {
    let folder = private();
    let host = host_on(folder.path());
    let polite = load(&host, hostile(&[(Phase::Call, b'n')])).await;
    let failing = load(&host, hostile(&[(Phase::Call, b'e')])).await;
    assert_eq!(files(folder.path()).len(), 2);
    for _ in 0..2 {
        assert!(call(&polite, "echo", json!({})).await.is_ok());
        assert!(call(&failing, "echo", json!({})).await.is_err());
    }
    // And in the other order, from the disk.
    let host = host_on(folder.path());
    let failing = load(&host, hostile(&[(Phase::Call, b'e')])).await;
    let polite = load(&host, hostile(&[(Phase::Call, b'n')])).await;
    assert!(call(&polite, "echo", json!({})).await.is_ok());
    assert!(call(&failing, "echo", json!({})).await.is_err());
    assert_eq!(files(folder.path()).len(), 2);
}

#[tokio::test]
async fn an_entry_that_is_broken_is_compiled_again() {
    let folder = private();
    load(&host_on(folder.path()), guest("bench")).await;
    let entry = files(folder.path()).remove(0);
    let good = fs::read(&entry).unwrap();
    let of_another_kind = guest("bench");
    let broken: [(&str, Vec<u8>); 4] = [
        ("empty", Vec::new()),
        ("cut", good[..good.len() / 3].to_vec()),
        ("another kind of file", of_another_kind),
        ("zeros", vec![0; good.len()]),
    ];
    for (what, bytes) in broken {
        // As a crash or a full disk could leave it; never changed in place, since it may be mapped.
        fs::remove_file(&entry).unwrap();
        fs::write(&entry, &bytes).unwrap();
        fs::set_permissions(&entry, fs::Permissions::from_mode(0o600)).unwrap();
        let plugin = load(&host_on(folder.path()), guest("bench")).await;
        let answer = plugin
            .call(
                "nothing",
                &goatherd_tests::json(&json!({})),
                Default::default(),
            )
            .await;
        assert_eq!(answer.unwrap().as_str(), "null", "{what}");
        assert_eq!(
            fs::read(&entry).unwrap().len(),
            good.len(),
            "{what}: it was put right"
        );
    }
}

#[tokio::test]
async fn an_entry_that_others_can_write_to_is_not_run() {
    let folder = private();
    load(&host_on(folder.path()), guest("bench")).await;
    let entry = files(folder.path()).remove(0);
    fs::set_permissions(&entry, fs::Permissions::from_mode(0o666)).unwrap();
    load(&host_on(folder.path()), guest("bench")).await;
    let mode = fs::metadata(&entry).unwrap().permissions().mode() & 0o777;
    assert_eq!(
        mode & 0o022,
        0,
        "it was compiled again into a file of its own: {mode:o}"
    );
}

#[test]
fn a_directory_that_others_can_write_to_is_refused_with_what_would_help() {
    for mode in [0o777, 0o770, 0o702] {
        let folder = private();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
        let text = CodeCache::open(folder.path())
            .expect_err("others can write")
            .to_string();
        assert!(
            text.contains(folder.path().to_str().unwrap()) && text.contains("0700"),
            "{text}"
        );
    }
}

#[test]
fn a_new_directory_is_made_for_this_user_alone() {
    let folder = private();
    let directory = folder.path().join("a").join("b");
    CodeCache::open(&directory).unwrap();
    let mode = fs::metadata(&directory).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o700);
}

#[test]
fn what_is_no_directory_is_refused() {
    let folder = private();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(CodeCache::open(&file).is_err());
    assert!(CodeCache::open(file.join("below")).is_err());
}

#[tokio::test]
async fn a_directory_that_becomes_writable_for_others_is_not_trusted_any_more() {
    let folder = private();
    let host = host_on(folder.path());
    load(&host, guest("bench")).await;
    let entry = files(folder.path()).remove(0);
    let inode = |path: &Path| std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).unwrap());
    let before = inode(&entry);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    load(&host, guest("bench")).await;
    assert_ne!(inode(&entry), before, "it was compiled again");
}

#[tokio::test]
async fn a_directory_that_is_gone_costs_only_time() {
    let folder = private();
    let directory = folder.path().join("code");
    let host = host_on(&directory);
    fs::remove_dir_all(&directory).unwrap();
    for _ in 0..2 {
        let plugin = load(&host, guest("bench")).await;
        call(&plugin, "nothing", json!({})).await.unwrap();
        // Whoever removed it may have had a reason: it is not made again behind their back.
        assert!(!directory.exists());
    }
    // A host that starts makes it.
    load(&host_on(&directory), guest("bench")).await;
    assert_eq!(files(&directory).len(), 1);
}

#[tokio::test]
async fn a_link_to_somebody_elses_place_is_judged_by_that_place() {
    let folder = private();
    let open = tempfile::tempdir().unwrap();
    fs::set_permissions(open.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let link = folder.path().join("link");
    symlink(open.path(), &link).unwrap();
    assert!(CodeCache::open(&link).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_a_time_compile_into_the_same_directory() {
    let folder = private();
    let host = host_on(folder.path());
    let loads: Vec<_> = (0..8)
        .map(|_| {
            let host = host.clone();
            tokio::spawn(async move { load(&host, guest("bench")).await })
        })
        .collect();
    for load in loads {
        load.await.unwrap();
    }
    assert_eq!(files(folder.path()).len(), 1, "no temporary files are left");
}

#[test]
fn the_program_refuses_a_code_cache_that_was_asked_for_and_cannot_be_trusted() {
    let folder = private();
    let open = folder.path().join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
    let bench = guest_path("bench");
    let mut command = Outcome::command(folder.path());
    command
        .args(["inspect", "--json"])
        .arg(&bench)
        .arg("--code-cache")
        .arg(&open);
    let error = Outcome::of(&mut command).error();
    assert!(
        error["message"].as_str().unwrap().contains("0700"),
        "{error}"
    );
}

#[test]
fn the_programs_second_run_starts_from_the_code_cache() {
    let folder = private();
    let cache = folder.path().join("code");
    let run = || {
        let mut command = Outcome::command(folder.path());
        command
            .args(["call"])
            .arg(guest_path("hello-js"))
            .args(["hello", "{}", "--code-cache"])
            .arg(&cache);
        Outcome::of(&mut command).result();
    };
    run();
    // Beside the code there is a folder for what plugins say about themselves.
    let code = || {
        let mut kept = files(&cache);
        kept.retain(|path| path.is_file());
        kept
    };
    let [kept] = code().try_into().unwrap();
    let inode = |path: &Path| std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).unwrap());
    let (first, long_ago) = (
        inode(&kept),
        SystemTime::now() - Duration::from_secs(20 * 24 * 3_600),
    );
    let file = fs::File::open(&kept).unwrap();
    file.set_modified(long_ago).unwrap();
    run();
    assert_eq!(code(), std::slice::from_ref(&kept));
    assert_eq!(inode(&kept), first, "it was not compiled again");
    let used = fs::metadata(&kept).unwrap().modified().unwrap();
    assert!(
        used > long_ago + Duration::from_secs(3_600),
        "its use is noted"
    );
}
