//! Sites that hosts with MirrorBrain become: one per directory that `MirrorBrainEngine On` is for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::section::{RuleSection, SectionReach};
use super::settings::{DatabasePlace, HostSettings};
use crate::admin::import::instance::Instance;
use crate::admin::import::problem::{ImportProblem, Spot};
use crate::domain::rule::RawRules;

/// The least size of MirrorBrain.
const MIN_SIZE: u64 = 4096;

/// A site as it will stand in the configuration.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SiteDraft {
    pub tree: PathBuf,
    pub url_path: String,
    pub settings: HostSettings,
    /// Rules of the whole tree.
    pub rules: RawRules,
    /// Further rules of directories, by their paths below the tree.
    pub directories: BTreeMap<String, RawRules>,
    /// The place of `MirrorBrainEngine On`.
    pub spot: Spot,
}

/// A host's sections and settings.
pub(super) struct HostReading<'a> {
    pub settings: &'a HostSettings,
    pub sections: &'a [RuleSection],
}

impl HostReading<'_> {
    /// Its sites, the outer ones first.
    pub fn sites(&self, notes: &mut Vec<ImportProblem>) -> Vec<SiteDraft> {
        let mut roots: Vec<(PathBuf, Spot)> = Vec::new();
        for section in self.sections.iter().filter(|section| section.is_root()) {
            match &section.reach {
                SectionReach::Directory(path) => {
                    let spot = section.spots.get("engine").unwrap_or(&section.spot);
                    if !roots.iter().any(|(known, _)| known == path) {
                        roots.push((path.clone(), spot.clone()));
                    }
                }
                SectionReach::Matched if self.sections.iter().any(RuleSection::is_tree) => {}
                _ => notes.push(ImportProblem::new(
                    section.spots.get("engine").unwrap_or(&section.spot),
                    "MirrorBrainEngine On is not carried over, because only a <Directory> without \
                     wildcards tells which tree is meant; write it there",
                )),
            }
        }
        let paths: Vec<PathBuf> = roots.iter().map(|(path, _)| path.clone()).collect();
        let sites = roots.into_iter();
        sites
            .map(|(tree, spot)| self.site(tree, spot, &paths, notes))
            .collect()
    }

    fn site(
        &self,
        tree: PathBuf,
        spot: Spot,
        roots: &[PathBuf],
        notes: &mut Vec<ImportProblem>,
    ) -> SiteDraft {
        let above = roots
            .iter()
            .find(|root| tree != **root && tree.starts_with(root));
        if let Some(above) = above {
            notes.push(ImportProblem::new(
                &spot,
                format!(
                    "MirrorBrainEngine On inside {}: paths of the database begin here, so it \
                     becomes a site with a database of its own",
                    above.display()
                ),
            ));
        }
        let rules = self.effective(&tree, notes);
        let mut directories = BTreeMap::new();
        for path in self.paths_below(&tree, roots) {
            let parent = self.nearest_above(&path, &tree, roots);
            let written = self.effective(&path, notes);
            let above = self.effective(&parent, &mut Vec::new());
            let below = difference(&above, &written);
            let relative = path.strip_prefix(&tree).unwrap_or(&path);
            if below != RawRules::default() {
                directories.insert(relative.to_string_lossy().into_owned(), below);
            }
        }
        SiteDraft {
            url_path: self
                .settings
                .url_of(&tree)
                .unwrap_or_else(|| "/".to_owned()),
            settings: self.settings.clone(),
            rules,
            directories,
            spot,
            tree,
        }
    }

    /// The file or directory that a section is for.
    fn path_of(&self, section: &RuleSection) -> Option<PathBuf> {
        match &section.reach {
            SectionReach::Directory(path) => Some(path.clone()),
            SectionReach::Location(url) => self.settings.file_of(url),
            SectionReach::Host | SectionReach::Matched => None,
        }
    }

    /// Paths below a tree that sections are for, and that belong to no site further down.
    fn paths_below(&self, tree: &Path, roots: &[PathBuf]) -> Vec<PathBuf> {
        let inner: Vec<&PathBuf> = roots
            .iter()
            .filter(|root| *root != tree && root.starts_with(tree))
            .collect();
        let paths = self
            .sections
            .iter()
            .filter_map(|section| self.path_of(section));
        let mut paths: Vec<PathBuf> = paths
            .filter(|path| path != tree && path.starts_with(tree))
            .filter(|path| !inner.iter().any(|root| path.starts_with(root)))
            .collect();
        paths.sort();
        paths.dedup();
        paths
    }

    fn nearest_above(&self, path: &Path, tree: &Path, roots: &[PathBuf]) -> PathBuf {
        let known = self.paths_below(tree, roots);
        let mut above = path.ancestors().skip(1);
        above
            .find(|above| known.iter().any(|known| known == above))
            .unwrap_or(tree)
            .to_owned()
    }

    /// The rules that hold for a path, by MirrorBrain's way to merge.
    fn effective(&self, path: &Path, notes: &mut Vec<ImportProblem>) -> RawRules {
        let mut rules = RawRules::default();
        for section in self.sections {
            let holds = match &section.reach {
                SectionReach::Host => true,
                SectionReach::Matched => false,
                SectionReach::Directory(_) | SectionReach::Location(_) => self
                    .path_of(section)
                    .is_some_and(|own| path.starts_with(own)),
            };
            if holds {
                let is_here = self.path_of(section).is_some_and(|own| own == path);
                rules = merged(&rules, section, is_here.then_some(&mut *notes));
            }
        }
        // `MirrorBrainEngine` of the tree itself is what makes the site.
        rules
    }

    /// Sections of which only Apache knows the files.
    pub fn matched(&self) -> impl Iterator<Item = (&RuleSection, RawRules)> {
        let matched = self
            .sections
            .iter()
            .filter(|s| s.reach == SectionReach::Matched);
        matched.map(|section| {
            let roots = self.sections.iter().filter(|section| section.is_root());
            let root = roots.filter_map(|root| self.path_of(root)).next();
            let around = section.within.clone().or(root).unwrap_or_default();
            let above = self.effective(&around, &mut Vec::new());
            (section, RawRules::merge(&above, &section.rules))
        })
    }
}

