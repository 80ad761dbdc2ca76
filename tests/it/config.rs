//! The configuration file as users meet it, and the page that describes its keys.

use std::fmt::Write;
use std::path::Path;

use heliostat::config;
use serde_json::Value;

use crate::stand_in::site::TestSite;

#[test]
fn the_site_of_the_tests_is_a_valid_configuration() {
    let site = TestSite::new();
    let config = config::load(&site.config()).expect("a configuration");
    let only = config.site(None).expect("a site");
    assert_eq!(only.tree, site.tree());
    assert_eq!(only.database, site.database());
}

/// Stands above the tables of the page.
const HEAD: &str = "# Configuration keys

`heliostat config` prints the same for the configuration of a machine: each key with its value,
origin, default, bounds and meaning. Both come from the rows by which the programs read the file.
A test compares them (`UPDATE_GOLDEN=1 cargo test --test it config` writes this page again).
[install.md](install.md) has an example.

The file is `/etc/heliostat.toml`, or the one that `--config` or `$HELIOSTAT_CONFIG` names.
An option of the command line comes before the file, and the file before a default.
Relative paths are below the folder of the file. Unknown keys and values out of bounds are refused
with one line that names file, line, key and remedy.
";

/// The page: one section per table of the file, one row per key.
fn page() -> String {
    let mut page = HEAD.to_owned();
    for table in config::describe_all() {
        let heading = match table.heading.as_str() {
            "" => "Above all tables".to_owned(),
            heading => format!("`{heading}`"),
        };
        write!(page, "\n## {heading}\n\n").expect("a string takes all");
        // Its keys are those of rules, which have their section.
        if table.is_partial {
            page.push_str(DIRECTORY);
            continue;
        }
        page.push_str("| key | value | default | meaning |\n|---|---|---|---|\n");
        for described in table.keys {
            let default = described.default.map(|value| format!("`{value}`"));
            let row = [
                format!("`{}`", described.key.name),
                described.key.expected(),
                default.unwrap_or_else(|| "not set".to_owned()),
                described.key.description(),
            ];
            let row = row.map(|cell| cell.replace('|', "\\|"));
            writeln!(page, "| {} |", row.join(" | ")).expect("a string takes all");
        }
    }
    page
}

/// Says how directories have their keys.
const DIRECTORY: &str =
    "`path`, the subtree relative to the tree, which must be set, and beside it \
any key of `[site.NAME.rules]`.
A directory has what is set above it in the tree, changed as the rows say.
";

#[test]
fn the_page_of_keys_is_what_the_programs_read() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md");
    let page = page();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &page).expect("the page can be written");
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == page,
        "docs/configuration.md is not what the rows say; UPDATE_GOLDEN=1 writes it anew"
    );
    for key in ["`head_bytes_max`", "`min_size`", "`mail_from`", "`poll_ms`"] {
        assert!(page.contains(key), "{key}");
    }
}

/// A site that sets keys of many kinds.
const WRITTEN: &str = r#"link_mirrors = 3
server_names = ["a.example.org", "b.example.org"]
[site.test.scan]
jobs = 2
[site.test.scan.mirror."de.uni"]
coverage_min = 0.9
[[site.test.yum]]
arguments = ["repo=x"]
directory = "x"
marker = "repodata/repomd.xml"
[site.test.rules]
min_size = 1
fallbacks = [{ region = "eu", country = "de", url = "http://f.example.org/" }]
[[site.test.directory]]
path = "war"
min_size = 4096
metalink.by_accept = "never"
[[site.test.directory]]
path = "peace"
"#;

