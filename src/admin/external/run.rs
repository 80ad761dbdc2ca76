//! Runs the commands of `heliostat` that are programs of their own.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use crate::admin::args::{GlobalArgs, PassedArgs};
use crate::admin::error::AdminError;
use crate::program::exit::Exit;

/// Becomes the other program, with the same configuration and site; returns only when that fails.
///
/// # Errors
/// Returns [`AdminError::Program`] if the program cannot be started.
pub fn run(program: &str, global: &GlobalArgs, passed: &PassedArgs) -> Result<Exit, AdminError> {
    let path = beside_this(program);
    let mut command = Command::new(&path);
    if let Some(config) = &global.config {
        command.arg("--config").arg(config);
    }
    if let Some(site) = global.site() {
        command.arg("-b").arg(site);
    }
    if global.debug {
        command.arg("-v");
    }
    let source = command.args(&passed.arguments).exec();
    Err(AdminError::Program {
        program: path.display().to_string(),
        source,
    })
}

/// The program in the directory of this one; without such a directory the shell's way.
fn beside_this(program: &str) -> PathBuf {
    std::env::current_exe()
        .ok()
        .and_then(|this| this.parent().map(|directory| directory.join(program)))
        .unwrap_or_else(|| PathBuf::from(program))
}