/// One section's rules below those above it.
fn merged(
    above: &RawRules,
    section: &RuleSection,
    notes: Option<&mut Vec<ImportProblem>>,
) -> RawRules {
    let below = &section.rules;
    let mut rules = RawRules::merge(above, below);
    let mut said: Vec<(&str, &str)> = Vec::new();
    let is_other = above.min_size.is_some_and(|size| size != MIN_SIZE);
    if below.min_size == Some(MIN_SIZE) && is_other {
        rules.min_size = above.min_size;
        said.push((
            "min_size",
            "MirrorBrainMinSize 4096 has no effect below another value, in MirrorBrain; so it is \
             left out; write min_size = 4096 for this directory if it is meant",
        ));
    }
    // `FormGET` alone is no word to MirrorBrain.
    let has_words = section.spots.keys().any(|key| *key != "query");
    let is_head_set = below.handle_head_locally.is_some();
    if has_words && !is_head_set && above.handle_head_locally == Some(true) {
        rules.handle_head_locally = Some(false);
        said.push((
            "",
            "MirrorBrainHandleHEADRequestLocally On of the directory above does not reach this \
             section, in MirrorBrain; so handle_head_locally = false is written for it",
        ));
    }
    if let Some(notes) = notes {
        for (key, text) in said {
            let spot = section.spots.get(key).unwrap_or(&section.spot);
            notes.push(ImportProblem::new(spot, text));
        }
    }
    rules
}

/// The rules to write for a directory below `above`, so that `written` holds there.
fn difference(above: &RawRules, written: &RawRules) -> RawRules {
    let table = |rules: &RawRules| toml::Table::try_from(rules).unwrap_or_default();
    let (above, mut written) = (table(above), table(written));
    written.retain(|key, value| above.get(key) != Some(value));
    for (key, value) in &mut written {
        let (Some(known), Some(list)) = (above.get(key), value.as_array_mut()) else {
            continue;
        };
        // Lists of MirrorBrain add up, and so do ours.
        let known = known.as_array().map_or(0, Vec::len);
        list.drain(..known.min(list.len()));
    }
    written.try_into().unwrap_or_default()
}

