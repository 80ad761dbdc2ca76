//! Runs `doctor`: examines area after area, and prints what was found.

use super::examined::{Examined, users};
use super::finding::{AreaReport, Severity};
use super::{clock, configuration, database, geoip, mirrors, printed, socket, tree};
use crate::admin::args::DoctorArgs;
use crate::admin::error::AdminError;
use crate::admin::session::Session;
use crate::program::exit::Exit;

/// Examines all sites, or the only one that was named.
///
/// # Errors
/// Returns [`AdminError::Console`] if the findings cannot be printed.
pub(in crate::admin) fn doctor(
    session: &mut Session,
    only: Option<&str>,
    args: &DoctorArgs,
) -> Result<Exit, AdminError> {
    let (examiners, of_users) = users(args);
    let config = session.config.clone();
    let sites = config.sites.iter();
    let sites = sites.filter(|site| only.is_none_or(|name| site.name == name));
    let examined = Examined {
        config: &config,
        sites: sites.cloned().collect(),
        examiners,
        service_user: args.service_user.clone(),
        now: session.now,
    };
    let mut reports = vec![of_users];
    reports.extend(examine(&examined));
    match args.json {
        true => session.console.json(&printed::json(&reports))?,
        false => printed::print(&mut session.console, &reports, args.verbose)?,
    }
    Ok(exit(&reports))
}

fn examine(examined: &Examined<'_>) -> Vec<AreaReport> {
    let mut reports = vec![configuration::check(examined)];
    for site in &examined.sites {
        reports.push(tree::check(examined, site));
        let (report, reader) = database::check(examined, site);
        reports.push(report);
        reports.push(geoip::check(examined, site));
        match reader {
            Some(reader) => {
                reports.push(mirrors::check(examined, site, &reader));
                reports.push(clock::check(examined, site, &reader));
            }
            None => {
                let mut report = AreaReport::of_site("mirrors", site);
                report.absent("mirrors and times of files, because the database cannot be read");
                reports.push(report);
            }
        }
    }
    reports.push(socket::check(examined));
    reports
}

/// Notes are not for monitoring; what this user was not allowed to see is.
fn exit(reports: &[AreaReport]) -> Exit {
    let mut findings = reports.iter().flat_map(|report| &report.findings);
    let mut unchecked = reports.iter().flat_map(|report| &report.unchecked);
    let is_ill = findings.any(|finding| finding.severity != Severity::Note);
    match is_ill || unchecked.any(|one| one.is_refused) {
        true => Exit::Partial,
        false => Exit::Ok,
    }
}
