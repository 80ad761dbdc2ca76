//! Gathers the facts that the pages tell, in one look at the databases.

use std::collections::HashMap;
use std::ops::Range;

use roaring::RoaringBitmap;

use crate::admin::error::AdminError;
use crate::admin::overview::mirrorlist::is_for_everybody;
use crate::admin::report::mirror_status::state;
use crate::admin::session::Session;
use crate::db::epoch::Epochs;
use crate::db::event::{self, EventRecord};
use crate::db::follow::sums;
use crate::db::mirror::{self, MirrorRecord};
use crate::db::overview::history::{self, MirrorDay, PeriodSums};
use crate::db::overview::place_name::{self, PlaceNames};
use crate::db::probe::{self, ProbeRecord};
use crate::db::run::{self, RunKind};
use crate::db::{Reader, catalogue, content, mirror_trace};
use crate::domain::follow::rate::MisdirectionRate;
use crate::domain::mirror::MirrorId;
use crate::domain::order::ShortList;
use crate::domain::place::{Coordinates, CountryCode};
use crate::domain::select::Reason;
use crate::domain::status_page::CheckSums;
use crate::domain::status_page::news::{Freshness, TreeNews, freshness, tree_news};
use crate::domain::time::Timestamp;
use crate::domain::url::{Scheme, without_login};
use crate::snapshot::roster;

/// Seconds of an hour and of a day.
pub(super) const HOUR_S: i64 = 3600;
pub(super) const DAY_S: i64 = 86_400;

/// Days of a mirror's charts.
pub(super) const CHART_DAYS: i64 = 90;

/// Days of its strips.
pub(super) const STRIP_DAYS: i64 = 14;

/// The program whose events tell that a mirror changed its state.
const PROBER: &str = "heliostat-probe";

/// Days of the past whose changes are told.
const EVENT_DAYS: i64 = 7;

/// Index runs that are searched for one that did its work.
const RUNS_MAX: u32 = 50;

/// Days whose redirects make the rate of wrong ones.
const FOLLOWED_DAYS: i64 = 30;

/// Changes that are told at most.
const EVENTS_MAX: u32 = 300;

/// The facts about one mirror that its page and the lists show.
pub(super) struct KnownMirror {
    pub record: MirrorRecord,
    /// The name of its page, without the ending.
    pub file: String,
    pub state: &'static str,
    /// Why it gets no clients at all.
    pub reason: Option<Reason>,
    pub at: Option<Coordinates>,
    pub country: String,
    pub urls: Vec<(Scheme, String)>,
    pub probes: Vec<ProbeRecord>,
    /// Results of 24 hours.
    pub hours: Vec<PeriodSums>,
    /// Of 14 days.
    pub days: Vec<PeriodSums>,
    /// The state of the mirror on each of the last 90 days, today included.
    pub past: Vec<MirrorDay>,
    pub freshness: Freshness,
    /// Time of the last synchronisation, as the mirror's own trace says.
    pub traced_at: Option<Timestamp>,
    pub scanned_at: Option<Timestamp>,
    pub coverage: Option<f64>,
    pub has_isos: bool,
    /// Whether everybody may know of it.
    pub is_public: bool,
    /// Share of the downloads that mirrors of the pages got.
    pub share: Option<f64>,
}

/// The facts about a site from which its pages are made.
pub(super) struct KnownSite {
    pub mirrors: Vec<KnownMirror>,
    pub news: Vec<TreeNews>,
    /// When scans first found news: first id, mirror.
    pub arrivals: HashMap<(u32, MirrorId), Timestamp>,
    /// Changes, the latest first.
    pub events: Vec<EventRecord>,
    pub files: u64,
    pub indexed_at: Option<Timestamp>,
    /// The results of following redirects in 30 days.
    pub misdirection: MisdirectionRate,
    pub now: Timestamp,
}

impl KnownMirror {
    /// Results of one scheme, or of all, in the last 24 hours.
    pub fn sums_of_day(&self, scheme: Option<Scheme>) -> CheckSums {
        let fits = |hour: &&PeriodSums| scheme.is_none_or(|scheme| hour.scheme == scheme);
        CheckSums::of(self.hours.iter().filter(fits).map(|hour| hour.sums))
    }

