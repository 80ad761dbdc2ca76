//! Chooses the redirects that a round follows.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use roaring::RoaringBitmap;

use crate::config::SiteConfig;
use crate::db::follow::contradiction::{self, Contradiction};
use crate::db::mirror::{self, MirrorRecord};
use crate::db::open::Queryable;
use crate::db::stats::{open_stats_reader, sample as samples};
use crate::db::{DbError, catalogue};
use crate::domain::count::sample::RedirectSample;
use crate::domain::file::{CatalogueFile, FileId};
use crate::domain::health::Family;
use crate::domain::mirror::{MirrorId, MirrorKind};
use crate::domain::time::Timestamp;
use crate::domain::url::{BaseUrl, Scheme};
use crate::fetch::OwnPorts;
use crate::fetch::probe::{FilePiece, ProbeFile, ProbeTarget};
use crate::probe::plan::urls_of;
use crate::program::exit::chain;
use crate::snapshot::{CacheLaw, sample};

/// Time from one round to the next, in which each mirror is asked at most once.
pub const FOLLOW_EVERY: Duration = Duration::from_secs(300);

/// Age of the oldest redirects that are followed: two rounds, in case the first was late.
const SAMPLES_AGE_S: i64 = 600;

/// Pairs that are looked at a second time in one round.
const LOOKS_MAX: usize = 200;

/// A redirect that is to be followed.
#[derive(Debug)]
pub(super) struct RedirectLook {
    /// The mirror.
    pub mirror: MirrorId,
    /// Its name.
    pub name: String,
    /// The version of the file.
    pub file: FileId,
    /// The target of the request.
    pub target: ProbeTarget,
    /// The client's family.
    pub family: Option<Family>,
    /// Whether it was drawn from redirects that clients got.
    pub is_weighted: bool,
    /// The pair, if it was wrong before.
    pub again: Option<Contradiction>,
}

/// The redirects of a round.
#[derive(Debug, Default)]
pub(super) struct Looks {
    /// Those that are followed.
    pub looks: Vec<RedirectLook>,
    /// Mirrors of redirects whose file has changed since.
    pub moved: Vec<MirrorId>,
    /// Pairs of files that are gone.
    pub gone: Vec<Contradiction>,
}

/// Chooses the redirects of a round.
///
/// # Errors
/// Returns [`DbError`] if the mirror database cannot be read.
pub(super) fn choose(
    database: &impl Queryable,
    site: &SiteConfig,
    random: &mut fastrand::Rng,
    now: Timestamp,
) -> Result<Looks, DbError> {
    let mut mirrors = mirror::all(database)?;
    mirrors.retain(|mirror| mirror.enabled && mirror.alive);
    let pairs = contradiction::all(database)?;
    // Clients are still sent to mirrors that were wrong once.
    let masked = pairs.iter().filter(|pair| pair.confirmed_at.is_some());
    let masked: HashSet<(MirrorId, FileId)> = masked.map(|pair| (pair.mirror, pair.file)).collect();
    let mut chosen = Looks::default();
    again(database, (site, now), (&mirrors, pairs), &mut chosen)?;
    let most = site.probe.follow_per_min as usize * FOLLOW_EVERY.as_secs() as usize / 60;
    let mut redirects = redirects(site, now);
    let is_weighted = !redirects.is_empty();
    if !is_weighted {
        redirects = unweighted(database, site, &mirrors, (random, now))?;
    }
    random.shuffle(&mut redirects);
    let by_name: HashMap<&str, &MirrorRecord> = mirrors
        .iter()
        .map(|mirror| (mirror.identifier.as_str(), mirror))
        .collect();
    let mut asked: HashSet<MirrorId> = HashSet::new();
    for redirect in redirects {
        if asked.len() >= most {
            break;
        }
        let Some(mirror) = by_name.get(&*redirect.mirror).copied() else {
            continue;
        };
        if asked.contains(&mirror.id) {
            continue;
        }
        let file = catalogue::find(database, &redirect.path)?;
        let Some(file) = file.filter(|file| file.version == Some(redirect.version)) else {
            chosen.moved.push(mirror.id);
            continue;
        };
        if masked.contains(&(mirror.id, file.id)) {
            continue;
        }
        let scheme = Scheme::named(&redirect.scheme);
        let Some(target) = target(mirror, (&redirect.path, file), scheme) else {
            continue;
        };
        asked.insert(mirror.id);
        chosen.looks.push(RedirectLook {
            mirror: mirror.id,
            name: mirror.identifier.clone(),
            file: file.id,
            target,
            family: family(&redirect.family),
            is_weighted,
            again: None,
        });
    }
    Ok(chosen)
}

