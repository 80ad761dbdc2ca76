//! Runs `status`: shows the state of each mirror, and reasons why a mirror gets no clients.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use roaring::RoaringBitmap;
use serde_json::json;

use super::mirror_status::{AllowedIds, SiteQuestion, StatusLine, as_json, line, outages_now};
use super::site_problem;
use super::status_text::write_status;
use crate::admin::args::{StatusArgs, StatusOrder};
use crate::admin::error::AdminError;
use crate::admin::session::{Session, fitting_mirrors};
use crate::config::ScanConfig;
use crate::db::follow::sums;
use crate::db::mirror::{self, MirrorRecord};
use crate::db::open::Queryable;
use crate::db::probe::{self, Outage};
use crate::db::{cache_answer, catalogue, drain, mirror_trace};
use crate::domain::follow::rate::MisdirectionRate;
use crate::domain::mirror::name::NO_MIRRORS;
use crate::domain::order::ShortList;
use crate::domain::time::Timestamp;
use crate::program::clock::now;
use crate::program::exit::Exit;
use crate::program::progress::Progress;
use crate::program::signal::stop_flag;
use crate::snapshot::roster;

/// How often `--watch` looks whether it has to end.
const WATCH_STEP: Duration = Duration::from_millis(100);

/// Shows the state of the mirrors.
///
/// # Errors
/// Returns [`AdminError::Lookup`] if the name means no mirror or several mirrors, and
/// [`AdminError::Db`] if the database cannot be read or written.
pub fn status(session: &mut Session, args: &StatusArgs) -> Result<Exit, AdminError> {
    if let Some(seconds) = args.watch {
        return watch(session, args, seconds);
    }
    let attention = show(session, args)?;
    Ok(match args.check && attention {
        true => Exit::Partial,
        false => Exit::Ok,
    })
}

/// Shows the state again and again, until a signal arrives.
fn watch(session: &mut Session, args: &StatusArgs, seconds: u16) -> Result<Exit, AdminError> {
    if !session.console.is_screen() || args.json {
        let usage = "--watch draws on a terminal; leave it out in scripts and with --json";
        return Err(AdminError::Usage(usage.to_owned()));
    }
    let stop = stop_flag()?;
    session.console.begin_screen()?;
    let mut shown = Ok(true);
    while shown.is_ok() && !stop.load(Ordering::Relaxed) {
        session.console.clear_screen()?;
        session.now = now();
        shown = show(session, args);
        session.console.flush()?;
        let until = Instant::now() + Duration::from_secs(seconds.into());
        while shown.is_ok() && Instant::now() < until && !stop.load(Ordering::Relaxed) {
            std::thread::sleep(WATCH_STEP);
        }
    }
    session.console.end_screen()?;
    shown.map(|_| Exit::Ok)
}

/// Shows the state once; returns whether anything needs attention.
fn show(session: &mut Session, args: &StatusArgs) -> Result<bool, AdminError> {
    let reader = session.reader()?;
    let mirrors = chosen(&reader, args)?;
    let total = Some(mirrors.len() as u64);
    let bar = match args.watch {
        Some(_) => Progress::hidden().bar("status", "mirrors", total),
        None => session.progress.bar("status", "mirrors", total),
    };
    let config = session.site.scan.clone();
    let site = question(session, &config, &reader, &mirrors)?;
    let mut lines = Vec::with_capacity(mirrors.len());
    for mirror in &mirrors {
        lines.push(line(&reader, mirror, &site)?);
        bar.add(1);
    }
    drop(bar);
    let mut problems = site_problem::problems(session, &reader, site.files.len())?;
    let said = |outage: &Outage| format!("{} (since {})", outage.reason, outage.since);
    problems.extend(site.cut_off.iter().map(said));
    sort(&mut lines, args.sort);
    let attention = lines.iter().any(|line| line.needs_attention);
    if args.json {
        let mut status = as_json(&lines, &site);
        status["problems"] = json!(problems);
        session.console.line(format!("{status:#}"))?;
    } else {
        for problem in &problems {
            session.console.line(format!("attention: {problem}"))?;
        }
        if lines.is_empty() {
            warn_of_none(&reader)?;
        }
        write_status(
            session,
            &lines,
            &site,
            args.shows_all || !args.identifiers.is_empty(),
        )?;
    }
    Ok(attention || !problems.is_empty())
}

