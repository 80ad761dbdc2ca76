//! Runs `enable`, `disable`, `score`, `rename`, `delete`, `commentadd`, `rollback`.

use serde_json::json;

use super::new::refuse_known;
use super::outcome::{ChangeOutcome, rehearsed};
use crate::admin::args::{
    ChangeFlags, CommentArgs, DeleteArgs, EnableArgs, OneArgs, RenameArgs, ScoreArgs,
};
use crate::admin::error::AdminError;
use crate::admin::session::{Session, find_exactly, find_mirror};
use crate::db::content::{self, PublishedContent};
use crate::db::import::in_transaction;
use crate::db::mirror::{self, MirrorRecord};
use crate::db::{DbError, Reader, open_reader};
use crate::domain::mirror::{MirrorKind, value};
use crate::program::exit::Exit;

/// Changes one mirror and records it: `change` returns the line for the events, or nothing when
/// nothing changes; so does this. A rehearsal only reads.
fn change(
    session: &Session,
    (wanted, flags): (&str, ChangeFlags),
    change: impl FnOnce(&mut MirrorRecord) -> Result<Option<String>, AdminError>,
) -> Result<(MirrorRecord, Option<String>), AdminError> {
    if flags.dry_run {
        let mut record = find_mirror(&open_reader(&session.site.database)?, wanted)?;
        let what = change(&mut record)?;
        return Ok((record, what));
    }
    in_transaction(&mut session.writer()?, |transaction| {
        let mut record = find_mirror(transaction, wanted)?;
        let what = change(&mut record)?;
        if let Some(what) = &what {
            mirror::update(transaction, &record)?;
            session.event(transaction, Some(record.id), what)?;
        }
        Ok((record, what))
    })
}

/// Lets a mirror have clients.
///
/// # Errors
/// Returns [`AdminError::Lookup`] if the name means no mirror or several mirrors, and
/// [`AdminError::Db`] if the database cannot be read or written.
pub fn enable(session: &mut Session, args: &EnableArgs) -> Result<Exit, AdminError> {
    let wanted = (args.identifier.as_str(), args.flags);
    let (record, what) = change(session, wanted, |record| {
        let alive = record.alive || args.alive;
        let same = record.enabled && record.alive == alive;
        (record.enabled, record.alive) = (true, alive);
        let what = if args.alive {
            "enabled, taken for answering"
        } else {
            "enabled"
        };
        Ok((!same).then(|| what.to_owned()))
    })?;
    let name = &record.identifier;
    let looks = match record.is_never_scanned() {
        false => format!("heliostat scan -e {name}"),
        true => format!("heliostat-probe {name}"),
    };
    let line = match record.alive {
        true => format!("{name}: enabled."),
        false => format!(
            "{name}: enabled, but it has no clients before it was found answering: \
             `{looks}` looks, `heliostat enable --alive {name}` believes it."
        ),
    };
    said(session, args.flags, name, (what, line))
}

/// Prints the change of a mirror.
fn said(
    session: &mut Session,
    flags: ChangeFlags,
    mirror: &str,
    (what, line): (Option<String>, String),
) -> Result<Exit, AdminError> {
    let mirror = mirror.to_owned();
    ChangeOutcome { mirror, what, line }.say(session, flags)?;
    Ok(Exit::Ok)
}

/// Sends no client to a mirror; as in MirrorBrain it also counts as not answering from now on.
///
/// # Errors
/// Returns [`AdminError::Lookup`] if the name means no mirror or several mirrors, and
/// [`AdminError::Db`] if the database cannot be read or written.
pub fn disable(session: &mut Session, args: &OneArgs) -> Result<Exit, AdminError> {
    let wanted = (args.identifier.as_str(), args.flags);
    let (record, what) = change(session, wanted, |record| {
        let same = !record.enabled && !record.alive;
        (record.enabled, record.alive) = (false, false);
        Ok((!same).then(|| "disabled".to_owned()))
    })?;
    let line = format!("{}: disabled.", record.identifier);
    said(session, args.flags, &record.identifier, (what, line))
}

/// Shows or sets a score.
///
/// # Errors
/// Returns [`AdminError::Value`] if a value cannot be used, [`AdminError::Lookup`] if the name
/// means no mirror or several mirrors, and [`AdminError::Db`] if the database cannot be read or
/// written.
pub fn score(session: &mut Session, args: &ScoreArgs) -> Result<Exit, AdminError> {
    let flags = args.flags;
    let Some(text) = &args.score else {
        let record = find_mirror(&session.reader()?, &args.identifier)?;
        let line = record.score.to_string();
        return say_score(session, flags, &record, (record.score, line));
    };
    let score = value::score(text).map_err(|problem| AdminError::Value {
        key: "score".to_owned(),
        problem: problem.into(),
    })?;
    let mut old = score;
    let (record, _) = change(session, (&args.identifier, flags), |record| {
        old = std::mem::replace(&mut record.score, score);
        Ok((old != score).then(|| format!("score {old} -> {score}")))
    })?;
    let line = format!("Changing score for {}: {old} -> {score}", record.identifier);
    let line = rehearsed(&line, flags);
    say_score(session, flags, &record, (old, line))
}

