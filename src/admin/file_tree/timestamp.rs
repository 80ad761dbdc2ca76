//! Runs `timestamp`: writes files by which the operators of mirrors see how old their copies are.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::admin::args::TimestampArgs;
use crate::admin::error::AdminError;
use crate::admin::session::Session;
use crate::domain::time::{Timestamp, rfc822};
use crate::program::exit::Exit;
use crate::program::replacement::FileReplacement;

/// Text of a file below its times.
const EXPLANATION: &str = "
This file tells when it was written, so that everybody can see how old a
mirror's copy of these files is. The first line has seconds since 1970.

A file .timestamp_invisible must not be on any mirror, neither by HTTP nor by
FTP nor by rsync: it is not readable for others, as files are that are about
to be published. A mirror that shows it does not keep permissions.
";

/// Ending of names of files that no mirror may show.
const INVISIBLE: &[u8] = b"invisible";

/// Replaces each file as one step.
///
/// # Errors
/// Returns [`AdminError::File`] for the first file that cannot be written, [`AdminError::Refused`]
/// if it cannot be given to that user or group.
pub fn timestamp(session: &mut Session, args: &TimestampArgs) -> Result<Exit, AdminError> {
    if session.site.origin.is_some() && !args.no_docroot {
        let why = "this site has no tree to write into; run it where the files are";
        return Err(AdminError::Refused(why.to_owned()));
    }
    for file in &args.files {
        let path = match args.no_docroot {
            true => file.clone(),
            false => session.site.tree.join(file),
        };
        if args.dry_run {
            session.console.line(format!("write {}", path.display()))?;
            continue;
        }
        write(&path, args, session.now)?;
    }
    Ok(Exit::Ok)
}

fn write(path: &Path, args: &TimestampArgs, now: Timestamp) -> Result<(), AdminError> {
    let failed = |source: io::Error| AdminError::File {
        doing: "write",
        path: path.to_owned(),
        source,
    };
    let mode = match path.as_os_str().as_bytes().ends_with(INVISIBLE) {
        true => 0o640,
        false => 0o644,
    };
    let file = FileReplacement::begin(path).map_err(failed)?;
    give_to(file.unfinished(), args)?;
    let date = rfc822(now).replace("GMT", "UTC");
    let text = format!("{}\n{date}\n\n{EXPLANATION}", now.0);
    file.put(text.as_bytes(), mode).map_err(failed)
}

/// Names of users and groups are known to `chown`, wherever they are stored.
fn give_to(file: &Path, args: &TimestampArgs) -> Result<(), AdminError> {
    let owner = match (&args.user, &args.group) {
        (None, None) => return Ok(()),
        (user, None) => user.clone().unwrap_or_default(),
        (user, Some(group)) => format!("{}:{group}", user.as_deref().unwrap_or_default()),
    };
    let mut command = Command::new("chown");
    command.args(["--", &owner]).arg(file).stdin(Stdio::null());
    let output = command.output().map_err(|source| AdminError::Program {
        program: "chown".to_owned(),
        source,
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(AdminError::Refused(format!(
        "a file cannot be given to {owner}: {}",
        said.trim()
    )))
}
