//! Runs `import mirrorbits-conf`: the YAML configuration of mirrorbits becomes a site.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde_json::json;
use toml::Value;
use yaml_rust2::Yaml;

use super::made_file::{MadeFile, MadeFiles};
use super::problem::{ImportProblem, Spot};
use super::yaml;
use crate::admin::args::ImportMirrorbitsConfArgs;
use crate::admin::console::Console;
use crate::admin::error::AdminError;
use crate::config::{Config, parse};
use crate::program::exit::Exit;
use crate::regular_file;

/// Bytes of the file.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The site's name.
const SITE: &str = "main";

/// Files that mirrorbits looks for in its folder, in its order.
const GEOIP_FILES: [&str; 2] = ["GeoLite2-City.mmdb", "GeoLite2-ASN.mmdb"];

/// Keys that are not carried over, in lower case, with the reason.
#[rustfmt::skip]
const NOT_CARRIED: [(&str, &str); 25] = [
    ("templates", "pages have their own style; mirrorlist_style_sheet changes it"),
    ("localjspath", "pages need no script"),
    ("outputmode", "a redirect is the answer; ?mirrorlist&json is the list"),
    ("listenaddress", "a web server listens; docs/vhost.md has its host"),
    ("gzip", "the web server compresses"),
    ("redisaddress", "the database is a file"),
    ("redispassword", "the database is a file"),
    ("redisdb", "the database is a file"),
    ("redissentinelmastername", "the database is a file; docs/front-ends.md has copies"),
    ("redissentinels", "the database is a file; docs/front-ends.md has copies"),
    ("rpclistenaddress", "commands work on the database itself"),
    ("rpcpassword", "commands work on the database itself"),
    ("logdir", "the web server logs"),
    ("tracefilelocation", "a scan asks each mirror for its trace; docs/mirror.md tells how"),
    ("scaninterval", "a timer or cron starts heliostat-scan"),
    ("checkinterval", "a timer or cron starts heliostat-probe"),
    ("repositoryscaninterval", "a timer or cron starts heliostat-index"),
    ("fixtimezoneoffsets", "scans do not need them"),
    ("disallowredirects", "docs/scanning.md tells which redirects of mirrors are followed"),
    ("weightdistributionrange", "selection.spread_degrees is the nearest to it, in degrees"),
    ("disableonmissingfile", "a probe and the next scan find out what is missing"),
    ("allowoutdatedfiles", "a mirror counts only with this version of a file"),
    ("allowhttptohttpsredirects", "clients of http are sent to https mirrors, too"),
    ("samedownloadinterval", "nothing is counted"),
    ("googlemapsapikey", "pages have a map of their own"),
];

/// Result of an import.
#[derive(Debug, Default)]
struct ReadConf {
    keys: Vec<(String, Value)>,
    fallbacks: Vec<Value>,
    notes: Vec<ImportProblem>,
}

/// Imports a configuration of mirrorbits.
///
/// # Errors
/// Returns [`AdminError::Usage`] if it cannot be read or used; [`AdminError::Refused`] if a file in
/// the way differs.
pub(super) fn import_mirrorbits_conf(
    console: &mut Console,
    args: &ImportMirrorbitsConfArgs,
) -> Result<Exit, AdminError> {
    let text = regular_file::read_text(&args.file, FILE_BYTES_MAX).map_err(|error| {
        AdminError::Usage(format!(
            "{} cannot be read: {error}; name mirrorbits' mirrorbits.conf",
            args.file.display()
        ))
    })?;
    let conf = read(&args.file, &text).map_err(|problem| AdminError::Usage(problem.shown()))?;
    let text = configuration(&conf, args);
    let path = args
        .way
        .out
        .clone()
        .unwrap_or_default()
        .join("heliostat.toml");
    Config::check(&path, parse(&path, &text)?)?;
    let mut made = MadeFiles::default();
    made.add(MadeFile::secret(path, text));
    match args.way.json {
        true => {
            let notes: Vec<String> = conf.notes.iter().map(ImportProblem::shown).collect();
            console.json(&json!({ "files": made.as_json(), "notes": notes }))?;
        }
        false => {
            made.show(console)?;
            for note in &conf.notes {
                console.line(format!("note: {}", note.shown()))?;
            }
        }
    }
    made.write(console, args.way.is_dry())?;
    Ok(Exit::Ok)
}

fn read(path: &Path, text: &str) -> Result<ReadConf, ImportProblem> {
    let documents = yaml::load(text).map_err(|problem| {
        let spot = Spot::new(path, problem.line);
        let text = format!("this is no YAML: {}; correct it", problem.text);
        ImportProblem::new(&spot, text)
    })?;
    let Some(Yaml::Hash(entries)) = documents.first() else {
        let text = "this is no configuration of mirrorbits: it has no keys; name another file";
        return Err(ImportProblem::new(&Spot::new(path, 1), text));
    };
    let mut conf = ReadConf::default();
    for (key, value) in entries {
        let key = key.as_str().unwrap_or_default();
        let is_it = |line: &str| line.trim_start().starts_with(key);
        let line = text.lines().position(is_it).unwrap_or(0) + 1;
        conf.take(&Spot::new(path, line), (key, value))?;
    }
    if !conf.keys.iter().any(|(key, _)| key == "tree") {
        let text = "there is no Repository; add the path of the tree";
        return Err(ImportProblem::new(&Spot::new(path, 1), text));
    }
    Ok(conf)
}

