//! Bad samples that prove the rules: each rule objects to its sample, and to nothing better.

use super::source::Source;
use super::written::{Written, strange_entries};
use super::{length, place, wording};

/// A rule over files of Rust, or over texts of any language.
enum Rule {
    Code(fn(&[Source]) -> Vec<String>),
    Text(fn(&[Written]) -> Vec<String>),
}

use Rule::{Code, Text};

impl Rule {
    fn findings(&self, name: &str, text: &str) -> Vec<String> {
        let (name, text) = (name.to_owned(), text.to_owned());
        match self {
            Code(find) => find(&[Source::new(name, text)]),
            Text(find) => find(&[Written { name, text }]),
        }
    }
}

/// One row: a rule, the name and text of a file that breaks it, how its finding begins, and a
/// text under the same name that keeps it.
struct Sample {
    rule: Rule,
    name: &'static str,
    bad: String,
    finding: &'static str,
    good: String,
}

fn sample(
    rule: Rule,
    name: &'static str,
    bad: impl Into<String>,
    finding: &'static str,
    good: impl Into<String>,
) -> Sample {
    let (bad, good) = (bad.into(), good.into());
    Sample {
        rule,
        name,
        bad,
        finding,
        good,
    }
}

fn samples_of_length() -> Vec<Sample> {
    let lines = |count: usize| "// x\n".repeat(count);
    let body = |count: usize| format!("fn f() {{\n{}}}\n", "    g();\n".repeat(count));
    vec![
        sample(
            Code(length::long_files),
            "src/a.rs",
            lines(801),
            "src/a.rs: 801 lines",
            lines(800),
        ),
        sample(
            Code(length::long_files),
            "src/bin/a.rs",
            lines(41),
            "src/bin/a.rs: 41",
            lines(40),
        ),
        sample(
            Text(length::long_lines),
            "sql/a.sql",
            "ab ".repeat(34),
            "sql/a.sql:1: 102",
            "ab",
        ),
        sample(
            Text(length::long_lines),
            "scripts/a",
            "ab ".repeat(34),
            "scripts/a:1: 102",
            "ab",
        ),
        sample(
            Code(length::long_functions),
            "src/a.rs",
            body(69),
            "src/a.rs:1: 71",
            body(68),
        ),
        sample(
            Text(length::long_architecture),
            "ARCHITECTURE.md",
            lines(151),
            "ARCHITECTURE.md: 151",
            lines(150),
        ),
    ]
}

fn samples_of_place() -> Vec<Sample> {
    let imports = || Code(place::wrong_imports);
    let tested = "#[cfg(test)]\nmod tests {\n    use crate::scan::f;\n}\n";
    vec![
        sample(
            imports(),
            "src/domain/a.rs",
            "use crate::db::f;",
            "src/domain/a.rs:1: `dom",
            tested,
        ),
        sample(
            imports(),
            "src/scan/a.rs",
            "\nuse crate::{db, index::f};",
            "src/scan/a.rs:2: `s",
            "",
        ),
        sample(
            imports(),
            "src/db/a.rs",
            "fn f() { crate::fetch::g() }",
            "src/db/a.rs:1: `db`",
            "",
        ),
        sample(
            Code(place::strayed_crates),
            "src/scan/a.rs",
            "use rusqlite::Connection;",
            "src/scan/a.rs:1: rusqlite belongs in",
            "// rusqlite::Connection",
        ),
        sample(
            Code(place::impure_domain),
            "src/domain/a.rs",
            "fn f() { Instant::now(); }",
            "src/domain/a.rs:1: Instant::now",
            "const S: &str = \"Instant::now\";",
        ),
        sample(
            Code(place::strayed_sql),
            "src/scan/a.rs",
            "const S: &str = \"SELECT x FROM y\";",
            "src/scan/a.rs:1: SELECT x FROM y",
            "const S: &str = \"SELECT a mirror\";",
        ),
        sample(
            Code(place::prints),
            "src/scan/a.rs",
            "fn f() { println!() }",
            "src/scan/a.rs:1: fn f",
            "fn f() { log::info!() }",
        ),
        sample(
            Code(place::full_mod_files),
            "src/scan/mod.rs",
            "mod a;\nfn f() {}\n",
            "src/scan/mod.rs: fn f",
            "//! x\nmod a;\npub use a::A;\n",
        ),
        sample(
            Code(place::full_mod_files),
            "src/scan/mod.rs",
            "use std::fs;\nmod a;\n",
            "src/scan/mod.rs: use std::fs",
            "#[cfg(test)]\nmod a;\n",
        ),
    ]
}

