//! Runs `file`, and `file ls`: shows which mirrors have a file.

use std::os::unix::ffi::OsStrExt;

use serde_json::{Value, json};

use super::file_change;
use super::file_sample::{self, FileQuestion, FileSample};
use super::found_file::{found_files, is_pattern};
use crate::admin::args::{FileAction, FileArgs};
use crate::admin::error::AdminError;
use crate::admin::session::{Session, find_mirror};
use crate::db::content::{self, Content};
use crate::db::mirror::{self, MirrorRecord};
use crate::db::open::Queryable;
use crate::domain::escape::visible_line;
use crate::domain::file::FileId;
use crate::domain::order::ShortList;
use crate::domain::url::{BaseUrl, EncodedPath, without_login};
use crate::program::exit::Exit;

/// A mirror's copy of a file.
struct FileHolder {
    mirror: MirrorRecord,
    content: Content,
}

/// Shows which mirrors have a file, or the files that a pattern fits.
///
/// # Errors
/// [`AdminError::Nothing`] when the catalogue has no such file; [`AdminError::Lookup`],
/// [`AdminError::Db`].
pub fn file(session: &mut Session, args: &FileArgs) -> Result<Exit, AdminError> {
    match args.action {
        FileAction::Ls => ls(session, args),
        FileAction::Add | FileAction::Rm => file_change::change(session, args),
    }
}

fn ls(session: &mut Session, args: &FileArgs) -> Result<Exit, AdminError> {
    let reader = session.reader()?;
    let holders = holders(&reader, args.mirror.as_deref())?;
    let written = args.path.as_bytes();
    let files = found_files(&reader, written)?;
    let mut held = Vec::new();
    for (path, id) in &files {
        for (holder, is_outdated) in having(&holders, *id) {
            held.push(HeldFile {
                path,
                holder,
                is_outdated,
                sample: None,
            });
        }
    }
    if args.probe || args.md5 {
        look(session, args, &mut held)?;
    }
    if args.flags.json {
        let values = held.iter().map(json).collect();
        session.console.json(&Value::Array(values))?;
    } else {
        // A name may have a wildcard's character in it.
        let bare = written.strip_prefix(b"/").unwrap_or(written);
        let is_exact = files.iter().any(|(path, _)| path == bare);
        let is_pattern = is_pattern(written) && !is_exact;
        for file in &held {
            session.console.line(row(args, file, is_pattern))?;
        }
    }
    if held.is_empty() {
        log::warn!("no mirror has '{}'", written.escape_ascii());
    }
    Ok(Exit::Ok)
}

/// A mirror that has a file.
struct HeldFile<'a> {
    path: &'a [u8],
    holder: &'a FileHolder,
    is_outdated: bool,
    /// The mirror's answer, if it was asked.
    sample: Option<FileSample>,
}

/// Asks each mirror for its file.
fn look(session: &Session, args: &FileArgs, held: &mut [HeldFile<'_>]) -> Result<(), AdminError> {
    let questions: Vec<FileQuestion> = held
        .iter()
        .map(|file| FileQuestion {
            base_url: file.holder.mirror.base_url.clone(),
            path: file.path.to_vec(),
        })
        .collect();
    let samples = file_sample::ask(session, &questions, args.md5)?;
    for (file, sample) in held.iter_mut().zip(samples) {
        if let Some(problem) = &sample.problem {
            log::warn!("{}: {problem}", file.holder.mirror.identifier);
        }
        file.sample = Some(sample);
    }
    Ok(())
}

/// The mirrors that have a file, then those with another version of it.
fn having(holders: &[FileHolder], id: FileId) -> Vec<(&FileHolder, bool)> {
    let current = holders.iter().filter(|h| h.content.current.contains(id.0));
    let outdated = holders.iter().filter(|h| h.content.outdated.contains(id.0));
    let current = current.map(|holder| (holder, false));
    current
        .chain(outdated.map(|holder| (holder, true)))
        .collect()
}

fn json(file: &HeldFile<'_>) -> Value {
    let mirror = &file.holder.mirror;
    let sample = file.sample.as_ref();
    json!({
        "path": String::from_utf8_lossy(file.path),
        "mirror": mirror.identifier,
        "region": mirror.region,
        "country": mirror.country,
        "score": mirror.score,
        "enabled": mirror.enabled,
        "alive": mirror.alive,
        "outdated": file.is_outdated,
        "url": url(file.holder, file.path),
        "status": sample.and_then(|sample| sample.status),
        "md5": sample.and_then(|sample| sample.md5.as_deref()),
    })
}

/// The mirrors with what they have, in `mb`'s order: region, country, then the higher score.
fn holders(database: &impl Queryable, only: Option<&str>) -> Result<Vec<FileHolder>, AdminError> {
    let mut mirrors = match only {
        Some(wanted) => vec![find_mirror(database, wanted)?],
        None => mirror::all(database)?,
    };
    mirrors.order_by(|a, b| {
        let key = |m: &MirrorRecord| (m.region.clone(), m.country.clone(), -m.score);
        key(a).cmp(&key(b)).then(a.identifier.cmp(&b.identifier))
    });
    let mut holders = Vec::new();
    for mirror in mirrors {
        if let Some(published) = content::load(database, mirror.id)? {
            holders.push(FileHolder {
                mirror,
                content: published.content,
            });
        }
    }
    Ok(holders)
}

/// The URL of a file at a mirror; empty when the mirror has none for clients.
fn url(holder: &FileHolder, path: &[u8]) -> String {
    let mut url = Vec::new();
    if let Ok(base) = BaseUrl::parse(&without_login(&holder.mirror.base_url)) {
        base.file_url_into(&mut url, &EncodedPath::new(path, std::iter::once(&base)));
    }
    String::from_utf8_lossy(&url).into_owned()
}

fn row(args: &FileArgs, file: &HeldFile<'_>, is_pattern: bool) -> String {
    let mirror = &file.holder.mirror;
    let mut columns = vec![format!(
        "{:<2} {:<2} {:>4} {:<8} {:<4} {:<30}",
        mirror.region,
        mirror.country,
        mirror.score,
        if mirror.enabled { "ok" } else { "disabled" },
        if mirror.alive { "ok" } else { "dead" },
        mirror.identifier,
    )];
    if let Some(sample) = &file.sample {
        let status = sample
            .status
            .map_or(String::new(), |status| status.to_string());
        columns.push(format!("{status:>3}"));
        if args.md5 {
            columns.push(format!("{:<32}", sample.md5.as_deref().unwrap_or_default()));
        }
    }
    // The URL, or the file when there may be several.
    match (args.url, is_pattern) {
        (true, _) => columns.push(url(file.holder, file.path)),
        (false, true) => columns.push(visible_line(file.path)),
        (false, false) => {}
    }
    let text = columns.join(" ");
    let state = if file.is_outdated { "outdated" } else { "" };
    format!("{} {state}", text.trim_end()).trim_end().to_owned()
}
