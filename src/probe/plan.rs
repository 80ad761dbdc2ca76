//! Plans a pass: which mirrors are checked, and with which files.

use std::collections::HashMap;
use std::sync::Arc;

use super::error::ProbeError;
use crate::db::mirror::{self, MirrorRecord};
use crate::db::open::Queryable;
use crate::db::probe::{self, ProbeRecord};
use crate::db::run;
use crate::domain::cache::VersionKey;
use crate::domain::mirror::name::{self, LookupError};
use crate::domain::mirror::{MirrorId, MirrorKind};
use crate::domain::url::{BaseUrl, Scheme};
use crate::fetch::OwnPorts;
use crate::fetch::probe::{ProbeFile, ProbeTarget, StalenessLimit};
use crate::snapshot::{CacheLaw, Sample, sample};

/// Largest number of base URLs per mirror that are probed: one per scheme.
const URLS_MAX: usize = Scheme::ALL.len();

/// A mirror and its checks in this pass.
#[derive(Debug, Clone)]
pub struct ProbePlan {
    /// The mirror.
    pub mirror: MirrorRecord,
    /// One target per base URL.
    pub targets: Vec<ProbeTarget>,
    /// The stored records of its targets.
    pub known: Vec<ProbeRecord>,
    /// The faults of its URLs.
    pub problems: Vec<String>,
}

/// The settings besides the mirrors' own on which checks depend.
pub struct ProbeLaw<'l> {
    /// The files for which a cache may be asked.
    pub cache: CacheLaw<'l>,
    /// Whether the tree contains a file with the number of its generation.
    pub writes_generation: bool,
}

/// The mirrors of a pass: those that are enabled, or the named ones whatever their state.
///
/// # Errors
/// Returns [`ProbeError::Lookup`] if the name means no mirror or several mirrors, and
/// [`ProbeError::Db`] if the database cannot be read or written.
pub fn plan(
    database: &impl Queryable,
    names: &[String],
    law: &ProbeLaw<'_>,
    random: &mut fastrand::Rng,
) -> Result<Vec<ProbePlan>, ProbeError> {
    let all = mirror::all(database)?;
    let chosen = if names.is_empty() {
        all.into_iter().filter(|mirror| mirror.enabled).collect()
    } else {
        choose_named(&all, names)?
    };
    let mut known: HashMap<MirrorId, Vec<ProbeRecord>> = HashMap::new();
    for record in probe::all(database)? {
        known.entry(record.mirror).or_default().push(record);
    }
    let files = sample(database, &chosen, &law.cache, random)?;
    let is_cache = |mirror: &MirrorRecord| mirror.kind == MirrorKind::Cache;
    // Without that file in the tree, no cache has it.
    let generations = match law.writes_generation && chosen.iter().any(is_cache) {
        true => Some(Arc::new(run::generations(database)?)),
        false => None,
    };
    let planned = chosen.into_iter().zip(files).map(|(mirror, files)| {
        let (urls, problems) = urls_of(&mirror);
        let own_ports = OwnPorts::of(urls.iter().map(BaseUrl::as_str));
        let file = |sample: Sample| ProbeFile::new(sample.path, sample.version, sample.sha256);
        let files: Vec<ProbeFile> = files.into_iter().map(file).collect();
        // If URLs contain the version, an older version has another URL.
        let ages = mirror.cache.version_key == VersionKey::None;
        let staleness = generations.as_ref().filter(|_| is_cache(&mirror) && ages);
        let staleness = staleness.map(|generations| StalenessLimit {
            generations: Arc::clone(generations),
            ttl_s: mirror.cache.ttl_s,
            now: law.cache.now,
        });
        let target = |url| ProbeTarget {
            url,
            files: files.clone(),
            own_ports,
            is_cache: is_cache(&mirror),
            staleness: staleness.clone(),
        };
        ProbePlan {
            known: known.remove(&mirror.id).unwrap_or_default(),
            targets: urls.into_iter().map(target).collect(),
            problems,
            mirror,
        }
    });
    Ok(planned.collect())
}

