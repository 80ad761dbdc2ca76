//! Runs `stats`, and adds spool files to the statistics.
//!
//! # Locking
//! One `collect` per database at a time. A spool file is removed after its sums are stored; if the
//! program ends between the two, the next run knows the file and only removes it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::json;

use super::args::{CollectArgs, StatsAction, StatsArgs};
use super::import::import;
use super::report::report;
use crate::admin::error::AdminError;
use crate::admin::session::Session;
use crate::db::stats::merge::{MergeOutcome, merge};
use crate::db::stats::upkeep::clean_up;
use crate::db::stats::{StatsWriter, open_stats_writer};
use crate::domain::count::spool;
use crate::domain::time::Timestamp;
use crate::program::exit::Exit;
use crate::program::lock::{Lock, LockError};
use crate::regular_file;
use crate::system::is_stopping;

/// Largest spool file that is read: a responder writes files of a third of it.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// End of the names of spool files.
const SUFFIX: &str = ".hsp";

/// Age at which a file that was never finished is removed: a responder was killed.
const TEMPORARY_AGE: Duration = Duration::from_secs(86_400);

/// Runs `stats`.
///
/// # Errors
/// Returns [`AdminError::Usage`] if the site has no statistics or an option cannot be used, and
/// [`AdminError::Db`] if the database cannot be read or written.
pub(in crate::admin) fn stats(session: &mut Session, args: &StatsArgs) -> Result<Exit, AdminError> {
    match &args.action {
        StatsAction::Collect(args) => collect(session, args),
        StatsAction::Import(args) => import(session, args),
        action => report(session, action),
    }
}

/// Results of a run.
#[derive(Debug, Default)]
struct CollectReport {
    files: usize,
    known: usize,
    requests: u64,
    refused: Vec<(PathBuf, String)>,
}

fn collect(session: &mut Session, args: &CollectArgs) -> Result<Exit, AdminError> {
    let mut collected = CollectReport::default();
    if args.all {
        for site in &session.config.sites {
            if let Some(folder) = &site.stats.spool {
                collected.site(folder, &site.stats.database, session.now)?;
            }
        }
        return tell(session, args, &collected);
    }
    let site = &session.site;
    let Some(folder) = &site.stats.spool else {
        return Err(AdminError::Usage(format!(
            "site {} counts nothing; set stats.spool in the configuration, as docs/statistics.md \
             says",
            site.name
        )));
    };
    collected.site(folder, &site.stats.database, session.now)?;
    tell(session, args, &collected)
}

/// The spool files of a folder in the order of their names; removes old ones without an end.
fn spool_files(folder: &Path, now: Timestamp) -> Result<Vec<PathBuf>, AdminError> {
    let failed = |source| AdminError::File {
        doing: "read the folder",
        path: folder.to_owned(),
        source,
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') {
            if name.contains(SUFFIX) && name.ends_with(".tmp") && is_old(&entry, now) {
                remove(&entry.path());
            }
        } else if name.ends_with(SUFFIX) {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

fn is_old(entry: &fs::DirEntry, now: Timestamp) -> bool {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(now.0.max(0) as u64);
    let changed_at = entry.metadata().and_then(|found| found.modified());
    changed_at.is_ok_and(|at| now.duration_since(at).is_ok_and(|age| age > TEMPORARY_AGE))
}

/// Removes a file that was added. If this fails, the next run knows the file and tries again.
fn remove(file: &Path) {
    if let Err(error) = fs::remove_file(file)
        && error.kind() != io::ErrorKind::NotFound
    {
        log::warn!(
            "cannot remove {}: {error}; its counts are added, and the next run tries again",
            file.display()
        );
    }
}

impl CollectReport {
    /// Adds all files of a site.
    fn site(&mut self, folder: &Path, database: &Path, now: Timestamp) -> Result<(), AdminError> {
        let lock = Lock::take(database, "collect", now);
        let _lock = lock.map_err(|error| match error {
            LockError::Held(_) => AdminError::Collecting(error),
            LockError::File(error) => AdminError::Lock(error),
        })?;
        let files = spool_files(folder, now)?;
        let writer = open_stats_writer(database)?;
        for file in files {
            if is_stopping() {
                break;
            }
            self.add(&writer, file, now)?;
        }
        clean_up(&writer, now)?;
        Ok(())
    }

    fn add(
        &mut self,
        writer: &StatsWriter,
        file: PathBuf,
        now: Timestamp,
    ) -> Result<(), AdminError> {
        let text = match regular_file::read_text(&file, FILE_BYTES_MAX) {
            Ok(text) => text,
            // Another program moved it meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => {
                self.refused.push((file, error.to_string()));
                return Ok(());
            }
        };
        let (head, lines) = match spool::read(&text) {
            Ok(read) => read,
            Err(error) => {
                self.refused.push((file, error.to_string()));
                return Ok(());
            }
        };
        match merge(writer, &head, &lines, now)? {
            MergeOutcome::Added(requests) => {
                self.files += 1;
                self.requests += requests;
            }
            MergeOutcome::Known => self.known += 1,
            MergeOutcome::TooOld => {
                let problem = "it is older than 60 days, so it may have been added before";
                self.refused.push((file, problem.to_owned()));
                return Ok(());
            }
            MergeOutcome::Future => {
                let problem = "it is of a time to come: a clock was wrong";
                self.refused.push((file, problem.to_owned()));
                return Ok(());
            }
        }
        remove(&file);
        Ok(())
    }
}

fn tell(
    session: &mut Session,
    args: &CollectArgs,
    collected: &CollectReport,
) -> Result<Exit, AdminError> {
    for (file, problem) in &collected.refused {
        log::warn!(
            "{} is not added and stays there: {problem}; copy it again or remove it",
            file.display()
        );
    }
    let refused = collected
        .refused
        .iter()
        .map(|(file, problem)| json!({ "file": file.to_string_lossy(), "problem": problem }));
    if args.json {
        session.console.json(&json!({
            "files": collected.files,
            "known": collected.known,
            "requests": collected.requests,
            "refused": refused.collect::<Vec<_>>(),
        }))?;
    } else if !args.quiet {
        session.console.line(format!(
            "{} files with {} requests added, {} known already",
            collected.files, collected.requests, collected.known
        ))?;
    }
    Ok(match collected.refused.is_empty() {
        true => Exit::Ok,
        false => Exit::Partial,
    })
}
