//! What a JSON reader says of a value of the wrong shape, in the words of the interface instead of its own.

use crate::contact::suggest;

/// The sentence about a member, whose name the path already tells: what was found, what would do, and the nearest name.
pub fn plainly(sentence: &str) -> String {
    let quoted = |text: &str| text.split('`').nth(1).unwrap_or_default().to_owned();
    if sentence.starts_with("missing field") {
        return "this member is missing".to_owned();
    }
    if sentence.starts_with("duplicate field") {
        return "this member is given twice".to_owned();
    }
    if let Some(rest) = sentence.strip_prefix("unknown field ") {
        let (choices, near) = choices(rest);
        let name = quoted(rest);
        return match choices.as_str() {
            "" => format!("there is no member {name:?} here, nor any other"),
            _ => format!("there is no member {name:?} here; use {choices}.{near}"),
        };
    }
    if let Some(rest) = sentence.strip_prefix("unknown variant ") {
        let (choices, near) = choices(rest);
        return format!("found the text {:?}; use {choices}.{near}", quoted(rest));
    }
    let parts = ["invalid type: ", "invalid value: "].iter().find_map(|start| sentence.strip_prefix(start));
    match parts.and_then(|rest| rest.rsplit_once(", expected ")) {
        Some((value, wanted)) => format!("found {}; {} is needed", found(value), needed(wanted)),
        None => sentence.to_owned(),
    }
}

/// Of `` `found`, expected one of `a`, `b` ``: the names that would do, and the nearest of them.
fn choices(rest: &str) -> (String, String) {
    let mut names = rest.split('`').skip(1).step_by(2);
    let found = names.next().unwrap_or_default();
    let names: Vec<&str> = names.collect();
    let near = suggest::did_you_mean(found, names.iter().copied());
    let listed = match names.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first, second] => format!("{first} or {second}"),
        many => format!("one of {}", many.join(", ")),
    };
    (listed, near)
}

fn found(value: &str) -> String {
    let quoted = value.split('`').nth(1).unwrap_or_default();
    match value {
        "map" => "an object".to_owned(),
        "sequence" => "a list".to_owned(),
        "unit" => "null".to_owned(),
        _ if value.starts_with("integer `") || value.starts_with("floating point `") => format!("the number {quoted}"),
        _ if value.starts_with("boolean `") => quoted.to_owned(),
        _ => value.strip_prefix("string ").map_or_else(|| value.to_owned(), |text| format!("the text {text}")),
    }
}

fn needed(wanted: &str) -> &str {
    match wanted {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0 on",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a sequence" => "a list",
        "a map" => "an object",
        "a string" | "string" | "str" => "text",
        "a boolean" => "true or false",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_reads_what_was_found_and_what_would_do() {
        for (said, plain) in [
            (
                "invalid type: string \"5, expected 6\", expected usize",
                "found the text \"5, expected 6\"; a whole number from 0 on is needed",
            ),
            ("invalid value: integer `-1`, expected u64", "found the number -1; a whole number from 0 on is needed"),
            ("invalid type: map, expected a sequence", "found an object; a list is needed"),
            ("invalid type: null, expected a string", "found null; text is needed"),
            ("invalid type: boolean `true`, expected an object", "found true; an object is needed"),
            (
                "unknown field `serch`, expected one of `search`, `filter`, `sort`",
                "there is no member \"serch\" here; use one of search, filter, sort. Did you mean search?",
            ),
            ("unknown field `x`, expected `tags`", "there is no member \"x\" here; use tags."),
            ("unknown field `x`, there are no fields", "there is no member \"x\" here, nor any other"),
            (
                "unknown variant `ascc`, expected `asc` or `desc`",
                "found the text \"ascc\"; use asc or desc. Did you mean asc?",
            ),
            ("missing field `kind`", "this member is missing"),
            ("duplicate field `limit`", "this member is given twice"),
            ("a number must be finite", "a number must be finite"),
        ] {
            assert_eq!(plainly(said), plain, "{said}");
        }
    }
}
