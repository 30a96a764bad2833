//! The folder in which messages wait.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use goatherd::capability::email::Outbox;
use serde_json::json;

use crate::post::{Post, SENDER, host_of, own_domain, plugin_at, refusal, send};

#[test]
fn a_folder_is_made_for_this_user_alone() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("a").join("outbox");
    Outbox::open(&folder).unwrap();
    let mode = fs::metadata(&folder).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_folder_that_others_can_look_into_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    for mode in [0o755, 0o750, 0o701, 0o777] {
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
        let error = Outbox::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("chmod 700"), "{error}");
    }
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(Outbox::open(&file).is_err(), "a file is no folder");
}

#[tokio::test]
async fn the_operator_sees_all_recipients_beside_the_message() {
    let post = Post::outbox();
    let plugin = post.plugin().await;
    send(
        &plugin,
        json!({"to": [post.at("anna")], "bcc": [post.at("carl")]}),
    )
    .await
    .unwrap();
    let expected = json!({
        "plugin": "probe-email",
        "sender": SENDER,
        "recipients": [post.at("anna"), post.at("carl")],
    });
    assert_eq!(post.only().envelope, expected);
}

#[tokio::test]
async fn files_are_whole_for_this_user_alone_and_nothing_else_is_left() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("outbox");
    let host = host_of(Outbox::open(&folder).unwrap());
    let domain = own_domain();
    let plugin = plugin_at(&host, &[&format!("email=@{domain}")], None).await;
    let sends = (0..30).map(|_| {
        let (plugin, to) = (plugin.clone(), format!("anna@{domain}"));
        tokio::spawn(async move { send(&plugin, json!({"to": [to]})).await })
    });
    for sent in sends.collect::<Vec<_>>() {
        sent.await.unwrap().unwrap();
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(
            entry.metadata().unwrap().permissions().mode() & 0o777,
            0o600
        );
        names.push(entry.file_name().into_string().unwrap());
    }
    assert_eq!(names.len(), 60, "{names:?}");
    for name in names {
        let (stem, kind) = name.rsplit_once('.').unwrap();
        let other = if kind == "eml" { "json" } else { "eml" };
        assert!(folder.join(format!("{stem}.{other}")).exists(), "{name}");
    }
}

#[tokio::test]
async fn an_outbox_that_cannot_be_written_is_unavailable_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("outbox");
    let host = host_of(Outbox::open(&inner).unwrap());
    let plugin = plugin_at(&host, &["email=*"], None).await;
    fs::remove_dir(&inner).unwrap();
    let message = json!({"to": ["anna@example.org"]});
    let (code, text) = refusal(&plugin, message.clone()).await;
    assert_eq!(code, "unavailable");
    let shown = folder.path().display().to_string();
    assert!(
        !text.contains(&shown),
        "a plugin need not know where: {text}"
    );
    fs::create_dir(&inner).unwrap();
    send(&plugin, message).await.expect("it is there again");
}
