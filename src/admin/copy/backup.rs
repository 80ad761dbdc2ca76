//! Runs `backup`: copies the site's database while everything goes on.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::json;
use xxhash_rust::xxh3::xxh3_64;

use super::destination::{destination, with_end};
use crate::admin::args::BackupArgs;
use crate::admin::error::AdminError;
use crate::admin::session::Session;
use crate::db::check_there;
use crate::db::copy::moment::{Moment, give_name, remove_unfinished};
use crate::program::exit::Exit;
use crate::program::lock::{Lock, LockError};
use crate::system::free_bytes;

/// Copies the database to the file.
///
/// # Errors
/// [`AdminError::CopyFile`] for a file that must stay, [`AdminError::InUse`] while another backup
/// runs, [`AdminError::Db`], [`AdminError::File`]; the file is as it was then.
pub fn backup(session: &mut Session, args: &BackupArgs) -> Result<Exit, AdminError> {
    let started = Instant::now();
    let file = destination(session, &args.file)?;
    let database = session.site.database.clone();
    let moment = if args.flags.dry_run {
        let moment = Moment::open(&database)?;
        check_room(&moment, &file)?;
        moment
    } else {
        // No folder of locks is made for a database that is not there.
        check_there(&database)?;
        let _lock = take_lock(&database, "backup", session)?;
        let temporary = temporary(&file, &database);
        remove(&temporary)?;
        let moment = Moment::open(&database)?;
        check_room(&moment, &file)?;
        write(session, &moment, &temporary, &file)?;
        moment
    };
    let bytes = moment.bytes();
    let seconds = started.elapsed().as_secs_f64();
    if args.flags.json {
        let value = json!({
            "file": file.to_string_lossy(),
            "database": database.to_string_lossy(),
            "database_id": moment.lineage().map(|lineage| lineage.database_id()),
            "bytes": bytes,
            "seconds": seconds,
            "dry_run": args.flags.dry_run,
        });
        session.console.json(&value)?;
        return Ok(Exit::Ok);
    }
    let [file, database] = [&file, &database].map(|path| path.display());
    session.console.line(if args.flags.dry_run {
        format!("{database} would be copied to {file}: {bytes} bytes.")
    } else {
        format!("{database} is copied to {file}: {bytes} bytes, {seconds:.1} s, checked.")
    })?;
    Ok(Exit::Ok)
}

/// Path of the copy until it is whole: always the same name for a file and a database, so that the
/// next backup removes what a killed one left.
fn temporary(file: &Path, database: &Path) -> PathBuf {
    let database = std::fs::canonicalize(database).unwrap_or_else(|_| database.to_owned());
    let number = xxh3_64(database.as_os_str().as_encoded_bytes());
    with_end(file, &format!(".{number:016x}.tmp"))
}

fn write(
    session: &Session,
    moment: &Moment,
    temporary: &Path,
    file: &Path,
) -> Result<(), AdminError> {
    let bar = session.progress.bytes_bar("copying", moment.bytes());
    let written = moment.write_copy(temporary, &mut |done| bar.set(done));
    let placed = written.map_err(AdminError::from).and_then(|()| {
        give_name(temporary, file).map_err(|source| AdminError::File {
            doing: "replace",
            path: file.to_owned(),
            source,
        })
    });
    if placed.is_err() {
        remove(temporary)?;
    }
    placed
}

/// Refuses a disk that has no room for the copy.
pub fn check_room(moment: &Moment, file: &Path) -> Result<(), AdminError> {
    match free_bytes(file.parent().unwrap_or(Path::new("/"))) {
        Some(bytes) if bytes < moment.bytes() => Err(AdminError::NoRoomForCopy {
            file: file.to_owned(),
            needed: moment.bytes(),
            left: bytes,
        }),
        _ => Ok(()),
    }
}

/// Removes what a backup or a restore did not finish.
pub fn remove(temporary: &Path) -> Result<(), AdminError> {
    remove_unfinished(temporary).map_err(|source| AdminError::File {
        doing: "remove the unfinished copy",
        path: temporary.to_owned(),
        source,
    })
}

/// Takes a lock of the database.
pub fn take_lock(database: &Path, name: &str, session: &Session) -> Result<Lock, AdminError> {
    Lock::take(database, name, session.now).map_err(|error| match error {
        LockError::Held(holder) => AdminError::InUse {
            database: database.to_owned(),
            holder,
        },
        LockError::File(error) => AdminError::Lock(error),
    })
}
