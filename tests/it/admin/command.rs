//! The admin's commands, as people and scripts call them.

use std::process::Stdio;

use serde_json::Value;

use crate::stand_in::site::{TestSite, failure};

/// A site with two mirrors of one country and one of another, the first two enabled.
fn site_with_mirrors() -> TestSite {
    let site = TestSite::new();
    for arguments in [
        "new one.example.org -H http://one.example.org:8080/dist -R rsync://one.example.org/dist/ \
         -r eu -c de -s 50 -a Ann -e ann@example.org --operator-name Uni --operator-url http://u/ \
         --region-only --asn 64500 --prefix 192.0.2.0/24 --lat 52.5 --lng -13.4",
        "new two.example.org -H https://two.example.org/ -F ftp://two.example.org/dist/ -r eu \
         -c de --other-countries be,lu --file-maxsize 5000000000 --kind cache",
        "new three.example.net -H http://three.example.net/ --https https://three.example.net/s/ \
         -r oc -c nz --ipv6-only",
    ] {
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        site.run_ok("heliostat", &arguments);
    }
    for name in ["one.example.org", "two.example.org"] {
        site.run_ok("heliostat", &["enable", "--alive", name]);
    }
    site
}

fn run(site: &TestSite, line: &str) -> String {
    let arguments: Vec<&str> = line.split_whitespace().collect();
    site.run_ok("heliostat", &arguments)
}

/// A call that must fail with one line on standard error, nothing on standard output.
fn fails(site: &TestSite, line: &str, code: i32, expected: &str) {
    let arguments: Vec<&str> = line.split_whitespace().collect();
    let output = site.run("heliostat", &arguments);
    let (found, error) = failure(&output);
    assert_eq!(found, Some(code), "{line}: {error}");
    assert!(
        error.contains(expected),
        "{line}: {expected}\nis not in\n{error}"
    );
    assert_eq!(error.lines().count(), 1, "{line}: {error}");
    assert_eq!(error.matches(expected).count(), 1, "{line}: {error}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{line}");
}

fn json(site: &TestSite, line: &str) -> Value {
    serde_json::from_str(&run(site, line)).expect("JSON")
}

#[test]
fn a_new_mirror_is_disabled_and_has_every_field() {
    let site = site_with_mirrors();
    let shown = run(&site, "show one");
    for line in [
        "identifier     : one.example.org",
        "operatorName   : Uni",
        "operatorUrl    : http://u/",
        "baseurl        : http://one.example.org:8080/dist",
        "baseurlRsync   : rsync://one.example.org/dist/",
        "region         : eu",
        "country        : de",
        "asn            : 64500",
        "prefix         : 192.0.2.0/24",
        "lat,lng        : 52.5,-13.4",
        "regionOnly     : True",
        "countryOnly    : False",
        "score          : 50",
        "admin          : Ann",
        "adminEmail     : ann@example.org",
        "files          : never scanned",
    ] {
        assert!(
            shown.lines().any(|found| found == line),
            "{line}\nis not in\n{shown}"
        );
    }
    assert!(
        shown.contains("---------- comments ----------\nAdded - "),
        "{shown}"
    );
    let third = json(&site, "show three --json");
    assert_eq!(
        (&third["enabled"], &third["alive"]),
        (&false.into(), &false.into())
    );
    assert_eq!(
        third["further_base_urls"][0],
        "https://three.example.net/s/"
    );
    assert_eq!(third["ipv6_only"], true);
    let second = json(&site, "show two.example.org --json");
    assert_eq!(second["kind"], "cache");
    assert_eq!(second["file_maxsize"], 5_000_000_000_u64);
    assert_eq!(second["other_countries"], "be,lu");
}

