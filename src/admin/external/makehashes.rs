//! Runs `makehashes`, MirrorBrain's name for hashing a directory with the indexer.

use std::ffi::OsString;

use super::run;
use crate::admin::args::{GlobalArgs, MakehashesArgs, PassedArgs};
use crate::admin::error::AdminError;
use crate::program::exit::Exit;

/// Becomes `heliostat-index` for that directory; returns only when that fails.
///
/// # Errors
/// Returns [`AdminError::Program`] if the program cannot be started.
pub fn run(global: &GlobalArgs, args: &MakehashesArgs) -> Result<Exit, AdminError> {
    if args.copy_permissions {
        log::warn!("--copy-permissions has no effect: hashes are in the database");
    }
    if let Some(base) = &args.base_dir
        && !args.start.starts_with(base)
    {
        log::warn!(
            "--base-dir has no effect: paths are relative to the site's tree: base={}",
            base.display()
        );
    }
    let passed = PassedArgs {
        arguments: arguments(args),
    };
    run::run("heliostat-index", global, &passed)
}

fn arguments(args: &MakehashesArgs) -> Vec<OsString> {
    // As in mb, a relative directory is one below the current directory, not below the tree.
    let start = std::path::absolute(&args.start).unwrap_or_else(|_| args.start.clone());
    let mut arguments = vec!["--hashes".into(), "--dir".into(), start.into_os_string()];
    let masks = [
        ("--file-mask", &args.file_mask),
        ("--ignore-mask", &args.ignore_mask),
    ];
    for (name, mask) in masks {
        if let Some(mask) = mask {
            arguments.push(format!("{name}={mask}").into());
        }
    }
    for (name, is_set) in [
        ("--dry-run", args.dry_run),
        ("--rehash", args.force),
        ("--verbose", args.verbose),
        ("--json", args.json),
    ] {
        if is_set {
            arguments.push(name.into());
        }
    }
    arguments
}
