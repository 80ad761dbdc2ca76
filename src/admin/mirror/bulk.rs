//! Runs `edit --where`: sets the same fields of many mirrors.

use serde_json::Value;

use super::new::refuse_signed;
use super::outcome::ChangeOutcome;
use super::sheet::{self, FieldChange};
use crate::admin::args::EditArgs;
use crate::admin::error::AdminError;
use crate::admin::session::Session;
use crate::db::Reader;
use crate::db::import::in_transaction;
use crate::db::mirror::{self, MirrorRecord};
use crate::db::mirror_field::Field;
use crate::domain::url::mask_passwords;
use crate::program::exit::Exit;

const RED: &str = "\x1b[31m";

const GREEN: &str = "\x1b[32m";

/// The change of one mirror.
struct PlannedEdit {
    name: String,
    changes: Vec<FieldChange>,
}

impl PlannedEdit {
    fn outcome(&self) -> ChangeOutcome {
        let said: Vec<String> = self.changes.iter().map(FieldChange::describe).collect();
        ChangeOutcome {
            mirror: self.name.clone(),
            what: (!said.is_empty()).then(|| said.join("; ")),
            line: String::new(),
        }
    }
}

/// Shows what would change, asks, and changes all of these mirrors or none.
///
/// # Errors
/// [`AdminError::Nothing`] if no mirror has these values; [`AdminError::Refused`] without a yes;
/// [`AdminError::Value`], [`AdminError::UnknownField`], [`AdminError::Meanwhile`],
/// [`AdminError::Db`].
pub fn edit_all(
    session: &mut Session,
    args: &EditArgs,
    reader: &Reader,
) -> Result<Exit, AdminError> {
    let mut planned = Vec::new();
    for record in mirror::all(reader)? {
        if fits(&record, &args.wanted)? {
            let mut after = record.clone();
            let changes = sheet::changes(&record, &args.set)?;
            changes
                .iter()
                .try_for_each(|change| change.apply(&mut after))?;
            refuse_signed(&session.site, &after)?;
            planned.push(PlannedEdit {
                name: record.identifier,
                changes,
            });
        }
    }
    if planned.is_empty() {
        let wanted = mask_passwords(&args.wanted.join(" "));
        return Err(AdminError::Nothing(format!(
            "no mirror has {wanted}; `heliostat list -a --field KEY` shows the values"
        )));
    }
    let changed = planned.iter().filter(|edit| !edit.changes.is_empty());
    let (changed, all) = (changed.count(), planned.len());
    if !args.flags.json {
        write_diff(session, &planned)?;
    }
    let dry_run = args.flags.dry_run;
    if changed > 0 && !dry_run {
        ask(session, args, changed)?;
        store(session, &planned)?;
    }
    if args.flags.json {
        let outcomes = planned
            .iter()
            .map(|edit| edit.outcome().to_json(args.flags));
        let outcomes = Value::Array(outcomes.collect());
        session.console.json(&outcomes)?;
        return Ok(Exit::Ok);
    }
    let line = match dry_run {
        true => format!("{changed} of {all} mirrors would be changed (--dry-run)"),
        false => format!("{changed} of {all} mirrors are changed"),
    };
    session.console.line(line)?;
    Ok(Exit::Ok)
}

/// Whether each field has the value, in whatever way it is written.
fn fits(record: &MirrorRecord, wanted: &[String]) -> Result<bool, AdminError> {
    for pair in wanted {
        let (key, value) = sheet::assignment("--where", pair)?;
        let field: &Field = sheet::known_field(key)?;
        let has = field.shown(record);
        let mut same = record.clone();
        let is_same = field.set(&mut same, value).is_ok() && field.shown(&same) == has;
        if has != value && !is_same {
            return Ok(false);
        }
    }
    Ok(true)
}

fn write_diff(session: &mut Session, planned: &[PlannedEdit]) -> Result<(), AdminError> {
    for edit in planned.iter().filter(|edit| !edit.changes.is_empty()) {
        session.console.line(&edit.name)?;
        for change in &edit.changes {
            let [before, after] = change.diff();
            session.console.painted_line(RED, &before)?;
            session.console.painted_line(GREEN, &after)?;
        }
    }
    Ok(())
}

fn ask(session: &mut Session, args: &EditArgs, changed: usize) -> Result<(), AdminError> {
    if args.yes {
        return Ok(());
    }
    if !session.console.is_attended() {
        return Err(AdminError::Refused(
            "nothing is stored: nobody is here to be asked; --yes stores it".to_owned(),
        ));
    }
    let question = format!("Change {changed} mirrors? [y/n]");
    match session.console.ask(&question, &['y', 'n'])? {
        Some('y') => Ok(()),
        _ => Err(AdminError::Refused("nothing is stored".to_owned())),
    }
}

fn store(session: &Session, planned: &[PlannedEdit]) -> Result<(), AdminError> {
    in_transaction(&mut session.writer()?, |transaction| {
        for edit in planned {
            let Some(what) = edit.outcome().what else {
                continue;
            };
            let mut now = mirror::find(transaction, &edit.name)?;
            edit.changes
                .iter()
                .try_for_each(|change| change.apply(&mut now))?;
            refuse_signed(&session.site, &now)?;
            mirror::update(transaction, &now)?;
            session.event(transaction, Some(now.id), &what)?;
        }
        Ok(())
    })
}
