//! The nearest name to one that was not found: the "did you mean" of every error.

/// The choice nearest to `found`, ignoring case, if it is near enough to be a slip: at most two edits, or a third of the
/// length of what was typed where that is more, and fewer edits than letters. Ties go to the first choice.
pub fn nearest<'a>(found: &str, choices: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let typed = found.trim().to_lowercase();
    let length = typed.chars().count();
    // Longer text is not a mistyped name, and comparing it would cost its length times every choice's.
    if length == 0 || length > 128 {
        return None;
    }
    let most = (length / 3).max(2).min(length - 1);
    let mut best: Option<(usize, &str)> = None;
    for choice in choices {
        if choice.chars().count().abs_diff(length) > most {
            continue;
        }
        let edits = strsim::osa_distance(&typed, &choice.to_lowercase());
        if edits <= most && best.is_none_or(|(fewest, _)| edits < fewest) {
            best = Some((edits, choice));
        }
    }
    best.map(|(_, choice)| choice)
}

/// ` Did you mean X?`, or nothing: to end an error's sentence with.
pub fn did_you_mean<'a>(found: &str, choices: impl Iterator<Item = &'a str>) -> String {
    nearest(found, choices).map_or_else(String::new, |name| format!(" Did you mean {name}?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: [&str; 5] = ["firstName", "lastName", "email", "phone", "countryCode"];

    fn near(found: &str) -> Option<&'static str> {
        nearest(found, FIELDS.into_iter())
    }

    #[test]
    fn slips_find_their_name() {
        assert_eq!(near("fristName"), Some("firstName"));
        assert_eq!(near("first_name"), Some("firstName"));
        assert_eq!(near("EMAIL"), Some("email"));
        assert_eq!(near("fone"), Some("phone"));
        assert_eq!(near("contryCod"), Some("countryCode"));
        assert_eq!(nearest("Ольга", ["Олег", "Ольгa"].into_iter()), Some("Ольгa"));
    }

    #[test]
    fn what_is_far_finds_nothing() {
        assert_eq!(near("x"), None);
        assert_eq!(near(""), None);
        assert_eq!(near("assignee"), None);
        assert_eq!(near(&"e".repeat(10_000)), None);
        assert_eq!(did_you_mean("nothing like it", FIELDS.into_iter()), "");
        assert_eq!(did_you_mean("emial", FIELDS.into_iter()), " Did you mean email?");
    }
}
