//! Runs `import urls`, `import mirmon` and `import mirrorbits`: adds mirrors in one transaction.

use std::collections::BTreeMap;
use std::io::{Read, stdin};
use std::path::Path;

use serde_json::json;

use super::listed::{ReadList, ReadMirror};
use super::{mirmon, mirrorbits, url_list};
use crate::admin::args::{ImportFrom, ImportListArgs};
use crate::admin::error::AdminError;
use crate::admin::import::problem::ImportProblem;
use crate::admin::session::Session;
use crate::db::mirror::{self, MirrorRecord};
use crate::db::mirror_field::Field;
use crate::domain::place::CountryCode;
use crate::domain::time::ctime;
use crate::domain::url::{mask_password, mask_passwords};
use crate::geoip::continent_of;
use crate::program::exit::Exit;
use crate::regular_file;

/// Bytes of a list: that of 16,384 mirrors with all fields has some megabytes.
const LIST_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Relation of a mirror of the list to the database.
enum Meeting {
    New,
    /// The database has it with all values of the list.
    Known,
    /// The database has it with other values: field, value there, value in the list.
    Other(Vec<(&'static str, String, String)>),
}

/// Imports a list.
///
/// # Errors
/// Returns [`AdminError::Usage`] for the first line that cannot be used; nothing is changed then.
/// Returns [`AdminError::Db`] if the database cannot be read or written.
pub(in crate::admin::import) fn import_list(
    session: &mut Session,
    from: &ImportFrom,
) -> Result<Exit, AdminError> {
    type Reader = fn(&Path, &str) -> Result<ReadList, ImportProblem>;
    let (args, read): (&ImportListArgs, Reader) = match from {
        ImportFrom::Urls(args) => (args, url_list::read),
        ImportFrom::Mirmon(args) => (args, mirmon::read),
        ImportFrom::Mirrorbits(args) => (args, mirrorbits::read),
        _ => return Ok(Exit::Usage),
    };
    let text = text_of(&args.list)?;
    let list = read(&args.list, &text).map_err(|problem| AdminError::Usage(problem.shown()))?;
    let there = known_mirrors(session)?;
    let met: Vec<(&ReadMirror, Meeting)> = list
        .mirrors
        .iter()
        .map(|listed| (listed, meet(listed, there.get(&listed.record.identifier))))
        .collect();
    if !args.flags.dry_run {
        add(session, &met)?;
    }
    match args.flags.json {
        true => say_as_json(session, args, &list, &met)?,
        false => say(session, args, &list, &met)?,
    }
    Ok(Exit::Ok)
}

fn text_of(path: &Path) -> Result<String, AdminError> {
    let unusable = |error: std::io::Error| {
        AdminError::Usage(format!(
            "{} cannot be read: {error}; name a list of mirrors, or - for standard input",
            path.display()
        ))
    };
    if path.as_os_str() != "-" {
        return regular_file::read_text(path, LIST_BYTES_MAX).map_err(unusable);
    }
    let mut text = String::new();
    stdin()
        .take(LIST_BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(unusable)?;
    Ok(text)
}

fn known_mirrors(session: &Session) -> Result<BTreeMap<String, MirrorRecord>, AdminError> {
    // The first mirror makes the database.
    if matches!(session.site.database.try_exists(), Ok(false)) {
        return Ok(BTreeMap::new());
    }
    let mirrors = mirror::all(&session.reader()?)?.into_iter();
    Ok(mirrors
        .map(|record| (record.identifier.clone(), record))
        .collect())
}

fn meet(listed: &ReadMirror, there: Option<&MirrorRecord>) -> Meeting {
    let Some(there) = there else {
        return Meeting::New;
    };
    let blank = MirrorRecord::new(&listed.record.identifier);
    let differing = Field::edited().filter_map(|field| {
        // A mirror that was enabled or disabled meanwhile does not differ by that.
        let said = field
            .value(&listed.record)
            .filter(|_| field.name != "enabled")?;
        let is_said = Some(&said) != field.value(&blank).as_ref();
        let has = field.value(there)?;
        let shown = |record: &MirrorRecord| mask_passwords(&field.shown(record));
        (is_said && has != said).then(|| (field.name, shown(there), shown(&listed.record)))
    });
    match differing.collect::<Vec<_>>() {
        none if none.is_empty() => Meeting::Known,
        some => Meeting::Other(some),
    }
}

/// Adds the new mirrors: all of them, or none.
fn add(session: &mut Session, met: &[(&ReadMirror, Meeting)]) -> Result<(), AdminError> {
    let new = met
        .iter()
        .filter(|(_, meeting)| matches!(meeting, Meeting::New));
    let new: Vec<MirrorRecord> = new.map(|(listed, _)| listed.record.clone()).collect();
    if new.is_empty() {
        return Ok(());
    }
    let mut writer = session.writer()?;
    writer.transaction(|transaction| {
        for mut record in new {
            if record.region.is_empty() {
                let code = CountryCode::parse(record.country.as_bytes());
                let region = code.and_then(continent_of);
                record.region = region.map(|code| code.to_string()).unwrap_or_default();
            }
            record.append_comment(&format!("Imported - {}", ctime(session.now)));
            let id = mirror::insert(transaction, &record)?;
            let what = format!("added {} from a list", record.identifier);
            session.event(transaction, Some(id), &what)?;
        }
        Ok(())
    })?;
    Ok(())
}

fn say(
    session: &mut Session,
    args: &ImportListArgs,
    list: &ReadList,
    met: &[(&ReadMirror, Meeting)],
) -> Result<(), AdminError> {
    let (mut added, mut known) = (0, 0);
    for (listed, meeting) in met {
        let name = &listed.record.identifier;
        match meeting {
            Meeting::New => {
                added += 1;
                let url = mask_password(&listed.record.base_url);
                session
                    .console
                    .line(format!("+ {name} {url} {}", listed.record.country))?;
            }
            Meeting::Known => known += 1,
            Meeting::Other(fields) => {
                for (field, has, said) in fields {
                    session.console.line(format!(
                        "! {name} stays as it is: {field} is '{has}', and '{said}' in {}; \
                         `heliostat edit {name}` changes it",
                        listed.spot.shown()
                    ))?;
                }
            }
        }
    }
    for note in &list.notes {
        session.console.line(format!("note: {}", note.shown()))?;
    }
    let rehearsed = if args.flags.dry_run {
        " (--dry-run: nothing is stored)"
    } else {
        ""
    };
    let other = met.len() - added - known;
    session.console.line(format!(
        "{added} added, disabled until a scan; {known} were there; {other} differ{rehearsed}"
    ))?;
    if added > 0 && !args.flags.dry_run {
        session
            .console
            .line("next: `heliostat scan -e NAME` scans one and enables it")?;
    }
    Ok(())
}

fn say_as_json(
    session: &mut Session,
    args: &ImportListArgs,
    list: &ReadList,
    met: &[(&ReadMirror, Meeting)],
) -> Result<(), AdminError> {
    let names = |is: fn(&Meeting) -> bool| -> Vec<&str> {
        let some = met.iter().filter(|(_, meeting)| is(meeting));
        some.map(|(listed, _)| listed.record.identifier.as_str())
            .collect()
    };
    let notes: Vec<String> = list.notes.iter().map(ImportProblem::shown).collect();
    session.console.json(&json!({
        "dry_run": args.flags.dry_run,
        "added": names(|meeting| matches!(meeting, Meeting::New)),
        "known": names(|meeting| matches!(meeting, Meeting::Known)),
        "differ": names(|meeting| matches!(meeting, Meeting::Other(_))),
        "notes": notes,
    }))
}
