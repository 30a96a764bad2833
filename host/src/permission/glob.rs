//! Matching text against a pattern in which `*` stands for any run of characters, the empty one included.
//!
//! The match is anchored at both ends and takes at most the product of both lengths in steps, whatever the pattern:
//! it goes back only to the last `*`, so no pattern makes it exponential.

/// Whether case decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    /// `A` is not `a`.
    Sensitive,
    /// ASCII letters match in either case, as the names of tables do.
    AsciiInsensitive,
}

/// Whether all of `text` fits `pattern`.
pub(super) fn matches(pattern: &str, text: &str, case: Case) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let same = |a: u8, b: u8| match case {
        Case::Sensitive => a == b,
        Case::AsciiInsensitive => a.eq_ignore_ascii_case(&b),
    };
    let (mut at_pattern, mut at_text) = (0, 0);
    // Where to go on if the characters after the last `*` do not fit: behind that `*`, one byte further in the text.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        match (pattern.get(at_pattern), text.get(at_text)) {
            (None, None) => return true,
            (Some(b'*'), _) => {
                at_pattern += 1;
                retry = Some((at_pattern, at_text));
            }
            (Some(&wanted), Some(&found)) if same(wanted, found) => {
                at_pattern += 1;
                at_text += 1;
            }
            _ => match retry {
                Some((after_star, from)) if from < text.len() => {
                    at_pattern = after_star;
                    at_text = from + 1;
                    retry = Some((after_star, from + 1));
                }
                _ => return false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Case, matches};

    fn fits(pattern: &str, text: &str) -> bool {
        matches(pattern, text, Case::Sensitive)
    }

    #[test]
    fn a_star_stands_for_any_run_and_both_ends_are_anchored() {
        for (pattern, text) in [
            ("a", "a"),
            ("*", ""),
            ("*", "anything"),
            ("fictus_*", "fictus_"),
            ("fictus_*", "fictus_a_b"),
            ("*_log", "audit_log"),
            ("a*b*c", "a-b-b-c"),
            ("**", "x"),
            ("*ab", "aab"),
            ("*aab*", "xaaab"),
        ] {
            assert!(fits(pattern, text), "{pattern} should fit {text}");
        }
        for (pattern, text) in [
            ("a", ""),
            ("a", "ab"),
            ("a", "ba"),
            ("fictus_*", "xfictus_a"),
            ("*_log", "audit_logs"),
            ("a*b*c", "a-c-b"),
            ("", "a"),
            ("A", "a"),
        ] {
            assert!(!fits(pattern, text), "{pattern} should not fit {text}");
        }
    }

    #[test]
    fn only_ascii_letters_lose_their_case() {
        assert!(matches("Ticket*", "tIcKeT_É", Case::AsciiInsensitive));
        assert!(!matches("É", "é", Case::AsciiInsensitive));
    }

    #[test]
    fn a_pattern_of_many_stars_stays_quick() {
        let pattern = "*a".repeat(200) + "b";
        let text = "a".repeat(2_000);
        let start = std::time::Instant::now();
        assert!(!fits(&pattern, &text));
        assert!(start.elapsed() < std::time::Duration::from_secs(2));
    }
}
