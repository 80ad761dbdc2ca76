//! The virtual hosts that serve a site's tree.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::host::{self, HostOfSite};
use super::place::real;
use crate::admin::apache::{Apache, VirtualHost};
use crate::admin::doctor::examination::Examination;
use crate::admin::doctor::finding::{AreaReport, Finding};
use crate::config::SiteConfig;

/// Judges the hosts of a site.
pub(super) fn check(
    examined: &Examination<'_>,
    site: &Arc<SiteConfig>,
    apache: &Apache,
) -> AreaReport {
    let mut report = AreaReport::of_site("hosts", site);
    let tree = real(&site.tree);
    let hosts: Vec<VirtualHost<'_>> = apache
        .hosts()
        .into_iter()
        .filter(|host| serves(host, &tree) && !is_of_another(examined, site, host))
        .collect();
    if hosts.is_empty() {
        report.push(missing(site));
        return report;
    }
    let shown: Vec<String> = hosts.iter().map(VirtualHost::shown).collect();
    for host in hosts {
        let of_site = HostOfSite {
            apache,
            site,
            host: &host,
            listen: &examined.config.fcgi.listen,
        };
        report.findings.extend(host::check(&of_site));
    }
    report.looked_at = Some(shown.join(", "));
    report
}

fn serves(host: &VirtualHost<'_>, tree: &Path) -> bool {
    let root = host.document_root().map(|root| root.argument().to_owned());
    // The paths below /.heliostat/ are our own.
    let aliases = host
        .named("alias")
        .filter(|alias| alias.section("location").is_none());
    let aliases = aliases.filter_map(|alias| alias.arguments.last().cloned());
    root.into_iter()
        .chain(aliases)
        .any(|named| real(Path::new(&named)) == tree)
}

/// Whether the host belongs to another site. Sites may have one tree under several names; a host
/// belongs to the site that writes the name as it does.
fn is_of_another(examined: &Examination<'_>, site: &SiteConfig, host: &VirtualHost<'_>) -> bool {
    let Some(root) = host.document_root() else {
        return false;
    };
    let written: PathBuf = Path::new(root.argument()).components().collect();
    let mut others = examined.sites.iter();
    written != site.tree && others.any(|other| other.tree == written)
}

fn missing(site: &SiteConfig) -> Finding {
    let tree = site.tree.display();
    Finding::error(
        "host-missing",
        format!("no virtual host of Apache serves {tree}"),
    )
    .because("no DocumentRoot and no Alias leads to the tree, so nothing is redirected")
    .mended_by(
        "cp /usr/share/heliostat/mod_proxy_fcgi.conf \
             /etc/apache2/sites-available/download.conf && \
             editor /etc/apache2/sites-available/download.conf && a2ensite download",
    )
}
