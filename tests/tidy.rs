//! The house rules, checked on the text of the project: who may name what, sizes of files and functions, first lines.

use std::path::{Path, PathBuf};

/// Components from the bottom up; each may use only those to its left; tests may use anything.
const LAYERS: [&str; 11] =
    ["contact", "clock", "store", "index", "filter", "engine", "corpus", "http", "config", "cli", "main"];
const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 60;

fn files(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut waiting = vec![PathBuf::from(folder)];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source file is UTF-8");
                found.push((path, text));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no source files in {folder}: run this from the project's root");
    found
}

fn all() -> Vec<(PathBuf, String)> {
    ["src", "tests", "benches"].into_iter().flat_map(files).collect()
}

/// The text without comments and string literals' contents would be better still; lines that are comments are left out.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")).map(|(at, line)| (at + 1, line))
}

fn refuse(broken: Vec<String>) {
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

fn component(path: &Path) -> Option<&str> {
    let mut parts = path.strip_prefix("src").ok()?.iter().filter_map(|part| part.to_str());
    parts.next().map(|first| first.trim_end_matches(".rs"))
}

/// Whether all of the file is tests.
fn is_test(path: &Path) -> bool {
    path.iter().any(|part| part == "tests") || path.file_stem().is_some_and(|stem| stem == "tests")
}

#[test]
fn a_component_uses_only_those_below_it() {
    let mut broken = Vec::new();
    for (path, text) in files("src") {
        let Some(own) = component(&path).and_then(|name| LAYERS.iter().position(|layer| *layer == name)) else {
            continue;
        };
        let product = if is_test(&path) { "" } else { text.split("#[cfg(test)]").next().unwrap_or_default() };
        for (at, line) in code(product) {
            for (rank, layer) in LAYERS.iter().enumerate().skip(own + 1) {
                if line.contains(&format!("crate::{layer}::")) || line.contains(&format!("crate::{layer};")) {
                    broken.push(format!("{}:{at}: {} uses {layer} (rank {rank})", path.display(), LAYERS[own]));
                }
            }
        }
    }
    refuse(broken);
}

#[test]
fn each_big_library_is_named_in_one_place() {
    let places = [
        ("sled::", "src/store/sled"),
        ("fearless_simd::", "src/index/rows/wide"),
        ("tantivy::", "src/index/grams"),
        ("axum::", "src/http"),
        ("clap::", "src/cli"),
        ("figment::", "src/config"),
        ("icu_collator::", "src/index/collation"),
    ];
    let mut broken = Vec::new();
    for (path, text) in files("src") {
        for (at, line) in code(&text) {
            for (library, place) in places {
                let named = line.contains(library) && !line.contains("self::") && !line.contains("super::");
                if named && !path.display().to_string().starts_with(place) {
                    broken.push(format!("{}:{at}: {library} belongs into {place}", path.display()));
                }
            }
        }
    }
    refuse(broken);
}

#[test]
fn nothing_below_http_is_async_or_reads_the_clock() {
    let mut broken = Vec::new();
    for (path, text) in files("src") {
        let name = component(&path).unwrap_or_default();
        let below = LAYERS[..7].contains(&name);
        for (at, line) in code(&text) {
            let is_async = line.contains("async fn") || line.contains(".await") || line.contains("tokio::");
            if below && is_async {
                broken.push(format!("{}:{at}: async below http", path.display()));
            }
            let reads_time =
                line.contains("SystemTime::now") || line.contains("Instant::now") || line.contains("Zoned::now");
            if reads_time && name != "clock" {
                broken.push(format!("{}:{at}: only clock.rs reads the time", path.display()));
            }
        }
    }
    refuse(broken);
}

#[test]
fn files_are_small_and_say_what_they_are_for() {
    let mut broken = Vec::new();
    for (path, text) in all() {
        let lines = text.lines().count();
        if lines > FILE_LINES_MAX {
            broken.push(format!("{}: {lines} lines, at most {FILE_LINES_MAX} will do", path.display()));
        }
        let first = text.lines().next().unwrap_or_default();
        if !first.starts_with("//! ") && !text.starts_with("#![doc = include_str!") {
            broken.push(format!("{}:1: say what the file is for, after `//!`", path.display()));
        }
    }
    refuse(broken);
}

#[test]
fn functions_are_short() {
    let mut broken = Vec::new();
    for (path, text) in all() {
        let mut open: Option<(usize, usize, &str)> = None;
        // The rows of a table that a loop goes through are data.
        let (mut table, mut rows) = (false, 0);
        for (at, line) in text.lines().enumerate() {
            table = (table || line.ends_with(" in [")) && line.trim() != "] {";
            rows += usize::from(table);
            let indent = line.len() - line.trim_start().len();
            let starts = [
                "fn ",
                "pub fn ",
                "async fn ",
                "pub async fn ",
                "pub(super) fn ",
                "pub(crate) fn ",
                "const fn ",
                "pub const fn ",
            ];
            if open.is_none()
                && starts.iter().any(|start| line.trim_start().starts_with(start))
                && !line.trim_end().ends_with(';')
            {
                (open, rows) = (Some((at, indent, line.trim())), 0);
            }
            let Some((from, outer, name)) = open else { continue };
            let closes =
                line.trim_end() == format!("{}}}", " ".repeat(outer)) || (from == at && line.trim_end().ends_with('}'));
            if closes {
                let lines = at - from + 1 - rows;
                if lines > FUNCTION_LINES_MAX {
                    broken.push(format!("{}:{}: {lines} lines: {name}", path.display(), from + 1));
                }
                open = None;
            }
        }
    }
    refuse(broken);
}

#[test]
fn names_say_what_things_are() {
    let banned = ["manager", "service", "repository", "util", "helper", "common"];
    let mut broken = Vec::new();
    for (path, text) in files("src") {
        let file = path.display().to_string().to_lowercase();
        broken.extend(banned.iter().filter(|word| file.contains(*word)).map(|word| format!("{file}: named {word}")));
        for (at, line) in code(&text) {
            let defines = ["struct ", "enum ", "trait ", "fn ", "mod "].iter().any(|kind| line.contains(kind));
            let line = line.to_lowercase();
            let foreign = line.contains("tower") || line.contains("intoresponse") || line.contains("use ");
            let found = banned.iter().find(|word| line.contains(*word));
            if let (true, false, Some(word)) = (defines, foreign, found) {
                broken.push(format!("{}:{at}: named {word}", path.display()));
            }
        }
    }
    refuse(broken);
}

#[test]
fn nothing_is_left_for_later() {
    let marks = ["todo!(", "unimplemented!(", concat!("TO", "DO"), concat!("FIX", "ME")];
    let mut broken = Vec::new();
    for (path, text) in all().into_iter().filter(|(path, _)| !path.ends_with("tidy.rs")) {
        for (at, line) in text.lines().enumerate() {
            if marks.iter().any(|mark| line.contains(mark)) {
                broken.push(format!("{}:{}: {}", path.display(), at + 1, line.trim()));
            }
        }
    }
    refuse(broken);
}
