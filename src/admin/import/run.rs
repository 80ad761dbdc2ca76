//! Runs `import mirrorbrain`: imports one dump in one transaction.

use std::path::Path;
use std::time::Instant;

use super::apache::import_apache;
use super::dump::Parser;
use super::instance::import_conf;
use super::list::import_list;
use super::mirrorbits_conf::import_mirrorbits_conf;
use super::mirrorbrain::{DumpSummary, MirrorBrain, is_taken_over};
use super::postgresql;
use super::source::{self, DumpSource};
use super::summary::Summary;
use crate::admin::args::{ImportArgs, ImportFrom, MirrorbrainArgs};
use crate::admin::console::Console;
use crate::admin::error::AdminError;
use crate::admin::session::Session;
use crate::db::import::{ImportCounts, Importer, in_transaction, size};
use crate::db::open::Transaction;
use crate::db::run::{GuardedRuns, RunEnd, RunId, RunKind, RunOutcome, begin, end, mark_killed};
use crate::db::{DbError, Writer, open_reader, open_writer};
use crate::domain::run_counts::RunCounts;
use crate::domain::time::Timestamp;
use crate::program::exit::{Exit, chain};
use crate::program::lock::{Lock, LockError};
use crate::snapshot::refresh_table;

/// Lines between two moves of the progress bar.
const LINES_A_DRAW: u64 = 1000;

/// Runs the import that the arguments name.
///
/// # Errors
/// [`AdminError::Dump`], [`AdminError::NotThisDump`], [`AdminError::File`], [`AdminError::Db`];
/// nothing is changed then.
pub fn import(session: &mut Session, args: &ImportArgs) -> Result<Exit, AdminError> {
    match &args.from {
        ImportFrom::Mirrorbrain(args) => mirrorbrain(session, args),
        ImportFrom::Urls(_) | ImportFrom::Mirmon(_) | ImportFrom::Mirrorbits(_) => {
            import_list(session, &args.from)
        }
        // Such an import was done before a configuration was looked for.
        ImportFrom::Apache(_) | ImportFrom::MirrorbrainConf(_) | ImportFrom::MirrorbitsConf(_) => {
            Ok(Exit::Usage)
        }
    }
}

/// Imports what makes a configuration, and so needs none; `None`: it is something else.
pub fn import_files(args: &ImportArgs) -> Option<Result<Exit, AdminError>> {
    let mut console = Console::new();
    let done = match &args.from {
        ImportFrom::Apache(args) => import_apache(&mut console, args),
        ImportFrom::MirrorbrainConf(args) => import_conf(&mut console, args),
        ImportFrom::MirrorbitsConf(args) => import_mirrorbits_conf(&mut console, args),
        _ => return None,
    };
    // Lines that were printed before an error belong to it.
    let flushed = console.flush();
    Some(done.and_then(|exit| flushed.map(|()| exit)))
}

fn mirrorbrain(session: &mut Session, args: &MirrorbrainArgs) -> Result<Exit, AdminError> {
    refuse_full_database(session, args)?;
    // A dump that cannot be opened must not leave a database behind.
    let source = source::open(&args.dump)?;
    let summary = if args.dry_run {
        dry_run(session, args, source)?
    } else {
        recorded(session, args, source)?
    };
    if args.json {
        session.console.line(format!("{:#}", summary.to_json()))?;
    } else {
        summary.write(session.console.out(), args.quiet)?;
    }
    Ok(Exit::Ok)
}

/// Refuses, before the dump is read, a database that is not empty.
fn refuse_full_database(session: &Session, args: &MirrorbrainArgs) -> Result<(), AdminError> {
    let is_missing = matches!(session.site.database.try_exists(), Ok(false));
    if args.force || is_missing {
        return Ok(());
    }
    let (mirrors, files) = match open_reader(&session.site.database) {
        // An older schema is brought up to date when it is opened for writing.
        Err(DbError::Older { .. }) => return Ok(()),
        reader => size(&reader?)?,
    };
    if mirrors + files > 0 {
        return Err(DbError::NotEmpty { mirrors, files }.into());
    }
    Ok(())
}

/// Imports into a database of its own, which is thrown away.
fn dry_run(
    session: &Session,
    args: &MirrorbrainArgs,
    source: DumpSource,
) -> Result<Summary, AdminError> {
    let failed = |source| AdminError::File {
        doing: "make a trial database in",
        path: std::env::temp_dir(),
        source,
    };
    let folder = tempfile::tempdir().map_err(failed)?;
    let mut writer = open_writer(&folder.path().join("trial.sqlite"))?;
    let mut summary = transfer(&mut writer, session, (args, source), None)?;
    summary.dry_run = true;
    Ok(summary)
}

