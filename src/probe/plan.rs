//! Whom to ask, and for what.

use std::collections::HashMap;

use roaring::RoaringBitmap;

use super::error::ProbeError;
use crate::db::mirror::{self, MirrorRecord};
use crate::db::open::Queryable;
use crate::db::probe::{self, ProbeRecord};
use crate::db::{DbError, catalogue, content};
use crate::domain::mirror::{BaseUrl, Kind, MirrorId, Scheme};
use crate::fetch::OwnPorts;
use crate::fetch::probe::{ProbeFile, Target};

/// Files that a mirror is asked for at most. One file may have gone since the last scan; a mirror
/// that has none of three does not serve the tree.
pub const FILES_TRIED_MAX: usize = 3;

/// Files drawn a mirror: some may have left the catalogue since the scan, or be empty.
const FILES_DRAWN: u32 = 8;

/// Files at the front of the catalogue that caches are asked for when no mirror was scanned yet.
const FIRST_FILES: u32 = 64;

/// Base URLs of a mirror that are probed at most: one a scheme.
const URLS_MAX: usize = Scheme::ALL.len();

/// A mirror and what it is asked for.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The mirror.
    pub mirror: MirrorRecord,
    /// One for each of its base URLs.
    pub targets: Vec<Target>,
    /// What was known of it.
    pub known: Vec<ProbeRecord>,
    /// What is wrong with its URLs.
    pub problems: Vec<String>,
}

/// The mirrors of a pass: those that are enabled, or the named ones whatever their state.
///
/// # Errors
/// [`ProbeError::NoSuchMirror`], [`ProbeError::Ambiguous`], [`ProbeError::Db`].
pub fn plan(
    database: &impl Queryable,
    names: &[String],
    random: &mut fastrand::Rng,
) -> Result<Vec<Planned>, ProbeError> {
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
    let files = draw_files(database, &chosen, random)?;
    let planned = chosen.into_iter().zip(files).map(|(mirror, files)| {
        let (urls, problems) = urls_of(&mirror);
        let own_ports = OwnPorts::of(urls.iter().map(BaseUrl::as_str));
        let target = |url| Target {
            url,
            files: files.clone(),
            own_ports,
        };
        Planned {
            known: known.remove(&mirror.id).unwrap_or_default(),
            targets: urls.into_iter().map(target).collect(),
            problems,
            mirror,
        }
    });
    Ok(planned.collect())
}

fn choose_named(all: &[MirrorRecord], names: &[String]) -> Result<Vec<MirrorRecord>, ProbeError> {
    let mut chosen: Vec<MirrorRecord> = Vec::new();
    for name in names {
        let exact = all.iter().find(|mirror| mirror.identifier == *name);
        let alike: Vec<&MirrorRecord> = match exact {
            Some(mirror) => vec![mirror],
            None => {
                let has = |mirror: &&MirrorRecord| mirror.identifier.contains(name.as_str());
                all.iter().filter(has).collect()
            }
        };
        match alike[..] {
            [] => return Err(ProbeError::NoSuchMirror(name.clone())),
            [mirror] if chosen.contains(mirror) => {}
            [mirror] => chosen.push(mirror.clone()),
            _ => {
                let names: Vec<&str> = alike.iter().map(|m| m.identifier.as_str()).collect();
                return Err(ProbeError::Ambiguous {
                    part: name.clone(),
                    names: names.join(", "),
                });
            }
        }
    }
    Ok(chosen)
}

