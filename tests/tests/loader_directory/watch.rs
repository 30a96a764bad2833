//! Watching: what is whole and stands still is reported, once.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use goatherd::loader::{Change, Watch, WatchSettings};
use goatherd_tests::guest;
use tokio::sync::mpsc::Receiver;
use tokio::time::{sleep, timeout};

use crate::{Ground, look, look_zip, put, stamped};

const DEBOUNCE: Duration = Duration::from_millis(200);

async fn watch(directory: &Path) -> (Watch, Receiver<Change>) {
    let settings = WatchSettings { debounce: DEBOUNCE };
    Watch::start(directory, settings).await.unwrap()
}

/// The next report, as the name of the file, and whether it is there.
async fn next(changes: &mut Receiver<Change>) -> (String, bool) {
    let change = timeout(Duration::from_secs(10), changes.recv()).await;
    let (path, there) = match change.expect("a report").expect("the watch runs") {
        Change::Changed(discovered) => (discovered.path, true),
        Change::Removed(path) => (path, false),
    };
    let name = path.file_name().unwrap().to_str().unwrap();
    (name.to_owned(), there)
}

fn there(name: &str) -> (String, bool) {
    (name.to_owned(), true)
}

fn gone(name: &str) -> (String, bool) {
    (name.to_owned(), false)
}

/// Fails if anything is reported within five times the debounce time.
async fn silent(changes: &mut Receiver<Change>) {
    if let Ok(change) = timeout(DEBOUNCE * 5, changes.recv()).await {
        panic!("{change:?} was reported");
    }
}

#[tokio::test]
async fn all_three_layouts_and_their_signatures_are_reported_and_what_was_there_is_not() {
    let ground = Ground::new();
    ground.put("old.wasm", guest("bench"));
    let (_watch, mut changes) = watch(&ground.plugins()).await;
    silent(&mut changes).await;
    ground.put("a.wasm", guest("bench"));
    assert_eq!(next(&mut changes).await, there("a.wasm"));
    ground.put("b.zip", look_zip("b", "1.0.0", "x"));
    assert_eq!(next(&mut changes).await, there("b.zip"));
    ground.put("c/plugin.yaml", look("c", "1.0.0"));
    assert_eq!(next(&mut changes).await, there("c"));
    ground.put("c/templates/deep/page.html", "x");
    assert_eq!(next(&mut changes).await, there("c"));
    ground.put("c/templates/deep/page.html", "y");
    assert_eq!(next(&mut changes).await, there("c"));
    for name in ["old.wasm", "b.zip", "c"] {
        ground.put(&format!("{name}.sig"), "signature");
        assert_eq!(next(&mut changes).await, there(name));
        fs::remove_file(ground.plugins().join(format!("{name}.sig"))).unwrap();
        assert_eq!(next(&mut changes).await, there(name));
    }
    fs::remove_file(ground.plugins().join("old.wasm")).unwrap();
    assert_eq!(next(&mut changes).await, gone("old.wasm"));
    fs::remove_dir_all(ground.plugins().join("c")).unwrap();
    assert_eq!(next(&mut changes).await, gone("c"));
    for name in [
        ".hidden.wasm",
        "readme.txt",
        "x.wasm.tmp",
        ".previous/x/x.wasm",
    ] {
        ground.put(name, guest("bench"));
    }
    silent(&mut changes).await;
}

#[tokio::test]
async fn a_half_written_component_is_never_reported_however_long_it_stands_still() {
    let ground = Ground::new();
    let (_watch, mut changes) = watch(&ground.plugins()).await;
    let component = guest("bench");
    let mut file = File::create(ground.plugins().join("a.wasm")).unwrap();
    // Nothing, part of the header, all of the header, the beginning of a section, nearly everything.
    let mut written = 0;
    for part in [0, 5, 8, 20, component.len() - 1] {
        file.write_all(&component[written..part]).unwrap();
        file.sync_all().unwrap();
        written = part;
        silent(&mut changes).await;
    }
    file.write_all(&component[written..]).unwrap();
    drop(file);
    assert_eq!(next(&mut changes).await, there("a.wasm"));
    silent(&mut changes).await;
}

#[tokio::test]
async fn a_half_written_package_and_a_folder_without_its_component_wait() {
    let ground = Ground::new();
    let (_watch, mut changes) = watch(&ground.plugins()).await;
    let package = look_zip("a", "1.0.0", "x");
    for part in [0, 1, package.len() / 2, package.len() - 1] {
        ground.put("a.zip", &package[..part]);
        silent(&mut changes).await;
    }
    ground.put("a.zip", &package);
    assert_eq!(next(&mut changes).await, there("a.zip"));
    ground.put("b/plugin.yaml", "");
    silent(&mut changes).await;
    ground.put("b/plugin.yaml", "name: b\nversion: 1.0.0\nruntime: wasm\n");
    silent(&mut changes).await;
    let component = guest("bench");
    ground.put("b/b.wasm", &component[..component.len() / 2]);
    silent(&mut changes).await;
    ground.put("b/b.wasm", &component);
    assert_eq!(next(&mut changes).await, there("b"));
}

