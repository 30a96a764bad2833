//! Changing keys while others read and write, in this process and in others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use goatherd::capability::secure_config::{KeyRing, Secret, SecretError};

use crate::kept::{Kept, own, put, secret_id, soon};
use crate::{get, on_both, org, set, try_get};

const ONE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const TWO: &str = "AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

on_both![
    everything_is_encrypted_with_the_new_key_and_stays_readable,
    reading_goes_on_during_rotations_also_in_a_host_with_an_older_ring,
    what_is_set_during_a_rotation_is_not_overwritten,
    a_key_is_retired_only_when_nothing_uses_it,
    a_host_that_missed_a_retirement_encrypts_with_the_new_key,
    a_host_whose_ring_cannot_follow_is_refused_what_it_encrypts_with_a_retired_key,
    a_damaged_secret_is_reported_and_stops_no_rotation,
    nothing_is_encrypted_with_a_ring_whose_file_is_gone,
];

async fn everything_is_encrypted_with_the_new_key_and_stays_readable(kept: Kept) {
    let service = kept.service().await;
    for number in 0..250 {
        let org = (number % 3 > 0).then_some(number % 3);
        put(
            &service,
            &secret_id("probe-secrets", &format!("k{number}"), org),
            &number.to_string(),
        )
        .await;
    }
    put(&service, &secret_id("other-secrets", "k0", None), "other").await;
    let before = kept.rows().await;
    let rotation = service.rotate().await.unwrap();
    assert_eq!((rotation.resealed, rotation.unreadable.len()), (251, 0));
    let after = kept.rows().await;
    for (old, new) in before.iter().zip(&after) {
        assert_eq!(
            (&old.plugin, &old.name, &old.org),
            (&new.plugin, &new.name, &new.org)
        );
        assert_eq!(new.key_id, rotation.current.as_str());
        assert_ne!((&old.key_id, &old.nonce), (&new.key_id, &new.nonce));
        assert_ne!(old.ciphertext, new.ciphertext);
    }
    let plugin = kept.probe().await;
    for number in 0..250 {
        let context = org((number % 3 > 0).then_some(number % 3));
        let read = try_get(&plugin, context, &format!("k{number}")).await;
        assert_eq!(read.unwrap(), number.to_string());
    }
    assert_eq!(service.reseal().await.unwrap().resealed, 0);
}