fn family(text: &str) -> Option<Family> {
    text.parse().ok().and_then(Family::from_number)
}

/// Reads the last redirects; none if there are no statistics.
fn redirects(site: &SiteConfig, now: Timestamp) -> Vec<RedirectSample<'static>> {
    if site.stats.spool.is_none() {
        return Vec::new();
    }
    let since = Timestamp(now.0 - SAMPLES_AGE_S);
    let read = open_stats_reader(&site.stats.database);
    match read.and_then(|reader| samples::since(&reader, since)) {
        Ok(redirects) => redirects,
        Err(DbError::NoStats { .. }) => Vec::new(),
        Err(error) => {
            log::warn!(
                "the last redirects cannot be read, so that files are drawn from what mirrors \
                 should have: {}",
                chain(&error)
            );
            Vec::new()
        }
    }
}

/// Draws a file of each mirror, as probes do. Caches are left out, because each would fetch the
/// file.
fn unweighted(
    database: &impl Queryable,
    site: &SiteConfig,
    mirrors: &[MirrorRecord],
    (random, now): (&mut fastrand::Rng, Timestamp),
) -> Result<Vec<RedirectSample<'static>>, DbError> {
    let is_mirror = |mirror: &&MirrorRecord| mirror.kind == MirrorKind::Mirror;
    let mirrors: Vec<MirrorRecord> = mirrors.iter().filter(is_mirror).cloned().collect();
    let law = CacheLaw {
        is_mutable: &|path| site.is_mutable(path),
        now,
    };
    let files = sample(database, &mirrors, &law, random)?;
    let drawn = mirrors.iter().zip(files).filter_map(|(mirror, files)| {
        let file = files.into_iter().next()?;
        Some(RedirectSample {
            path: file.path.into(),
            version: file.version?,
            mirror: mirror.identifier.clone().into(),
            scheme: "".into(),
            family: "".into(),
        })
    });
    Ok(drawn.collect())
}

/// Adds the pairs that were wrong once, some time ago.
fn again(
    database: &impl Queryable,
    (site, now): (&SiteConfig, Timestamp),
    (mirrors, pairs): (&[MirrorRecord], Vec<Contradiction>),
    chosen: &mut Looks,
) -> Result<(), DbError> {
    let is_due = |pair: &Contradiction| {
        pair.confirmed_at.is_none() && pair.seen_at.0 + site.probe.follow_again_s <= now.0
    };
    let due: Vec<Contradiction> = pairs.into_iter().filter(is_due).take(LOOKS_MAX).collect();
    let wanted: RoaringBitmap = due.iter().map(|pair| pair.file.0).collect();
    let mut files: HashMap<FileId, (Vec<u8>, CatalogueFile)> = HashMap::new();
    catalogue::for_each_of(database, &wanted, |path, file| {
        files.insert(file.id, (path.to_vec(), file));
    })?;
    for pair in due {
        let Some((path, file)) = files.get(&pair.file) else {
            chosen.gone.push(pair);
            continue;
        };
        let mirror = mirrors.iter().find(|mirror| mirror.id == pair.mirror);
        let target = mirror.and_then(|mirror| target(mirror, (path, *file), None));
        if let (Some(mirror), Some(target)) = (mirror, target) {
            chosen.looks.push(RedirectLook {
                mirror: mirror.id,
                name: mirror.identifier.clone(),
                file: pair.file,
                target,
                family: None,
                is_weighted: true,
                again: Some(pair),
            });
        }
    }
    Ok(())
}

/// Makes the URL of a file on a mirror over that scheme, or else over its first one.
fn target(
    mirror: &MirrorRecord,
    (path, file): (&[u8], CatalogueFile),
    scheme: Option<Scheme>,
) -> Option<ProbeTarget> {
    let (urls, _) = urls_of(mirror);
    let own_ports = OwnPorts::of(urls.iter().map(BaseUrl::as_str));
    let of_scheme = urls.iter().find(|url| Some(url.scheme()) == scheme);
    let url = of_scheme.or(urls.first())?.clone();
    let file = ProbeFile::new(path.to_vec(), file.version, None).in_part(FilePiece::FIRST_BYTE);
    Some(ProbeTarget {
        own_ports,
        ..ProbeTarget::new(url, vec![file])
    })
}
