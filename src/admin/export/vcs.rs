//! Writes one file per mirror into a directory, and commits it: who changed what, and when
//! (behaviour §10).
//!
//! # Security
//! The files have passwords of URLs. They are readable for the group alone.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::admin::args::{ExportArgs, VcsArg};
use crate::admin::error::AdminError;
use crate::admin::mirror::sheet;
use crate::admin::session::Session;
use crate::db::mirror::MirrorRecord;
use crate::program::exit::Exit;
use crate::program::replacement::replace_file;
use crate::regular_file;

/// A field that probes change: its changes are not a person's.
const LEFT_OUT: &str = "statusBaseurl";

const FOLDER_MODE: u32 = 0o750;

const FILE_MODE: u32 = 0o640;

/// No sheet of a mirror is so long.
const SHEET_BYTES_MAX: u64 = 16 * 1024 * 1024;

const MESSAGE: &str = "Mirrors as heliostat export wrote them";

/// Files that are not what they should be.
#[derive(Debug, Default)]
struct SheetDifference {
    written: Vec<String>,
    removed: Vec<String>,
}

/// Brings the files up to date, and commits them if that is wanted.
///
/// Only files that this command wrote are removed.
///
/// # Errors
/// Returns [`AdminError::File`] if a file cannot be written, and [`AdminError::Refused`] or
/// [`AdminError::Program`] if they cannot be committed.
pub fn write(
    session: &mut Session,
    folder: &Path,
    mirrors: &[MirrorRecord],
    args: &ExportArgs,
) -> Result<Exit, AdminError> {
    if args.commit == Some(VcsArg::Svn) && !folder.join(".svn").is_dir() {
        return Err(AdminError::Refused(format!(
            "{} is no Subversion working copy; `svn checkout URL {0}` makes one",
            folder.display()
        )));
    }
    let difference = compare(folder, mirrors)?;
    if args.dry_run {
        for (word, names) in [
            ("write", difference.written),
            ("remove", difference.removed),
        ] {
            for name in names {
                session.console.line(format!("{word} {name}"))?;
            }
        }
        return Ok(Exit::Ok);
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(FOLDER_MODE);
    builder.create(folder).map_err(failed("make", folder))?;
    for mirror in mirrors {
        if difference.written.contains(&mirror.identifier) {
            replace(folder, &mirror.identifier, &text(mirror))?;
        }
    }
    for name in &difference.removed {
        let path = folder.join(name);
        fs::remove_file(&path).map_err(failed("remove", &path))?;
    }
    match args.commit {
        Some(VcsArg::Svn) => commit_by_svn(folder, &difference)?,
        Some(VcsArg::Git) => commit_by_git(folder)?,
        None => {}
    }
    Ok(Exit::Ok)
}

/// `mb show` without the state that probes found.
fn text(mirror: &MirrorRecord) -> String {
    let sheet = sheet::write(mirror);
    let lines = sheet.split_inclusive('\n');
    lines.filter(|line| !line.starts_with(LEFT_OUT)).collect()
}

fn compare(folder: &Path, mirrors: &[MirrorRecord]) -> Result<SheetDifference, AdminError> {
    let mut difference = SheetDifference::default();
    let mut known = BTreeSet::new();
    for mirror in mirrors {
        known.insert(mirror.identifier.as_str());
        let there = regular_file::read(&folder.join(&mirror.identifier), SHEET_BYTES_MAX);
        if there.ok().as_deref() != Some(text(mirror).as_bytes()) {
            difference.written.push(mirror.identifier.clone());
        }
    }
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(difference),
        Err(source) => return Err(failed("read", folder)(source)),
    };
    for entry in entries {
        let entry = entry.map_err(failed("read", folder))?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if !known.contains(name.as_str()) && is_sheet(&entry.path(), &name) {
            difference.removed.push(name);
        }
    }
    difference.removed.sort();
    Ok(difference)
}

/// Whether a file is one of ours: it begins with its own name.
fn is_sheet(path: &Path, name: &str) -> bool {
    let text = regular_file::read_text(path, SHEET_BYTES_MAX).unwrap_or_default();
    text.lines().next() == Some(sheet::line("identifier", name).as_str())
}

fn replace(folder: &Path, name: &str, text: &str) -> Result<(), AdminError> {
    let path = folder.join(name);
    replace_file(&path, text.as_bytes(), FILE_MODE).map_err(failed("write", &path))
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> AdminError {
    let path: PathBuf = path.to_owned();
    move |source| AdminError::File {
        doing,
        path,
        source,
    }
}

fn commit_by_svn(folder: &Path, difference: &SheetDifference) -> Result<(), AdminError> {
    // An @ in a name would begin a revision, so each gets one at its end.
    let named = |names: &[String]| -> Vec<String> {
        names.iter().map(|name| format!("./{name}@")).collect()
    };
    for (action, names) in [
        (&["add", "--force"][..], named(&difference.written)),
        (&["delete", "--force"][..], named(&difference.removed)),
    ] {
        if !names.is_empty() {
            let names = names.iter().map(String::as_str);
            let arguments: Vec<&str> = action
                .iter()
                .copied()
                .chain(["--quiet"])
                .chain(names)
                .collect();
            run_vcs("svn", folder, &arguments)?;
        }
    }
    run_vcs("svn", folder, &["commit", "--quiet", "-m", MESSAGE, "."])
}

fn commit_by_git(folder: &Path) -> Result<(), AdminError> {
    run_vcs("git", folder, &["add", "--all", "--", "."])?;
    // Ends with 1 if something is to be committed.
    let is_same = run_vcs("git", folder, &["diff", "--cached", "--quiet", "--", "."]).is_ok();
    match is_same {
        true => Ok(()),
        false => run_vcs(
            "git",
            folder,
            &["commit", "--quiet", "-m", MESSAGE, "--", "."],
        ),
    }
}

/// Runs it in the directory; what it says on standard error is for the admin.
fn run_vcs(program: &str, folder: &Path, arguments: &[&str]) -> Result<(), AdminError> {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder);
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    let status = status.map_err(|source| AdminError::Program {
        program: program.to_owned(),
        source,
    })?;
    if status.success() {
        return Ok(());
    }
    Err(AdminError::Refused(format!(
        "the files in {} are written, but not committed: `{program} {}` ended with {status}",
        folder.display(),
        arguments.first().copied().unwrap_or_default()
    )))
}
