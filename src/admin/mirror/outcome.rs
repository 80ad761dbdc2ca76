//! Says what a command changed, for people or as JSON.

use serde_json::{Value, json};

use crate::admin::args::ChangeFlags;
use crate::admin::error::AdminError;
use crate::admin::session::Session;

/// Result of a command for one mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeOutcome {
    /// The mirror.
    pub mirror: String,
    /// The change, in the words of the events; `None` if nothing changed.
    pub what: Option<String>,
    /// The message for people.
    pub line: String,
}

impl ChangeOutcome {
    /// Prints it.
    ///
    /// # Errors
    /// Returns [`AdminError::Console`] if the output cannot be written.
    pub fn say(&self, session: &mut Session, flags: ChangeFlags) -> Result<(), AdminError> {
        if flags.json {
            return session.console.json(&self.to_json(flags));
        }
        session.console.line(rehearsed(&self.line, flags))
    }

    /// The result as JSON.
    pub fn to_json(&self, flags: ChangeFlags) -> Value {
        json!({
            "mirror": self.mirror,
            "changed": self.what.is_some(),
            "what": self.what,
            "dry_run": flags.dry_run,
        })
    }
}

/// The line, and that it was not meant.
pub fn rehearsed(line: &str, flags: ChangeFlags) -> String {
    match flags.dry_run {
        true => format!("{line} (--dry-run: nothing is stored)"),
        false => line.to_owned(),
    }
}
