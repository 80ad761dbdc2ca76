//! Apache as a whole: whether it accepts its configuration, its modules, hosts of one name.

use std::path::Path;

use super::edit::comment_out;
use super::place::local_asis;
use super::site_hosts;
use crate::admin::apache::{Apache, ApacheError};
use crate::admin::doctor::examination::Examination;
use crate::admin::doctor::finding::{AreaReport, Finding};
use crate::config::LocalKind;

/// Modules that the hosts need, each with the command that brings it.
const MODULES: [(&str, &str); 7] = [
    ("alias", "a2enmod alias"),
    ("asis", "a2enmod asis"),
    ("env", "a2enmod env"),
    ("headers", "a2enmod headers"),
    ("proxy_fcgi", "a2enmod proxy_fcgi"),
    ("setenvif", "a2enmod setenvif"),
    (
        "xsendfile",
        "apt install libapache2-mod-xsendfile && a2enmod xsendfile",
    ),
];

/// Number of the reader's notes that are shown.
const UNCLEAR_MAX: usize = 5;

/// Judges what Apache said of itself.
pub(in crate::admin::doctor) fn check(
    examined: &Examination<'_>,
    asked: &Result<Apache, ApacheError>,
) -> Vec<AreaReport> {
    let mut report = AreaReport::of_machine("apache");
    let apache = match asked {
        Ok(apache) => apache,
        Err(ApacheError::Absent) => {
            report.absent("Apache: there is no apachectl; --apachectl names another");
            return vec![report];
        }
        Err(ApacheError::Asking(problem)) => {
            report.refused(problem.clone());
            return vec![report];
        }
        Err(ApacheError::Refused(said)) => {
            report.push(refused(said));
            report.absent("Apache's hosts, because it refuses its configuration");
            return vec![report];
        }
    };
    check_modules(&mut report, apache);
    check_twins(&mut report, apache);
    for unclear in apache.unclear.iter().take(UNCLEAR_MAX) {
        report.absent(unclear.clone());
    }
    let hosts = apache.hosts().len();
    report.looked_at = Some(format!("{}, {hosts} hosts", apache.program));
    let mut reports = vec![report];
    for site in &examined.sites {
        // The check of hosts is about files of the tree that Apache serves itself.
        if site.local.kind == LocalKind::Apache && site.origin.is_none() {
            reports.push(site_hosts::check(examined, site, apache));
        }
    }
    reports
}

/// Our own files stop Apache with the remedy; others name a line.
fn refused(said: &str) -> Finding {
    let lines = said.lines().map(str::trim);
    let lines: Vec<&str> = lines
        .filter(|line| !line.is_empty() && !line.contains("AH00558"))
        .collect();
    let cause = lines.join(" ");
    let ours = lines
        .iter()
        .find_map(|line| line.strip_prefix("Heliostat: "));
    let what = "Apache refuses its configuration";
    match ours.and_then(|text| text.split_once(": ")) {
        Some((thing, remedy)) if thing.ends_with("is not loaded") => {
            let remedy = remedy.replace("; ", " && ");
            Finding::error("apache-module", what)
                .because(cause)
                .mended_by(remedy)
        }
        Some((thing, _)) if thing.ends_with("/local.asis is missing") => {
            let path = Path::new(thing.trim_end_matches(" is missing"));
            local_asis(path, cause)
        }
        _ => Finding::error("apache-config", what)
            .because(cause)
            .mended_by("apachectl -t"),
    }
}

fn check_modules(report: &mut AreaReport, apache: &Apache) {
    let has_fcgid = apache.modules.contains("fcgid_module");
    for (name, fix) in MODULES {
        let is_other_way = name == "proxy_fcgi" && has_fcgid;
        if !apache.modules.contains(&format!("{name}_module")) && !is_other_way {
            report.push(
                Finding::error("apache-module", format!("Apache has no mod_{name}"))
                    .because("the hosts of Heliostat need it")
                    .mended_by(fix),
            );
        }
    }
}

fn check_twins(report: &mut AreaReport, apache: &Apache) {
    let hosts = apache.hosts();
    for (name, places) in &apache.twins {
        for place in &places[1..] {
            let is_it = |file: &Path, line: usize| format!("{}:{line}", file.display()) == *place;
            let host = hosts
                .iter()
                .find(|host| is_it(&host.section.file, host.section.line));
            let fix = host.map_or_else(|| "apachectl -S".to_owned(), comment_out);
            report.push(
                Finding::error(
                    "host-twice",
                    format!("Apache has two hosts {name}: {} and {place}", places[0]),
                )
                .because("only the first ever answers; the settings of the second do nothing")
                .mended_by(fix),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_our_files_say_becomes_a_command() {
        let begin = "AH00526: Syntax error on line 125 of /h/heliostat-server.conf:\nHeliostat: ";
        for (text, id, fix) in [
            (
                "mod_xsendfile is not loaded: apt install x; a2enmod xsendfile",
                "apache-module",
                "apt install x && a2enmod xsendfile",
            ),
            (
                "/h/local.asis is missing: copy apache-conf/ there, or Define HELIOSTAT_SHARE",
                "local-asis-missing",
                "printf 'Status: 200 OK\\nLocation: /.heliostat/local\\n\\n' >/h/local.asis \
                 && chmod 644 /h/local.asis",
            ),
            ("odd", "apache-config", "apachectl -t"),
        ] {
            let found = refused(&format!("{begin}{text}\n"));
            assert_eq!((found.id, found.fix.as_str()), (id, fix));
            assert!(found.cause.contains("line 125"), "{}", found.cause);
        }
    }
}
