//! Signatures of plugins: whose is good, and what is refused.

use std::os::unix::fs::PermissionsExt as _;

use goatherd::loader::signature::{KeyError, PublicKey, SecretKey, SignatureError, TrustedKeys};

fn keys() -> (SecretKey, SecretKey) {
    (
        SecretKey::generate().unwrap(),
        SecretKey::generate().unwrap(),
    )
}

const BYTES: &[u8] = b"\0asm and so on";

#[test]
fn bytes_signed_by_a_trusted_key_are_taken_and_the_key_is_named() {
    let (ours, other) = keys();
    let trusted = TrustedKeys::new([other.public(), ours.public()], []);
    let text = ours.sign(BYTES).to_string();
    assert_eq!(
        trusted.check(BYTES, Some(&text), true),
        Ok(Some(ours.public().id()))
    );
}

#[test]
fn a_newline_at_the_end_of_a_signature_is_passed_over_and_nothing_else_is() {
    let (ours, _) = keys();
    let trusted = TrustedKeys::new([ours.public()], []);
    let text = ours.sign(BYTES).to_string();
    for end in ["\n", "\r\n"] {
        let text = format!("{text}{end}");
        assert!(trusted.check(BYTES, Some(&text), true).is_ok(), "{text:?}");
    }
    for bad in [
        format!("{text}\n\n"),
        format!(" {text}"),
        format!("{text} "),
        format!("{text}\n{text}"),
        text.replace("goatherd-signature:", ""),
        text.to_uppercase(),
        text.trim_end_matches('=').to_owned(),
        String::new(),
    ] {
        let refused = trusted.check(BYTES, Some(&bad), true);
        assert!(
            matches!(refused, Err(SignatureError::Form(_))),
            "{bad:?}: {refused:?}"
        );
    }
}

#[test]
fn a_signature_of_another_file_does_not_fit() {
    let (ours, _) = keys();
    let trusted = TrustedKeys::new([ours.public()], []);
    let text = ours.sign(b"another file").to_string();
    let key = ours.public().id();
    assert_eq!(
        trusted.check(BYTES, Some(&text), true),
        Err(SignatureError::Mismatch { key })
    );
}

#[test]
fn no_bit_of_a_signature_or_of_the_signed_bytes_can_be_changed() {
    let (ours, _) = keys();
    let trusted = TrustedKeys::new([ours.public()], []);
    let signature = ours.sign(BYTES);
    for place in 0..BYTES.len() * 8 {
        let mut changed = BYTES.to_vec();
        changed[place / 8] ^= 1 << (place % 8);
        assert!(trusted.verify(&changed, &signature).is_err(), "bit {place}");
    }
    assert!(
        trusted
            .verify(&BYTES[..BYTES.len() - 1], &signature)
            .is_err()
    );
    let text = signature.to_string();
    let encoded = text.rsplit(':').next().unwrap();
    let start = text.len() - encoded.len();
    for place in start..text.len() {
        let mut changed = text.clone().into_bytes();
        changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert!(
            trusted.check(BYTES, Some(&changed), true).is_err(),
            "{changed}"
        );
    }
}

#[test]
fn a_revoked_key_signs_nothing_any_more_though_it_is_among_the_trusted() {
    let (ours, _) = keys();
    let key = ours.public().id();
    let trusted = TrustedKeys::new([ours.public()], [key]);
    let text = ours.sign(BYTES).to_string();
    assert_eq!(
        trusted.check(BYTES, Some(&text), true),
        Err(SignatureError::Revoked { key })
    );
}

#[test]
fn a_key_that_nobody_trusts_is_named_beside_those_that_are() {
    let (ours, other) = keys();
    let trusted = TrustedKeys::new([ours.public()], []);
    let text = other.sign(BYTES).to_string();
    let error = trusted
        .check(BYTES, Some(&text), true)
        .unwrap_err()
        .to_string();
    assert!(error.contains(&other.public().id().to_string()), "{error}");
    assert!(error.contains(&ours.public().id().to_string()), "{error}");
}

#[test]
fn a_signature_that_names_another_key_than_made_it_does_not_fit() {
    let (ours, other) = keys();
    let trusted = TrustedKeys::new([ours.public(), other.public()], []);
    let text = other.sign(BYTES).to_string();
    let forged = text.replace(
        &other.public().id().to_string(),
        &ours.public().id().to_string(),
    );
    let key = ours.public().id();
    assert_eq!(
        trusted.check(BYTES, Some(&forged), true),
        Err(SignatureError::Mismatch { key })
    );
}

#[test]
fn what_is_not_signed_is_refused_only_where_signatures_are_required() {
    let (ours, _) = keys();
    let trusted = TrustedKeys::new([ours.public()], []);
    assert_eq!(trusted.check(BYTES, None, false), Ok(None));
    let error = trusted.check(BYTES, None, true).unwrap_err();
    assert!(error.to_string().contains("goatherd sign"), "{error}");
}

#[test]
fn keys_survive_their_text_and_a_secret_one_shows_nothing_else() {
    let (ours, _) = keys();
    let text = ours.to_text();
    let again: SecretKey = text.parse().unwrap();
    assert_eq!(again.public(), ours.public());
    let public: PublicKey = ours.public().to_string().parse().unwrap();
    assert_eq!(public, ours.public());
    let secret = text.strip_prefix("goatherd-secret:").unwrap();
    assert!(!format!("{ours:?}").contains(secret));
    assert!(ours.public().to_string().parse::<SecretKey>().is_err());
    let refused = text.parse::<PublicKey>().unwrap_err().to_string();
    assert!(!refused.contains(secret), "{refused}");
}

#[test]
fn a_public_key_by_which_one_signature_would_fit_many_messages_is_refused() {
    // The neutral element of the curve, and a point of order two.
    for bytes in [
        "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "7P///////////////////////////////////////38=",
    ] {
        let refused = format!("goatherd-public:{bytes}").parse::<PublicKey>();
        assert!(matches!(refused, Err(KeyError::Weak)), "{refused:?}");
    }
}

#[test]
fn a_secret_key_is_written_for_its_owner_alone_and_not_read_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("signing.key");
    let (ours, other) = keys();
    ours.write_new(&file).unwrap();
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(SecretKey::read(&file).unwrap().public(), ours.public());
    // A key that is there is never overwritten.
    assert!(matches!(other.write_new(&file), Err(KeyError::File { .. })));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(
        SecretKey::read(&file),
        Err(KeyError::Exposed { .. })
    ));
}