/// Imports with a row in `run`, also if the import fails.
fn recorded(
    session: &Session,
    args: &MirrorbrainArgs,
    source: DumpSource,
) -> Result<Summary, AdminError> {
    let mut writer = session.writer()?;
    let _lock = only_import(session)?;
    let run = writer.transaction(|t| {
        mark_killed(t, GuardedRuns::All(RunKind::Import), session.now)?;
        begin(t, RunKind::Import, None, session.now)
    })?;
    let started = Instant::now();
    let result = transfer(&mut writer, session, (args, source), Some(run));
    if let Err(error) = &result {
        let failed = RunEnd {
            at: later(session.now, started),
            outcome: RunOutcome::Failed,
            counts: RunCounts::default(),
            error: chain(error),
            note: String::new(),
        };
        let recorded = writer.transaction(|t| end(t, run, &failed));
        if let Err(error) = recorded {
            log::warn!("the failed import is not recorded: {}", chain(&error));
        }
    } else if let Err(error) = refresh_table(writer.path()) {
        log::warn!(
            "starts of heliostat-fcgi will take longer: {}",
            chain(&error)
        );
    }
    result
}

/// One import at a time: a second one would wait for the first and then find the database full.
fn only_import(session: &Session) -> Result<Lock, AdminError> {
    let database = &session.site.database;
    Lock::take(database, "import", session.now).map_err(|error| match error {
        LockError::File(error) => AdminError::Lock(error),
        error => AdminError::Importing {
            database: database.clone(),
            source: error,
        },
    })
}

fn later(start: Timestamp, since: Instant) -> Timestamp {
    Timestamp(start.0.saturating_add(since.elapsed().as_secs() as i64))
}

/// Reads the dump into the database, in one transaction.
fn transfer(
    writer: &mut Writer,
    session: &Session,
    (args, source): (&MirrorbrainArgs, DumpSource),
    run: Option<RunId>,
) -> Result<Summary, AdminError> {
    let started = Instant::now();
    let bar = session.progress.bar("import", "lines", None);
    in_transaction(writer, |transaction| {
        let importer = Importer::new(transaction, args.force)?;
        let mut tables = MirrorBrain::new(importer);
        let mut parser = Parser::default();
        let padding_bytes = source.for_each_line(|line, is_whole| {
            if parser.lines().is_multiple_of(LINES_A_DRAW) {
                bar.set(parser.lines());
            }
            if is_whole {
                parser.line(line, &mut tables)
            } else {
                parser.last_line(line, &mut tables)
            }
        })?;
        parser.finish()?;
        bar.note("storing");
        let seen = parser.tables();
        let names = seen.iter().map(|(name, facts)| (name.as_str(), facts.rows));
        refuse(&postgresql::shown(&args.dump), tables.refusal(names))?;
        let (imported, facts) = tables.finish(later(session.now, started))?;
        let summary = Summary {
            site: session.site.name.clone(),
            lines: parser.lines(),
            rows: seen.values().map(|facts| facts.rows).sum(),
            ignored: ignored(&parser),
            padding_bytes,
            seconds: started.elapsed().as_secs_f64(),
            dry_run: false,
            imported,
            facts,
        };
        if let Some(run) = run {
            record(transaction, session, (run, started), &summary)?;
        }
        Ok(summary)
    })
}

fn refuse(dump: &Path, refusal: Option<String>) -> Result<(), AdminError> {
    match refusal {
        Some(problem) => Err(AdminError::NotThisDump {
            path: dump.to_owned(),
            problem,
        }),
        None => Ok(()),
    }
}

fn ignored(parser: &Parser) -> Vec<(String, u64)> {
    let tables = parser.tables().iter();
    tables
        .filter(|(name, facts)| !is_taken_over(name) && facts.rows > 0)
        .map(|(name, facts)| (name.clone(), facts.rows))
        .collect()
}

fn record(
    transaction: &Transaction<'_>,
    session: &Session,
    (run, started): (RunId, Instant),
    summary: &Summary,
) -> Result<(), DbError> {
    let ImportCounts {
        mirrors,
        files,
        pairs,
        hashes,
        ..
    } = &summary.imported;
    let DumpSummary { version, .. } = &summary.facts;
    let version = version.as_deref().unwrap_or("of unknown version");
    let done = RunEnd {
        at: later(session.now, started),
        outcome: RunOutcome::Ok,
        counts: RunCounts::of(&summary.counts()),
        error: String::new(),
        note: String::new(),
    };
    end(transaction, run, &done)?;
    let what = format!(
        "imported from MirrorBrain {version}: {mirrors} mirrors, {files} files, {pairs} pairs, \
         {hashes} hashes"
    );
    session.event(transaction, None, &what)
}
