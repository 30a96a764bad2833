//! Names and texts of the host's own, inside SQL of the host's own, and names inside of what the server says.

/// A name in double quotes.
pub(super) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A string literal; connections of the host have `standard_conforming_strings` on, as is the default.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The columns that a grant of `UPDATE` names.
pub(super) fn update_of<'c>(columns: impl IntoIterator<Item = &'c String>) -> String {
    let names: Vec<_> = columns.into_iter().map(|name| identifier(name)).collect();
    format!("UPDATE ({})", names.join(", "))
}

/// A value of `-c name=value` in the options of a connection.
pub(super) fn option(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        if character.is_ascii_whitespace() || character == '\\' {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// Whether a message has this name, not as a part of a longer one. Letters beyond ASCII may be next to it, as not all
/// languages have blanks.
pub(super) fn mentions(message: &str, name: &str) -> bool {
    let continues = |byte: Option<&u8>| {
        byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$'))
    };
    let bytes = message.as_bytes();
    message.match_indices(name).any(|(start, _)| {
        let before = start.checked_sub(1).and_then(|at| bytes.get(at));
        !continues(before) && !continues(bytes.get(start + name.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::mentions;

    #[test]
    fn a_name_is_found_in_a_message_of_any_language_and_not_in_a_longer_name() {
        for message in [
            "permission denied for table ticket",
            "keine Berechtigung für Tabelle ticket",
            "droit refusé pour la table « ticket »",
            "テーブルticketへのアクセスが拒否されました",
        ] {
            assert!(mentions(message, "ticket"), "{message}");
        }
        for message in ["for table tickets", "for table old_ticket", "for table x"] {
            assert!(!mentions(message, "ticket"), "{message}");
        }
    }
}
