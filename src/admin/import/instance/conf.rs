//! The table of the keys of `mirrorbrain.conf`, one row each, with the fate of each one.
//!
//! `docs/migrate.md` has the same rows; a test compares them.

use std::path::{Path, PathBuf};

use toml::Value;

use super::ini::{IniEntry, IniSection, sections};
use crate::admin::import::problem::{ImportProblem, Spot};
use crate::config::RawScan;

/// The fate of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyFate {
    /// The directory of the site.
    Tree,
    /// A part of the address of PostgreSQL, which an import of the data needs.
    Source,
    Flag(&'static str),
    Number(&'static str),
    /// A list, beside our own default.
    List(&'static str),
    /// Addresses of mail.
    Mail,
    /// Names of the instances in their order.
    Instances,
    /// Not carried over, for this reason.
    Nothing(&'static str),
}

use KeyFate::{Flag, Instances, List, Mail, Nothing, Number, Source, Tree};

/// Section, key and fate; `*` is any instance.
#[rustfmt::skip]
const KEYS: [(&str, &str, KeyFate); 18] = [
    ("general", "instances", Instances),
    ("*", "dbuser", Source),
    ("*", "dbpass", Nothing("the database is a file, which needs no password")),
    ("*", "dbdriver", Nothing("the database is a file, which `database` names")),
    ("*", "dbhost", Source),
    ("*", "dbport", Source),
    ("*", "dbname", Source),
    ("*", "apache_documentroot", Tree),
    ("*", "scan_top_include", List("scan.top_include")),
    ("*", "scan_exclude", List("scan.exclude")),
    ("*", "scan_exclude_rsync", List("scan.exclude_rsync")),
    ("*", "zsync_hashes", Flag("hashes.zsync")),
    ("*", "chunked_hashes", Flag("hashes.pieces")),
    ("*", "chunk_size", Number("hashes.piece_size")),
    ("*", "zsync_block_size_for_1g", Nothing("zsync's block sizes are those of MirrorBrain")),
    ("mirrorprobe", "logfile",
        Nothing("`heliostat-probe` logs to standard error, for the journal")),
    ("mirrorprobe", "loglevel", Nothing("`RUST_LOG` sets the level")),
    ("mirrorprobe", "mailto", Mail),
];

/// The settings of one instance.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::admin::import) struct Instance {
    pub name: String,
    pub spot: Spot,
    pub tree: Option<PathBuf>,
    pub user: String,
    pub host: String,
    pub port: String,
    pub database: String,
    /// Keys below `[site.NAME]`.
    pub keys: Vec<(&'static str, Value)>,
}

/// All instances, the first one first.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::admin::import) struct InstanceFile {
    pub instances: Vec<Instance>,
    /// Notes about keys that are not carried over.
    pub notes: Vec<ImportProblem>,
}

impl InstanceFile {
    /// Reads a file's text.
    ///
    /// # Errors
    /// Returns the first line that cannot be used.
    pub fn read(path: &Path, text: &str) -> Result<InstanceFile, ImportProblem> {
        let sections = sections(path, text)?;
        let mut file = InstanceFile::default();
        let named = |name: &str| sections.iter().find(|section| section.name == name);
        let general =
            named("general").and_then(|s| s.entries.iter().find(|e| e.key == "instances"));
        let Some(listed) = general else {
            let text = "there is no [general] with instances = NAME; add it";
            return Err(ImportProblem::new(&Spot::new(path, 1), text));
        };
        let names = listed
            .value
            .split([',', ' ', '\t'])
            .filter(|name| !name.is_empty());
        let mut mail = Vec::new();
        for section in sections.iter().filter(|s| s.name == "mirrorprobe") {
            file.probe(section, &mut mail);
        }
        for name in names {
            let Some(section) = named(name) else {
                let text = format!(
                    "instance '{}' has no section; add [{name}]",
                    name.escape_debug()
                );
                return Err(ImportProblem::new(&listed.spot, text));
            };
            let mut instance = file.instance(section)?;
            if !mail.is_empty() {
                instance
                    .keys
                    .push(("probe.mail_to", Value::from(mail.clone())));
            }
            file.instances.push(instance);
        }
        let is_known = |section: &&IniSection| {
            let is_ours = ["general", "mirrorprobe", "DEFAULT"].contains(&section.name.as_str());
            is_ours
                || file
                    .instances
                    .iter()
                    .any(|known| known.name == section.name)
        };
        for section in sections.iter().filter(|section| !is_known(section)) {
            let name = section.name.escape_debug();
            let text =
                format!("[{name}] is not carried over, because `instances` does not name it");
            file.notes.push(ImportProblem::new(&section.spot, text));
        }
        Ok(file)
    }

    fn probe(&mut self, section: &IniSection, mail: &mut Vec<String>) {
        for entry in &section.entries {
            match becomes("mirrorprobe", &entry.key) {
                Some(Mail) => {
                    let addresses = entry.value.split([',', ' ']).filter(|one| !one.is_empty());
                    mail.extend(addresses.map(str::to_owned));
                }
                other => self.note(entry, other),
            }
        }
    }

    fn instance(&mut self, section: &IniSection) -> Result<Instance, ImportProblem> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if section.name.is_empty() || !section.name.chars().all(is_plain) {
            let text = "a site's name has letters, digits, - and _ only; rename the instance";
            return Err(ImportProblem::new(&section.spot, text));
        }
        let mut instance = Instance {
            name: section.name.clone(),
            spot: section.spot.clone(),
            tree: None,
            user: String::new(),
            host: String::new(),
            port: String::new(),
            database: String::new(),
            keys: Vec::new(),
        };
        for entry in &section.entries {
            match becomes("*", &entry.key) {
                Some(Tree) => instance.tree = Some(PathBuf::from(&entry.value)),
                Some(Source) => instance.take_source(entry),
                Some(Flag(key)) => instance.keys.push((key, Value::from(flag(entry)?))),
                Some(Number(key)) => instance.keys.push((key, Value::from(number(entry)?))),
                Some(List(key)) => instance.keys.push((key, list(key, &entry.value))),
                other => self.note(entry, other),
            }
        }
        Ok(instance)
    }

    fn note(&mut self, entry: &IniEntry, becomes: Option<KeyFate>) {
        let why = match becomes {
            Some(Nothing(why)) => why,
            _ => "MirrorBrain does not have it",
        };
        let text = format!(
            "{} is not carried over, because {why}",
            entry.key.escape_debug()
        );
        self.notes.push(ImportProblem::new(&entry.spot, text));
    }
}

impl Instance {
    fn take_source(&mut self, entry: &IniEntry) {
        let field = match entry.key.as_str() {
            "dbuser" => &mut self.user,
            "dbhost" => &mut self.host,
            "dbport" => &mut self.port,
            _ => &mut self.database,
        };
        field.clone_from(&entry.value);
    }

    /// The address of its data, without the password.
    pub fn address(&self) -> String {
        let user = match self.user.as_str() {
            "" => String::new(),
            user => format!("{user}@"),
        };
        let port = match self.port.as_str() {
            "" => String::new(),
            port => format!(":{port}"),
        };
        format!("postgresql://{user}{}{port}/{}", self.host, self.database)
    }
}

fn becomes(section: &str, key: &str) -> Option<KeyFate> {
    let found = KEYS
        .iter()
        .find(|(of, name, _)| *of == section && *name == key);
    found.map(|(_, _, becomes)| *becomes)
}

fn flag(entry: &IniEntry) -> Result<bool, ImportProblem> {
    match entry.value.to_ascii_lowercase().as_str() {
        "1" | "yes" | "true" | "on" => Ok(true),
        "0" | "no" | "false" | "off" | "" => Ok(false),
        other => Err(ImportProblem::new(
            &entry.spot,
            format!("{} = '{}': write 1 or 0", entry.key, other.escape_debug()),
        )),
    }
}

fn number(entry: &IniEntry) -> Result<i64, ImportProblem> {
    let number = entry.value.parse::<i64>().ok().filter(|number| *number > 0);
    number.ok_or_else(|| {
        let value = entry.value.escape_debug();
        ImportProblem::new(
            &entry.spot,
            format!("{} = '{value}': write bytes", entry.key),
        )
    })
}

/// Words, in `mb`'s way to write a percent sign; what we leave out by default stays left out.
fn list(key: &str, value: &str) -> Value {
    let words = value.split_whitespace().map(|word| word.replace("%%", "%"));
    let defaults = RawScan::default();
    let defaults = match key {
        "scan.exclude" => defaults.exclude,
        "scan.exclude_rsync" => defaults.exclude_rsync,
        _ => Vec::new(),
    };
    let words: Vec<String> = words.chain(defaults).collect();
    Value::from(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cell of `docs/migrate.md`.
    fn cell(becomes: KeyFate) -> String {
        match becomes {
            Tree => "`tree`".to_owned(),
            Source => {
                "not carried over, because the database is a file; the message names the address \
                 to import the data from"
                    .to_owned()
            }
            Flag(key) | Number(key) => format!("`{key}`"),
            List(key) => format!("`{key}`, a list"),
            Mail => "`probe.mail_to` of each site".to_owned(),
            Instances => "`[site.NAME]` each; the first is `default_site`".to_owned(),
            Nothing(why) => format!("not carried over, because {why}"),
        }
    }

    #[test]
    fn the_document_has_each_key() {
        let page = include_str!("../../../../docs/migrate.md");
        for (section, key, becomes) in KEYS {
            let section = if section == "*" { "NAME" } else { section };
            let row = format!("| `[{section}] {key}` | {} |", cell(becomes));
            assert!(
                page.lines().any(|line| line == row),
                "docs/migrate.md lacks: {row}"
            );
        }
    }

    #[test]
    fn keys_of_an_instance_are_carried_over_or_named() {
        let text = "[general]\ninstances = a b\n[a]\ndbuser = u\ndbpass = s3cret\ndbhost = h\n\
            dbname = n\nscan_exclude = /x%%y/\nzsync_hashes = 1\nchunked_hashes = 0\n\
            chunk_size = 4194304\nodd = 1\n[b]\napache_documentroot = /srv/b\n[c]\n[mirrorprobe]\n\
            mailto = a@x, b@x\nlogfile = /l\n";
        let file = InstanceFile::read(Path::new("/f"), text).expect("instances");
        let [a, b] = &file.instances[..] else {
            panic!("{file:?}")
        };
        assert_eq!(a.address(), "postgresql://u@h/n");
        let keys: Vec<String> = a
            .keys
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        assert_eq!(
            keys,
            [
                r#"scan.exclude=["/x%y/", '/\.~tmp~/']"#,
                "hashes.zsync=true",
                "hashes.pieces=false",
                "hashes.piece_size=4194304",
                r#"probe.mail_to=["a@x", "b@x"]"#,
            ]
        );
        assert_eq!(b.tree.as_deref(), Some(Path::new("/srv/b")));
        let notes: Vec<String> = file.notes.iter().map(ImportProblem::shown).collect();
        let notes = notes.join("\n");
        for part in [
            "/f:5: dbpass is not",
            "/f:12: odd is not",
            "/f:15: [c] is not",
            "/f:18: logfile",
        ] {
            assert!(notes.contains(part), "{part}: {notes}");
        }
        assert!(!notes.contains("s3cret"));
        for (text, expected) in [
            ("[a]\n", "/f:1: there is no [general]"),
            (
                "[general]\ninstances = a\n",
                "/f:2: instance 'a' has no section",
            ),
            (
                "[general]\ninstances=a\n[a]\nchunk_size=x\n",
                "/f:4: chunk_size = 'x': write bytes",
            ),
        ] {
            let problem = InstanceFile::read(Path::new("/f"), text).expect_err(text);
            assert!(problem.shown().starts_with(expected), "{}", problem.shown());
        }
    }
}
