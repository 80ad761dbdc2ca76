//! Runs `edit`: opens a mirror's fields in an editor, or sets single fields by `--set`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use similar::ChangeTag;

use super::bulk::edit_all;
use super::new::refuse_signed;
use super::outcome::ChangeOutcome;
use super::sheet;
use super::sheet::FieldChange;
use crate::admin::args::{ChangeFlags, EditArgs};
use crate::admin::error::{AdminError, ArgumentError};
use crate::admin::line_diff::LineDiff;
use crate::admin::session::{Session, find_mirror};
use crate::db::import::in_transaction;
use crate::db::mirror::{self, MirrorRecord};
use crate::db::open_reader;
use crate::program::console::complain;
use crate::program::exit::Exit;

/// Lines around a change that a diff shows.
const DIFF_CONTEXT_LINES: usize = 1;

/// Changes a mirror.
///
/// # Errors
/// [`AdminError::Value`] and [`AdminError::Text`] name the field; [`AdminError::Kept`] names the
/// file that keeps what was edited; [`AdminError::Lookup`],
/// [`AdminError::Db`].
pub fn edit(session: &mut Session, args: &EditArgs) -> Result<Exit, AdminError> {
    let flags = args.flags;
    let reader = match flags.dry_run {
        true => open_reader(&session.site.database)?,
        false => session.reader()?,
    };
    let Some(identifier) = &args.identifier else {
        return edit_all(session, args, &reader);
    };
    let record = find_mirror(&reader, identifier)?;
    drop(reader);
    if args.set.is_empty() && flags.json {
        return Err(AdminError::Value {
            key: "--json".to_owned(),
            problem: ArgumentError::NoJsonOfEditor,
        });
    }
    if args.set.is_empty() {
        return edit_sheet(session, &record, flags);
    }
    let changes = sheet::changes(&record, &args.set)?;
    store(session, &record, &changes, flags)
}

/// Makes the changes in one transaction and says each.
fn store(
    session: &mut Session,
    record: &MirrorRecord,
    changes: &[FieldChange],
    flags: ChangeFlags,
) -> Result<Exit, AdminError> {
    let said: Vec<String> = changes.iter().map(FieldChange::describe).collect();
    let outcome = ChangeOutcome {
        mirror: record.identifier.clone(),
        what: (!said.is_empty()).then(|| said.join("; ")),
        line: match said.is_empty() {
            true => "nothing changed".to_owned(),
            false => said.join("\n"),
        },
    };
    let apply = |now: &mut MirrorRecord| {
        changes.iter().try_for_each(|change| change.apply(now))?;
        refuse_signed(&session.site, now)
    };
    match &outcome.what {
        Some(_) if flags.dry_run => apply(&mut record.clone())?,
        Some(what) => in_transaction(&mut session.writer()?, |transaction| {
            let mut now = mirror::find(transaction, &record.identifier)?;
            apply(&mut now)?;
            mirror::update(transaction, &now)?;
            session.event(transaction, Some(now.id), what)?;
            Ok::<(), AdminError>(())
        })?,
        None => {}
    }
    outcome.say(session, flags)?;
    Ok(Exit::Ok)
}

fn edit_sheet(
    session: &mut Session,
    record: &MirrorRecord,
    flags: ChangeFlags,
) -> Result<Exit, AdminError> {
    let before = sheet::write(record);
    let draft = EditDraft::new(&record.identifier, &before)?;
    loop {
        if let Err(error) = run_editor(&draft.path) {
            return draft.give_up(&before, error);
        }
        let after = draft.read()?;
        let (question, letters, changes) = match sheet::read(&after, record) {
            Ok(changes) if changes.is_empty() => {
                draft.remove();
                return store(session, record, &[], flags);
            }
            Ok(changes) => {
                write_diff(session, &before, &after)?;
                let question = "Save changes? [y]es, [n]o, [e]dit again";
                (question, &['y', 'n', 'e'][..], Some(changes))
            }
            Err(error) => {
                session.console.flush()?;
                complain(&error.to_string());
                (
                    "[e]dit again, or give up and store [n]othing?",
                    &['n', 'e'][..],
                    None,
                )
            }
        };
        match (session.console.ask(question, letters)?, changes) {
            (Some('e'), _) => {}
            (Some('y'), Some(changes)) => {
                let result = store(session, record, &changes, flags);
                return draft.keep_unless_stored(result);
            }
            (Some(_), _) => {
                draft.remove();
                return Err(AdminError::Refused("nothing is stored".to_owned()));
            }
            (None, _) => {
                let unanswered = AdminError::Refused("the question was not answered".to_owned());
                return draft.keep_unless_stored(Err(unanswered));
            }
        }
    }
}