#[tokio::test]
async fn a_file_that_is_written_slowly_is_reported_when_it_is_done() {
    let ground = Ground::new();
    let (_watch, mut changes) = watch(&ground.plugins()).await;
    let component = guest("probe");
    let path = ground.plugins().join("a.wasm");
    let whole = component.clone();
    let writing = tokio::spawn(async move {
        let mut file = File::create(&path).unwrap();
        for part in whole.chunks(whole.len() / 20) {
            file.write_all(part).unwrap();
            file.flush().unwrap();
            sleep(DEBOUNCE / 4).await;
        }
    });
    let report = next(&mut changes).await;
    assert!(writing.is_finished());
    assert_eq!(report, there("a.wasm"));
    silent(&mut changes).await;
}

#[tokio::test]
async fn what_is_no_component_is_reported_so_that_somebody_says_why_it_is_refused() {
    let ground = Ground::new();
    let (_watch, mut changes) = watch(&ground.plugins()).await;
    ground.put("a.wasm", "this is no component");
    assert_eq!(next(&mut changes).await, there("a.wasm"));
}

#[tokio::test]
async fn renaming_a_new_version_over_the_old_one_is_one_change() {
    let ground = Ground::new();
    let component = guest("bench");
    ground.put("a.wasm", &component);
    let (_watch, mut changes) = watch(&ground.plugins()).await;
    for number in 0..3 {
        let new = ground.put(".a.wasm.new", stamped(&component, number));
        fs::rename(new, ground.plugins().join("a.wasm")).unwrap();
        assert_eq!(next(&mut changes).await, there("a.wasm"));
    }
    // From outside, as an installer does that works beside the directory.
    let new = ground.beside("new.wasm");
    put(&new, stamped(&component, 9));
    fs::rename(new, ground.plugins().join("a.wasm")).unwrap();
    assert_eq!(next(&mut changes).await, there("a.wasm"));
    silent(&mut changes).await;
}

#[tokio::test]
async fn a_plugin_that_is_renamed_goes_before_it_comes() {
    let ground = Ground::new();
    ground.put("z.wasm", guest("bench"));
    let (_watch, mut changes) = watch(&ground.plugins()).await;
    let name = |name: &str| ground.plugins().join(name);
    fs::rename(name("z.wasm"), name("a.wasm")).unwrap();
    assert_eq!(next(&mut changes).await, gone("z.wasm"));
    assert_eq!(next(&mut changes).await, there("a.wasm"));
    // A folder that is moved away and comes back with other things in it is watched again.
    ground.put("f/plugin.yaml", look("f", "1.0.0"));
    ground.put("f/templates/page.html", "x");
    assert_eq!(next(&mut changes).await, there("f"));
    fs::rename(name("f"), ground.beside("f")).unwrap();
    assert_eq!(next(&mut changes).await, gone("f"));
    put(&ground.beside("f/templates/page.html"), "y");
    silent(&mut changes).await;
    fs::rename(ground.beside("f"), name("f")).unwrap();
    assert_eq!(next(&mut changes).await, there("f"));
    ground.put("f/templates/page.html", "z");
    assert_eq!(next(&mut changes).await, there("f"));
}

#[tokio::test]
async fn deleting_and_writing_anew_within_the_debounce_time_is_one_change() {
    let ground = Ground::new();
    let component = guest("bench");
    let path = ground.put("a.wasm", &component);
    let (_watch, mut changes) = watch(&ground.plugins()).await;
    for _ in 0..5 {
        fs::remove_file(&path).unwrap();
        fs::write(&path, &component).unwrap();
    }
    assert_eq!(next(&mut changes).await, there("a.wasm"));
    silent(&mut changes).await;
}

#[tokio::test]
async fn ten_thousand_events_are_one_change_of_each_plugin() {
    let ground = Ground::new();
    let component = guest("bench");
    let (_watch, mut changes) = watch(&ground.plugins()).await;
    ground.put("a.wasm", &component);
    ground.put("b/plugin.yaml", look("b", "1.0.0"));
    for number in 0..5_000 {
        ground.put("b/templates/page.html", number.to_string());
        ground.put(&format!("b/assets/{}.css", number % 50), "x");
    }
    let mut reports = vec![next(&mut changes).await];
    while let Ok(Some(change)) = timeout(DEBOUNCE * 5, changes.recv()).await {
        let Change::Changed(discovered) = change else {
            panic!("{change:?}")
        };
        reports.push(there(&discovered.name_hint));
    }
    // The storm may pause for longer than the debounce time on a busy machine, but not often.
    assert!(reports.contains(&there("a.wasm")));
    assert!(
        reports.contains(&there("b")) && reports.len() < 6,
        "{reports:?}"
    );
}