/// The usable base URLs, the main one first, one a scheme; and what is wrong with the others.
fn urls_of(mirror: &MirrorRecord) -> (Vec<BaseUrl>, Vec<String>) {
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

/// Random files for each mirror that it is known to have; a cache gets any file.
fn draw_files(
    database: &impl Queryable,
    mirrors: &[MirrorRecord],
    random: &mut fastrand::Rng,
) -> Result<Vec<Vec<ProbeFile>>, DbError> {
    let mut contents = Vec::with_capacity(mirrors.len());
    for mirror in mirrors {
        contents.push(current(database, mirror)?);
    }
    let any: RoaringBitmap = if mirrors.iter().any(|mirror| mirror.kind == Kind::Cache) {
        anything(database, &contents)?
    } else {
        RoaringBitmap::new()
    };
    let mut draw = |ids: &RoaringBitmap| draw(ids, random);
    let drawn: Vec<Vec<u32>> = mirrors
        .iter()
        .zip(&contents)
        .map(|(mirror, content)| match mirror.kind {
            Kind::Cache => draw(&any),
            Kind::Mirror => draw(content),
        })
        .collect();
    let wanted: RoaringBitmap = drawn.iter().flatten().copied().collect();
    let mut files = HashMap::new();
    catalogue::for_each_of(database, &wanted, |path, file| {
        let size = file.version.map(|version| version.size);
        // An empty file has no byte to ask for.
        if size != Some(0) {
            let path = path.to_vec();
            files.insert(file.id.0, ProbeFile { path, size });
        }
    })?;
    let named = |ids: Vec<u32>| {
        let found = ids.iter().filter_map(|id| files.get(id).cloned());
        found.take(FILES_TRIED_MAX).collect()
    };
    Ok(drawn.into_iter().map(named).collect())
}

/// Some ids in random order; all of them when they are few.
fn draw(ids: &RoaringBitmap, random: &mut fastrand::Rng) -> Vec<u32> {
    let count = u32::try_from(ids.len()).unwrap_or(u32::MAX);
    if count <= FILES_DRAWN {
        let mut all: Vec<u32> = ids.iter().collect();
        random.shuffle(&mut all);
        return all;
    }
    let mut drawn = Vec::new();
    for _ in 0..FILES_DRAWN {
        let id = ids.select(random.u32(0..count));
        drawn.extend(id.filter(|id| !drawn.contains(id)));
    }
    drawn
}

/// What a mirror has by its last scan; nothing when that cannot be read.
fn current(database: &impl Queryable, mirror: &MirrorRecord) -> Result<RoaringBitmap, DbError> {
    match content::load(database, mirror.id) {
        Ok(published) => Ok(published.map_or_else(RoaringBitmap::new, |p| p.content.current)),
        Err(DbError::DamagedContent { .. }) => Ok(RoaringBitmap::new()),
        Err(error) => Err(error),
    }
}

/// Files that some mirror has, else the first ones of the catalogue.
fn anything(
    database: &impl Queryable,
    contents: &[RoaringBitmap],
) -> Result<RoaringBitmap, DbError> {
    let mut any = RoaringBitmap::new();
    for content in contents {
        any |= content;
    }
    if any.is_empty() {
        let first = catalogue::some_from(database, b"", FIRST_FILES)?;
        any.extend(first.into_iter().map(|(_, file)| file.id.0));
    }
    Ok(any)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::content::{Content, Learnt};
    use crate::db::open_writer;
    use crate::domain::file::FileVersion;
    use crate::domain::time::Timestamp;

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
                if kind == Kind::Mirror {
                    let mut files = catalogue::CatalogueWriter::new(t)?;
                    let size = if name == "empty" { 0 } else { 5 };
                    let file = files.insert(name.as_bytes(), FileVersion { size, mtime: 1 })?;
                    files.finish()?;
                    let learnt = Learnt {
                        at: Timestamp(1),
                        by: "rsync".into(),
                        unknown_files: 0,
                    };
                    let content = Content {
                        current: [file.0].into_iter().collect(),
                        outdated: RoaringBitmap::new(),
                    };
                    content::publish(t, id, &content, &learnt)?;
                }
                Ok(id)
            });
            stored.expect("stored");
        };
        record("m", true, Kind::Mirror);
        record("off", false, Kind::Mirror);
        record("empty", true, Kind::Mirror);
        record("cache", true, Kind::Cache);
        let mut random = fastrand::Rng::with_seed(7);
        let planned = plan(&writer, &[], &mut random).expect("a plan");
        let shown: Vec<String> = planned
            .iter()
            .map(|planned| {
                let target = &planned.targets[0];
                let files: Vec<String> = target.files.iter().map(ProbeFile::shown).collect();
                let name = &planned.mirror.identifier;
                format!("{name} {} {}", planned.targets.len(), files.join(" "))
            })
            .collect();
        assert_eq!(shown, ["m 2 /m", "empty 2 ", "cache 2 /m"]);
        let named = plan(&writer, &["of".into()], &mut random).expect("a plan");
        assert_eq!(named.len(), 1, "a named mirror is asked although it is off");
        let error = plan(&writer, &["e".into()], &mut random).expect_err("two");
        assert!(error.to_string().ends_with("empty, cache"), "{error}");
    }
}
