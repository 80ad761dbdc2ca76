//! `[[site.NAME.group]]` and `[[site.NAME.allow_outdated]]`: files that belong together, and files
//! of which mirrors may have an older version.

use super::lists::{RawLists, RawRepository};
use crate::config::document::RawYum;
use crate::domain::cache::PathPattern;
use crate::domain::generation::{GroupRule, MarkerLaw, OutdatedRule};
use crate::domain::key::{Bounds, ConfigProblem, section};

/// As long as a mirror may be behind until nobody takes it for one any more.
const KEEP_H_MAX: u64 = 24 * 365;

/// More is a mirror that nobody needs.
const MINUTES_MAX: u64 = 60 * KEEP_H_MAX;

section! {
    /// `[[site.NAME.group]]`: files that belong together, such as `repomd.xml` and what it names.
    /// There is one for each marker of a repository, unless a group has the same root.
    RawGroup => _ {
        /// The file that is replaced under its name and names the others, below the group's
        /// directory: `repodata/repomd.xml`, `InRelease`; `*` and `?` stay within one name.
        root: String = String::new();
        /// The other files, as patterns below the group's directory, separated by spaces:
        /// `main/*/Packages* main/*/*.gz`. Empty: all files in the root's own directory
        /// (`repodata/*`).
        members: String = String::new();
        /// Hours for which lists and metalinks still take an earlier version of the root; 0: none.
        keep_h: u32 = 48, in Bounds::Whole(0, KEEP_H_MAX);
    }
}

section! {
    /// `[[site.NAME.allow_outdated]]`: files of which mirrors may have an older version and get
    /// clients all the same, as in mirrorbits.
    RawAllowOutdated => _ {
        /// Pattern of the paths: `dists/**/Packages*`; a directory with `/**` behind it is all that
        /// lies below.
        path: String = String::new();
        /// How many minutes older a mirror's version may be than ours.
        minutes: u32 = 0, in Bounds::Whole(0, MINUTES_MAX);
    }
}

/// The keys of a site from which its law of generations follows.
pub(in crate::config) struct GenerationKeys<'r> {
    pub groups: &'r [RawGroup],
    pub outdated: &'r [RawAllowOutdated],
    pub repositories: &'r [RawRepository],
    pub yum: &'r [RawYum],
    pub lists: &'r RawLists,
}

pub(in crate::config) fn marker_law(keys: &GenerationKeys<'_>) -> Result<MarkerLaw, ConfigProblem> {
    let mut roots: Vec<&str> = Vec::new();
    let mut groups = Vec::new();
    for (index, raw) in keys.groups.iter().enumerate() {
        let rule = GroupRule::new(&raw.root, &raw.members, i64::from(raw.keep_h) * 3600);
        groups.push(rule.map_err(|error| {
            ConfigProblem::unusable(error.to_string(), "").below(&format!("group[{}]", index + 1))
        })?);
        roots.push(raw.root.trim_matches('/'));
    }
    let markers = keys.repositories.iter().map(|rule| rule.marker.as_str());
    let markers = markers.chain(keys.yum.iter().map(|rule| rule.marker.as_str()));
    for marker in markers.map(|marker| marker.trim_matches('/')) {
        // A marker that cannot be used is refused where it is written.
        if !roots.contains(&marker)
            && let Ok(rule) = GroupRule::new(marker, "", i64::from(keys.lists.alternates_s))
        {
            roots.push(marker);
            groups.push(rule);
        }
    }
    let mut outdated = Vec::new();
    for (index, raw) in keys.outdated.iter().enumerate() {
        let path = PathPattern::new(&raw.path);
        let path = path.map_err(|error| {
            let place = format!("allow_outdated[{}]", index + 1);
            ConfigProblem::unusable(error.to_string(), "").below(&place)
        })?;
        let age_s = i64::from(raw.minutes) * 60;
        outdated.push(OutdatedRule { path, age_s });
    }
    Ok(MarkerLaw::new(groups, outdated))
}
