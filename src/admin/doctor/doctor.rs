//! Runs `doctor`: examines area after area, and prints its findings.

use std::sync::Arc;

use super::examination::{Examination, users};
use super::finding::{AreaReport, Severity};
use super::{clock, configuration, database, geoip, mirrors, printed, server, socket, tree};
use crate::admin::apache::Apache;
use crate::admin::args::DoctorArgs;
use crate::admin::error::AdminError;
use crate::admin::session::Session;
use crate::config::SiteConfig;
use crate::db::Reader;
use crate::domain::url_parts::UrlParts;
use crate::program::exit::Exit;

/// Debian's user of web servers.
const WEB_USER: &str = "www-data";

/// Examines all sites, or the only one that was named.
///
/// # Errors
/// Returns [`AdminError::Console`] if the findings cannot be printed.
pub(in crate::admin) fn doctor(
    session: &mut Session,
    only: Option<&str>,
    args: &DoctorArgs,
) -> Result<Exit, AdminError> {
    let asked = Apache::ask(args.apachectl.as_deref(), args.apache_config.as_deref());
    let of_apache = asked
        .as_ref()
        .ok()
        .and_then(|apache| apache.user.as_deref());
    let web_user = args.web_user.as_deref().or(of_apache).unwrap_or(WEB_USER);
    let (examiners, of_users) = users(args, web_user);
    let config = session.config.clone();
    let sites = config.sites.iter();
    let sites = sites.filter(|site| only.is_none_or(|name| site.name == name));
    let examined = Examination {
        config: &config,
        sites: sites.cloned().collect(),
        examiners,
        service_user: args.service_user.clone(),
        now: session.now,
    };
    let outage = args.outage.then(|| agreed(session, args)).transpose()?;
    let mut reports = vec![of_users];
    reports.extend(examine(&examined, args.url.as_deref(), outage));
    reports.extend(server::check_apache(&examined, &asked));
    reports.push(server::check_proxies(
        &examined,
        args.nginx_config.as_deref(),
    ));
    reports.push(server::check_units(&examined));
    match args.json {
        true => session.console.json(&printed::json(&reports))?,
        false => printed::print(&mut session.console, &reports, args.verbose)?,
    }
    Ok(exit(&reports))
}

/// Asks whether the responder may be paused.
fn agreed(session: &mut Session, args: &DoctorArgs) -> Result<bool, AdminError> {
    if args.yes {
        return Ok(true);
    }
    if !session.console.is_attended() {
        return Err(AdminError::Refused(
            "the responder is not paused: nobody is here to be asked; --yes pauses it".to_owned(),
        ));
    }
    let question = "Pause the responder for up to 4 s, five times? Meanwhile the web server serves \
                    all files itself. [y/n]";
    Ok(session.console.ask(question, &['y', 'n'])? == Some('y'))
}

/// Examines area after area. `outage` is there if the admin asked for that check, and tells whether
/// the admin agreed to it.
fn examine(examined: &Examination<'_>, url: Option<&str>, outage: Option<bool>) -> Vec<AreaReport> {
    let mut reports = vec![configuration::check(examined)];
    for (index, site) in examined.sites.iter().enumerate() {
        reports.push(tree::check(examined, site));
        let (report, reader) = database::check(examined, site);
        reports.push(geoip::check(examined, site));
        // Sites that share a database have one state, and the same commands mend it.
        let mut before = examined.sites[..index].iter();
        let is_known = before.any(|other| other.database == site.database);
        if !is_known {
            reports.push(report);
        }
        match reader {
            Some(reader) => {
                if !is_known {
                    reports.push(mirrors::check(examined, site, &reader));
                    reports.push(clock::check(examined, site, &reader));
                }
                reports.extend(ask(examined, (site, &reader), url, outage));
            }
            None if is_known => {}
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

/// Asks the host of the URL about the site that it belongs to.
fn ask(
    examined: &Examination<'_>,
    (site, reader): (&Arc<SiteConfig>, &Reader),
    url: Option<&str>,
    outage: Option<bool>,
) -> Vec<AreaReport> {
    let Some(url) = url else {
        let count = server::fallbacks(site).len();
        let mut report = AreaReport::of_site("url", site);
        report.absent(format!("{count} fallbacks: --url asks them"));
        return (count > 0).then_some(report).into_iter().collect();
    };
    let host = UrlParts::of(url).and_then(|parts| parts.host_port());
    let host = host.map_or("", |(host, _)| host);
    let is_named = |site: &SiteConfig| {
        let mut names = site.server_names.iter();
        names.any(|name| name.eq_ignore_ascii_case(host))
    };
    let sites = &examined.sites;
    let named = sites.iter().find(|site| is_named(site)).or(sites.first());
    if named.is_none_or(|named| named.name != site.name) {
        return Vec::new();
    }
    let question = server::HostQuestion {
        examined,
        site,
        reader,
        url,
    };
    let mut reports = vec![server::check_url(&question)];
    match outage {
        Some(true) => reports.push(server::check_outage(&question)),
        Some(false) => {
            let mut report = AreaReport::of_site("outage", site);
            report.absent("the responder was not paused");
            reports.push(report);
        }
        None => {}
    }
    reports
}

/// Gives the exit code. Notes do not count; a check that this user was not allowed to make does.
fn exit(reports: &[AreaReport]) -> Exit {
    let mut findings = reports.iter().flat_map(|report| &report.findings);
    let mut unchecked = reports.iter().flat_map(|report| &report.unchecked);
    let is_ill = findings.any(|finding| finding.severity != Severity::Note);
    match is_ill || unchecked.any(|one| one.is_refused) {
        true => Exit::Partial,
        false => Exit::Ok,
    }
}