async fn reading_goes_on_during_rotations_also_in_a_host_with_an_older_ring(kept: Kept) {
    let service = kept.service().await;
    for number in 0..40 {
        put(&service, &own(&format!("k{number}")), &number.to_string()).await;
    }
    // One plugin in the host that rotates, one in a host that has only read the ring before all of it.
    let rotating = crate::kept::host(service.clone());
    let plugins = [
        crate::kept::probe(&rotating, &["secure_config:read", "secure_config:write"]).await,
        kept.probe().await,
    ];
    let (done, reads) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let tasks: Vec<_> = (0..4)
        .map(|task| {
            let (plugin, done) = (plugins[task % 2].clone(), Arc::clone(&done));
            let reads = Arc::clone(&reads);
            tokio::spawn(async move {
                let mut number = task;
                while !done.load(Ordering::Relaxed) {
                    number = (number + 7) % 40;
                    assert_eq!(
                        get(&plugin, &format!("k{number}")).await,
                        number.to_string()
                    );
                    reads.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let mut rotations = 0;
    while rotations < 8 || reads.load(Ordering::Relaxed) < 400 {
        service.rotate().await.unwrap();
        service.retire_unused().await.unwrap();
        rotations += 1;
    }
    done.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(service.ring().ids().len(), 1, "the old keys are retired");
}

async fn what_is_set_during_a_rotation_is_not_overwritten(kept: Kept) {
    let (rotating, setting) = (kept.service().await, kept.service().await);
    for number in 0..30 {
        put(&setting, &own(&format!("k{number}")), "0").await;
    }
    let rotations = tokio::spawn(async move {
        for _ in 0..6 {
            rotating.rotate().await.unwrap();
        }
    });
    let name = |number: usize| format!("k{}", number % 30);
    let mut count = 0;
    while !rotations.is_finished() || count < 60 {
        put(&setting, &own(&name(count)), &count.to_string()).await;
        let read = setting
            .get(&own("x").plugin, None, &own(&name(count)).name, soon())
            .await;
        assert_eq!(read.unwrap().unwrap().expose(), count.to_string());
        count += 1;
    }
    rotations.await.unwrap();
    let plugin = kept.probe().await;
    for number in count - 30..count {
        assert_eq!(get(&plugin, &name(number)).await, number.to_string());
    }
}

async fn a_key_is_retired_only_when_nothing_uses_it(kept: Kept) {
    let service = kept.service().await;
    put(&service, &own("token"), "v").await;
    let first = service.ring().ids().remove(0);
    let error = service.retire(&first).await.unwrap_err();
    assert!(error.to_string().contains("current"), "{error}");
    // A new key that has encrypted nothing yet: the ring of a rotation that was killed in between.
    let before = kept.rows().await.remove(0);
    service.rotate().await.unwrap();
    kept.transplant(&before, "name = 'token'").await;
    let error = service.retire(&first).await.unwrap_err();
    assert!(matches!(error, SecretError::KeyInUse { .. }), "{error}");
    assert!(error.to_string().contains("1 secrets"), "{error}");
    assert_eq!(service.ring().ids().len(), 2);
    assert_eq!(service.reseal().await.unwrap().resealed, 1);
    service.retire(&first).await.unwrap();
    assert_eq!(service.ring().ids().len(), 1);
    assert_eq!(kept.ring().ids(), service.ring().ids());
    assert_eq!(get(&kept.probe().await, "token").await, "v");
    service
        .retire(&first)
        .await
        .expect("it is retired, which is what was asked");
}

async fn a_host_that_missed_a_retirement_encrypts_with_the_new_key(kept: Kept) {
    let (ours, theirs) = (kept.service().await, kept.service().await);
    put(&theirs, &own("token"), "v").await;
    let stale = theirs.ring().ids();
    ours.rotate().await.unwrap();
    ours.retire_unused().await.unwrap();
    assert_eq!(theirs.ring().ids(), stale, "nobody has told the other host");
    put(&theirs, &own("token"), "w").await;
    let row = kept.rows().await.remove(0);
    assert_eq!(row.key_id, ours.ring().ids()[0].as_str());
    let read = ours
        .get(&own("token").plugin, None, &own("token").name, soon())
        .await;
    assert_eq!(read.unwrap().unwrap().expose(), "w");
}

async fn a_host_whose_ring_cannot_follow_is_refused_what_it_encrypts_with_a_retired_key(
    kept: Kept,
) {
    let ring = |text: String| KeyRing::from_text(text.into()).unwrap();
    let old = kept.service_with(ring(format!("old:{ONE}"))).await;
    put(&old, &own("token"), "v").await;
    let new = kept
        .service_with(ring(format!("new:{TWO},old:{ONE}")))
        .await;
    assert_eq!(new.reseal().await.unwrap().resealed, 1);
    assert_eq!(new.retire_unused().await.unwrap(), ["old".parse().unwrap()]);
    let secret = Secret::new("w".into());
    let refused = old.set(&own("token"), &secret, soon()).await;
    assert!(
        matches!(refused, Err(SecretError::KeyRetired(_))),
        "{refused:?}"
    );
    let plugin = crate::kept::probe(&crate::kept::host(new), &["secure_config:readwrite"]).await;
    assert_eq!(get(&plugin, "token").await, "v");
    // It cannot read what the others write either, and is told why.
    let read = old
        .get(&own("token").plugin, None, &own("token").name, soon())
        .await;
    assert!(read.unwrap_err().to_string().contains("the key new"));
    // Nor can it make the retired key current again by re-encrypting.
    set(&plugin, "second", "v").await;
    let unreadable = old.reseal().await.unwrap();
    assert_eq!((unreadable.resealed, unreadable.unreadable.len()), (0, 2));
}

async fn a_damaged_secret_is_reported_and_stops_no_rotation(kept: Kept) {
    let service = kept.service().await;
    for number in 0..120 {
        put(&service, &own(&format!("k{number}")), "v").await;
    }
    let damaged = kept.bytes(&[1; 30]);
    kept.sql(&format!(
        "UPDATE goatherd_secret SET ciphertext = {damaged} WHERE name IN ('k0', 'k50')"
    ))
    .await;
    let rotation = service.rotate().await.unwrap();
    assert_eq!(rotation.resealed, 118);
    let places: Vec<_> = rotation
        .unreadable
        .iter()
        .map(|(secret_id, _)| secret_id.clone())
        .collect();
    assert_eq!(places, [own("k0"), own("k50")]);
    assert_eq!(
        service.retire_unused().await.unwrap(),
        [],
        "they could be repaired"
    );
}

async fn nothing_is_encrypted_with_a_ring_whose_file_is_gone(kept: Kept) {
    let plugin = kept.probe().await;
    set(&plugin, "token", "v").await;
    std::fs::remove_file(kept.ring_path()).unwrap();
    assert_eq!(
        get(&plugin, "token").await,
        "v",
        "what is known is still read"
    );
    let error = crate::try_set(&plugin, org(None), "token", "lost")
        .await
        .unwrap_err();
    assert_eq!(error.code(), "unavailable");
    assert!(!error.to_string().contains("goatherd.keys"), "{error}");
    assert_eq!(get(&plugin, "token").await, "v");
}
