//! Texts that people wrote, in whatever language, and the entries at the repository's top.

use std::path::Path;

use super::source::files_below;

/// The entries that the repository may have at its top: a new one is a decision, not an accident.
const TOP_LEVEL: [&str; 26] = [
    ".cargo",
    ".ci",
    ".git",
    ".gitattributes",
    ".github",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "SECURITY.md",
    "apache-conf",
    "benches",
    "clippy.toml",
    "docs",
    "fuzz",
    "rustfmt.toml",
    "scripts",
    "sql",
    "src",
    "target",
    "tests",
];

/// One text of the repository.
pub struct Written {
    /// Path relative to the repository.
    pub name: String,
    /// The file as it is.
    pub text: String,
}

/// Bytes of a file that somebody may have written; larger ones are samples.
const WRITTEN_BYTES_MAX: u64 = 256 * 1024;

/// Every text that people wrote: what the words of the house apply to.
pub fn written_files(root: &Path) -> Vec<Written> {
    let dirs = [
        "src",
        "tests",
        "fuzz",
        "benches",
        "scripts",
        "sql",
        "apache-conf",
        "docs",
        ".ci",
    ];
    let below = |dir: &&str| files_below(&root.join(dir), &[""]);
    let mut paths: Vec<_> = dirs.iter().flat_map(below).collect();
    // The lock file is cargo's own and names the registry; .git is a file in a second work tree.
    let top = TOP_LEVEL
        .iter()
        .filter(|name| !["Cargo.lock", ".git"].contains(name));
    paths.extend(
        top.map(|name| root.join(name))
            .filter(|path| path.is_file()),
    );
    paths.retain(|path| {
        path.metadata()
            .is_ok_and(|file| file.len() <= WRITTEN_BYTES_MAX)
    });
    let read = |path: std::path::PathBuf| {
        let name = path
            .strip_prefix(root)
            .expect("walked from the root")
            .to_owned();
        // A file that is not text was not written by people.
        Some(Written {
            name: name.to_string_lossy().into_owned(),
            text: std::fs::read_to_string(path).ok()?,
        })
    };
    paths.into_iter().filter_map(read).collect()
}

/// Entries at the top that nobody decided.
pub fn strange_entries(names: &[String]) -> Vec<String> {
    let is_strange = |name: &&String| !TOP_LEVEL.contains(&name.as_str());
    names.iter().filter(is_strange).cloned().collect()
}
