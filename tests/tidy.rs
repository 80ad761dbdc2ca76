//! Guards of the house style: what a machine can check about the repository, in a second.
//!
//! Each guard collects every place it objects to before it fails, so that one run shows all.
//! A rule that makes some code worse is changed here, with the reason, not worked around.

#[path = "tidy/graph.rs"]
mod graph;
#[path = "tidy/house.rs"]
mod house;
#[path = "tidy/layer.rs"]
mod layer;
#[path = "tidy/source.rs"]
mod source;

use layer::{crate_uses, layer_of, may_use};
use source::{Source, files_below};
use std::path::Path;

/// A file of one idea, as the house style allows; tests inside it are not counted.
const FILE_LINES_MAX: usize = 800;
/// A function that one sees at once, with some mercy for a long `match`.
const FUNCTION_LINES_MAX: usize = 70;
/// Two files fit beside each other on a screen.
const LINE_CHARS_MAX: usize = 100;
/// A program is a shell over the library.
const BIN_LINES_MAX: usize = 40;
/// The architecture is read before the code; longer than this it is not read.
const ARCHITECTURE_LINES_MAX: usize = 150;

/// A foreign crate and the only places that may name it (a directory, or a file name anywhere).
const CRATES_AT_THE_EDGE: [(&str, &[&str]); 10] = [
    ("rusqlite", &["src/db/"]),
    ("maxminddb", &["src/geoip/"]),
    (
        "clap",
        &[
            "src/bin/",
            "src/config/",
            "src/admin/",
            "src/program/arguments.rs",
            "/args.rs",
        ],
    ),
    ("reqwest", &["src/fetch/", "src/notify/"]),
    ("rustls", &["src/fetch/"]),
    ("tokio", &["src/fetch/", "src/notify/"]),
    ("html5gum", &["src/domain/listing/"]),
    ("x509_parser", &["src/fetch/"]),
    ("listenfd", &["src/fcgi/", "src/respond/"]),
    ("comfy_table", &["src/program/"]),
];

/// What the repository may hold at its top: a new entry is a decision, not an accident.
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

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Rust files below the named directories.
fn rust_files(dirs: &[&str]) -> Vec<Source> {
    let paths = dirs
        .iter()
        .flat_map(|dir| files_below(&root().join(dir), &[".rs"]));
    paths.map(|path| Source::read(root(), &path)).collect()
}

/// Bytes of a file that somebody may have written; larger ones are samples.
const WRITTEN_BYTES_MAX: u64 = 256 * 1024;

/// Every text that people wrote, by name: what the words of the house apply to.
fn written_files() -> Vec<(String, String)> {
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
    let below = |dir: &&str| files_below(&root().join(dir), &[""]);
    let mut paths: Vec<_> = dirs.iter().flat_map(below).collect();
    // The lock file is cargo's own and names the registry; .git is a file in a second work tree.
    let top = TOP_LEVEL
        .iter()
        .filter(|name| !["Cargo.lock", ".git"].contains(name));
    paths.extend(
        top.map(|name| root().join(name))
            .filter(|path| path.is_file()),
    );
    paths.retain(|path| {
        path.metadata()
            .is_ok_and(|file| file.len() <= WRITTEN_BYTES_MAX)
    });
    let read = |path: std::path::PathBuf| {
        let name = path
            .strip_prefix(root())
            .expect("walked from the root")
            .to_owned();
        // What is not text was not written by people.
        Some((
            name.to_string_lossy().into_owned(),
            std::fs::read_to_string(path).ok()?,
        ))
    };
    paths.into_iter().filter_map(read).collect()
}

fn hold(rule: &str, objections: Vec<String>) {
    assert!(
        objections.is_empty(),
        "{rule}:\n  {}",
        objections.join("\n  ")
    );
}

#[test]
fn files_and_lines_are_short() {
    let mut bad = Vec::new();
    for file in rust_files(&["src", "tests", "fuzz", "benches"]) {
        let lines = file.text.lines().count();
        let counts = |line: &usize| file.is_test_file() || !file.is_test(*line);
        let counted = (1..=lines).filter(counts).count();
        let limit = if file.name.starts_with("src/bin/") {
            BIN_LINES_MAX
        } else {
            FILE_LINES_MAX
        };
        if counted > limit {
            bad.push(format!("{}: {counted} lines, at most {limit}", file.name));
        }
    }
    for (name, text) in written_files() {
        // Dumps among the fixtures have the lines that pg_dump writes.
        let is_code = name.ends_with(".rs")
            || name.starts_with("sql/")
            || name.starts_with("scripts/")
            || name.starts_with(".ci/");
        for (at, line) in text.lines().enumerate().filter(|_| is_code) {
            let chars = line.chars().count();
            // One long word (an address, a digest) cannot be broken.
            if chars > LINE_CHARS_MAX && line.split_whitespace().count() > 2 {
                bad.push(format!("{name}:{}: {chars} characters", at + 1));
            }
        }
    }
    hold("files and lines are short", bad);
}