    /// Results of the last seven days.
    pub fn sums_of_week(&self, now: Timestamp) -> CheckSums {
        let from = now.0.div_euclid(DAY_S) - 6;
        let days = self.days.iter().filter(|day| day.period >= from);
        CheckSums::of(days.map(|day| day.sums))
    }

    /// Whether pages were made before the mirror could have got the news. Only then is it known
    /// when the news came.
    pub fn is_watched(&self, news: &TreeNews) -> bool {
        let day = news.at.0.div_euclid(DAY_S);
        self.past.first().is_some_and(|first| first.day < day)
    }

    /// Seconds that it is behind: by its content, else by its trace.
    pub fn delay(&self, now: Timestamp) -> Option<i64> {
        let traced = self.traced_at.map(|at| (now.0 - at.0).max(0));
        self.freshness.lag_s.or(traced)
    }
}

/// The content of the tree, with which each mirror is compared.
struct TreeContent {
    files: RoaringBitmap,
    isos: RoaringBitmap,
    news: Vec<TreeNews>,
    names: PlaceNames,
}

fn cardinality(bitmap: &RoaringBitmap, ids: &Range<u32>) -> u64 {
    bitmap.range_cardinality(ids.clone())
}

fn tree(reader: &Reader) -> Result<TreeContent, AdminError> {
    let (mut files, mut isos) = (Vec::new(), Vec::new());
    catalogue::for_each(reader, b"", |path, file| {
        files.push(file.id.0);
        if path.ends_with(b".iso") {
            isos.push(file.id.0);
        }
    })?;
    files.sort_unstable();
    let files: RoaringBitmap = files.into_iter().collect();
    let epochs = Epochs::load(reader)?;
    Ok(TreeContent {
        news: tree_news(epochs.all(), |ids| cardinality(&files, ids)),
        isos: isos.into_iter().collect(),
        names: place_name::all(reader)?,
        files,
    })
}

/// Gathers everything, of all mirrors.
///
/// # Errors
/// Returns [`AdminError::Db`] if the database cannot be read.
pub(super) fn gather(session: &Session, reader: &Reader) -> Result<KnownSite, AdminError> {
    let now = session.now;
    let tree = tree(reader)?;
    let mut probes: HashMap<MirrorId, Vec<ProbeRecord>> = HashMap::new();
    for record in probe::all(reader)? {
        probes.entry(record.mirror).or_default().push(record);
    }
    let traces = mirror_trace::all(reader)?;
    let roster = roster(reader)?;
    let unusable = roster.unusable().iter();
    let reasons: HashMap<MirrorId, Reason> = unusable
        .map(|(place, reason)| (roster.mirrors()[*place].id, *reason))
        .collect();
    let mut mirrors = Vec::new();
    for record in mirror::all(reader)? {
        let own = probes.remove(&record.id).unwrap_or_default();
        let mut known = known(session, record, own, &tree.names);
        known.reason = reasons.get(&known.record.id).copied();
        known.traced_at = traces
            .get(&known.record.id)
            .and_then(|stored| stored.trace.synced_at);
        measure(reader, &mut known, &tree, now)?;
        mirrors.push(known);
    }
    sort(&mut mirrors);
    let mut arrivals = HashMap::new();
    let from = tree.news.first().map_or(0, |news| news.ids.start);
    for (first_id, mirror, at) in history::arrivals(reader, from)? {
        arrivals.insert((first_id, mirror), at);
    }
    let since = Timestamp(now.0 - EVENT_DAYS * DAY_S);
    let runs = run::recent(reader, Some(RunKind::Index), None, (now, RUNS_MAX))?;
    let mut events = event::since(reader, (PROBER, since), EVENTS_MAX)?;
    events.order_by_key(|event| std::cmp::Reverse(event.at));
    Ok(KnownSite {
        mirrors,
        news: tree.news,
        arrivals,
        events,
        files: tree.files.len(),
        indexed_at: runs
            .iter()
            .find(|run| run.outcome.is_good())
            .and_then(|run| run.repeats.map(|(_, at)| at).or(run.ended_at)),
        misdirection: sums::rate(reader, None, Timestamp(now.0 - FOLLOWED_DAYS * DAY_S))?,
        now,
    })
}