fn samples_of_wording() -> Vec<Sample> {
    let silent = || Code(wording::silent_ends);
    // In halves, so that the rules do not object to this file.
    let note = concat!("// TO", "DO: more");
    vec![
        sample(
            Code(wording::headless_files),
            "src/a.rs",
            "mod b;",
            "src/a.rs: does not",
            "//! A",
        ),
        sample(
            Text(wording::headless_scripts),
            "scripts/a",
            "#!/bin/sh\nls\n",
            "scripts/a: its second line",
            "#!/bin/sh\n# Lists.\nls\n",
        ),
        sample(
            silent(),
            "src/a.rs",
            "fn f() { g().unwrap() }",
            "src/a.rs:1: .unwrap()",
            "",
        ),
        sample(
            silent(),
            "tests/a.rs",
            "fn f() { todo!() }",
            "tests/a.rs:1: todo!(",
            "g().unwrap()",
        ),
        sample(
            silent(),
            "tests/a.rs",
            "#[ignore]\nfn f() {}",
            "tests/a.rs:1: #[ignore",
            "",
        ),
        sample(
            silent(),
            "src/a.rs",
            "fn f() { g().expect(\"\") }",
            "src/a.rs:1: `expect`",
            "",
        ),
        sample(
            Code(wording::unproven_unsafe),
            "src/a.rs",
            "fn f() { unsafe { g() } }",
            "src/a.rs:1: no `SAFETY:`",
            "// SAFETY: g has no rule.\nfn f() { unsafe { g() } }",
        ),
        sample(
            Text(wording::foreign_words),
            "docs/a.md",
            note,
            "docs/a.md:1: `",
            "// more",
        ),
        sample(
            Text(wording::unexplained_dependencies),
            "Cargo.toml",
            "[dependencies]\na = \"1\"\n",
            "Cargo.toml: a =",
            "[dependencies]\n# Why.\na = \"1\"\n",
        ),
    ]
}

fn samples_of_comments() -> Vec<Sample> {
    let bare = || Text(wording::bare_subjects);
    vec![
        sample(
            bare(),
            "src/a.rs",
            "/// What is known.\nstruct A;\n",
            "src/a.rs:1: `What`",
            "/// `None`: all of it. It is\n/// known.\n",
        ),
        sample(
            bare(),
            "sql/a.sql",
            "-- One row per file.\n-- None is kept.\n",
            "sql/a.sql:2: `None`",
            "-- One row per file.\n-- It is kept.\n",
        ),
        sample(
            bare(),
            "src/a.rs",
            "//! # Limits\n//! It stops.\n",
            "src/a.rs:2: `It`",
            "//! Reads.\n//! It stops.\n",
        ),
        sample(
            bare(),
            "docs/a.md",
            "## What pages say\n",
            "docs/a.md:1: `What`",
            "## Pages\nIt\n",
        ),
        sample(
            bare(),
            "scripts/a",
            "# Lists.\n\n# It lists.\n",
            "scripts/a:3: `It`",
            "# Lists. It lists.\n",
        ),
    ]
}

#[test]
fn each_rule_finds_its_bad_sample_alone() {
    let samples = [
        samples_of_length(),
        samples_of_place(),
        samples_of_wording(),
        samples_of_comments(),
    ];
    for sample in samples.iter().flatten() {
        let found = sample.rule.findings(sample.name, &sample.bad);
        assert_eq!(found.len(), 1, "{}: {found:?}", sample.bad);
        assert!(found[0].starts_with(sample.finding), "{found:?}");
        let found = sample.rule.findings(sample.name, &sample.good);
        assert!(found.is_empty(), "{}: {found:?}", sample.good);
    }
}

/// Rules that look at names alone have no text to sample.
#[test]
fn rules_about_names_find_bad_samples() {
    let file = |name: &str| [Source::new(name.to_owned(), String::new())];
    let found = wording::vague_names(&file("src/scan/utils.rs"));
    assert_eq!(found, ["src/scan/utils.rs: `utils` says nothing"]);
    assert!(wording::vague_names(&file("src/scan/run.rs")).is_empty());
    let names = ["src".to_owned(), "notes.txt".to_owned()];
    assert_eq!(strange_entries(&names), ["notes.txt"]);
}