/// Sites with their names; equal ones of several hosts are one.
pub(super) struct NamedSite {
    pub name: String,
    pub draft: SiteDraft,
    /// The file of its database.
    pub database: PathBuf,
    /// Hosts that it serves, as people are shown them.
    pub hosts: Vec<String>,
    /// Keys of the instance of `mirrorbrain.conf` that has its database.
    pub keys: Vec<(&'static str, toml::Value)>,
}

/// Sites of all hosts.
#[derive(Default)]
pub(super) struct NamedSites {
    pub all: Vec<NamedSite>,
    /// Those of `mirrorbrain.conf`.
    pub instances: Vec<Instance>,
}

impl NamedSites {
    /// Adds a host's site; returns its name.
    pub fn add(&mut self, draft: SiteDraft, host: &str, state: &Path) -> String {
        let same = self
            .all
            .iter_mut()
            .find(|known| known.draft.is_like(&draft));
        if let Some(known) = same {
            known.hosts.push(host.to_owned());
            let own = known.draft.settings.names.clone();
            let names = draft.settings.names.iter();
            let more = names.filter(|name| !own.contains(name)).cloned();
            known.draft.settings.names.extend(more);
            return known.name.clone();
        }
        let place = draft.settings.database.clone();
        let instance = place.as_ref().and_then(|place| {
            let mut known = self.instances.iter();
            known
                .find(|instance| instance.database == place.name)
                .cloned()
        });
        let wanted = instance.as_ref().map(|instance| instance.name.clone());
        let name = self.free_name(&wanted.unwrap_or_else(|| draft.wanted_name()));
        let shared = self.all.iter().find(|known| {
            is_same_tree(&known.draft.tree, &draft.tree) && known.draft.settings.database == place
        });
        let database = match shared {
            Some(known) => known.database.clone(),
            None => state.join(format!("{name}.sqlite")),
        };
        self.all.push(NamedSite {
            name: name.clone(),
            draft,
            database,
            hosts: vec![host.to_owned()],
            keys: instance.map(|instance| instance.keys).unwrap_or_default(),
        });
        name
    }

    fn free_name(&self, wanted: &str) -> String {
        let is_free = |name: &str| !self.all.iter().any(|known| known.name == name);
        let mut numbers = 2..;
        let mut name = wanted.to_owned();
        while !is_free(&name) {
            let number: u32 = numbers.next().unwrap_or_default();
            name = format!("{wanted}-{number}");
        }
        name
    }
}

/// Whether two paths are one directory, by name or through links.
fn is_same_tree(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    one == other || real(one).is_some_and(|one| real(other) == Some(one))
}

impl SiteDraft {
    /// Whether both differ in host names at most.
    fn is_like(&self, other: &SiteDraft) -> bool {
        let bare = |draft: &SiteDraft| {
            let mut draft = draft.clone();
            draft.settings.names.clear();
            draft.settings.document_root = None;
            draft.settings.aliases.clear();
            draft.spot = other.spot.clone();
            draft
        };
        let has_names = |draft: &SiteDraft| draft.settings.names.is_empty();
        bare(self) == bare(other) && has_names(self) == has_names(other)
    }

    /// `MirrorBrainInstance`, else the database's name.
    fn wanted_name(&self) -> String {
        let database = self.settings.database.as_ref();
        let database = database.map(|place: &DatabasePlace| place.name.clone());
        let name = self.settings.instance.clone().or(database);
        let name = name.unwrap_or_default();
        let plain = |c: char| {
            let is_plain = c.is_ascii_alphanumeric() || "-_".contains(c);
            if is_plain { c } else { '-' }
        };
        let name: String = name.chars().map(plain).collect();
        if name.is_empty() {
            "main".to_owned()
        } else {
            name
        }
    }
}