#[test]
fn bad_input_of_new_is_refused_with_what_to_do() {
    let site = site_with_mirrors();
    let before = run(&site, "list -a --json");
    for (line, code, expected) in [
        (
            "new x -H mirror.example.org/dist",
            2,
            "--http: 'mirror.example.org/dist' cannot be used",
        ),
        (
            "new x -H mirror.example.org/dist",
            2,
            "no scheme; write it as http://HOST/PATH/",
        ),
        (
            "new x -H http://m:99999/",
            2,
            "its port is not a number from 1 to 65535",
        ),
        ("new x -H rsync://m/x/", 2, "clients are sent to http://"),
        (
            "new x -H http://m/ -R http://m/",
            2,
            "--rsync: 'http://m/' cannot be used",
        ),
        (
            "new x -H http://m/ -c deu",
            2,
            "--country: 'deu' is no country",
        ),
        (
            "new x -H http://m/ -r xx",
            2,
            "--region: 'xx' is no continent",
        ),
        (
            "new x -H http://m/ -s 99999",
            2,
            "--score: '99999' is no score from 0",
        ),
        (
            "new x -H http://m/ --prefix 10/8",
            2,
            "--prefix: '10/8' is no address prefix",
        ),
        (
            "new x -H http://m/ --https http://m/",
            2,
            "does not begin with https://",
        ),
        (
            "new x -H http://m/ --lat 91 --lng 0",
            2,
            "'91' is no number of degrees",
        ),
        (
            "new one.example.org -H http://m/",
            1,
            "a mirror called 'one.example.org' exists already",
        ),
    ] {
        fails(&site, line, code, expected);
    }
    assert_eq!(run(&site, "list -a --json"), before, "nothing changed");
}

#[test]
fn lists_have_the_columns_of_mb_in_its_order() {
    let site = site_with_mirrors();
    assert_eq!(run(&site, "list"), "one.example.org\ntwo.example.org\n");
    assert_eq!(run(&site, "list --disabled"), "three.example.net\n");
    assert_eq!(run(&site, "list -a -c NZ"), "three.example.net\n");
    assert_eq!(run(&site, "list -r oc -a three"), "three.example.net\n");
    assert_eq!(
        run(
            &site,
            "list --as --prio --prefix --country --region --other-countries"
        ),
        "one.example.org                 50 eu de       64500 192.0.2.0/24\n\
         two.example.org                100 eu de be,lu     0\n"
    );
    assert_eq!(
        run(&site, "list one -N --region-only --as-only -R -H"),
        format!(
            "{:<30} {:<55} rsync://one.example.org/dist/ region_only=True as_only=False nfiles=0\n",
            "one.example.org", "http://one.example.org:8080/dist"
        )
    );
    let listed = json(&site, "list --json");
    assert_eq!(listed.as_array().map(Vec::len), Some(2));
    assert_eq!(listed[0]["identifier"], "one.example.org");
    fails(&site, "list nobody", 1, "Not found.");
}

#[test]
fn mirrors_are_found_by_any_part_that_fits_one_only() {
    let site = site_with_mirrors();
    assert_eq!(run(&site, "score three"), "100\n");
    fails(
        &site,
        "score example.org",
        1,
        "fits several mirrors, write one of them: one.example.org",
    );
    fails(
        &site,
        "show nobody",
        1,
        "Not found. No mirror has 'nobody' in its name",
    );
    run(&site, "new one -H http://one/");
    assert_eq!(run(&site, "score one"), "100\n", "an exact name wins");
}

#[test]
fn switches_scores_names_and_comments_change_and_are_recorded() {
    let site = site_with_mirrors();
    assert_eq!(
        run(&site, "score two 75"),
        "Changing score for two.example.org: 100 -> 75\n"
    );
    fails(&site, "score two many", 2, "score: 'many' is no score");
    assert_eq!(run(&site, "disable two"), "two.example.org: disabled.\n");
    let two = json(&site, "show two --json");
    assert_eq!(
        (&two["enabled"], &two["alive"]),
        (&false.into(), &false.into())
    );
    let said = run(&site, "enable two");
    assert!(
        said.contains("has no clients before it was found answering"),
        "{said}"
    );
    assert_eq!(json(&site, "show two --json")["enabled"], true);
    assert_eq!(
        run(&site, "enable --alive two"),
        "two.example.org: enabled.\n"
    );
    run(&site, "rename two second.example.org");
    fails(
        &site,
        "rename second one.example.org",
        1,
        "'one.example.org' exists already",
    );
    fails(&site, "rename second -- -x", 2, "is no name");
    site.run_ok("heliostat", &["commentadd", "second", "-C", "Called them."]);
    let comment = json(&site, "show second --json")["comment"].clone();
    let comment = comment.as_str().expect("a comment");
    assert!(
        comment.starts_with("Added - ") && comment.ends_with("\n\nCalled them."),
        "{comment}"
    );

    let mut command = site.command("heliostat");
    command
        .env("SUDO_USER", "ann")
        .args(["score", "second", "10"]);
    let output = command.output().expect("heliostat starts");
    assert!(output.status.success(), "{output:?}");
    let events = json(&site, "events second --json");
    let what: Vec<&str> = events
        .as_array()
        .expect("a list")
        .iter()
        .map(|event| event["what"].as_str().expect("a text"))
        .collect();
    assert_eq!(
        what,
        [
            "score 75 -> 10",
            "comment added",
            "renamed two.example.org -> second.example.org",
            "enabled, taken for answering",
            "enabled",
            "disabled",
            "score 100 -> 75",
            "enabled, taken for answering",
            "added two.example.org",
        ]
    );
    assert_eq!(events[0]["actor"], "ann");
}