fn choose_named(all: &[MirrorRecord], names: &[String]) -> Result<Vec<MirrorRecord>, LookupError> {
    let mut chosen: Vec<MirrorRecord> = Vec::new();
    for name in names {
        let mirror = name::find(all, name)?;
        if !chosen.contains(mirror) {
            chosen.push(mirror.clone());
        }
    }
    Ok(chosen)
}

/// The usable base URLs, at most one per scheme, the main one first; and the faults of the others.
pub(super) fn urls_of(mirror: &MirrorRecord) -> (Vec<BaseUrl>, Vec<String>) {
    let (checked, problems) = mirror.check();
    let mut urls: Vec<BaseUrl> = Vec::new();
    for url in checked
        .base_url
        .into_iter()
        .chain(checked.further_base_urls)
    {
        if urls.len() < URLS_MAX && urls.iter().all(|other| other.scheme() != url.scheme()) {
            urls.push(url);
        }
    }
    (urls, problems)
}

#[cfg(test)]
mod tests {
    use roaring::RoaringBitmap;

    use super::*;
    use crate::db::content::{self, Content, ContentOrigin};
    use crate::db::{catalogue, open_writer};
    use crate::domain::file::FileVersion;
    use crate::domain::time::Timestamp;

    const LAW: ProbeLaw<'static> = ProbeLaw {
        cache: CacheLaw {
            is_mutable: &|path| path == b"changes",
            now: Timestamp(100_000),
        },
        writes_generation: false,
    };

    #[test]
    fn mirrors_are_asked_for_what_they_have_and_caches_for_anything() {
        let folder = tempfile::tempdir().expect("folder");
        let mut writer = open_writer(&folder.path().join("t.sqlite")).expect("open");
        let mut record = |name: &str, enabled, kind| {
            let mut record = MirrorRecord::new(name);
            record.base_url = "http://m/".into();
            record.further_base_urls = vec!["https://m/".into()];
            (record.enabled, record.kind) = (enabled, kind);
            let stored = writer.transaction(|t| {
                let id = mirror::insert(t, &record)?;
                if kind == MirrorKind::Mirror {
                    let mut files = catalogue::CatalogueWriter::new(t)?;
                    let size = if name == "empty" { 0 } else { 5 };
                    let file = files.insert(name.as_bytes(), FileVersion { size, mtime: 1 })?;
                    let large = FileVersion {
                        size: 1024 * 1024 + 1,
                        mtime: 1,
                    };
                    files.insert(format!("large-{name}").as_bytes(), large)?;
                    files.finish()?;
                    let origin = ContentOrigin {
                        at: Timestamp(1),
                        by: "rsync".into(),
                        unknown_files: 0,
                    };
                    let content = Content {
                        current: [file.0].into_iter().collect(),
                        outdated: RoaringBitmap::new(),
                    };
                    content::publish(t, id, &content, &origin)?;
                }
                Ok(id)
            });
            stored.expect("stored");
        };
        record("m", true, MirrorKind::Mirror);
        record("off", false, MirrorKind::Mirror);
        record("empty", true, MirrorKind::Mirror);
        record("cache", true, MirrorKind::Cache);
        let mut random = fastrand::Rng::with_seed(7);
        let planned = plan(&writer, &[], &LAW, &mut random).expect("a plan");
        let shown: Vec<String> = planned
            .iter()
            .map(|planned| {
                let target = &planned.targets[0];
                let mut files: Vec<String> = target.files.iter().map(ProbeFile::shown).collect();
                files.sort();
                let name = &planned.mirror.identifier;
                format!("{name} {} {}", planned.targets.len(), files.join(" "))
            })
            .collect();
        assert_eq!(shown, ["m 2 /m", "empty 2 ", "cache 2 /m /off"]);
        let named = plan(&writer, &["of".into()], &LAW, &mut random).expect("a plan");
        assert_eq!(named.len(), 1, "a named mirror is asked although it is off");
        let error = plan(&writer, &["e".into()], &LAW, &mut random).expect_err("two");
        assert!(error.to_string().ends_with("empty, cache"), "{error}");
    }
}
