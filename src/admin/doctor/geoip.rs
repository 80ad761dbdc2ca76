//! The GeoIP files: whether they are there, can be read, tell places, and are young.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::examination::{Examination, Role};
use super::finding::{AreaReport, Finding};
use super::opening::{Rights, Wish};
use super::shell::{text_word, word};
use super::way::check_way;
use crate::config::SiteConfig;
use crate::geoip::GeoIp;
use crate::regular_file;

/// Free files are made each month; older than a quarter, many networks have moved.
const AGE_DAYS_MAX: u64 = 100;

/// Addresses of resolvers, registries and universities on five continents; every file of the
/// world knows some of them.
const KNOWN: [&str; 10] = [
    "8.8.8.8",
    "9.9.9.9",
    "193.0.6.139",
    "130.14.29.110",
    "202.12.29.142",
    "200.160.2.3",
    "196.216.2.6",
    "141.76.2.4",
    "2001:4860:4860::8888",
    "2001:67c:2e8:22::c100:68b",
];

/// Looks at the GeoIP files of a site.
pub(super) fn check(examined: &Examination<'_>, site: &Arc<SiteConfig>) -> AreaReport {
    let mut report = AreaReport::of_site("geoip", site);
    if site.geoip.is_empty() {
        report.push(none(examined, site));
        return report;
    }
    for path in &site.geoip {
        check_file(&mut report, examined, path);
    }
    if report.findings.is_empty() {
        check_facts(&mut report, site);
    }
    let names: Vec<String> = site
        .geoip
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    report.looked_at = Some(names.join(", "));
    report
}

fn none(examined: &Examination<'_>, site: &SiteConfig) -> Finding {
    let path = Path::new("/var/lib/GeoIP/dbip-city-lite.mmdb");
    // `sed -i` puts a file in the place of a link.
    let config = std::fs::canonicalize(&examined.config.path);
    let config = word(config.as_ref().unwrap_or(&examined.config.path));
    let line = text_word(&format!(
        "/^\\[site\\.{}\\]/a geoip = [\"{}\"]",
        site.name,
        path.display()
    ));
    Finding::warning("geoip-none", "no GeoIP file is configured")
        .because(
            "Heliostat does not know where clients are, so that all mirrors are equally near, \
             unless the web server tells the country (GEOIP_COUNTRY_CODE)",
        )
        .mended_by(format!("{} && sed -i {line} {config}", download(path)))
}

/// Makes the command that downloads a free file with the same facts to `path`.
fn download(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let kind = match name.to_ascii_lowercase() {
        name if name.contains("asn") => "asn",
        name if name.contains("country") => "country",
        _ => "city",
    };
    let folder = path.parent().unwrap_or(Path::new("/"));
    format!(
        "mkdir -p {} && curl -fL \
         \"https://download.db-ip.com/free/dbip-{kind}-lite-$(date -u +%Y-%m).mmdb.gz\" | \
         gunzip >{path}.new && mv {path}.new {path}",
        word(folder),
        path = word(path),
    )
}

fn check_file(report: &mut AreaReport, examined: &Examination<'_>, path: &PathBuf) {
    let shown = path.display();
    let file = match std::fs::metadata(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            report.push(
                Finding::warning(
                    "geoip-missing",
                    format!("the GeoIP file {shown} is not there"),
                )
                .because("without it, some clients have no known place, and get mirrors far away")
                .mended_by(download(path)),
            );
            return;
        }
        Err(error) => {
            report.refused(format!("{shown}: {error}"));
            return;
        }
    };
    if let Some(service) = examined.examiner(Role::Service) {
        let before = report.findings.len();
        let folder = path.parent().unwrap_or(Path::new("/"));
        check_way(report, std::slice::from_ref(service), folder, Wish::Enter);
        let read = service.user.look(|| regular_file::open(path).map(drop));
        let denied = io::ErrorKind::PermissionDenied;
        let is_closed = matches!(read, Ok(Err(error)) if error.kind() == denied);
        if report.findings.len() == before && is_closed {
            let (rights, user) = (Rights::of(&file), &service.user);
            report.push(
                Finding::error(
                    "geoip-unreadable",
                    format!("{} cannot read the GeoIP file {shown}", user.name),
                )
                .because(rights.cause(user, Wish::Read))
                .mended_by(rights.command(user, path, Wish::Read)),
            );
        }
    }
    let open = GeoIp::open(std::slice::from_ref(path));
    for problem in open.problems() {
        report.push(
            Finding::error(
                "geoip-damaged",
                format!("the GeoIP file {shown} cannot be used"),
            )
            .because(problem)
            .mended_by(download(path)),
        );
    }
    for (path, built_s) in open.built_s() {
        let now_s = u64::try_from(examined.now.0).unwrap_or_default();
        let days = now_s.saturating_sub(built_s) / 86_400;
        if days > AGE_DAYS_MAX {
            report.push(
                Finding::warning(
                    "geoip-old",
                    format!("the GeoIP file {} is {days} days old", path.display()),
                )
                .because("networks move; some clients are sent to another country")
                .mended_by(download(path)),
            );
        }
    }
}

/// Checks that a file tells places: one that opens and tells nothing has a layout that is not
/// known.
fn check_facts(report: &mut AreaReport, site: &SiteConfig) {
    let known = KNOWN.iter().filter_map(|text| text.parse::<IpAddr>().ok());
    for path in &site.geoip {
        let open = GeoIp::open(std::slice::from_ref(path));
        if known.clone().any(|ip| open.find(ip).network.is_some()) {
            continue;
        }
        report.push(
            Finding::warning(
                "geoip-layout",
                format!(
                    "the GeoIP file {} knows none of {} well-known addresses",
                    path.display(),
                    KNOWN.len()
                ),
            )
            .because(
                "Heliostat does not know the names of its fields, or it has some networks only \
                 (an intranet's file is fine beside another)",
            )
            .mended_by(download(path)),
        );
    }
    let all = GeoIp::open(&site.geoip);
    let has_country = known.clone().any(|ip| all.find(ip).place.country.is_some());
    if !has_country && report.findings.is_empty() {
        let path = Path::new("/var/lib/GeoIP/dbip-city-lite.mmdb");
        report.push(
            Finding::warning("geoip-no-country", "no GeoIP file knows countries")
                .because("Heliostat chooses mirrors by country first; these files have other facts")
                .mended_by(download(path)),
        );
    }
}
