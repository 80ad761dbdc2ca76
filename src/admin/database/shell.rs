//! Runs `db shell`: becomes `sqlite3` on the database.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::admin::error::AdminError;
use crate::db::check_there;
use crate::db::upkeep::SHELL_SETTINGS;
use crate::program::exit::Exit;

const SHELL: &str = "sqlite3";

/// Becomes the shell; returns only when that fails.
///
/// # Errors
/// Returns [`AdminError::Db`] if there is no database, [`AdminError::Refused`] if there is no
/// `sqlite3`, and [`AdminError::Program`] if it does not start.
pub fn shell(database: &Path) -> Result<Exit, AdminError> {
    // sqlite3 would make an empty one.
    check_there(database)?;
    let mut command = Command::new(SHELL);
    for setting in SHELL_SETTINGS {
        command.args(["-cmd", setting]);
    }
    let source = command.arg(database).exec();
    if source.kind() == std::io::ErrorKind::NotFound {
        return Err(AdminError::Refused(format!(
            "there is no {SHELL} on this host; `apt install {SHELL}` installs it"
        )));
    }
    Err(AdminError::Program {
        program: SHELL.to_owned(),
        source,
    })
}
