//! The configuration file as users meet it, and the page that describes its keys.

use std::fmt::Write;
use std::path::Path;

use heliostat::config::{self, RawConfig, RawSite};
use heliostat::domain::key::{Key, KeyValue, Kind, MergeWay};
use heliostat::domain::rule::RawRules;

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

This page is made from the rows that the programs read the file by, and a test compares both
(`UPDATE_GOLDEN=1 cargo test --test it config` writes it anew). [install.md](install.md) has an
example.

The file is `/etc/heliostat.toml`, or the one that `--config` or `$HELIOSTAT_CONFIG` names.
An option of the command line comes before the file, and the file before a default.
Relative paths are below
the folder of the file. Unknown keys and values out of bounds are refused with one line that names
file, line, key and remedy.
";

/// The page: one section per table of the file, one row per key.
fn page() -> String {
    let mut sample = RawConfig::default();
    let site = RawSite {
        rules: RawRules::defaults(),
        ..RawSite::default()
    };
    sample.site.insert("NAME".to_owned(), site);
    let defaults = toml::Value::try_from(&sample).expect("defaults can be written");
    let mut page = HEAD.to_owned();
    section(&mut page, "", RawConfig::KIND, Some(&defaults));
    page
}

fn section(page: &mut String, name: &str, kind: &'static Kind, defaults: Option<&toml::Value>) {
    let is_table = |key: &&Key| has_keys(key.kind);
    if kind.keys().any(|key| !has_keys(key.kind)) {
        let heading = match name {
            "" => "Above all tables".to_owned(),
            list if list.starts_with("[[") => format!("`{list}`"),
            name => format!("`[{name}]`"),
        };
        write!(page, "\n## {heading}\n\n").expect("a string takes all");
        page.push_str("| key | value | default | meaning |\n|---|---|---|---|\n");
    }
    for key in kind.keys().filter(|key| !has_keys(key.kind)) {
        let default = defaults.and_then(|table| table.get(key.name));
        let default = match default {
            Some(value) => format!("`{value}`"),
            None => "not set".to_owned(),
        };
        let row = [
            format!("`{}`", key.name),
            key.expected(),
            default,
            meaning(key),
        ];
        let row = row.map(|cell| cell.replace('|', "\\|"));
        writeln!(page, "| {} |", row.join(" | ")).expect("a string takes all");
    }
    for key in kind.keys().filter(is_table) {
        let inner = defaults.and_then(|table| table.get(key.name));
        let path = match name {
            "" => key.name.to_owned(),
            name => format!("{name}.{}", key.name),
        };
        match key.kind {
            Kind::Named(of) if key.name == "site" => {
                let inner = inner.and_then(|sites| sites.get("NAME"));
                section(page, "site.NAME", of, inner);
            }
            Kind::Named(of) => section(page, &format!("{path}.\"IDENTIFIER\""), of, None),
            // Its keys are those of rules, which have their section.
            Kind::List(_) if key.name == "directory" => {
                let heading = format!("\n## `[[{path}]]`\n\n");
                page.push_str(&heading);
                page.push_str(DIRECTORY);
            }
            Kind::List(_) => section(page, &format!("[[{path}]]"), key.kind, None),
            of => section(page, &path, of, inner),
        }
    }
}

/// Says how directories have their keys.
const DIRECTORY: &str =
    "`path`, the subtree relative to the tree, which must be set, and beside it \
any key of `[site.NAME.rules]`.
A directory has what is set above it in the tree, changed as the rows say.
";

fn has_keys(kind: &Kind) -> bool {
    match kind {
        Kind::Table(_) => true,
        Kind::List(of) | Kind::Named(of) => has_keys(of),
        _ => false,
    }
}

fn meaning(key: &Key) -> String {
    let mut text = key.meaning();
    match key.merge {
        MergeWay::Deepest => text += " The deepest directory wins.",
        MergeWay::Adds => text += " A directory adds to what stands above it.",
        MergeWay::No | MergeWay::Inside => {}
    }
    if let Some(parameter) = key.parameter {
        text += &format!(" Parameter: `{parameter}`.");
    }
    text
}

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