fn sort(mirrors: &mut [KnownMirror]) {
    mirrors.sort_by_cached_key(|known| {
        let unnamed = known.record.country.is_empty();
        (
            unnamed,
            known.country.clone(),
            known.record.identifier.clone(),
        )
    });
}

/// Makes the facts that a mirror's row and its probes give; [`measure`] adds the others.
fn known(
    session: &Session,
    record: MirrorRecord,
    probes: Vec<ProbeRecord>,
    names: &PlaceNames,
) -> KnownMirror {
    let (checked, _) = record.check();
    let mut urls: Vec<(Scheme, String)> = Vec::new();
    let further = checked.further_base_urls.iter();
    for url in checked.base_url.iter().chain(further) {
        urls.push((url.scheme(), without_login(url.as_str())));
    }
    // The URL of an rsync module with a password is for nobody else.
    let rsync = &record.rsync_url;
    let is_open = Scheme::of(rsync) == Some(Scheme::Rsync) && without_login(rsync) == *rsync;
    if is_open && !rsync.contains(char::is_control) {
        urls.push((Scheme::Rsync, rsync.clone()));
    }
    let code = CountryCode::parse(record.country.as_bytes());
    let country = match code.and_then(CountryCode::name) {
        Some(name) => name.to_owned(),
        None if record.country.is_empty() => "not known".to_owned(),
        None => names.country(&record.country),
    };
    KnownMirror {
        file: file_name(&record),
        state: state(&record, &probes),
        reason: None,
        at: checked.coordinates,
        country,
        urls,
        probes,
        hours: Vec::new(),
        days: Vec::new(),
        past: Vec::new(),
        freshness: Freshness::default(),
        traced_at: None,
        scanned_at: None,
        coverage: None,
        has_isos: false,
        is_public: is_for_everybody(&record) && !session.site.law.is_private(&checked),
        share: None,
        record,
    }
}

/// Makes a file name that no URL has to escape, and that no other mirror has.
fn file_name(record: &MirrorRecord) -> String {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    let name = &record.identifier;
    if name.chars().all(is_plain) && !name.starts_with('.') && name != "up" {
        return name.clone();
    }
    let keep = |c: char| if is_plain(c) { c } else { '-' };
    let kept: String = name.chars().map(keep).collect();
    format!("{}_{}", kept.trim_start_matches('.'), record.id.0)
}

/// Adds the facts that a mirror's content and its past give.
fn measure(
    reader: &Reader,
    known: &mut KnownMirror,
    tree: &TreeContent,
    now: Timestamp,
) -> Result<(), AdminError> {
    let id = known.record.id;
    let today = now.0.div_euclid(DAY_S);
    known.hours = history::hours(reader, id, now.0.div_euclid(HOUR_S) - 23)?;
    known.days = history::days(reader, id, today - STRIP_DAYS + 1)?;
    known.past = history::mirror_days(reader, id, today - CHART_DAYS + 1)?;
    let published = match known.record.is_never_scanned() {
        true => None,
        false => content::load(reader, id)?,
    };
    if let Some(published) = published {
        let repeat = run::last_repeat(reader, id)?.unwrap_or(Timestamp(0));
        let scanned_at = published.origin.at.max(repeat);
        let held = &published.content.current & &tree.files;
        known.scanned_at = Some(scanned_at);
        known.coverage =
            (!tree.files.is_empty()).then(|| held.len() as f64 / tree.files.len() as f64);
        known.has_isos = !held.is_disjoint(&tree.isos);
        let of = |ids: &Range<u32>| cardinality(&tree.files, ids);
        let has = |ids: &Range<u32>| cardinality(&held, ids);
        known.freshness = freshness(&tree.news, (of, has), (scanned_at, now));
    }
    let days = known.days.iter().filter(|day| day.period == today);
    let row = MirrorDay {
        day: today,
        coverage: known.coverage,
        lag: known.freshness.lag_s,
        up_share: CheckSums::of(days.map(|day| day.sums)).completion(),
    };
    known.past.retain(|day| day.day != today);
    known.past.push(row);
    Ok(())
}