/// Reads the facts that the judgement of every mirror needs, besides the mirror's own rows.
fn question<'a>(
    session: &Session,
    config: &'a ScanConfig,
    reader: &impl Queryable,
    mirrors: &[MirrorRecord],
) -> Result<SiteQuestion<'a>, AdminError> {
    let of_mirrors = mirrors.iter().filter_map(|mirror| {
        let own = config.of_mirror(&mirror.identifier)?;
        Some((mirror.identifier.clone(), AllowedIds::of(&own)))
    });
    let mut site = SiteQuestion {
        config,
        files: RoaringBitmap::new(),
        of_site: AllowedIds::of(config),
        of_mirrors: of_mirrors.collect(),
        probes: HashMap::new(),
        cache_answers: cache_answer::all(reader)?,
        traces: mirror_trace::all(reader)?,
        drains: drain::all(reader)?,
        generation: catalogue::generation(reader)?,
        certificate_s: session.site.probe.certificate_s,
        now: session.now,
        https: roster(reader)?.https(),
        cut_off: outages_now(reader)?,
        misdirection: misdirection(reader, session.now)?,
    };
    catalogue::for_each(reader, b"", |path, file| {
        site.files.insert(file.id.0);
        let others = site.of_mirrors.values_mut().flatten();
        for allowed in site.of_site.iter_mut().chain(others) {
            if allowed.rules.has(path) {
                allowed.ids.insert(file.id.0);
            }
        }
    })?;
    for record in probe::all(reader)? {
        site.probes.entry(record.mirror).or_default().push(record);
    }
    Ok(site)
}

/// How often redirects were wrong in 24 hours and in 30 days.
fn misdirection(
    database: &impl Queryable,
    now: Timestamp,
) -> Result<[MisdirectionRate; 2], AdminError> {
    let since = |days: i64| Timestamp(now.0 - days * 86_400);
    let day = sums::rate(database, None, since(1))?;
    Ok([day, sums::rate(database, None, since(30))?])
}

/// Sorts lines; those that are equal by the order of names.
fn sort(lines: &mut [StatusLine], order: StatusOrder) {
    lines.order_by(|a, b| a.identifier.cmp(&b.identifier));
    match order {
        StatusOrder::Worst => lines.order_by_key(StatusLine::badness),
        StatusOrder::Name => {}
        StatusOrder::Coverage => lines.order_by_key(|line| line.current),
        StatusOrder::Scanned => {
            lines.order_by_key(|line| line.learnt.as_ref().map(|(at, _)| at.0));
        }
        StatusOrder::Probed => lines.order_by_key(|line| line.probed_at.map(|at| at.0)),
    }
}

/// Says why the status has no mirrors.
fn warn_of_none(database: &impl Queryable) -> Result<(), AdminError> {
    match mirror::names(database)?.is_empty() {
        true => log::warn!("{NO_MIRRORS}"),
        false => log::warn!("no mirror is enabled; -a shows disabled ones, too"),
    }
    Ok(())
}

fn chosen(database: &impl Queryable, args: &StatusArgs) -> Result<Vec<MirrorRecord>, AdminError> {
    if args.identifiers.is_empty() {
        let mut mirrors = mirror::all(database)?;
        mirrors.retain(|mirror| mirror.enabled || args.shows_all);
        return Ok(mirrors);
    }
    let mut chosen: Vec<MirrorRecord> = Vec::new();
    for wanted in &args.identifiers {
        for mirror in fitting_mirrors(database, wanted)? {
            if !chosen.contains(&mirror) {
                chosen.push(mirror);
            }
        }
    }
    Ok(chosen)
}
