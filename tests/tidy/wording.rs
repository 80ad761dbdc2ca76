//! Rules about words: heads of files, names, stubs, proofs, and what the project never mentions.

use super::source::Source;
use super::written::Written;

/// Rust files that do not begin with what they are.
pub fn headless_files(files: &[Source]) -> Vec<String> {
    let mut bad = Vec::new();
    for file in files {
        if !file.text.starts_with("//!") {
            bad.push(format!("{}: does not begin with `//!`", file.name));
        }
    }
    bad
}

/// Scripts whose second line does not say what they are.
pub fn headless_scripts(files: &[Written]) -> Vec<String> {
    let is_script =
        |file: &&Written| file.name.starts_with("scripts/") && file.text.starts_with("#!");
    let is_headless = |file: &&Written| {
        let second = file.text.lines().nth(1).unwrap_or("");
        !second.starts_with(['#', '"'])
    };
    files
        .iter()
        .filter(is_script)
        .filter(is_headless)
        .map(|file| format!("{}: its second line does not say what it is", file.name))
        .collect()
}

/// Stubs, ignored tests, and `unwrap` outside of tests.
pub fn silent_ends(files: &[Source]) -> Vec<String> {
    let mut bad = Vec::new();
    let everywhere = ["todo!(", "unimplemented!(", "dbg!(", "#[ignore"];
    let product = [".unwrap()", ".unwrap_unchecked(", ".unwrap_err()"];
    for file in files {
        for (line, code) in file.code_lines() {
            let product = product.iter().filter(|_| !file.is_test(line));
            for word in everywhere
                .iter()
                .chain(product)
                .filter(|word| code.contains(**word))
            {
                bad.push(format!("{}:{line}: {word}", file.name));
            }
            if code.contains(".expect(\"\")") {
                bad.push(format!("{}:{line}: `expect` says why it holds", file.name));
            }
        }
    }
    bad
}

/// Unsafe code without a written proof.
pub fn unproven_unsafe(files: &[Source]) -> Vec<String> {
    let mut bad = Vec::new();
    for file in files {
        let lines: Vec<&str> = file.text.lines().collect();
        for (line, code) in file.code_lines() {
            let is_unsafe = ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern"]
                .iter()
                .any(|word| code.contains(word));
            let above = &lines[line.saturating_sub(6)..line];
            if is_unsafe && !above.iter().any(|text| text.contains("SAFETY:")) {
                bad.push(format!("{}:{line}: no `SAFETY:` above", file.name));
            }
        }
    }
    bad
}

/// Modules whose names say nothing.
pub fn vague_names(files: &[Source]) -> Vec<String> {
    let vague = [
        "utils", "util", "common", "core", "helpers", "helper", "misc",
    ];
    let mut bad = Vec::new();
    for file in files {
        let parts: Vec<&str> = file.name.trim_end_matches(".rs").split('/').collect();
        for part in parts.iter().filter(|part| vague.contains(part)) {
            bad.push(format!("{}: `{part}` says nothing", file.name));
        }
    }
    bad
}

/// Notes to self and paths of one machine.
pub fn foreign_words(files: &[Written]) -> Vec<String> {
    // Written in two halves, so that this file does not object to itself.
    let words = [
        concat!("/wo", "rk/"),
        concat!("bash_", "jobs"),
        concat!("cla", "ude"),
        concat!("anth", "ropic"),
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X:"),
        concat!("index.cra", "tes.io"),
        concat!("static.cra", "tes.io"),
        concat!("py", "pi.org"),
        concat!("deb.deb", "ian.org"),
        concat!("npm", "js.org"),
        concat!("/ro", "ot/"),
        concat!("before-", "stop"),
    ];
    let mut bad = Vec::new();
    for Written { name, text } in files {
        for (at, line) in text.lines().enumerate() {
            for word in words.iter().filter(|word| line.contains(**word)) {
                bad.push(format!("{name}:{}: `{word}`", at + 1));
            }
        }
    }
    bad
}

/// Words that stand for a thing that a comment has not named yet.
const BARE: [&str; 3] = ["What", "None", "It"];

/// Comments, and headings of documents, whose subject is a bare word. A later sentence may say
/// "It", since its noun may stand before.
pub fn bare_subjects(files: &[Written]) -> Vec<String> {
    let is_sample = |name: &str| name.contains("/fixtures/") || name.contains("/golden/");
    let mut bad = Vec::new();
    for Written { name, text } in files.iter().filter(|file| !is_sample(&file.name)) {
        let mut is_inside = false;
        for (at, line) in text.lines().enumerate() {
            let comment = comment_of(name, line).unwrap_or("");
            let word = comment.split(|c: char| !c.is_alphanumeric()).next();
            let bare = word.filter(|word| BARE.contains(word));
            if let Some(word) = bare.filter(|word| *word != "It" || !is_inside) {
                bad.push(format!("{name}:{}: `{word}` is no subject", at + 1));
            }
            is_inside = !comment.is_empty() && !comment.starts_with("# ");
        }
    }
    bad
}

/// The text of a line that is a comment, or a heading of a document.
fn comment_of<'t>(name: &str, line: &'t str) -> Option<&'t str> {
    let markers: &[&str] = match name.rsplit_once('.') {
        Some((_, "rs")) => &["///", "//!", "//"],
        Some((_, "sql")) => &["--"],
        Some((_, "md")) => &["####", "###", "##", "#"],
        _ => &["#"],
    };
    let line = line.trim_start();
    let found = markers.iter().find_map(|marker| line.strip_prefix(marker));
    found.map(str::trim)
}

/// Dependencies without a comment above that says why they are there.
pub fn unexplained_dependencies(files: &[Written]) -> Vec<String> {
    let (mut inside, mut before, mut bad) = (false, "", Vec::new());
    let is_it = |file: &&Written| file.name == "Cargo.toml";
    for line in files
        .iter()
        .filter(is_it)
        .flat_map(|file| file.text.lines())
    {
        if line.starts_with('[') {
            inside = line.contains("dependencies");
        } else if inside
            && line.contains('=')
            && !line.starts_with(['#', ' ', '"'])
            && !before.starts_with("# ")
        {
            bad.push(format!("Cargo.toml: {line}"));
        }
        before = line;
    }
    bad
}
