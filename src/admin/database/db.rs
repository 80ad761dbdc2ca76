//! Runs `db` and `vacuum`.

use serde_json::{Value, json};

use super::shell;
use crate::admin::args::{DbAction, DbArgs, VacuumFlags};
use crate::admin::error::AdminError;
use crate::admin::session::Session;
use crate::db::open::Queryable;
use crate::db::upkeep::{DatabaseRoom, room, table_sizes};
use crate::db::{catalogue, content, hash, mirror};
use crate::domain::file::FileId;
use crate::program::exit::Exit;
use roaring::RoaringBitmap;

/// With less free room than this, the database is not rewritten: the next scan uses the room.
const WORTHWHILE_BYTES: u64 = 1024 * 1024;

/// Of so many bytes of the database, one must be free.
const WORTHWHILE_SHARE: u64 = 10;

const MEGABYTE: f64 = 1024.0 * 1024.0;

/// Runs an action on the database file.
///
/// # Errors
/// Returns [`AdminError::Db`] if the database cannot be read or written, and
/// [`AdminError::Program`] if there is no `sqlite3`.
pub fn db(session: &mut Session, args: &DbArgs) -> Result<Exit, AdminError> {
    match args.action {
        DbAction::Vacuum => vacuum(session, args.flags),
        DbAction::Sizes => sizes(session, args.flags),
        DbAction::Shell => shell::shell(&session.site.database),
    }
}

/// Counts of what is in the database.
struct Inventory {
    files: u64,
    /// Neither in this version nor in another one.
    on_no_mirror: u64,
    hashes_of_no_file: u64,
    room: DatabaseRoom,
}

impl Inventory {
    fn read(database: &impl Queryable) -> Result<Inventory, AdminError> {
        let mut held = RoaringBitmap::new();
        for mirror in mirror::all(database)? {
            held |= content::current(database, mirror.id)?;
        }
        let (mut files, mut on_no_mirror) = (0, 0);
        catalogue::for_each(database, b"", |_, file| {
            let FileId(id) = file.id;
            files += 1;
            on_no_mirror += u64::from(!held.contains(id));
        })?;
        Ok(Inventory {
            files,
            on_no_mirror,
            hashes_of_no_file: hash::count_orphans(database)?,
            room: room(database)?,
        })
    }

    fn is_worthwhile(&self) -> bool {
        let free = self.room.free_bytes;
        free >= WORTHWHILE_BYTES && free.saturating_mul(WORTHWHILE_SHARE) >= self.room.bytes
    }
}

/// Removes hashes of files that are gone, and gives free room back to the disk if there is much.
///
/// # Errors
/// Returns [`AdminError::Db`] if the database cannot be read or written.
pub fn vacuum(session: &mut Session, flags: VacuumFlags) -> Result<Exit, AdminError> {
    let before = Inventory::read(&session.reader()?)?;
    let says = flags.quiet == 0 && !flags.json;
    if says {
        let (files, stale) = (before.files, before.on_no_mirror);
        let hashes = before.hashes_of_no_file;
        for line in [
            format!("Total files:                     {files:>10}"),
            format!("Files that are on no mirror:     {stale:>10}"),
            format!("Hashes of files that are gone:   {hashes:>10}"),
            room_line(before.room),
        ] {
            session.console.line(line)?;
        }
    }
    let (is_vacuumed, room) = match flags.dry_run {
        true => (before.is_worthwhile(), before.room),
        false => shrink(session, &before)?,
    };
    if flags.json {
        session.console.json(&json!({
            "files": before.files,
            "files_on_no_mirror": before.on_no_mirror,
            "hashes_of_no_file": before.hashes_of_no_file,
            "bytes": room.bytes,
            "free_bytes": room.free_bytes,
            "is_vacuumed": is_vacuumed,
            "dry_run": flags.dry_run,
        }))?;
    }
    if says {
        session.console.line(match (flags.dry_run, is_vacuumed) {
            (true, true) => "The free room would be given back.".to_owned(),
            (true, false) => "There is too little free room to be given back.".to_owned(),
            (false, true) => format!("Done. {}", room_line(room)),
            (false, false) => "Done. The free room is kept for the next scans.".to_owned(),
        })?;
    }
    Ok(Exit::Ok)
}

fn room_line(room: DatabaseRoom) -> String {
    let megabytes = |bytes: u64| bytes as f64 / MEGABYTE;
    let (all, free) = (megabytes(room.bytes), megabytes(room.free_bytes));
    format!("Size: {all:.1} MB, free: {free:.1} MB")
}

/// Removes and shrinks; whether it was shrunk, and how large it is now.
fn shrink(session: &Session, before: &Inventory) -> Result<(bool, DatabaseRoom), AdminError> {
    let mut writer = session.writer()?;
    if before.hashes_of_no_file > 0 {
        writer.transaction(|transaction| {
            let removed = hash::remove_orphans(transaction)?;
            let what = format!("vacuum: {removed} hashes of files that are gone removed");
            session.event(transaction, None, &what)
        })?;
    }
    let now = Inventory {
        room: room(&writer)?,
        ..*before
    };
    if !now.is_worthwhile() {
        return Ok((false, now.room));
    }
    writer.vacuum(now.room.bytes - now.room.free_bytes)?;
    Ok((true, room(&writer)?))
}

/// Prints the size of each table and index.
fn sizes(session: &mut Session, flags: VacuumFlags) -> Result<Exit, AdminError> {
    let sizes = table_sizes(&session.reader()?)?;
    if flags.json {
        let sizes = sizes.iter();
        let sizes = sizes.map(|size| json!({ "name": size.name, "bytes": size.bytes }));
        session.console.json(&Value::Array(sizes.collect()))?;
        return Ok(Exit::Ok);
    }
    session.console.line("Size(MB) Relation")?;
    for size in &sizes {
        let megabytes = size.bytes as f64 / MEGABYTE;
        session
            .console
            .line(format!("{megabytes:>5.1}    {}", size.name))?;
    }
    let total: u64 = sizes.iter().map(|size| size.bytes).sum();
    session
        .console
        .line(format!("Total: {:.1}", total as f64 / MEGABYTE))?;
    Ok(Exit::Ok)
}
