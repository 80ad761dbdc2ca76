//! Reads the settings of a host outside of its directories: names, trees, database, publisher, yum.

use std::path::{Path, PathBuf};

use super::known::{Fate, known};
use super::section::{clean, spot_of};
use super::value::words_of;
use crate::admin::apache::Directive;
use crate::admin::import::problem::ImportProblem;
use crate::config::RawYum;
use crate::domain::order::ShortList;
use crate::domain::yum::YumRule;

/// Where MirrorBrain's database is; the password is not kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DatabasePlace {
    pub host: String,
    pub port: String,
    pub name: String,
}

/// The settings of a host, those of the server included.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct HostSettings {
    /// Names that clients use; none where a wildcard allows any.
    pub names: Vec<String>,
    pub document_root: Option<PathBuf>,
    /// URL paths with their directories.
    pub aliases: Vec<(String, PathBuf)>,
    pub database: Option<DatabasePlace>,
    pub instance: Option<String>,
    pub publisher: Option<(String, String)>,
    pub broken_test_mirrors: Option<PathBuf>,
    pub yum: Vec<RawYum>,
    pub geoip: Vec<PathBuf>,
}

impl HostSettings {
    /// Reads the directives of the server, then those of the host.
    ///
    /// # Errors
    /// Returns the first directive that Apache would refuse, too.
    pub fn read(
        directives: &[&Directive],
        notes: &mut Vec<ImportProblem>,
    ) -> Result<HostSettings, ImportProblem> {
        let mut settings = HostSettings::default();
        let is_of_host = |one: &Directive| one.section("virtualhost").is_some();
        let has_host = directives.iter().any(|one| is_of_host(one));
        for directive in directives {
            // A host does not answer to the server's name.
            let is_name = ["servername", "serveralias"].contains(&directive.name.as_str());
            if !is_name || !has_host || is_of_host(directive) {
                settings.take_core(directive);
            }
            let Some(row) = known(&directive.name) else {
                continue;
            };
            let Fate::Site(_) = row.fate else { continue };
            let spot = spot_of(directive);
            row.check(&spot, words_of(directive))?;
            if let Err(why) = settings.take(row.name, words_of(directive)) {
                let text = format!("{}: {why}", row.name);
                notes.push(ImportProblem::new(&spot, text));
            }
        }
        if settings.names.iter().any(|name| name.contains(['*', '?'])) {
            settings.names.clear();
        }
        Ok(settings)
    }

    fn take_core(&mut self, directive: &Directive) {
        match directive.name.as_str() {
            "servername" => {
                let name = directive.argument();
                let name = name.rsplit("://").next().unwrap_or(name);
                let name = name.split(':').next().unwrap_or(name);
                self.names.insert(0, name.to_ascii_lowercase());
                self.names.dedup();
            }
            "serveralias" => {
                let names = directive.arguments.iter();
                self.names
                    .extend(names.map(|name| name.to_ascii_lowercase()));
            }
            "documentroot" => self.document_root = Some(clean(directive.argument())),
            "alias" => {
                if let [url, path] = words_of(directive) {
                    self.aliases.push((url.clone(), clean(path)));
                }
            }
            "dbdparams" => self.database = Some(DatabasePlace::read(directive.argument())),
            _ => {}
        }
    }

    fn take(&mut self, name: &str, words: &[String]) -> Result<(), String> {
        let word = words.first().cloned().unwrap_or_default();
        match name {
            "MirrorBrainMetalinkPublisher" => {
                let url = words.get(1).cloned().unwrap_or_default();
                self.publisher = Some((word, url));
            }
            "MirrorBrainMetalinkBrokenTestMirrors" => {
                self.broken_test_mirrors = Some(PathBuf::from(word));
            }
            "MirrorBrainInstance" => {
                self.instance = Some(word).filter(|name| name != "default");
            }
            "MirrorBrainYumDir" => self.yum.push(yum(words)?),
            "MaxMindDBFile" => {
                let path = words.get(1).cloned().unwrap_or_default();
                let path = PathBuf::from(path.split("/*").next().unwrap_or(&path));
                if !self.geoip.contains(&path) {
                    self.geoip.push(path);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The URL path of a directory.
    pub fn url_of(&self, directory: &Path) -> Option<String> {
        let below = |root: &Path, url: &str| {
            let rest = directory.strip_prefix(root).ok()?.to_str()?;
            let url = url.trim_end_matches('/');
            Some(match rest {
                "" => url.to_owned(),
                rest => format!("{url}/{rest}"),
            })
        };
        let aliases = self.aliases.iter();
        let mut found = aliases.filter_map(|(url, path)| below(path, url));
        let root = self.document_root.as_deref();
        let url = found.next().or_else(|| below(root?, ""))?;
        Some(if url.is_empty() { "/".to_owned() } else { url })
    }

    /// Whether a URL of the host leads into that directory.
    pub fn serves(&self, tree: &Path) -> bool {
        let aliases = self.aliases.iter().map(|(_, path)| path.as_path());
        let mut roots = aliases.chain(self.document_root.as_deref());
        roots.any(|root| root.starts_with(tree) || tree.starts_with(root))
    }

    /// The directory or file that a URL path leads to.
    pub fn file_of(&self, url: &str) -> Option<PathBuf> {
        let mut aliases: Vec<(&str, &Path)> = self
            .aliases
            .iter()
            .map(|(url, path)| (url.trim_end_matches('/'), path.as_path()))
            .collect();
        aliases.extend(self.document_root.as_deref().map(|root| ("", root)));
        aliases.order_by_key(|(url, _)| std::cmp::Reverse(url.len()));
        aliases.into_iter().find_map(|(prefix, path)| {
            let rest = url.strip_prefix(prefix)?;
            let is_whole = rest.is_empty() || rest.starts_with('/');
            is_whole.then(|| clean(&format!("{}/{rest}", path.display())))
        })
    }
}

impl DatabasePlace {
    /// Reads libpq's `key=value` words.
    fn read(text: &str) -> DatabasePlace {
        let mut place = DatabasePlace::default();
        for word in text.split([' ', ',', ';']) {
            let Some((key, value)) = word.split_once('=') else {
                continue;
            };
            let value = value.trim_matches('\'').to_owned();
            match key.trim() {
                "host" | "hostaddr" => place.host = value,
                "port" => place.port = value,
                "dbname" => place.name = value,
                _ => {}
            }
        }
        place
    }
}

/// The words with a `=` are arguments, the two without are directory and marker.
fn yum(words: &[String]) -> Result<RawYum, String> {
    let (arguments, others): (Vec<&String>, Vec<&String>) =
        words.iter().partition(|word| word.contains('='));
    let [directory, marker] = others[..] else {
        return Err(
            "it is not carried over: it has not two words without =; write directory and marker"
                .to_owned(),
        );
    };
    let raw = RawYum {
        arguments: arguments.into_iter().cloned().collect(),
        directory: directory.clone(),
        marker: marker.clone(),
    };
    match YumRule::new(&raw.arguments, &raw.directory, &raw.marker) {
        Ok(_) => Ok(raw),
        Err(error) => Err(format!("it is not carried over: {error}")),
    }
}