#[tokio::test]
async fn a_thousand_plugins_at_once_are_all_reported_to_a_receiver_that_takes_its_time() {
    let ground = Ground::new();
    let component = guest("bench");
    let (_watch, mut changes) = watch(&ground.plugins()).await;
    for number in 0..1_000 {
        ground.put(&format!("p{number}.wasm"), &component);
    }
    // Nobody takes anything meanwhile, and things go on.
    sleep(DEBOUNCE * 5).await;
    for number in 0..500 {
        fs::remove_file(ground.plugins().join(format!("p{number}.wasm"))).unwrap();
    }
    sleep(DEBOUNCE * 5).await;
    let mut last: BTreeMap<PathBuf, bool> = BTreeMap::new();
    let mut count = 0;
    while let Ok(Some(change)) = timeout(Duration::from_secs(3), changes.recv()).await {
        count += 1;
        match change {
            Change::Changed(discovered) => last.insert(discovered.path, true),
            Change::Removed(path) => last.insert(path, false),
        };
    }
    assert!(count < 1_100, "{count} reports");
    let there = last.values().filter(|there| **there).count();
    assert_eq!(there, 500);
    for number in 500..1_000 {
        assert!(last[&ground.plugins().join(format!("p{number}.wasm"))]);
    }
}

#[tokio::test]
async fn a_directory_that_goes_stops_nothing_and_is_compared_when_it_is_back() {
    let ground = Ground::new();
    let component = guest("bench");
    for name in ["kept.wasm", "gone.wasm", "changed.wasm"] {
        ground.put(name, &component);
    }
    let (_watch, mut changes) = watch(&ground.plugins()).await;
    let away = ground.beside("away");
    fs::rename(ground.plugins(), &away).unwrap();
    sleep(Duration::from_millis(1_500)).await;
    silent(&mut changes).await;
    fs::remove_file(away.join("gone.wasm")).unwrap();
    put(&away.join("changed.wasm"), stamped(&component, 1));
    fs::rename(&away, ground.plugins()).unwrap();
    assert_eq!(next(&mut changes).await, gone("gone.wasm"));
    assert_eq!(next(&mut changes).await, there("changed.wasm"));
    // It is watched as before.
    ground.put("new.wasm", &component);
    assert_eq!(next(&mut changes).await, there("new.wasm"));
    // Another directory in its place.
    fs::remove_dir_all(ground.plugins()).unwrap();
    sleep(Duration::from_millis(1_500)).await;
    ground.put("other.wasm", &component);
    let mut reports = Vec::new();
    for _ in 0..4 {
        reports.push(next(&mut changes).await);
    }
    reports.sort();
    let expected = [
        gone("changed.wasm"),
        gone("kept.wasm"),
        gone("new.wasm"),
        there("other.wasm"),
    ];
    assert_eq!(reports, expected);
    ground.put("last.wasm", &component);
    assert_eq!(next(&mut changes).await, there("last.wasm"));
}

#[tokio::test]
async fn a_directory_that_does_not_exist_is_not_watched() {
    let ground = Ground::new();
    let refused = Watch::start(&ground.beside("nowhere"), WatchSettings::default()).await;
    assert!(refused.unwrap_err().to_string().contains("nowhere"));
}

#[tokio::test]
async fn nothing_is_reported_after_a_watch_is_stopped_or_dropped() {
    let ground = Ground::new();
    let (first, mut changes) = watch(&ground.plugins()).await;
    first.stop().await;
    assert_eq!(changes.recv().await, None);
    let (second, mut changes) = watch(&ground.plugins()).await;
    drop(second);
    ground.put("a.wasm", guest("bench"));
    assert_eq!(
        timeout(Duration::from_secs(5), changes.recv()).await,
        Ok(None)
    );
}

#[tokio::test]
async fn a_change_is_reported_soon_after_the_debounce_time() {
    let ground = Ground::new();
    let (_watch, mut changes) = watch(&ground.plugins()).await;
    let began = Instant::now();
    ground.put("a.wasm", guest("bench"));
    assert_eq!(next(&mut changes).await, there("a.wasm"));
    let took = began.elapsed();
    assert!(
        took >= DEBOUNCE && took < Duration::from_secs(3),
        "{took:?}"
    );
}
