//! Holds the whole configuration: as written, and checked, with absolute paths.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::{ConfigError, Lines};
use super::fcgi::{FcgiConfig, RawFcgi, is_like_address};
use super::site::{RawSite, SiteConfig};
use super::stats::database_of;
use crate::domain::key::{ConfigProblem, KeyValue, Problem, section};
use crate::domain::mirror::name::nearest;
use crate::domain::order::ShortList;

section! {
    /// The whole file.
    RawConfig => _ {
        /// The responder's socket and limits.
        fcgi: RawFcgi = RawFcgi::default();
        /// The sites by name; MirrorBrain calls a site an instance. The first in the file is the
        /// default, unless `default_site` names another.
        site: BTreeMap<String, RawSite> = BTreeMap::new();
        /// The site that commands work on without `-b`; not set: the first in the file.
        default_site: Option<String> = None;
    }
}

/// A configuration as it was read.
#[derive(Debug, Clone)]
pub struct ConfigText {
    /// The values, and defaults where there are none.
    pub raw: RawConfig,
    /// Where each key stands.
    pub lines: Lines,
}

/// The checked configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file it came from.
    pub path: PathBuf,
    /// The file as written, with relative paths resolved and every default.
    pub raw: RawConfig,
    /// The lines of the keys that the file has, by their dotted names.
    pub lines: Lines,
    /// The responder.
    pub fcgi: FcgiConfig,
    /// The sites in the order of the file.
    pub sites: Vec<Arc<SiteConfig>>,
    /// Index of the default site in `sites`.
    default_site: usize,
}

impl Config {
    /// Checks what was read from `path`; looks at no other file.
    ///
    /// # Errors
    /// Returns [`ConfigError::Value`] for the first key that cannot be used.
    pub fn check(path: &Path, text: ConfigText) -> Result<Config, ConfigError> {
        let ConfigText { mut raw, lines } = text;
        resolve_paths(&config_folder(path), &mut raw);
        let checked = check_all(&raw, &lines);
        let (fcgi, sites, default_site) =
            checked.map_err(|problem| ConfigError::of(path, &lines, problem))?;
        Ok(Config {
            path: path.to_owned(),
            raw,
            lines,
            fcgi,
            sites,
            default_site,
        })
    }

    /// The site of that name, or the default one.
    ///
    /// # Errors
    /// Returns [`ConfigError::NoSuchSite`] if the file does not have it.
    pub fn site(&self, name: Option<&str>) -> Result<&Arc<SiteConfig>, ConfigError> {
        let Some(name) = name else {
            return Ok(&self.sites[self.default_site]);
        };
        self.sites
            .iter()
            .find(|site| site.name == name)
            .ok_or_else(|| {
                let known: Vec<&str> = self.sites.iter().map(|site| site.name.as_str()).collect();
                ConfigError::NoSuchSite {
                    path: self.path.clone(),
                    name: name.to_owned(),
                    known: known.join(", "),
                }
            })
    }

    /// Reads the files of content types that rules need.
    pub(super) fn read_mime_types(&mut self) {
        for site in &mut self.sites {
            Arc::make_mut(site).read_mime_types();
        }
    }
}

type Checked = (FcgiConfig, Vec<Arc<SiteConfig>>, usize);

fn check_all(raw: &RawConfig, lines: &Lines) -> Result<Checked, ConfigProblem> {
    if raw.site.is_empty() {
        let none = ConfigProblem::unusable("there is none", "add [site.NAME]");
        return Err(none.below("site"));
    }
    let fcgi = raw.fcgi.checked();
    let fcgi = fcgi.map_err(|problem| problem.below("fcgi"))?;
    let mut sites = Vec::new();
    for (name, site) in &raw.site {
        let checked = site.checked();
        let checked = checked.map_err(|problem| problem.below(name).below("site"))?;
        let mut checked = SiteConfig {
            name: name.clone(),
            ..checked
        };
        if checked.stats.database.as_os_str().is_empty() {
            checked.stats.database = database_of(&checked.database, name);
        }
        sites.push(Arc::new(checked));
    }
    check_spools(&sites)?;
    // Each site has a tree.
    sites.order_by_key(|site| lines.get(&format!("site.{}.tree", site.name)));
    let default_site = match &raw.default_site {
        None => 0,
        Some(name) => {
            let index = sites.iter().position(|site| site.name == *name);
            index.ok_or_else(|| {
                let known = raw.site.keys().map(String::as_str);
                let remedy = match nearest(known, name) {
                    Some(known) => format!("did you mean '{known}'?"),
                    None => "write the name of one that is there".to_owned(),
                };
                let why = format!("there is no [site.{name}]");
                let problem = Problem::Unusable { why };
                ConfigProblem::new(problem, remedy).below("default_site")
            })?
        }
    };
    Ok((fcgi, sites, default_site))
}

/// Each site has its own folder and database, or their sums would become one.
fn check_spools(sites: &[Arc<SiteConfig>]) -> Result<(), ConfigProblem> {
    for (index, site) in sites.iter().enumerate() {
        let others = &sites[..index];
        let is_spool = |other: &&Arc<SiteConfig>| other.stats.spool == site.stats.spool;
        let is_database = |other: &&Arc<SiteConfig>| other.stats.database == site.stats.database;
        let (key, other) = match (
            others.iter().find(is_spool),
            others.iter().find(is_database),
        ) {
            _ if site.stats.spool.is_none() => continue,
            (Some(other), _) => ("spool", other),
            (None, Some(other)) => ("database", other),
            (None, None) => continue,
        };
        let why = format!("site.{}.stats has the same", other.name);
        let problem = ConfigProblem::unusable(why, "give each site its own");
        return Err(problem
            .below(key)
            .below("stats")
            .below(&site.name)
            .below("site"));
    }
    Ok(())
}

fn config_folder(path: &Path) -> PathBuf {
    // `absolute` refuses the empty parent of a bare file name, but not that of "./NAME".
    let folder = Path::new(".").join(path.parent().unwrap_or(Path::new("")));
    std::path::absolute(&folder).unwrap_or(folder)
}

fn resolve_paths(folder: &Path, raw: &mut RawConfig) {
    let listen = &mut raw.fcgi.listen;
    if !is_like_address(listen) {
        *listen = folder.join(&listen).to_string_lossy().into_owned();
    }
    raw.resolve(folder);
}