#[test]
fn deleting_wants_the_whole_name_and_a_yes() {
    let site = site_with_mirrors();
    fails(
        &site,
        "delete three --yes",
        1,
        "no mirror is called 'three'",
    );
    let mut command = site.command("heliostat");
    command
        .args(["delete", "three.example.net"])
        .stdin(Stdio::null());
    let (code, error) = failure(&command.output().expect("heliostat starts"));
    assert_eq!(code, Some(1));
    assert!(
        error.contains("nobody is here to be asked; --yes removes it"),
        "{error}"
    );
    assert!(run(&site, "list -a").contains("three.example.net"));
    assert_eq!(
        run(&site, "delete three.example.net -y"),
        "three.example.net: deleted.\n"
    );
    assert!(!run(&site, "list -a").contains("three.example.net"));
    run(&site, "new three.example.net -H http://three/");
    let again = json(&site, "show three --json");
    assert_eq!(again["id"], 4, "a number is never given again");
}

#[test]
fn a_name_that_is_no_file_name_or_no_word_is_refused_with_what_to_write() {
    let site = site_with_mirrors();
    for (name, cause) in [
        ("a/b", "'/'"),
        ("../x", "begins with a dot"),
        ("..", "begins with a dot"),
        ("a\\b", "'\\'"),
        ("a b", "' '"),
        ("a\x1b[31m", "'\\u{1b}'"),
        ("a\u{202e}b", "'\\u{202e}'"),
        ("a;b", "';'"),
        ("--rf", ""),
        ("", "it is empty"),
    ] {
        for arguments in [
            vec!["new", "-H", "http://m/", "--", name],
            vec!["rename", "one", "--", name],
        ] {
            let output = site.run("heliostat", &arguments);
            let (code, error) = failure(&output);
            assert_eq!(code, Some(2), "{arguments:?}: {error}");
            assert_eq!(error.lines().count(), 1, "{error}");
            for part in ["name", cause, "write letters, digits"] {
                assert!(error.contains(part), "{arguments:?}: {part}: {error}");
            }
            assert!(
                !error.contains(char::is_control) || error.ends_with('\n'),
                "{error}"
            );
        }
    }
    run(&site, "rename one one_1:eu+x@y");
}

