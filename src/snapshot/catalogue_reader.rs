//! Reads the catalogue by the cheapest way: the changes, the file beside the database, all rows.

use std::time::Instant;

use super::known_catalogue::KnownCatalogue;
use super::known_files::KnownFiles;
use super::table_file::{OpenTable, TableFileError, table_path};
use crate::db::DbError;
use crate::db::change::{CatalogueMark, changed_since, mark};
use crate::db::open::Reader;

/// Brings the catalogue up to date. The file beside the database is read in a thread of its own,
/// while this one does other work on the same moment of the database.
///
/// # Errors
/// Returns the error of the other work, or [`DbError`] if the catalogue cannot be read.
pub(super) fn bring_up_to_date(
    reader: &Reader,
    before: Option<&KnownCatalogue>,
    meanwhile: impl FnOnce() -> Result<(), DbError>,
) -> Result<KnownCatalogue, DbError> {
    let now = mark(reader)?;
    let caught_up = match before {
        Some(files) if files.mark == now => Some(files.clone()),
        Some(files) => changed_since(reader, files.mark, files.room())?
            .map(|changed| files.changed(now, &changed)),
        None => None,
    };
    if let Some(files) = caught_up {
        meanwhile()?;
        return Ok(files);
    }
    let began = Instant::now();
    let table = OpenTable::open(reader);
    let read = std::thread::scope(|scope| {
        let reading = match table {
            Ok(table) => {
                let thread = std::thread::Builder::new().name("catalogue".to_owned());
                let read = move || table.read(now);
                thread.spawn_scoped(scope, read).map_err(|problem| {
                    let path = table_path(reader.path());
                    TableFileError::File { path, problem }
                })
            }
            Err(error) => Err(error),
        };
        meanwhile()?;
        Ok(reading.and_then(|thread| match thread.join() {
            Ok(read) => read,
            Err(panic) => std::panic::resume_unwind(panic),
        }))
    })?;
    match read {
        Ok(files) => {
            log::info!(
                "catalogue read from the file beside the database: database={} changes={} \
                 took_ms={}",
                reader.path().display(),
                files.changes(),
                began.elapsed().as_millis()
            );
            Ok(files)
        }
        Err(reason) => read_from_database(reader, now, reason),
    }
}

/// Reads the whole catalogue from the database, because the file beside it may not be used.
fn read_from_database(
    reader: &Reader,
    now: CatalogueMark,
    reason: TableFileError,
) -> Result<KnownCatalogue, DbError> {
    match reason {
        TableFileError::Db(error) => return Err(error),
        TableFileError::Absent { .. } | TableFileError::Unfit { .. } => {
            log::info!("the catalogue is read from the database itself: reason=\"{reason}\"");
        }
        _ => log::warn!("the catalogue is read from the database itself: reason=\"{reason}\""),
    }
    let began = Instant::now();
    let files = KnownFiles::load(reader, fastrand::u64(..))?;
    log::info!(
        "catalogue read from the database: database={} files={} took_ms={}",
        reader.path().display(),
        files.len(),
        began.elapsed().as_millis()
    );
    Ok(KnownCatalogue::new(now, files))
}