#[test]
fn functions_are_short() {
    let mut bad = Vec::new();
    for file in rust_files(&["src", "tests", "fuzz", "benches"]) {
        for (start, _) in file.code.match_indices("fn ") {
            let is_word = start > 0 && !file.code.as_bytes()[start - 1].is_ascii_whitespace();
            let named = file.code[start + 3..].starts_with(|c: char| c.is_alphabetic() || c == '_');
            let Some(end) = file.end_of_block(start).filter(|_| !is_word && named) else {
                continue;
            };
            let lines = file.line_of(end) - file.line_of(start) + 1;
            if lines > FUNCTION_LINES_MAX {
                bad.push(format!(
                    "{}:{}: {lines} lines",
                    file.name,
                    file.line_of(start)
                ));
            }
        }
    }
    hold(
        &format!("functions have at most {FUNCTION_LINES_MAX} lines"),
        bad,
    );
}

#[test]
fn every_file_says_what_it_is() {
    let mut bad = Vec::new();
    for file in rust_files(&["src", "tests", "benches"]) {
        if !file.text.starts_with("//!") {
            bad.push(format!("{}: does not begin with `//!`", file.name));
        }
    }
    for path in files_below(&root().join("scripts"), &[""]) {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        if text.starts_with("#!") && !text.lines().nth(1).unwrap_or("").starts_with(['#', '"']) {
            bad.push(format!(
                "{}: its second line does not say what it is",
                path.display()
            ));
        }
    }
    hold("every file begins with what it is", bad);
}

#[test]
fn imports_follow_the_layers() {
    let mut bad = Vec::new();
    for file in rust_files(&["src"]) {
        let layer = layer_of(&file.name);
        for (line, used) in crate_uses(&file) {
            if !file.is_test(line) && !may_use(layer, &used) {
                bad.push(format!(
                    "{}:{line}: `{layer}` must not use `{used}`",
                    file.name
                ));
            }
        }
    }
    hold("bin → use case → decide → edges → domain", bad);
}

#[test]
fn foreign_crates_stay_at_their_edge() {
    let mut bad = Vec::new();
    for file in rust_files(&["src"]) {
        for (name, places) in CRATES_AT_THE_EDGE {
            let home = places.iter().any(|place| {
                file.name.starts_with(place) || place.starts_with('/') && file.name.ends_with(place)
            });
            for (line, code) in file.code_lines().filter(|_| !home) {
                let named =
                    code.contains(&format!("{name}::")) || code.contains(&format!("use {name};"));
                if named && !file.is_test(line) {
                    bad.push(format!(
                        "{}:{line}: {name} belongs in {places:?}",
                        file.name
                    ));
                }
            }
        }
    }
    hold("one place for each foreign crate", bad);
}

#[test]
fn the_domain_is_pure() {
    let impure = [
        "std::fs",
        "std::env",
        "std::process",
        "std::thread",
        "unix::fs",
        "unix::net",
        "SystemTime::now",
        "Instant::now",
        "TcpStream",
        "TcpListener",
        "UdpSocket",
        "UnixStream",
        "File::open",
        "Rng::new()",
        "fastrand::seed",
        "fastrand::u",
        "fastrand::f",
        "log::error",
        "log::warn",
        "log::info",
        "log::debug",
        "thread_local!",
    ];
    let mut bad = Vec::new();
    for file in rust_files(&["src/domain"]) {
        for (line, code) in file.code_lines() {
            for word in impure {
                if code.contains(word) && !file.is_test(line) {
                    bad.push(format!("{}:{line}: {word}", file.name));
                }
            }
        }
    }
    hold(
        "no clock, generator, file, environment or socket in the domain",
        bad,
    );
}

#[test]
fn sql_is_written_only_in_db() {
    let mut bad = Vec::new();
    for file in rust_files(&["src"]) {
        for (line, text) in &file.strings {
            let sql = text.trim_start();
            let is_sql = (sql.starts_with("SELECT ") && sql.contains("FROM"))
                || (sql.starts_with("UPDATE ") && sql.contains("SET"))
                || [
                    "DELETE FROM ",
                    "CREATE TABLE ",
                    "PRAGMA ",
                    "BEGIN IMMEDIATE",
                    "ATTACH ",
                ]
                .iter()
                .any(|word| sql.starts_with(word));
            if is_sql && !file.name.starts_with("src/db/") && !file.is_test(*line) {
                bad.push(format!("{}:{line}: {sql:.40}", file.name));
            }
        }
    }
    hold("SQL only in src/db and sql", bad);
}