#[test]
fn a_site_without_mirrors_says_how_to_get_some() {
    let site = TestSite::new();
    site.run_ok("heliostat", &["new", "m", "-H", "http://m/"]);
    run(&site, "delete m --yes");
    fails(&site, "show m", 1, "`heliostat new` adds one");
    let output = site.run("heliostat", &["list"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success() && output.stdout.is_empty(),
        "{said}"
    );
    assert!(said.contains("`heliostat new` adds one"), "{said}");
    let help = run(&site, "--help");
    assert!(help.contains("Exit codes: 0 done, 1 failed, 2"), "{help}");
}

#[test]
fn any_field_can_be_given_and_listed_by_its_name() {
    let site = TestSite::new();
    run(
        &site,
        "new m -H http://m/ --set publicNotes=hello score=7 --set rsync_url=rsync://u:p@m/x/",
    );
    assert_eq!(
        run(
            &site,
            "list -a --field publicNotes --field score --field kind --field enabled"
        ),
        "m                              hello 7 mirror enabled=False\n"
    );
    let listed = run(&site, "list -a --field baseurlRsync");
    assert!(listed.ends_with("rsync://u:***@m/x/\n"), "{listed}");
    for (line, expected) in [
        ("new n -H http://n/ --set skore=1", "did you mean score?"),
        ("new n -H http://n/ --set score=x", "score: 'x' is no score"),
        ("new n -H http://n/ --set score", "'score' is no KEY=VALUE"),
        ("list --field skore", "did you mean score?"),
    ] {
        fails(&site, line, 2, expected);
    }
}

#[test]
fn a_mirror_that_is_not_found_leads_to_the_nearest_one() {
    let site = site_with_mirrors();
    for line in [
        "show thee.example.net",
        "score Three.example.net 5",
        "enable tree.example.net",
    ] {
        fails(&site, line, 1, "did you mean three.example.net?");
    }
    fails(
        &site,
        "show nothing-like-it",
        1,
        "`heliostat list -a` lists them all",
    );
    fails(
        &site,
        "delete thee.example.net",
        1,
        "did you mean three.example.net?",
    );
}

#[test]
fn files_are_listed_with_who_has_them() {
    let site = site_with_mirrors();
    let dump = concat!(
        "COPY server (id, identifier, baseurl, enabled, status_baseurl, region, country) FROM ",
        "stdin;\n1\ta.example\thttp://a/x/\tt\tt\teu\tde\n2\tb.example\thttp://b/\tf\tf\taf\tza\n",
        "3\tc.example\thttp://c/\tt\tt\teu\tat\n\\.\n",
        "COPY filearr (id, path, mirrors) FROM stdin;\n1\td/a b%.iso\t{1,2}\n2\td/c.iso\t{3}\n",
        "3\td/none\t{}\n\\.\n-- PostgreSQL database dump complete\n"
    );
    std::fs::write(site.path("dump"), dump).expect("a dump");
    let path = site.path("dump").display().to_string();
    site.run_ok("heliostat", &["import", "mirrorbrain", &path, "--force"]);
    let line = |head: &str, name: &str, url: &str| format!("{head} {name:<30} {url}");
    let rows = site.run_ok("heliostat", &["file", "ls", "/d/a b%.iso"]);
    assert_eq!(
        rows,
        "af za  100 disabled dead b.example\neu de  100 ok       ok   a.example\n"
    );
    let rows = site.run_ok("heliostat", &["file", "ls", "*.iso", "-u"]);
    let expected = [
        line(
            "af za  100 disabled dead",
            "b.example",
            "http://b/d/a%20b%25.iso",
        ),
        line(
            "eu de  100 ok       ok  ",
            "a.example",
            "http://a/x/d/a%20b%25.iso",
        ),
        line("eu at  100 ok       ok  ", "c.example", "http://c/d/c.iso"),
    ];
    assert_eq!(rows.lines().collect::<Vec<_>>(), expected);
    let rows = site.run_ok("heliostat", &["file", "-m", "c.ex", "ls", "%c%"]);
    assert_eq!(
        rows,
        line("eu at  100 ok       ok  ", "c.example", "d/c.iso\n")
    );
    assert_eq!(run(&site, "file ls d/none"), "");
    fails(
        &site,
        "file ls d/nothing",
        1,
        "the catalogue has no file 'd/nothing'",
    );
    fails(&site, "file ls d/none -m nobody", 1, "Not found.");
    let listed = run(&site, "list -a -N");
    assert!(
        listed.contains("a.example                      nfiles=1"),
        "{listed}"
    );
}

#[test]
fn going_back_to_the_scan_before_needs_one() {
    let site = site_with_mirrors();
    fails(
        &site,
        "rollback one",
        1,
        "nothing is known of an earlier scan",
    );
}

#[test]
fn sites_are_named() {
    let site = TestSite::new();
    assert_eq!(run(&site, "instances"), "test\n");
    fails(
        &site,
        "-b nowhere list",
        2,
        "has no site 'nowhere'; it has: test",
    );
    fails(
        &site,
        "--config /nowhere.toml list",
        2,
        "cannot read the configuration /nowhere.toml",
    );
    fails(
        &site,
        "list",
        1,
        "does not exist; run heliostat-index or import to make it",
    );
    let mut command = site.command("heliostat");
    command.env("MB", "elsewhere").arg("list");
    let (code, error) = failure(&command.output().expect("heliostat starts"));
    assert_eq!(code, Some(2), "{error}");
    assert!(error.contains("has no site 'elsewhere'"), "{error}");
}

#[test]
fn a_new_mirror_that_is_for_nobody_is_said_to_be() {
    let site = TestSite::new();
    for (name, options, said) in [
        (
            "a",
            "--prefix-only",
            "has no prefix, so no client is sent to it",
        ),
        ("b", "--prefix-only --prefix 192.0.2.0/24", ""),
        ("c", "--prefix-only --other-countries de", ""),
        (
            "d",
            "--as-only",
            "neither AS number nor prefix, so no client",
        ),
        ("e", "--as-only --asn 64500", ""),
        ("f", "--private --asn 64500", ""),
    ] {
        let line = format!("new {name} -H http://192.0.2.1/ {options}");
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let output = site.run("heliostat", &arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {error}");
        assert_eq!(
            error.contains("no client is sent"),
            !said.is_empty(),
            "{line}: {error}"
        );
        assert!(error.contains(said), "{line}: {error}");
    }
}

#[test]
fn long_options_may_be_abbreviated_and_the_program_may_be_called_mb() {
    let site = TestSite::new();
    let mb = site.path("mb");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_heliostat"), &mb).expect("a link");
    let call = |line: &str| {
        let mut command = std::process::Command::new(&mb);
        command
            .env("HELIOSTAT_CONFIG", site.config())
            .args(line.split_whitespace());
        command.output().expect("mb starts")
    };
    let output = call("--brain test new m --ht http://m/ --prefix-o --sc 7");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(json(&site, "show m --js")["prefix_only"], true);
    assert_eq!(
        run(&site, "list --show-dis --pri"),
        "m                                7\n"
    );
    let help = call("help new");
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    assert!(help.contains("Usage: mb new"), "{help}");
    // The scanner is found beside the program itself, not beside the link.
    let help = call("scan --help");
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    assert!(help.contains("heliostat-scan"), "{help}");
    let wrong = call("new x -H http://m/ --colour red");
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn each_subcommand_has_help_with_no_colour_in_a_pipe() {
    let site = TestSite::new();
    for command in [
        "new",
        "list",
        "show",
        "edit",
        "enable",
        "disable",
        "score",
        "rename",
        "delete",
        "commentadd",
        "instances",
        "rollback",
        "file",
        "explain",
        "runs",
        "events",
        "config",
        "import",
        "import mirrorbrain",
    ] {
        let help = run(&site, &format!("{command} --help"));
        assert!(help.contains("Usage: "), "{command}: {help}");
        assert!(!help.contains('\u{1b}'), "{command}: {help}");
    }
}

#[test]
fn a_new_mirror_is_looked_up_in_the_geoip_files() {
    let site = TestSite::with_config("geoip = [\"test.mmdb\"]");
    let table = "127.0.0.0/8 de eu 52.5 13.4 64500\n";
    std::fs::write(site.path("table"), table).expect("a table");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/make-mmdb");
    let made = std::process::Command::new(script)
        .args([site.path("table"), site.path("test.mmdb")])
        .status();
    assert!(made.expect("make-mmdb starts").success());
    let said = run(&site, "new m -H http://127.0.0.1:8080/x");
    assert!(
        said.contains("127.0.0.1 is in eu de 52.5,13.4 AS64500"),
        "{said}"
    );
    let mirror = json(&site, "show m --json");
    assert_eq!(
        (&mirror["region"], &mirror["country"]),
        (&"eu".into(), &"de".into())
    );
    assert_eq!(
        (&mirror["latitude"], &mirror["asn"]),
        (&52.5.into(), &64_500.into())
    );
    // A fact that the admin gives wins over one that is looked up.
    run(
        &site,
        "new n -H http://127.0.0.1/ -c at --asn 1 --lat 1 --lng 2",
    );
    let mirror = json(&site, "show n --json");
    assert_eq!(
        (&mirror["region"], &mirror["country"]),
        (&"eu".into(), &"at".into())
    );
    assert_eq!(
        (&mirror["latitude"], &mirror["asn"]),
        (&1.0.into(), &1.into())
    );
}

#[test]
fn a_site_without_mirrors_says_what_to_do() {
    let site = TestSite::new();
    site.write("f", b"1", 1);
    site.run_ok("heliostat-index", &["-q"]);
    for (line, code, expected) in [
        (
            "status",
            0,
            "there are no mirrors yet; `heliostat new` adds one",
        ),
        ("update -A --all-mirrors", 0, "there are no mirrors yet"),
        ("list", 0, "there are no mirrors yet"),
        ("probefile f", 1, "there are no mirrors yet"),
        ("events", 0, "no event is recorded yet"),
        ("runs --kind probe", 0, "no such run is recorded"),
    ] {
        let mut command = site.command("heliostat");
        command.env("HELIOSTAT_CONFIG", site.config());
        let output = command.args(line.split_whitespace()).output();
        let output = output.expect("heliostat starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{line}: {said}");
        assert!(said.contains(expected), "{line}: {said}");
    }
}
