//! Holds what every command uses: the site, the time, the user, and mirrors by name.

use crate::program::clock::now;
use std::sync::Arc;

use super::console::Console;
use super::error::AdminError;
use crate::config::{Config, SiteConfig};
use crate::db::mirror::{self, MirrorRecord};
use crate::db::open::{Queryable, Transaction};
use crate::db::{DbError, Reader, Writer, event, open_reader, open_writer};
use crate::domain::mirror::MirrorId;
use crate::domain::mirror::name;
use crate::domain::time::Timestamp;
use crate::program::progress::Progress;

/// One call of the program.
pub struct Session {
    /// The whole configuration.
    pub config: Config,
    /// Why it is the last good one, and not that of the file.
    pub config_problem: Option<String>,
    /// The site to work on.
    pub site: Arc<SiteConfig>,
    /// Output for answers.
    pub console: Console,
    /// Progress of long work.
    pub progress: Progress,
    /// When the call began.
    pub now: Timestamp,
    /// The caller, for the events.
    pub actor: String,
}

impl Session {
    /// A session on a site of the configuration.
    pub fn new(config: Config, site: Arc<SiteConfig>, progress: Progress) -> Session {
        Session {
            config,
            config_problem: None,
            site,
            console: Console::new(),
            progress,
            now: now(),
            actor: actor(),
        }
    }

    /// Opens the database for reading; one of an older schema is brought up to date first.
    ///
    /// # Errors
    /// Returns [`AdminError::Db`] if the database cannot be read or written.
    pub fn reader(&self) -> Result<Reader, AdminError> {
        match open_reader(&self.site.database) {
            Err(DbError::Older { .. }) => {
                self.writer()?;
                Ok(open_reader(&self.site.database)?)
            }
            result => Ok(result?),
        }
    }

    /// Opens the database for writing, and makes it when there is none. A change of which a person
    /// was told survives a power cut.
    ///
    /// # Errors
    /// Returns [`AdminError::Db`] if the database cannot be read or written.
    pub fn writer(&self) -> Result<Writer, AdminError> {
        let mut writer = open_writer(&self.site.database)?;
        writer.commit_durably()?;
        Ok(writer)
    }

    /// Records a change.
    ///
    /// # Errors
    /// Returns [`DbError::Sql`] if the database cannot be read or written.
    pub fn event(
        &self,
        transaction: &Transaction<'_>,
        mirror: Option<MirrorId>,
        what: &str,
    ) -> Result<(), DbError> {
        event::record(transaction, self.now, &self.actor, mirror, what)
    }
}

/// The mirror of that name, else the only one that has it in its name.
///
/// # Errors
/// Returns [`AdminError::Lookup`] if no mirror or several mirrors fit; [`AdminError::Db`] if they
/// cannot be read.
pub fn find_mirror(database: &impl Queryable, wanted: &str) -> Result<MirrorRecord, AdminError> {
    let names = mirror::names(database)?;
    let found = name::find(&names, wanted)?;
    Ok(mirror::find(database, found)?)
}

/// The mirror of exactly that name.
///
/// # Errors
/// Returns [`AdminError::Lookup`] if no mirror has that name; [`AdminError::Db`] if the database
/// cannot be read.
pub fn find_exactly(database: &impl Queryable, name: &str) -> Result<MirrorRecord, AdminError> {
    let names = mirror::names(database)?;
    let found = name::find_exactly(&names, name)?;
    Ok(mirror::find(database, found)?)
}

/// The mirror of that name alone, else all that have it in their names, one at least.
///
/// # Errors
/// As [`find_mirror`], but several may fit.
pub fn fitting_mirrors(
    database: &impl Queryable,
    wanted: &str,
) -> Result<Vec<MirrorRecord>, AdminError> {
    let mirrors = mirror::all(database)?;
    match name::fitting(&mirrors, wanted)[..] {
        [] => Err(name::not_found(&mirrors, wanted).into()),
        ref fitting => Ok(fitting.iter().map(|&mirror| mirror.clone()).collect()),
    }
}

/// The caller; behind sudo, the user who called sudo.
fn actor() -> String {
    ["SUDO_USER", "USER", "LOGNAME"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|name| !name.is_empty())
        .unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()))
}