/// The text after the admin edited it.
///
/// # Errors
/// Returns [`AdminError::Refused`] or [`AdminError::Program`] if the editor fails, and
/// [`AdminError::File`] if the text cannot be written or read.
pub fn edit_text(name: &str, text: &str) -> Result<String, AdminError> {
    let draft = EditDraft::new(name, text)?;
    let edited = run_editor(&draft.path).and_then(|()| draft.read());
    draft.remove();
    edited
}

/// The file that is edited; it stays behind whenever something goes wrong.
struct EditDraft {
    path: PathBuf,
}

impl EditDraft {
    fn new(identifier: &str, text: &str) -> Result<EditDraft, AdminError> {
        let folder = std::env::temp_dir();
        let failed = |source| AdminError::File {
            doing: "write a draft into",
            path: folder.clone(),
            source,
        };
        let name: String = identifier
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        let mut file = tempfile::Builder::new()
            .prefix(&format!("heliostat-{name}-"))
            .suffix(".txt")
            .tempfile_in(&folder)
            .map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        let (_, path) = file.keep().map_err(|error| failed(error.error))?;
        Ok(EditDraft { path })
    }

    fn read(&self) -> Result<String, AdminError> {
        let bytes = std::fs::read(&self.path).map_err(|source| AdminError::File {
            doing: "read what was edited in",
            path: self.path.clone(),
            source,
        })?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn remove(&self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            log::warn!("cannot remove {}: {error}", self.path.display());
        }
    }

    /// Ends after a failure of the editor; what was written before it is kept.
    fn give_up(&self, before: &str, error: AdminError) -> Result<Exit, AdminError> {
        if self.read().is_ok_and(|text| text == before) {
            self.remove();
            return Err(error);
        }
        self.keep_unless_stored(Err(error))
    }

    fn keep_unless_stored(&self, result: Result<Exit, AdminError>) -> Result<Exit, AdminError> {
        match result {
            Ok(exit) => {
                self.remove();
                Ok(exit)
            }
            Err(source) => Err(AdminError::Kept {
                path: self.path.clone(),
                source: Box::new(source),
            }),
        }
    }
}

/// Runs the admin's editor; through a shell, since `$EDITOR` may have options.
fn run_editor(path: &Path) -> Result<(), AdminError> {
    let chosen = ["VISUAL", "EDITOR"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|editor| !editor.trim().is_empty());
    let editor = chosen.unwrap_or_else(|| "sensible-editor".to_owned());
    let script = format!("{editor} \"$1\"");
    let run = |script: &str| {
        let status = Command::new("/bin/sh")
            .args(["-c", script, "sh"])
            .arg(path)
            .status();
        status.map_err(|source| AdminError::Program {
            program: editor.clone(),
            source,
        })
    };
    /// Exit code of a shell if there is no such command (POSIX, 2.8.2).
    const NO_COMMAND: i32 = 127;
    let mut status = run(&script)?;
    if status.code() == Some(NO_COMMAND) && editor == "sensible-editor" {
        status = run("vi \"$1\"")?;
    }
    if status.success() {
        return Ok(());
    }
    Err(AdminError::Refused(format!(
        "the editor '{editor}' ended with {status}; set VISUAL or EDITOR to one that runs here"
    )))
}

fn write_diff(session: &mut Session, before: &str, after: &str) -> Result<(), AdminError> {
    const RED: &str = "\x1b[31m";
    const GREEN: &str = "\x1b[32m";
    let diff = LineDiff::new(before, after);
    for hunk in diff.hunks(DIFF_CONTEXT_LINES) {
        for (tag, line) in diff.lines(&hunk) {
            let (sign, paint) = match tag {
                ChangeTag::Delete => ('-', RED),
                ChangeTag::Insert => ('+', GREEN),
                ChangeTag::Equal => (' ', ""),
            };
            let line = line.trim_end_matches('\n');
            session
                .console
                .painted_line(paint, &format!("{sign}{line}"))?;
        }
    }
    Ok(())
}
