//! Reads the command line for every program, and says what is wrong with it.

use std::ffi::OsString;

use clap::error::ContextValue;
use clap::{Command, CommandFactory, FromArgMatches};

use super::console::complain;
use super::exit::Exit;
use crate::domain::escape::visible_line;

/// Reads the command line of the process; help and version are printed, and so is what is wrong.
///
/// # Errors
/// Returns the exit code if there is nothing more to do.
pub fn read<A: CommandFactory + FromArgMatches>() -> Result<A, Exit> {
    read_from(std::env::args_os().collect())
}

/// Reads a command line, which begins with the program's name.
///
/// # Errors
/// As [`read`].
pub fn read_from<A: CommandFactory + FromArgMatches>(arguments: Vec<OsString>) -> Result<A, Exit> {
    read_with(A::command(), arguments)
}

/// Like [`read_from`], by a command whose help was changed.
///
/// # Errors
/// As [`read`].
pub fn read_with<A: FromArgMatches>(
    mut command: Command,
    arguments: Vec<OsString>,
) -> Result<A, Exit> {
    command
        .try_get_matches_from_mut(arguments)
        .and_then(|matches| A::from_arg_matches(&matches))
        .map_err(|error| report(error.format(&mut command)))
}

/// Prints what ended the reading of the command line: help and version are no failure.
///
/// Arguments come out as what they are, however they were written; so a failure has no colours.
fn report(mut error: clap::Error) -> Exit {
    if !error.use_stderr() {
        if let Err(error) = error.print() {
            log::debug!("nobody reads the help: {error}");
        }
        return Exit::Ok;
    }
    let context: Vec<_> = error
        .context()
        .map(|(kind, value)| (kind, value.clone()))
        .collect();
    let is_hidden = context.iter().any(|(_, value)| visible(value) != *value);
    for (kind, value) in context {
        match value {
            // A tip may have an argument in it, between colours.
            ContextValue::StyledStr(_) | ContextValue::StyledStrs(_) if is_hidden => {
                error.remove(kind);
            }
            value => {
                error.insert(kind, visible(&value));
            }
        }
    }
    let said = error.render().to_string();
    complain(said.trim_end());
    Exit::Usage
}

/// The same on one line.
fn visible(value: &ContextValue) -> ContextValue {
    let line = |text: &String| visible_line(text.as_bytes());
    match value {
        ContextValue::String(text) => ContextValue::String(line(text)),
        ContextValue::Strings(texts) => ContextValue::Strings(texts.iter().map(line).collect()),
        other => other.clone(),
    }
}
