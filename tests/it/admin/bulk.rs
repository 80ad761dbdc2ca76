//! `heliostat edit --where`: many mirrors at a time.

use serde_json::Value;

use crate::stand_in::site::{TestSite, failure};

fn site() -> TestSite {
    let site = TestSite::new();
    for (name, country, score) in [("a", "de", "10"), ("b", "de", "50"), ("c", "at", "10")] {
        let url = format!("http://joe:s3cret@{name}.example/");
        let arguments = ["new", name, "-H", &url, "-c", country, "-s", score];
        site.run_ok("heliostat", &arguments);
    }
    site
}

fn scores(site: &TestSite) -> String {
    site.run_ok("heliostat", &["list", "-a", "--field", "score"])
}

#[test]
fn all_that_fit_are_changed_after_a_diff() {
    let site = site();
    let before = scores(&site);
    let edit = ["edit", "--set", "score=50", "--where", "country=DE"];
    // Nobody is here to be asked.
    let output = site.run("heliostat", &edit);
    let (code, said) = failure(&output);
    assert!(
        code == Some(1) && said.contains("--yes stores it"),
        "{said}"
    );
    let said = site.run_ok("heliostat", &[&edit[..], &["-n"]].concat());
    let diff = "a\n-score          : 10\n+score          : 50\n";
    assert_eq!(
        said,
        format!("{diff}1 of 2 mirrors would be changed (--dry-run)\n")
    );
    assert_eq!(scores(&site), before);
    let said = site.run_ok("heliostat", &[&edit[..], &["-y"]].concat());
    assert_eq!(said, format!("{diff}1 of 2 mirrors are changed\n"));
    assert_ne!(scores(&site), before);
    let events = site.run_ok("heliostat", &["events", "a"]);
    assert!(
        events.contains("changing score from '10' to '50'"),
        "{events}"
    );

    let json = [&edit[..], &["country=at", "-y", "--json"]].concat();
    let (code, said) = failure(&site.run("heliostat", &json));
    assert!(
        code == Some(1) && said.contains("no mirror has country=DE country=at"),
        "{said}"
    );
    let json = [
        "edit", "--set", "score=7", "--where", "score=50", "-y", "--json",
    ];
    let said: Value = serde_json::from_str(&site.run_ok("heliostat", &json)).expect("JSON");
    let names: Vec<&Value> = said.as_array().expect("a list").iter().collect();
    assert_eq!(names.len(), 2);
    assert_eq!(
        (&names[1]["mirror"], &names[1]["changed"]),
        (&"b".into(), &true.into())
    );
}

#[test]
fn what_cannot_be_done_to_one_is_done_to_none() {
    let site = site();
    let before = scores(&site);
    for (arguments, code, expected) in [
        (
            &["--set", "score=x", "--where", "country=de", "-y"][..],
            2,
            "score",
        ),
        (
            &["--set", "score=5", "--where", "contry=de", "-y"],
            2,
            "no such field",
        ),
        (
            &["--set", "score=5", "--where", "de", "-y"],
            2,
            "--where: 'de' is no KEY=VALUE",
        ),
        (&["--where", "country=de", "-y"], 2, "--set"),
        (
            &["a", "--set", "score=5", "--where", "country=de"],
            2,
            "--where",
        ),
        (&["a", "--set", "ftp://joe:s3cret@m/"], 2, "joe:***@m/"),
        (&[], 2, "MIRROR"),
    ] {
        let output = site.run("heliostat", &[&["edit"], arguments].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(
            said.contains(expected) && !said.contains("s3cret"),
            "{arguments:?}: {said}"
        );
    }
    assert_eq!(scores(&site), before);
    let set = [
        "edit",
        "--set",
        "baseurl=http://joe:s3cret@n/",
        "--where",
        "country=at",
        "-n",
    ];
    let said = site.run_ok("heliostat", &set);
    assert!(
        said.contains("+baseurl        : http://joe:***@n/"),
        "{said}"
    );
    assert!(!said.contains("s3cret"), "{said}");
}