fn say_score(
    session: &mut Session,
    flags: ChangeFlags,
    record: &MirrorRecord,
    (before, line): (i64, String),
) -> Result<Exit, AdminError> {
    match flags.json {
        true => session.console.json(&json!({
            "mirror": record.identifier,
            "score": record.score,
            "before": before,
            "changed": record.score != before,
            "dry_run": flags.dry_run,
        }))?,
        false => session.console.line(line)?,
    }
    Ok(Exit::Ok)
}

/// Gives a mirror another name.
///
/// # Errors
/// [`AdminError::Value`], [`AdminError::Lookup`], [`AdminError::Db`],
/// also when the name is taken.
pub fn rename(session: &mut Session, args: &RenameArgs) -> Result<Exit, AdminError> {
    let new = value::identifier(&args.new).map_err(|problem| AdminError::Value {
        key: "identifier".to_owned(),
        problem: problem.into(),
    })?;
    let mut old = String::new();
    let wanted = (args.identifier.as_str(), args.flags);
    let (_, what) = change(session, wanted, |record| {
        old = std::mem::replace(&mut record.identifier, new.clone());
        Ok((old != new).then(|| format!("renamed {old} -> {new}")))
    })?;
    if args.flags.dry_run && what.is_some() {
        refuse_known(&open_reader(&session.site.database)?, &new)?;
    }
    let line = format!("{old}: renamed to {new}.");
    said(session, args.flags, &old, (what, line))
}

/// Removes a mirror and what is known of its files.
///
/// # Errors
/// [`AdminError::Refused`], [`AdminError::Db`], also when no mirror has exactly that name.
pub fn delete(session: &mut Session, args: &DeleteArgs) -> Result<Exit, AdminError> {
    let name = &args.identifier;
    let reader = reader(session, args.flags)?;
    let record = find_exactly(&reader, name)?;
    let files = content::load(&reader, record.id)?;
    drop(reader);
    let files = files.map_or(0, |published| published.content.current.len());
    let what = format!("deleted {name} ({files} files)");
    let line = format!("{name}: deleted.");
    if args.flags.dry_run {
        return said(session, args.flags, name, (Some(what), line));
    }
    if !args.yes {
        if !session.console.is_attended() {
            return Err(AdminError::Refused(format!(
                "{name} is not removed: nobody is here to be asked; --yes removes it"
            )));
        }
        let question = format!("Remove {name} and what is known of its {files} files? [y/n]");
        if session.console.ask(&question, &['y', 'n'])? != Some('y') {
            return Err(AdminError::Refused(format!("{name} is not removed")));
        }
    }
    session.writer()?.transaction(|transaction| {
        let record = mirror::find(transaction, name)?;
        mirror::delete(transaction, record.id)?;
        session.event(transaction, Some(record.id), &what)
    })?;
    said(session, args.flags, name, (Some(what), line))
}

/// A rehearsal leaves a database of an older schema as it is.
fn reader(session: &Session, flags: ChangeFlags) -> Result<Reader, AdminError> {
    match flags.dry_run {
        true => Ok(open_reader(&session.site.database)?),
        false => session.reader(),
    }
}

/// Appends to a comment.
///
/// # Errors
/// Returns [`AdminError::Lookup`] if the name means no mirror or several mirrors, and
/// [`AdminError::Db`] if the database cannot be read or written.
pub fn add_comment(session: &mut Session, args: &CommentArgs) -> Result<Exit, AdminError> {
    let wanted = (args.identifier.as_str(), args.flags);
    let (record, what) = change(session, wanted, |record| {
        record.append_comment(&args.comment);
        Ok(Some("comment added".to_owned()))
    })?;
    let line = format!("{}: comment added.", record.identifier);
    said(session, args.flags, &record.identifier, (what, line))
}

/// Goes back to what a mirror had before its last scan; a second time goes forth again.
///
/// # Errors
/// Returns [`AdminError::Nothing`] if nothing of the kind exists, [`AdminError::Lookup`] if the
/// name means no mirror or several mirrors, and [`AdminError::Db`] if the database cannot be read
/// or written.
pub fn rollback(session: &mut Session, args: &OneArgs) -> Result<Exit, AdminError> {
    let flags = args.flags;
    let record = find_mirror(&reader(session, flags)?, &args.identifier)?;
    let name = &record.identifier;
    let went = |published: Option<PublishedContent>| {
        let published = published.ok_or_else(|| DbError::NoSuchMirror(name.clone()))?;
        let origin = &published.origin;
        let files = published.content.current.len();
        Ok::<_, DbError>(format!(
            "rolled back to {files} files of {} by {}",
            origin.at, origin.by
        ))
    };
    let done = if flags.dry_run {
        let previous = content::previous(&reader(session, flags)?, record.id)?;
        previous.map(|previous| went(Some(previous))).transpose()?
    } else {
        session.writer()?.transaction(|transaction| {
            if !content::rollback(transaction, record.id)? {
                return Ok(None);
            }
            let what = went(content::load(transaction, record.id)?)?;
            session.event(transaction, Some(record.id), &what)?;
            Ok(Some(what))
        })?
    };
    let Some(what) = done else {
        let why = match record.kind {
            MirrorKind::Mirror => "nothing is known of an earlier scan",
            MirrorKind::Cache => "a cache is never scanned",
        };
        return Err(AdminError::Nothing(format!("{name} cannot go back: {why}")));
    };
    let line = format!("{name}: {what}.");
    said(session, flags, name, (Some(what), line))
}
