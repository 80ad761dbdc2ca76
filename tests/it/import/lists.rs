//! `heliostat import urls`, `mirmon`, `mirrorbits`: mirrors are added once, and never changed.

use heliostat::db::{mirror, open_reader};

use crate::stand_in::site::{TestSite, failure};

const URLS: &str = "https://a.example/pub/ de\nhttp://b.example/x/ us bee # fast\n";
const MIRMON: &str = "de\thttp://a.example/p/\ta@a.example\nde\trsync://a.example/p/\n\
    us\thttp://b.example/\n";
const MIRRORBITS: &str = "- Name: a.example\n  HttpURL: http://a.example/p/\n  CountryCodes: DE\n\
    - Name: b\n  HttpURL: b.example/x/\n  Score: 50\n";

/// Names, URLs, countries and what else the lists say of the mirrors of a site.
fn mirrors(site: &TestSite) -> Vec<String> {
    let reader = open_reader(&site.database()).expect("a database");
    let mirrors = mirror::all(&reader).expect("mirrors").into_iter();
    let shown = mirrors.map(|one| {
        format!(
            "{} {} {} {} {} {} {} {}",
            one.identifier,
            one.base_url,
            one.further_base_urls.join(" "),
            one.rsync_url,
            one.region,
            one.country,
            one.score,
            one.enabled
        )
    });
    shown.collect()
}

#[test]
fn lists_add_mirrors_once() {
    for (kind, text, expected) in [
        (
            "urls",
            URLS,
            [
                "a.example https://a.example/pub/   eu de 100 false",
                "bee http://b.example/x/   na us 100 false",
            ],
        ),
        (
            "mirmon",
            MIRMON,
            [
                "a.example http://a.example/p/  rsync://a.example/p/ eu de 100 false",
                "b.example http://b.example/   na us 100 false",
            ],
        ),
        (
            "mirrorbits",
            MIRRORBITS,
            [
                "a.example http://a.example/p/   eu de 100 false",
                "b http://b.example/x/ https://b.example/x/    150 false",
            ],
        ),
    ] {
        let site = TestSite::new();
        let list = site.path("list");
        std::fs::write(&list, text).expect("written");
        let list = list.to_str().expect("UTF-8");
        let shown = site.run_ok("heliostat", &["import", kind, list, "--dry-run"]);
        assert!(
            shown.contains("2 added") && shown.contains("nothing is stored"),
            "{shown}"
        );
        assert!(
            !site.database().exists(),
            "{kind}: a rehearsal makes nothing"
        );
        let done = site.run_ok("heliostat", &["import", kind, list]);
        assert!(
            done.contains("2 added, disabled until a scan; 0 were there"),
            "{done}"
        );
        assert_eq!(mirrors(&site), expected, "{kind}");

        // A second run changes nothing, and a mirror that was edited stays as it is.
        let again = site.run_ok("heliostat", &["import", kind, list]);
        assert!(
            again.contains("0 added") && again.contains("2 were there; 0 differ"),
            "{again}"
        );
        assert_eq!(mirrors(&site), expected, "{kind}");
        let edit = ["edit", "a.example", "--set", "baseurl=http://new.example/"];
        site.run_ok("heliostat", &edit);
        let before = mirrors(&site);
        let other = site.run_ok("heliostat", &["import", kind, list]);
        let told = "! a.example stays as it is: base_url is 'http://new.example/'";
        assert!(other.contains(told), "{other}");
        assert_eq!(mirrors(&site), before, "{kind}");
    }
}

#[test]
fn a_list_that_cannot_be_used_changes_nothing() {
    for (kind, text, expected) in [
        (
            "urls",
            "http://a.example/\nnonsense\n",
            "list:2: 'nonsense' is no URL of a mirror",
        ),
        (
            "mirmon",
            "de http://a.example/\nnonsense\n",
            "list:2: write COUNTRY URL EMAIL",
        ),
        (
            "mirrorbits",
            "- Name: a\n  HttpURL: http://a/\n- Name: b\n",
            "list:3: b has no HttpURL",
        ),
        ("urls", "\u{0}\u{1}\n", "list:1: "),
    ] {
        let site = TestSite::new();
        let list = site.path("list");
        std::fs::write(&list, text).expect("written");
        let output = site.run(
            "heliostat",
            &["import", kind, list.to_str().expect("UTF-8")],
        );
        let (code, said) = failure(&output);
        assert_eq!(
            (code, said.contains(expected)),
            (Some(2), true),
            "{expected}: {said}"
        );
        assert_eq!(said.trim().lines().count(), 1, "{said}");
        assert!(!site.database().exists());
    }
    let site = TestSite::new();
    let (code, said) = failure(&site.run("heliostat", &["import", "urls", "/nonexistent"]));
    assert_eq!(
        (code, said.contains("cannot be read")),
        (Some(2), true),
        "{said}"
    );
}

#[test]
fn what_we_export_for_mirmon_is_read_again() {
    let site = TestSite::new();
    let list = site.path("list");
    std::fs::write(&list, MIRMON).expect("written");
    site.run_ok(
        "heliostat",
        &["import", "mirmon", list.to_str().expect("UTF-8")],
    );
    site.run_ok("heliostat", &["enable", "a.example"]);
    site.run_ok("heliostat", &["enable", "b.example"]);
    for style in ["mirmon", "mirmon-apache"] {
        let exported = site.run_ok("heliostat", &["export", &format!("--format={style}")]);
        std::fs::write(&list, exported).expect("written");
        let other = TestSite::new();
        other.run_ok(
            "heliostat",
            &["import", "mirmon", list.to_str().expect("UTF-8")],
        );
        let bare = |site: &TestSite| -> Vec<String> {
            let all = mirrors(site).into_iter();
            all.map(|one| one.replace(" true", "").replace(" false", ""))
                .collect()
        };
        assert_eq!(bare(&other), bare(&site), "{style}");
    }
}
