//! `heliostat edit`: nothing that was written is lost.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Output, Stdio};

use crate::stand_in::site::{TestSite, failure};

fn site() -> TestSite {
    let site = TestSite::new();
    let new = [
        "new",
        "m.example.org",
        "-H",
        "http://m.example.org/",
        "-C",
        "First.",
    ];
    site.run_ok("heliostat", &new);
    site
}

/// Edits with an editor that runs that script on its file, `$1`, and those answers; drafts go into
/// a folder of the site.
fn edit(site: &TestSite, script: &str, answers: &str) -> Output {
    let drafts = site.path("drafts");
    std::fs::create_dir_all(&drafts).expect("a folder");
    let mut command = site.command("heliostat");
    command
        .env("EDITOR", site.script("editor", script))
        .env_remove("VISUAL")
        .env("TMPDIR", &drafts)
        .args(["edit", "m.ex"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("heliostat starts");
    let mut input = child.stdin.take().expect("a pipe");
    // Whoever reads no answer leaves the pipe closed, which is no failure of the test.
    let _ = input.write_all(answers.as_bytes());
    drop(input);
    child.wait_with_output().expect("heliostat ends")
}

fn drafts(site: &TestSite) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(site.path("drafts")).expect("the folder");
    entries
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

fn shown(site: &TestSite) -> String {
    site.run_ok("heliostat", &["show", "m.example.org"])
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

const CHANGE: &str = "sed -i 's/^score .*/score: 50/; s/^country .*/country : AT/; \
                      s/First[.]/Second./' \"$1\"";

#[test]
fn an_edit_shows_a_diff_asks_and_says_what_changes() {
    let site = site();
    let output = edit(&site, CHANGE, "what?\ny\n");
    assert!(output.status.success(), "{output:?}");
    let text = out(&output);
    for line in [
        "-score          : 100",
        "+score: 50",
        "-First.",
        "+Second.",
        "changing country from '' to 'at'",
        "changing score from '100' to '50'",
        "changing comments",
    ] {
        assert!(
            text.lines().any(|found| found == line),
            "{line}\nis not in\n{text}"
        );
    }
    assert!(!text.contains('\u{1b}'), "no colours in a pipe: {text}");
    let shown = shown(&site);
    assert!(shown.contains("score          : 50\n"), "{shown}");
    assert!(shown.contains("Second.\n\nAdded - "), "{shown}");
    assert_eq!(drafts(&site), Vec::<PathBuf>::new());
    let events = site.run_ok("heliostat", &["events"]);
    assert!(
        events.contains("changing country from '' to 'at'; changing score"),
        "{events}"
    );
}

#[test]
fn no_means_no_and_nothing_changed_asks_nothing() {
    let site = site();
    let before = shown(&site);
    let (code, error) = failure(&edit(&site, CHANGE, "n\n"));
    assert_eq!(code, Some(1));
    assert!(error.contains("nothing is stored"), "{error}");
    assert_eq!(shown(&site), before);
    let output = edit(&site, "true", "");
    assert_eq!(
        (output.status.success(), out(&output).as_str()),
        (true, "nothing changed\n")
    );
    assert_eq!(drafts(&site), Vec::<PathBuf>::new());
}

#[test]
fn bad_values_are_named_and_can_be_mended() {
    let site = site();
    // The first time it writes nonsense, the second time it mends it.
    let script = "if grep -q '^score .*100' \"$1\"; then sed -i 's/^score .*/score : x/' \"$1\"; \
                  else sed -i 's/^score .*/score : 7/' \"$1\"; fi";
    let output = edit(&site, script, "e\ny\n");
    assert!(output.status.success(), "{output:?}");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("score: 'x' is no score"), "{error}");
    assert!(shown(&site).contains("score          : 7\n"));
    let (_, error) = failure(&edit(&site, "sed -i '/^asn/d' \"$1\"", "n\n"));
    assert!(error.contains("asn: its line is missing"), "{error}");
}

#[test]
fn what_was_written_is_kept_when_it_is_not_stored() {
    let site = site();
    let before = shown(&site);
    // Nobody answers.
    let (code, error) = failure(&edit(&site, CHANGE, ""));
    assert_eq!(code, Some(1));
    let kept = drafts(&site);
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert!(error.contains(&kept[0].display().to_string()), "{error}");
    let text = std::fs::read_to_string(&kept[0]).expect("the draft");
    assert!(text.contains("score: 50"), "{text}");
    assert_eq!(shown(&site), before);
    std::fs::remove_file(&kept[0]).expect("removed");

    // Somebody else changes the same field while the editor is open.
    let heliostat = env!("CARGO_BIN_EXE_heliostat");
    let script = format!("'{heliostat}' score m.example.org 75 >/dev/null; {CHANGE}");
    let (code, error) = failure(&edit(&site, &script, "y\n"));
    assert_eq!(code, Some(1));
    let expected = "score of m.example.org was changed from '100' to '75' by somebody else";
    assert!(error.contains(expected), "{error}");
    assert_eq!(drafts(&site).len(), 1);
    assert!(shown(&site).contains("score          : 75\n"));
    assert!(
        shown(&site).contains("country        : \n"),
        "all or nothing"
    );
}

#[test]
fn an_editor_that_fails_is_named() {
    let site = site();
    let (code, error) = failure(&edit(&site, "exit 3", "y\n"));
    assert_eq!(code, Some(1));
    assert!(error.contains("set VISUAL or EDITOR"), "{error}");
    assert_eq!(drafts(&site), Vec::<PathBuf>::new());
    let (_, error) = failure(&edit(&site, "echo more >>\"$1\"; exit 3", ""));
    assert!(error.contains("the edited text is kept in"), "{error}");
    assert_eq!(drafts(&site).len(), 1);
}

#[test]
fn fields_are_set_without_an_editor() {
    let site = site();
    let arguments = [
        "edit",
        "m.example.org",
        "--set",
        "score=50",
        "countryOnly=1",
        "lat,lng=1.5,-2",
        "--set",
        "base_url=https://m.example.org/x",
        "comments=a\\nb",
        "asn=0",
    ];
    let text = site.run_ok("heliostat", &arguments);
    assert_eq!(
        text,
        "changing score from '100' to '50'\n\
         changing countryOnly from 'False' to 'True'\n\
         changing lat,lng from '' to '1.5,-2'\n\
         changing baseurl from 'http://m.example.org/' to 'https://m.example.org/x'\n\
         changing comments\n"
    );
    let shown = shown(&site);
    for line in [
        "lat,lng        : 1.5,-2",
        "baseurl        : https://m.example.org/x",
        "a\nb\n",
    ] {
        assert!(shown.contains(line), "{line}\nis not in\n{shown}");
    }
    for (pair, expected) in [
        ("score=x", "score: 'x' is no score"),
        (
            "baseurl=m.example.org",
            "baseurl: 'm.example.org' cannot be used",
        ),
        ("colour=blue", "colour: there is no such field"),
        ("skore=1", "there is no such field; did you mean score?"),
        (
            "Base-URL=x",
            "there is no such field; did you mean baseurl?",
        ),
        ("contry=de", "there is no such field; did you mean country?"),
        ("score", "'score' is no KEY=VALUE"),
        (
            "identifier=x",
            "identifier: `heliostat rename m.example.org x` changes a name",
        ),
    ] {
        let arguments = ["edit", "m.example.org", "--set", "score=51", "--set", pair];
        let (code, error) = failure(&site.run("heliostat", &arguments));
        assert_eq!(code, Some(2), "{error}");
        assert!(error.contains(expected), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
    let shown = site.run_ok("heliostat", &["score", "m.example.org"]);
    assert_eq!(shown, "50\n", "all or nothing");
}
