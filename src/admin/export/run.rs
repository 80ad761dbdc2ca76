//! Runs `export`.

use super::{django, mirmon, postgresql, vcs, whole};
use crate::admin::args::{ExportArgs, ExportFormat};
use crate::admin::error::AdminError;
use crate::admin::session::Session;
use crate::db::mirror;
use crate::db::overview::marker;
use crate::program::exit::Exit;

/// Writes the mirrors in a format to standard output, or into files.
///
/// # Errors
/// Returns [`AdminError::Db`] if the database cannot be read, and [`AdminError::File`],
/// [`AdminError::Refused`] or [`AdminError::Program`] if files cannot be written or committed.
pub fn export(session: &mut Session, args: &ExportArgs) -> Result<Exit, AdminError> {
    let reader = session.reader()?;
    let mirrors = mirror::all(&reader)?;
    let law = session.site.law;
    let text = match args.format {
        ExportFormat::Mirmon => mirmon::lines(&mirrors, law, mirmon::MirmonStyle::Plain),
        ExportFormat::MirmonApache => mirmon::lines(&mirrors, law, mirmon::MirmonStyle::Apache),
        ExportFormat::Postgresql => {
            let text = postgresql::statements(&mirrors, session.now);
            for mirror in &mirrors {
                let lost = postgresql::lost(mirror);
                if !lost.is_empty() {
                    let (name, lost) = (&mirror.identifier, lost.join(", "));
                    log::warn!("MirrorBrain's table has no place for these of {name}: {lost}");
                }
            }
            text
        }
        ExportFormat::Django => {
            let project = args.project.as_deref().unwrap_or_default();
            django::script(&mirrors, project)
        }
        ExportFormat::Json => {
            let value = whole::json(&mirrors, &marker::all(&reader)?);
            format!("{value:#}\n")
        }
        ExportFormat::Vcs => {
            let Some(folder) = &args.target_dir else {
                return Ok(Exit::Usage);
            };
            return vcs::write(session, folder, &mirrors, args);
        }
    };
    session.console.exact(text.as_bytes())?;
    Ok(Exit::Ok)
}