#[test]
fn nothing_gives_up_silently() {
    let mut bad = Vec::new();
    let everywhere = ["todo!(", "unimplemented!(", "dbg!(", "#[ignore"];
    let product = [".unwrap()", ".unwrap_unchecked(", ".unwrap_err()"];
    for file in rust_files(&["src", "tests", "fuzz", "benches"]) {
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
    hold("no stubs; no unwrap outside tests", bad);
}

#[test]
fn unsafe_code_has_its_proof() {
    let mut bad = Vec::new();
    for file in rust_files(&["src", "tests", "fuzz", "benches"]) {
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
    hold("no unsafe code without a written proof", bad);
}

#[test]
fn mod_files_only_declare() {
    let mut bad = Vec::new();
    for file in rust_files(&["src"])
        .iter()
        .filter(|file| file.name.ends_with("/mod.rs"))
    {
        let code = file.code.replace('\n', " ");
        let mut rest = code.as_str();
        while let Some((item, after)) = rest.split_once(';') {
            if !is_declaration(item) {
                bad.push(format!("{}: {}", file.name, item.trim()));
                break;
            }
            rest = after;
        }
        if !rest.trim().is_empty() {
            bad.push(format!("{}: {:.60}", file.name, rest.trim()));
        }
    }
    hold("mod.rs holds docs, `mod` and `pub use` only", bad);
}

fn is_declaration(item: &str) -> bool {
    let mut item = item.trim();
    while item.starts_with("#[") {
        item = item
            .split_once(']')
            .map_or("", |(_, after)| after)
            .trim_start();
    }
    let bare = item
        .strip_prefix("pub(crate) ")
        .or_else(|| item.strip_prefix("pub(super) "));
    let bare = bare.or_else(|| item.strip_prefix("pub ")).unwrap_or(item);
    bare.starts_with("mod ") || bare.starts_with("use ") && bare != item
}

#[test]
fn modules_are_named_after_what_they_are() {
    let vague = [
        "utils", "util", "common", "core", "helpers", "helper", "misc",
    ];
    let mut bad = Vec::new();
    for file in rust_files(&["src", "tests"]) {
        let parts: Vec<&str> = file.name.trim_end_matches(".rs").split('/').collect();
        for part in parts.iter().filter(|part| vague.contains(part)) {
            bad.push(format!("{}: `{part}` says nothing", file.name));
        }
    }
    hold("modules are named after what they are", bad);
}

#[test]
fn only_reports_print() {
    let mut bad = Vec::new();
    for file in rust_files(&["src"]) {
        let prints = file.name.starts_with("src/bin/")
            || file.name.starts_with("src/admin/")
            || ["/report.rs", "/args.rs", "/progress.rs"]
                .iter()
                .any(|e| file.name.ends_with(e));
        for (line, code) in file.code_lines().filter(|_| !prints) {
            let word = ["println!", "print!(", "eprintln!", "eprint!("];
            if word.iter().any(|word| code.contains(word)) && !file.is_test(line) {
                bad.push(format!("{}:{line}: {}", file.name, code.trim()));
            }
        }
    }
    hold("library code logs; only reports print", bad);
}

#[test]
fn the_repository_speaks_of_the_project_alone() {
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
    for (name, text) in written_files() {
        for (at, line) in text.lines().enumerate() {
            for word in words.iter().filter(|word| line.contains(**word)) {
                bad.push(format!("{name}:{}: `{word}`", at + 1));
            }
        }
    }
    hold("no notes to self, no paths of one machine", bad);
}

#[test]
fn the_top_level_is_known() {
    let entries = std::fs::read_dir(root()).expect("the repository is readable");
    let names = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned());
    let strange = names
        .filter(|name| !TOP_LEVEL.contains(&name.as_str()))
        .collect();
    hold(
        "the top of the repository holds only what was decided",
        strange,
    );
}

#[test]
fn each_dependency_has_its_reason() {
    let text = std::fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml is there");
    let (mut inside, mut before, mut bad) = (false, "", Vec::new());
    for line in text.lines() {
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
    hold("a comment above each dependency says why it is there", bad);
}

#[test]
fn the_architecture_is_short_enough_to_be_read() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap_or_default();
    let lines = text.lines().count();
    assert!(
        lines <= ARCHITECTURE_LINES_MAX,
        "ARCHITECTURE.md: {lines} lines"
    );
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let circles = graph::Graph::of(&rust_files(&["src"])).circles();
    let circles: Vec<String> = circles.iter().map(|circle| circle.join(" ↔ ")).collect();
    hold("no circle of files", circles);
}

#[test]
fn each_type_name_exists_once() {
    let twice = house::types_defined_twice(&rust_files(&["src"]));
    hold("one type, one name", twice);
}

#[test]
fn rooms_are_small() {
    let crowded = house::crowded_rooms(&rust_files(&["src"]));
    hold("a folder is seen at a glance", crowded);
}

#[test]
fn clock_lock_and_chain_exist_once() {
    let copies = house::second_copies(&rust_files(&["src"]));
    hold("one clock, one lock, one chain of errors", copies);
}

/// Samples of what each rule about the whole of `src` must object to.
#[test]
fn rules_about_the_whole_find_bad_samples() {
    let file = |name: &str, text: &str| Source::new(name.to_owned(), text.to_owned());
    let circle = [
        file("src/lib.rs", "pub mod a;\npub mod b;\n"),
        file("src/a/mod.rs", "mod one;\npub use one::One;\n"),
        file("src/a/one.rs", "use crate::b::Two;\npub struct One(Two);\n"),
        file(
            "src/b.rs",
            "use crate::a::{One};\npub struct Two;\nfn f(_: One) {}\n",
        ),
    ];
    let circles = graph::Graph::of(&circle).circles();
    assert_eq!(circles, [["src/a/one.rs", "src/b.rs"]]);
    let by_path = [
        file("src/a.rs", "fn f() { super::b::g() }\n"),
        file("src/b.rs", "pub fn g() {}\nfn h() { crate::a::f() }\n"),
    ];
    assert_eq!(graph::Graph::of(&by_path).circles().len(), 1);
    let tested = [
        file("src/a.rs", "use crate::b::g;\n"),
        file(
            "src/b.rs",
            "#[cfg(test)]\nmod tests {\n    use crate::a::f;\n}\n",
        ),
    ];
    assert!(graph::Graph::of(&tested).circles().is_empty());

    let twice = [
        file("src/a.rs", "pub(super) struct Same;\n"),
        file("src/b.rs", "enum Same {}\n"),
    ];
    assert_eq!(house::types_defined_twice(&twice).len(), 1);
    let many: Vec<Source> = (0..=house::ROOM_FILES_MAX)
        .map(|at| file(&format!("src/room/f{at}.rs"), ""))
        .collect();
    assert_eq!(house::crowded_rooms(&many).len(), 1);
    let copies = [
        file("src/scan/run.rs", "pub(super) fn now() -> u8 { 0 }\n"),
        file("src/program/clock.rs", "pub fn now() -> u8 { 0 }\n"),
    ];
    assert_eq!(house::second_copies(&copies).len(), 1);
}

/// The guards themselves can fail: each oddity of the language that they step over is a row.
#[test]
fn the_lexer_sees_through_comments_and_strings() {
    let text = concat!(
        "//! a\nfn f<'a>(x: &'a str) { let c = '\\''; let b = b'{'; /* { /* } */ */ }\n",
        "const S: &str = r#\"SELECT \"x\" { FROM\"#; // crate::db\n",
        "#[cfg(test)]\nmod tests {\n    fn g() { x.unwrap() }\n}\nfn after() {}\n",
    );
    let source = Source::new("src/domain/x.rs".to_owned(), text.to_owned());
    assert!(!source.code.contains("SELECT") && !source.code.contains("crate::db"));
    assert_eq!(source.strings, [(3, "SELECT \"x\" { FROM".to_owned())]);
    let tests: Vec<usize> = (1..=8).filter(|line| source.is_test(*line)).collect();
    assert_eq!(tests, [4, 5, 6, 7]);
    let start = source.code.find("fn f").expect("it is there");
    assert_eq!(
        source.line_of(source.end_of_block(start).expect("it has a body")),
        2
    );
    let uses = "use crate::{db::{a, b}, domain};\nfn f() { crate::scan::g() }\n";
    let found = crate_uses(&Source::new("src/decide/x.rs".to_owned(), uses.to_owned()));
    let words: Vec<&str> = found.iter().map(|(_, word)| word.as_str()).collect();
    assert_eq!(words, ["db", "domain", "scan"]);
    assert!(may_use("decide", "db") && !may_use("decide", "scan") && !may_use("scan", "index"));
}
