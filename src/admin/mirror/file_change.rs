//! Runs `file add` and `file rm`: says of a mirror that it has files, or not.

use std::os::unix::ffi::OsStrExt;

use roaring::RoaringBitmap;

use super::found_file::found_files;
use super::outcome::ChangeOutcome;
use crate::admin::args::{FileAction, FileArgs};
use crate::admin::error::AdminError;
use crate::admin::session::{Session, find_mirror};
use crate::db::content::{self, Content, ContentOrigin};
use crate::db::import::in_transaction;
use crate::db::mirror::MirrorRecord;
use crate::db::open::Queryable;
use crate::db::open_reader;
use crate::domain::time::Timestamp;
use crate::program::exit::Exit;

/// Adds files to what is known of a mirror, or removes them; its next scan has the last word.
///
/// The content is published as one of a new generation, so that `rollback` undoes it, and a scan
/// reads every directory again.
///
/// # Errors
/// Returns [`AdminError::Nothing`] if the catalogue has no such file, [`AdminError::Refused`] if
/// the mirror has no list of files, [`AdminError::Lookup`] and [`AdminError::Db`].
pub fn change(session: &mut Session, args: &FileArgs) -> Result<Exit, AdminError> {
    let is_dry = args.flags.dry_run;
    let (mirror, count) = if is_dry {
        let reader = open_reader(&session.site.database)?;
        let (mirror, _, count) = changed(&reader, args, session.now)?;
        (mirror, count)
    } else {
        in_transaction(&mut session.writer()?, |transaction| {
            let (mirror, (content, origin), count) = changed(transaction, args, session.now)?;
            if count > 0 {
                content::publish(transaction, mirror.id, &content, &origin)?;
                session.event(transaction, Some(mirror.id), &what(args, count))?;
            }
            Ok::<_, AdminError>((mirror, count))
        })?
    };
    let name = mirror.identifier;
    let line = match count {
        0 => format!("{name}: nothing changes."),
        _ => format!("{name}: {}.", what(args, count)),
    };
    let outcome = ChangeOutcome {
        mirror: name,
        what: (count > 0).then(|| what(args, count)),
        line,
    };
    outcome.say(session, args.flags)?;
    Ok(Exit::Ok)
}

/// The line for the events.
fn what(args: &FileArgs, count: u64) -> String {
    let path = args.path.as_bytes().escape_ascii();
    let action = match args.action {
        FileAction::Rm => "file rm",
        FileAction::Add | FileAction::Ls => "file add",
    };
    match count {
        1 => format!("{action} {path}"),
        _ => format!("{action} {path} ({count} files)"),
    }
}

type NewContent = (Content, ContentOrigin);

/// The mirror, what it has then, and how many files that changes.
fn changed(
    database: &impl Queryable,
    args: &FileArgs,
    now: Timestamp,
) -> Result<(MirrorRecord, NewContent, u64), AdminError> {
    let wanted = args.mirror.as_deref().unwrap_or_default();
    let mirror = find_mirror(database, wanted)?;
    if mirror.is_never_scanned() {
        return Err(AdminError::Refused(format!(
            "{} has no list of files: it counts as having all of them",
            mirror.identifier
        )));
    }
    let files = found_files(database, args.path.as_bytes())?;
    let ids: RoaringBitmap = files.iter().map(|(_, id)| id.0).collect();
    let published = content::load(database, mirror.id)?;
    let (mut content, origin) = match published {
        Some(published) => (published.content, published.origin),
        None => {
            let by = "file add".to_owned();
            let origin = ContentOrigin {
                at: now,
                by,
                unknown_files: 0,
            };
            (Content::default(), origin)
        }
    };
    let before = content.clone();
    match args.action {
        FileAction::Rm => content.current -= &ids,
        FileAction::Add | FileAction::Ls => content.current |= &ids,
    }
    content.outdated -= &ids;
    let current = (&content.current ^ &before.current).len();
    let count = current.max((&content.outdated ^ &before.outdated).len());
    Ok((mirror, (content, origin), count))
}
