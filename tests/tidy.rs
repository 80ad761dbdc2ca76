//! Guards of the house style: what a machine can check about the repository, in a second.
//!
//! Each guard collects every place it objects to before it fails, so that one run shows all; each
//! one is proven by a bad sample (`tidy/sample.rs`). A rule that makes some code worse is changed
//! here, with the reason, not worked around.

#[path = "tidy/graph.rs"]
mod graph;
#[path = "tidy/house.rs"]
mod house;
#[path = "tidy/layer.rs"]
mod layer;
#[path = "tidy/length.rs"]
mod length;
#[path = "tidy/place.rs"]
mod place;
#[path = "tidy/sample.rs"]
mod sample;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/wording.rs"]
mod wording;
#[path = "tidy/written.rs"]
mod written;

use layer::{crate_uses, may_use};
use source::{Source, files_below};
use std::path::Path;
use written::{strange_entries, written_files};

/// Every folder with Rust files.
const EVERYWHERE: [&str; 4] = ["src", "tests", "fuzz", "benches"];

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

fn hold(rule: &str, objections: Vec<String>) {
    assert!(
        objections.is_empty(),
        "{rule}:\n  {}",
        objections.join("\n  ")
    );
}

#[test]
fn files_and_lines_are_short() {
    let mut bad = length::long_files(&rust_files(&EVERYWHERE));
    bad.extend(length::long_lines(&written_files(root())));
    hold("files and lines are short", bad);
}

#[test]
fn functions_are_short() {
    let rule = format!(
        "functions have at most {} lines",
        length::FUNCTION_LINES_MAX
    );
    hold(&rule, length::long_functions(&rust_files(&EVERYWHERE)));
}

#[test]
fn every_file_says_what_it_is() {
    let mut bad = wording::headless_files(&rust_files(&["src", "tests", "benches"]));
    bad.extend(wording::headless_scripts(&written_files(root())));
    hold("every file begins with what it is", bad);
}

#[test]
fn imports_follow_the_layers() {
    let bad = place::wrong_imports(&rust_files(&["src"]));
    hold("bin → use case → decide → edges → domain", bad);
}

#[test]
fn foreign_crates_stay_at_their_edge() {
    let bad = place::strayed_crates(&rust_files(&["src"]));
    hold("one place for each foreign crate", bad);
}

#[test]
fn the_domain_is_pure() {
    let bad = place::impure_domain(&rust_files(&["src"]));
    hold(
        "no clock, generator, file, environment or socket in the domain",
        bad,
    );
}

#[test]
fn sql_is_written_only_in_db() {
    let bad = place::strayed_sql(&rust_files(&["src"]));
    hold("SQL only in src/db and sql", bad);
}

#[test]
fn mod_files_only_declare() {
    let bad = place::full_mod_files(&rust_files(&["src"]));
    hold("mod.rs holds docs, `mod` and `pub use` only", bad);
}

#[test]
fn only_reports_print() {
    let bad = place::prints(&rust_files(&["src"]));
    hold("library code logs; only reports print", bad);
}

#[test]
fn nothing_gives_up_silently() {
    let bad = wording::silent_ends(&rust_files(&EVERYWHERE));
    hold("no stubs; no unwrap outside tests", bad);
}

#[test]
fn unsafe_code_has_its_proof() {
    let bad = wording::unproven_unsafe(&rust_files(&EVERYWHERE));
    hold("no unsafe code without a written proof", bad);
}

#[test]
fn modules_are_named_after_what_they_are() {
    let bad = wording::vague_names(&rust_files(&["src", "tests"]));
    hold("modules are named after what they are", bad);
}

#[test]
fn comments_name_their_subject() {
    let bad = wording::bare_subjects(&written_files(root()));
    hold("no comment begins with a bare What, None or It", bad);
}

#[test]
fn the_repository_speaks_of_the_project_alone() {
    let bad = wording::foreign_words(&written_files(root()));
    hold("no notes to self, no paths of one machine", bad);
}

#[test]
fn the_top_level_is_known() {
    let entries = std::fs::read_dir(root()).expect("the repository is readable");
    let names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    hold(
        "the top of the repository holds only what was decided",
        strange_entries(&names),
    );
}

#[test]
fn each_dependency_has_its_reason() {
    let bad = wording::unexplained_dependencies(&written_files(root()));
    hold("a comment above each dependency says why it is there", bad);
}

#[test]
fn the_architecture_is_short_enough_to_be_read() {
    hold(
        "the architecture is read before the code",
        length::long_architecture(&written_files(root())),
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
