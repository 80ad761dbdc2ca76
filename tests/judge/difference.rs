//! The table of deliberate differences from MirrorBrain in docs/migrate.md: what users read is what
//! answers are judged by.

use std::collections::BTreeMap;
use std::path::Path;

/// A deliberate difference.
#[derive(Debug, Clone)]
pub struct Difference {
    /// The way of MirrorBrain.
    pub theirs: String,
    /// The way of Heliostat, and its reason.
    pub ours: String,
    /// Tests that show it; `recordings` are those of this file's neighbours.
    pub shown_by: Vec<String>,
}

/// The heading of the table's chapter.
pub const CHAPTER: &str = "## Differences on purpose\n";

/// All of them by their keys.
pub fn differences() -> BTreeMap<String, Difference> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/migrate.md");
    let text = std::fs::read_to_string(file).expect("docs/migrate.md");
    table(&text)
}

/// Rows `| key | theirs | ours | tests |` of the chapter.
pub fn table(text: &str) -> BTreeMap<String, Difference> {
    let (_, chapter) = text
        .split_once(CHAPTER)
        .expect("the chapter of differences");
    let chapter = chapter.split("\n## ").next().unwrap_or_default();
    let rows = chapter.lines().filter(|line| line.starts_with('|'));
    let mut known = BTreeMap::new();
    for row in rows.skip(2) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [key, theirs, ours, tests] = cells[..] else {
            panic!("a row of {} cells: {row}", cells.len());
        };
        let difference = Difference {
            theirs: theirs.to_owned(),
            ours: ours.to_owned(),
            shown_by: tests
                .split(", ")
                .map(|test| test.trim_matches('`').to_owned())
                .collect(),
        };
        let is_told = !theirs.is_empty() && !ours.is_empty();
        assert!(is_told, "{key}: without its reason");
        let twice = known.insert(key.trim_matches('`').to_owned(), difference);
        assert!(twice.is_none(), "{key} stands twice");
    }
    assert!(!known.is_empty(), "an empty table");
    known
}

/// Whether a test of that path (`it::module::name`, `e2e::module::name`, `unit::module::name`)
/// exists.
pub fn exists(test: &str) -> bool {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let parts: Vec<&str> = test.split("::").collect();
    let [kind, modules @ .., name] = &parts[..] else {
        return false;
    };
    let folder = match *kind {
        "unit" => root.join("src"),
        "it" | "e2e" => root.join("tests").join(kind),
        _ => return false,
    };
    let file = folder.join(modules.join("/")).with_extension("rs");
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.contains(&format!("fn {name}("))
}