fn print(site: &TestSite, arguments: &str) -> String {
    let mut command = site.command("heliostat");
    command.env("HELIOSTAT_CONFIG", site.config()).arg("config");
    let output = command.args(arguments.split_whitespace()).output();
    let output = output.expect("heliostat starts");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn the_printed_configuration_is_one_and_the_same() {
    let site = TestSite::with_config(WRITTEN);
    let printed = print(&site, "");
    let file = site.path("printed.toml");
    std::fs::write(&file, &printed).expect("a configuration");
    let (before, after) = (config::load(&site.config()), config::load(&file));
    let (before, after) = (before.expect("as written"), after.expect("as printed"));
    assert_eq!(before.raw, after.raw, "{printed}");
    for line in [
        "[[site.test.directory]]",
        "[site.test.directory.metalink]",
        "min_size = 4096",
    ] {
        assert!(
            printed.lines().any(|printed| printed == line),
            "{line}: {printed}"
        );
    }
    assert!(!printed.contains('\u{1b}'), "no terminal");
    let wide = printed.lines().filter(|line| line.starts_with("# "));
    assert_eq!(wide.filter(|line| line.chars().count() > 80).count(), 0);
}

#[test]
fn each_key_is_printed_with_default_bounds_meaning_and_origin() {
    let site = TestSite::with_config(WRITTEN);
    let printed = print(&site, "");
    let all = print(&site, "--json");
    let all: Vec<Value> = serde_json::from_str(&all).expect("JSON");
    for table in config::describe_all()
        .iter()
        .filter(|table| !table.is_partial)
    {
        for described in &table.keys {
            let name = described.key.name;
            let is_printed = |line: &str| {
                let line = line.strip_prefix('#').unwrap_or(line);
                line.strip_prefix(name)
                    .is_some_and(|rest| rest.starts_with(" ="))
            };
            assert!(printed.lines().any(is_printed), "{name}");
            let meaning = described.key.description();
            assert!(
                all.iter().any(|key| key["meaning"] == meaning.as_str()),
                "{name}"
            );
        }
    }
    let key = |path: &str| {
        let found = all.iter().find(|key| key["key"] == path);
        found.unwrap_or_else(|| panic!("{path}")).clone()
    };
    let jobs = key("site.test.scan.jobs");
    assert_eq!((&jobs["value"], &jobs["default"]), (&2.into(), &8.into()));
    assert_eq!(jobs["expected"], "a whole number from 1 to 256");
    assert_eq!(jobs["origin"], "file");
    let lines = std::fs::read_to_string(site.config()).expect("the file");
    let at = lines
        .lines()
        .position(|line| line == "jobs = 2")
        .expect("the line")
        + 1;
    assert_eq!(jobs["line"], at);
    assert_eq!(key("site.test.scan.requests")["origin"], "default");
    assert_eq!(key("site.test.rules.engine")["value"], true);
    assert_eq!(key("site.test.directory 'war'.min_size")["value"], 4096);
    assert_eq!(
        key("site.test.scan.mirror.de.uni.coverage_min")["value"],
        0.9
    );
    let line = format!("# A whole number from 1 to 256; default: 8; set in line {at}.\njobs = 2\n");
    assert!(printed.contains(&line), "{printed}");
    let set = print(&site, "--set --json");
    let set: Vec<Value> = serde_json::from_str(&set).expect("JSON");
    assert!(
        set.iter().all(|key| key["origin"] == "file") && set.len() > 9,
        "{set:?}"
    );
    assert!(print(&site, "scan.jobs").contains("\njobs = 2\n"));
    assert!(print(&site, "--check").ends_with(": can be used\n"));
}

#[test]
fn the_check_names_files_that_cannot_be_used_now() {
    let site = TestSite::with_config("");
    let text = std::fs::read_to_string(site.config()).expect("a configuration");
    let (damaged, absent) = (site.path("damaged.mmdb"), site.path("absent.mmdb"));
    std::fs::write(&damaged, b"no database").expect("a file");
    let key = format!("geoip = [{damaged:?}, {absent:?}]\n");
    let text = text.replacen("tree =", &format!("{key}tree ="), 1);
    std::fs::write(site.config(), text).expect("a configuration");
    std::fs::remove_dir_all(site.tree()).expect("no tree");
    let output = site.run("heliostat", &["config", "--check"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    for what in [&damaged, &absent, &site.tree()] {
        assert!(said.contains(&*what.to_string_lossy()), "{said}");
    }
}
