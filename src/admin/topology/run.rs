//! Dispatches the subcommands of `topology`.

use super::compile::compile;
use super::look::{check, lookup};
use super::rules::rules;
use crate::admin::args::{TopologyArgs, TopologyCommand};
use crate::admin::error::AdminError;
use crate::admin::session::Session;
use crate::program::exit::Exit;

/// Makes a table, checks one, or looks an address up.
///
/// # Errors
/// Returns [`AdminError::InputFile`] for a file that cannot be used, [`AdminError::File`] for one
/// that cannot be read or written, [`AdminError::Nothing`] for an address that the table lacks.
pub fn topology(session: &mut Session, args: &TopologyArgs) -> Result<Exit, AdminError> {
    match &args.command {
        TopologyCommand::Compile(args) => compile(session, args),
        TopologyCommand::Check(args) => check(session, args),
        TopologyCommand::Lookup(args) => lookup(session, args),
        TopologyCommand::Rules(args) => rules(session, args),
    }
}
