//! Runs `enable`, `disable`, `score`, `rename`, `delete`, `commentadd`, `rollback`.

use crate::admin::args::{CommentArgs, DeleteArgs, EnableArgs, OneArgs, RenameArgs, ScoreArgs};
use crate::admin::error::AdminError;
use crate::admin::session::{Session, find_exactly, find_mirror};
use crate::db::import::in_transaction;
use crate::db::mirror::{self, MirrorRecord};
use crate::db::{DbError, content};
use crate::domain::mirror::{MirrorKind, value};
use crate::program::exit::Exit;

/// Changes one mirror and records it: `change` returns the line for the events, or nothing when
/// nothing changes.
fn change(
    session: &Session,
    wanted: &str,
    change: impl FnOnce(&mut MirrorRecord) -> Result<Option<String>, AdminError>,
) -> Result<MirrorRecord, AdminError> {
    in_transaction(&mut session.writer()?, |transaction| {
        let mut record = find_mirror(transaction, wanted)?;
        if let Some(what) = change(&mut record)? {
            mirror::update(transaction, &record)?;
            session.event(transaction, Some(record.id), &what)?;
        }
        Ok(record)
    })
}

/// Lets a mirror have clients.
///
/// # Errors
/// Returns [`AdminError::Lookup`] if the name means no mirror or several mirrors, and
/// [`AdminError::Db`] if the database cannot be read or written.
pub fn enable(session: &mut Session, args: &EnableArgs) -> Result<Exit, AdminError> {
    let record = change(session, &args.identifier, |record| {
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
    if record.alive {
        session.console.line(format!("{name}: enabled."))?;
    } else {
        let looks = match record.is_never_scanned() {
            false => format!("heliostat scan -e {name}"),
            true => format!("heliostat-probe {name}"),
        };
        session.console.line(format!(
            "{name}: enabled, but it has no clients before it was found answering: \
             `{looks}` looks, `heliostat enable --alive {name}` believes it."
        ))?;
    }
    Ok(Exit::Ok)
}

/// Sends no client to a mirror; as in MirrorBrain it also counts as not answering from now on.
///
/// # Errors
/// Returns [`AdminError::Lookup`] if the name means no mirror or several mirrors, and
/// [`AdminError::Db`] if the database cannot be read or written.
pub fn disable(session: &mut Session, args: &OneArgs) -> Result<Exit, AdminError> {
    let record = change(session, &args.identifier, |record| {
        let same = !record.enabled && !record.alive;
        (record.enabled, record.alive) = (false, false);
        Ok((!same).then(|| "disabled".to_owned()))
    })?;
    session
        .console
        .line(format!("{}: disabled.", record.identifier))?;
    Ok(Exit::Ok)
}

/// Shows or sets a score.
///
/// # Errors
/// Returns [`AdminError::Value`] if a value cannot be used, [`AdminError::Lookup`] if the name
/// means no mirror or several mirrors, and [`AdminError::Db`] if the database cannot be read or
/// written.
pub fn score(session: &mut Session, args: &ScoreArgs) -> Result<Exit, AdminError> {
    let Some(text) = &args.score else {
        let record = find_mirror(&session.reader()?, &args.identifier)?;
        session.console.line(record.score.to_string())?;
        return Ok(Exit::Ok);
    };
    let score = value::score(text).map_err(|problem| AdminError::Value {
        key: "score".to_owned(),
        problem: problem.into(),
    })?;
    let mut old = score;
    let record = change(session, &args.identifier, |record| {
        old = std::mem::replace(&mut record.score, score);
        Ok((old != score).then(|| format!("score {old} -> {score}")))
    })?;
    session.console.line(format!(
        "Changing score for {}: {old} -> {score}",
        record.identifier
    ))?;
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
    change(session, &args.identifier, |record| {
        old = std::mem::replace(&mut record.identifier, new.clone());
        Ok((old != new).then(|| format!("renamed {old} -> {new}")))
    })?;
    session.console.line(format!("{old}: renamed to {new}."))?;
    Ok(Exit::Ok)
}

/// Removes a mirror and what is known of its files.
///
/// # Errors
/// [`AdminError::Refused`], [`AdminError::Db`], also when no mirror has exactly that name.
pub fn delete(session: &mut Session, args: &DeleteArgs) -> Result<Exit, AdminError> {
    let name = &args.identifier;
    let record = find_exactly(&session.reader()?, name)?;
    let files = content::load(&session.reader()?, record.id)?;
    let files = files.map_or(0, |published| published.content.current.len());
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
        let what = format!("deleted {name} ({files} files)");
        session.event(transaction, Some(record.id), &what)
    })?;
    session.console.line(format!("{name}: deleted."))?;
    Ok(Exit::Ok)
}

/// Appends to a comment.
///
/// # Errors
/// Returns [`AdminError::Lookup`] if the name means no mirror or several mirrors, and
/// [`AdminError::Db`] if the database cannot be read or written.
pub fn add_comment(session: &mut Session, args: &CommentArgs) -> Result<Exit, AdminError> {
    let record = change(session, &args.identifier, |record| {
        record.append_comment(&args.comment);
        Ok(Some("comment added".to_owned()))
    })?;
    session
        .console
        .line(format!("{}: comment added.", record.identifier))?;
    Ok(Exit::Ok)
}

/// Goes back to what a mirror had before its last scan; a second time goes forth again.
///
/// # Errors
/// Returns [`AdminError::Nothing`] if nothing of the kind exists, [`AdminError::Lookup`] if the
/// name means no mirror or several mirrors, and [`AdminError::Db`] if the database cannot be read
/// or written.
pub fn rollback(session: &mut Session, args: &OneArgs) -> Result<Exit, AdminError> {
    let record = find_mirror(&session.reader()?, &args.identifier)?;
    let name = &record.identifier;
    let done = session.writer()?.transaction(|transaction| {
        if !content::rollback(transaction, record.id)? {
            return Ok(None);
        }
        let published = content::load(transaction, record.id)?;
        let published = published.ok_or_else(|| DbError::NoSuchMirror(name.clone()))?;
        let learnt = &published.learnt;
        let files = published.content.current.len();
        let what = format!(
            "rolled back to {files} files of {} by {}",
            learnt.at, learnt.by
        );
        session.event(transaction, Some(record.id), &what)?;
        Ok(Some(what))
    })?;
    match done {
        Some(what) => session.console.line(format!("{name}: {what}."))?,
        None => {
            let why = match record.kind {
                MirrorKind::Mirror => "nothing is known of an earlier scan",
                MirrorKind::Cache => "a cache is never scanned",
            };
            return Err(AdminError::Nothing(format!("{name} cannot go back: {why}")));
        }
    }
    Ok(Exit::Ok)
}