impl ReadConf {
    fn take(&mut self, spot: &Spot, (key, value): (&str, &Yaml)) -> Result<(), ImportProblem> {
        let unusable = |what: &str| ImportProblem::new(spot, format!("{key}: {what}"));
        match key.to_ascii_lowercase().as_str() {
            "repository" => {
                let tree = value.as_str().filter(|tree| tree.starts_with('/'));
                let tree = tree.ok_or_else(|| unusable("write the path from the root on"))?;
                self.set("tree", tree.trim_end_matches('/'));
            }
            "geoipdatabasepath" => {
                let folder = value.as_str().ok_or_else(|| unusable("write a folder"))?;
                let files = GEOIP_FILES.map(|file| Path::new(folder).join(file));
                let files = files.map(|file| file.to_string_lossy().into_owned());
                self.set("geoip", files.to_vec());
            }
            "maxlinkheaders" => {
                let count = value.as_i64().filter(|count| *count >= 0);
                self.set(
                    "link_mirrors",
                    count.ok_or_else(|| unusable("write a number"))?,
                );
            }
            "concurrentsync" => {
                let count = value.as_i64().filter(|count| *count > 0);
                self.set(
                    "scan.jobs",
                    count.ok_or_else(|| unusable("write a number"))?,
                );
            }
            "hashes" => self.hashes(value),
            "fallbacks" => {
                for fallback in value.as_vec().into_iter().flatten() {
                    self.fallback(fallback)
                        .ok_or_else(|| unusable("each needs a URL"))?;
                }
            }
            lower => {
                let known = NOT_CARRIED.iter().find(|(name, _)| *name == lower);
                let why = known.map_or("it is not known", |(_, why)| *why);
                let text = format!("{} is not carried over, because {why}", key.escape_debug());
                self.notes.push(ImportProblem::new(spot, text));
            }
        }
        Ok(())
    }

    fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.keys.push((key.to_owned(), value.into()));
    }

    /// mirrorbits has SHA-1 unless it is switched off, and the others if they are switched on.
    fn hashes(&mut self, value: &Yaml) {
        let said = |wanted: &str| {
            let entries = value.as_hash().into_iter().flatten();
            let mut entries = entries.filter(|(key, _)| {
                key.as_str()
                    .is_some_and(|key| key.eq_ignore_ascii_case(wanted))
            });
            entries.next().map(|(_, value)| match value {
                Yaml::Boolean(is_on) => *is_on,
                Yaml::String(text) => text.eq_ignore_ascii_case("on"),
                _ => false,
            })
        };
        let wanted = [("md5", false), ("sha1", true), ("sha256", false)];
        let digests = wanted
            .into_iter()
            .filter(|(name, is_default)| said(name).unwrap_or(*is_default));
        let digests: Vec<String> = digests.map(|(name, _)| name.to_owned()).collect();
        self.set("hashes.digests", digests);
    }

    fn fallback(&mut self, fallback: &Yaml) -> Option<()> {
        let word = |key: &str| {
            fallback[key]
                .as_str()
                .unwrap_or_default()
                .to_ascii_lowercase()
        };
        let url = fallback["URL"].as_str().filter(|url| !url.is_empty())?;
        let table = [
            ("region", word("ContinentCode")),
            ("country", word("CountryCode")),
            ("url", url.to_owned()),
        ];
        let set = table.into_iter().filter(|(_, value)| !value.is_empty());
        let table: toml::Table = set
            .map(|(key, value)| (key.to_owned(), value.into()))
            .collect();
        self.fallbacks.push(table.into());
        Some(())
    }
}

fn configuration(conf: &ReadConf, args: &ImportMirrorbitsConfArgs) -> String {
    let shown = args.file.display();
    let mut text =
        format!("# Made by `heliostat import mirrorbits-conf` of {shown}\n[site.{SITE}]\n");
    let database: PathBuf = args.way.state.join(format!("{SITE}.sqlite"));
    let database = Value::from(database.to_string_lossy().into_owned());
    let _ = writeln!(text, "database = {database}");
    for (key, value) in &conf.keys {
        let _ = writeln!(text, "{key} = {value}");
    }
    if !conf.fallbacks.is_empty() {
        let fallbacks = Value::from(conf.fallbacks.clone());
        let _ = writeln!(text, "[site.{SITE}.rules]\nfallbacks = {fallbacks}");
        // mirrorbits sends clients there whenever it has nothing better.
        let _ = writeln!(text, "fallback_when_ineligible = true");
    }
    text
}
