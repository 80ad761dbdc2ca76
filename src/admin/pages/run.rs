//! Runs `pages`.

use serde_json::json;

use super::args::PagesArgs;
use super::folder::PageFolder;
use super::gather::{DAY_S, KnownSite, gather};
use super::statistics::{Statistics, share_out};
use super::words::incidents;
use super::{machine, mirror_page, rollout, site_page, statistics};
use crate::admin::error::AdminError;
use crate::admin::session::Session;
use crate::db::overview::history::{self, MirrorDay};
use crate::db::{DbError, Reader, open_writer};
use crate::domain::mirror::MirrorId;
use crate::domain::status_page::page::{PageFrame, STYLE};
use crate::domain::time::Timestamp;
use crate::program::exit::{Exit, chain};

/// Writes the pages, then stores the state of this day that they show.
///
/// # Errors
/// Returns [`AdminError::Usage`] if the folder cannot be taken, [`AdminError::File`] if it cannot
/// be written, and [`AdminError::Db`] if the database cannot be read. The old pages stay then.
pub(in crate::admin) fn pages(session: &mut Session, args: &PagesArgs) -> Result<Exit, AdminError> {
    let base = base_url(&args.url)?;
    let mut folder = PageFolder::begin(&args.out, &session.site.name, args.admin)?;
    let reader = session.reader()?;
    reader.begin_read()?;
    let mut site = gather(session, &reader)?;
    let today = Today::of(&site);
    if !args.admin {
        site.mirrors.retain(|known| known.is_public);
    }
    let statistics = Statistics::read(&session.site.stats.database, session.now);
    share_out(&mut site, statistics.downloads());
    let frequency_s = session.site.probe.interval.as_secs();
    write(
        &mut folder,
        &reader,
        (&site, &statistics),
        (session, &base, frequency_s),
    )?;
    reader.end_read()?;
    drop(reader);
    let (files, bytes) = (folder.files, folder.bytes);
    folder.publish()?;
    if let Err(error) = today.store(session) {
        log::warn!(
            "the pages are written, but the state of this day is not recorded: {}",
            chain(&error)
        );
    }
    let out = args.out.display();
    let mirrors = site.mirrors.len();
    if args.json {
        let out = out.to_string();
        let done = json!({"out": out, "mirrors": mirrors, "files": files, "bytes": bytes});
        session.console.json(&done)?;
    } else if !args.quiet {
        let line = format!(
            "{mirrors} mirrors, {files} files, {} kB: {out}",
            bytes / 1000
        );
        session.console.line(line)?;
    }
    Ok(Exit::Ok)
}

/// Gives the URL of the pages with a slash at its end; empty if the admin named none.
fn base_url(url: &str) -> Result<String, AdminError> {
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    let is_plain = url.bytes().all(|byte| byte.is_ascii_graphic());
    match url.is_empty() {
        true => Ok(String::new()),
        false if is_web && is_plain => Ok(format!("{}/", url.trim_end_matches('/'))),
        false => Err(AdminError::Usage(format!(
            "--url: '{}' is no URL of a folder; write one such as https://example.org/status/",
            url.escape_debug()
        ))),
    }
}

fn write(
    folder: &mut PageFolder,
    reader: &Reader,
    (site, statistics): (&KnownSite, &Statistics),
    (session, base, frequency_s): (&Session, &str, u64),
) -> Result<(), AdminError> {
    let is_admin = folder.is_admin();
    let frame = PageFrame {
        site: session.site.name.clone(),
        made: session.now,
        is_admin,
        root: "",
        here: None,
    };
    let incidents = incidents(site, &frame);
    let around = (&frame, &incidents[..]);
    folder.write("style.css", STYLE)?;
    site_page::write_overview(folder, site, statistics.downloads(), around)?;
    site_page::write_mirrors(folder, site, &frame)?;
    mirror_page::write(folder, reader, site, around)?;
    rollout::write(folder, site, &frame)?;
    statistics::write(folder, statistics, session.now, &frame)?;
    machine::write(folder, site, (base, frequency_s), around)
}

/// The records that a run of `pages` stores: how each mirror is today, and the news that arrived.
struct Today {
    days: Vec<(MirrorId, MirrorDay)>,
    arrivals: Vec<(u32, MirrorId, Timestamp)>,
}

impl Today {
    /// Makes the records of all mirrors, also of those that the pages leave out.
    fn of(site: &KnownSite) -> Today {
        let today = site.now.0.div_euclid(DAY_S);
        let mut days = Vec::new();
        for known in &site.mirrors {
            let id = known.record.id;
            days.extend(known.past.last().map(|day| (id, *day)));
            // The pages of yesterday may have been made before its last probe.
            let yesterday = known.past.iter().find(|day| day.day == today - 1);
            let sums = known.days.iter().filter(|day| day.period == today - 1);
            let sums = crate::domain::status_page::CheckSums::of(sums.map(|day| day.sums));
            if let Some(day) = yesterday.filter(|day| day.up_share != sums.completion()) {
                let up_share = sums.completion();
                days.push((id, MirrorDay { up_share, ..*day }));
            }
        }
        let arrivals = rollout::new_arrivals(site).collect();
        Today { days, arrivals }
    }

    fn store(&self, session: &Session) -> Result<(), DbError> {
        let mut writer = open_writer(&session.site.database)?;
        writer.transaction(|transaction| {
            for (mirror, day) in &self.days {
                history::store_day(transaction, *mirror, day)?;
            }
            for (first_id, mirror, at) in &self.arrivals {
                history::store_arrival(transaction, (*mirror, *first_id), *at)?;
            }
            Ok(())
        })
    }
}
