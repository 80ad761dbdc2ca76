//! Which module may use which.

use super::source::Source;

/// The edges: everything that touches the world outside, each ignorant of the others.
const EDGES: [&str; 7] = ["db", "geoip", "tree", "fetch", "http", "fcgi", "config"];
/// The rooms that somebody runs; they share nothing but the database and the decision.
const USE_CASES: [&str; 5] = ["respond", "index", "scan", "probe", "admin"];

/// The top module that a file of `src` belongs to; `bin` and `lib` for the crate's roots.
pub fn layer_of(name: &str) -> &str {
    let inside = name.strip_prefix("src/").expect("only files of src");
    inside
        .split('/')
        .next()
        .unwrap_or(inside)
        .trim_end_matches(".rs")
}

/// Whether a file of `layer` may name the module `used`.
pub fn may_use(layer: &str, used: &str) -> bool {
    let edge = EDGES.contains(&used);
    match layer {
        _ if layer == used => true,
        "bin" | "lib" => true,
        // How a file is opened that may have become something else.
        _ if used == "regular_file" => layer != "domain",
        _ if USE_CASES.contains(&layer) => {
            edge || matches!(
                used,
                "decide" | "domain" | "notify" | "program" | "snapshot" | "system"
            )
        }
        // The lowest edge: every other one may stand on it.
        "system" => used == "domain",
        "program" => matches!(used, "domain" | "system"),
        "decide" => edge || matches!(used, "domain" | "snapshot"),
        "snapshot" => matches!(used, "db" | "domain" | "system"),
        "notify" => matches!(used, "domain" | "fetch"),
        // A request arrives as the protocol's parameters and leaves as its records.
        "fcgi" => matches!(used, "domain" | "http" | "system"),
        "config" => matches!(used, "domain" | "program" | "system"),
        _ if EDGES.contains(&layer) => matches!(used, "domain" | "system"),
        _ => false,
    }
}

/// The top modules that a file names after `crate::`, with lines; groups are taken apart.
pub fn crate_uses(file: &Source) -> Vec<(usize, String)> {
    let mut uses = Vec::new();
    for (start, found) in file.code.match_indices("crate::") {
        let line = file.line_of(start);
        let rest = &file.code[start + found.len()..];
        if !rest.starts_with('{') {
            uses.push((line, first_word(rest)));
            continue;
        }
        let end = file.end_of_block(start).unwrap_or(file.code.len());
        let group = &file.code[start + found.len() + 1..end - 1];
        uses.extend(
            top_items(group)
                .into_iter()
                .map(|item| (line, first_word(item))),
        );
    }
    uses.retain(|(_, word)| word.starts_with(|c: char| c.is_ascii_lowercase()));
    uses
}

fn first_word(text: &str) -> String {
    text.trim()
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

/// Splits at the commas outside inner braces.
pub fn top_items(group: &str) -> Vec<&str> {
    let (mut depth, mut from, mut items) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(&group[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    items.push(&group[from..]);
    items
}
