//! Runs `restore`: replaces the site's database by a copy.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::json;

use super::backup::{check_room, remove, take_lock};
use super::destination::{refused, with_end};
use crate::admin::args::RestoreArgs;
use crate::admin::error::AdminError;
use crate::admin::session::Session;
use crate::db::copy::lineage::Lineage;
use crate::db::copy::moment::Moment;
use crate::db::copy::replacement::Replacement;
use crate::db::{event, open_reader};
use crate::program::exit::Exit;
use crate::program::lock::{Lock, writers};

/// Puts the copy in place.
///
/// # Errors
/// [`AdminError::CopyFile`] or [`AdminError::UnusableCopy`] for a file that is no whole copy of the
/// database, [`AdminError::InUse`] while another program writes it, [`AdminError::Db`]; the
/// database is as it was then.
pub fn restore(session: &mut Session, args: &RestoreArgs) -> Result<Exit, AdminError> {
    let started = Instant::now();
    let database = session.site.database.clone();
    let copy = open(session, args)?;
    let kept = free_name(&database, session);
    let _locks = take_locks(session, &database)?;
    check_room(&copy, &database)?;
    let is_kept = if args.flags.dry_run {
        database.exists()
    } else {
        put(session, &copy, (&args.file, &kept))?
    };
    let kept = is_kept.then_some(kept);
    if args.flags.json {
        let value = json!({
            "file": args.file.to_string_lossy(),
            "database": database.to_string_lossy(),
            "database_id": copy.lineage().map(Lineage::database_id),
            "kept": kept.as_ref().map(|path| path.to_string_lossy()),
            "bytes": copy.bytes(),
            "seconds": started.elapsed().as_secs_f64(),
            "dry_run": args.flags.dry_run,
        });
        session.console.json(&value)?;
        return Ok(Exit::Ok);
    }
    let [file, database] = [&args.file, &database].map(|path| path.display());
    let (would, is) = match args.flags.dry_run {
        true => ("would be ", "would be"),
        false => ("is ", "is"),
    };
    session
        .console
        .line(format!("{database} {would}restored from {file}."))?;
    if let Some(kept) = kept {
        let kept = kept.display();
        session
            .console
            .line(format!("What was there before {is} kept as {kept}."))?;
    }
    Ok(Exit::Ok)
}

/// Opens the copy and finds out whether it is a whole one of this database.
fn open(session: &Session, args: &RestoreArgs) -> Result<Moment, AdminError> {
    let file = &args.file;
    let refused = |problem: &str| Err(refused(file, problem));
    if file == Path::new("-") {
        return refused("a copy cannot be read from standard input; name a file");
    }
    let found = match std::fs::metadata(file) {
        Ok(found) => found,
        Err(error) => return refused(&format!("{error}; name a copy by `heliostat backup`")),
    };
    if !found.is_file() {
        return refused("it is not a regular file; name a copy by `heliostat backup`");
    }
    let database = &session.site.database;
    let identity = |file: &std::fs::Metadata| (file.dev(), file.ino());
    if std::fs::metadata(database).is_ok_and(|there| identity(&there) == identity(&found)) {
        return refused("it is the database itself; name a copy of it");
    }
    let unusable = |source| AdminError::UnusableCopy {
        file: file.clone(),
        source,
    };
    let copy = Moment::open(file).map_err(unusable)?;
    copy.check().map_err(unusable)?;
    let theirs = open_reader(database).and_then(|reader| reader.lineage());
    let is_of_another = match (copy.lineage(), theirs) {
        (Some(copied), Ok(theirs)) => !copied.is_of_database(theirs),
        // A database that cannot be read is what is to be replaced.
        _ => false,
    };
    if is_of_another && !args.force {
        return refused(&format!(
            "it is a copy of another database than {}; --force restores it all the same",
            database.display()
        ));
    }
    Ok(copy)
}

/// Keeps all programs that write for long out. An edit that comes meanwhile waits for SQLite's lock
/// and finds the new content, or is refused.
fn take_locks(session: &Session, database: &Path) -> Result<Vec<Lock>, AdminError> {
    let names = writers(database).map_err(|source| AdminError::File {
        doing: "look for the locks of",
        path: database.to_owned(),
        source,
    })?;
    let taken = names.iter().map(|name| take_lock(database, name, session));
    taken.collect()
}

fn put(session: &Session, copy: &Moment, (file, kept): (&Path, &Path)) -> Result<bool, AdminError> {
    let database = &session.site.database;
    let temporary = with_end(database, ".restore.tmp");
    remove(&temporary)?;
    let bar = session.progress.bytes_bar("restoring", copy.bytes() * 2);
    let what = format!("restored the database from {}", file.display());
    let prepared = Replacement::prepare(
        copy,
        &temporary,
        |transaction| event::record(transaction, session.now, &session.actor, None, &what),
        &mut |done| bar.set(done),
    );
    let put = prepared.and_then(|replacement| {
        replacement.put(database, kept, &mut |done| bar.set(copy.bytes() + done))
    });
    remove(&temporary)?;
    Ok(put?)
}

/// A name with the date, beside the database.
fn free_name(database: &Path, session: &Session) -> PathBuf {
    let date = session.now.to_string().replace(':', "");
    let name = |number: u32| match number {
        0 => with_end(database, &format!(".before-{date}")),
        _ => with_end(database, &format!(".before-{date}-{number}")),
    };
    let mut numbers = (0..).map(name);
    numbers
        .find(|path| path.symlink_metadata().is_err())
        .unwrap_or_else(|| name(0))
}
