//! Finds Apache's hosts with the site's name, and GeoIP files, on this machine.

use std::path::{Path, PathBuf};

use crate::admin::apache::{Apache, ApacheError};
use crate::admin::args::InitArgs;

/// Folders in which packages and update programs put GeoIP files.
const GEOIP_FOLDERS: [&str; 3] = [
    "/var/lib/GeoIP",
    "/usr/share/GeoIP",
    "/usr/local/share/GeoIP",
];

/// Folder of the files to include.
pub(super) const SHARE: &str = "/usr/share/heliostat";

/// Facts about this machine.
#[derive(Debug, Default)]
pub(super) struct FoundMachine {
    /// Files and lines of Apache's hosts with that name.
    pub hosts: Vec<String>,
    /// Files of these hosts.
    pub host_files: Vec<PathBuf>,
    /// As the first of them writes it.
    pub document_root: Option<PathBuf>,
    pub certificate: Option<(String, String)>,
    /// Proxies that may tell the client's address.
    pub proxies: Vec<String>,
    pub geoip: Vec<PathBuf>,
    /// Notes about things that could not be examined.
    pub problems: Vec<String>,
}

/// Looks at the machine; changes nothing.
pub(super) fn look(args: &InitArgs) -> FoundMachine {
    let mut found = FoundMachine {
        geoip: geoip_files(),
        ..FoundMachine::default()
    };
    match Apache::ask(args.apachectl.as_deref(), args.apache_config.as_deref()) {
        Ok(apache) => look_at_hosts(&mut found, &apache, &args.host),
        Err(ApacheError::Absent) => found.problems.push("there is no Apache".to_owned()),
        Err(ApacheError::Asking(problem)) => found.problems.push(problem),
        Err(ApacheError::Refused(said)) => {
            let said = said.trim().replace('\n', " ");
            found
                .problems
                .push(format!("Apache refuses its configuration: {said}"));
        }
    }
    found
}

fn look_at_hosts(found: &mut FoundMachine, apache: &Apache, name: &str) {
    let is_it = |text: &str| {
        let host = text.split(':').next().unwrap_or_default();
        host.eq_ignore_ascii_case(name)
    };
    let hosts = apache.hosts();
    let hosts = hosts.iter().filter(|host| {
        let mut aliases = host.named("serveralias").flat_map(|one| &one.arguments);
        is_it(host.server_name()) || aliases.any(|alias| is_it(alias))
    });
    for host in hosts {
        found.hosts.push(host.shown());
        if !found.host_files.contains(&host.section.file) {
            found.host_files.push(host.section.file.clone());
        }
        let root = host
            .document_root()
            .map(|one| PathBuf::from(one.argument()));
        found.document_root = found.document_root.take().or(root);
        let one = |name| host.named(name).last().map(|one| one.argument().to_owned());
        if let (Some(file), Some(key)) = (one("sslcertificatefile"), one("sslcertificatekeyfile")) {
            found.certificate = Some((file, key));
        }
        for name in ["remoteipinternalproxy", "remoteiptrustedproxy"] {
            let named = apache.of_server(name).chain(host.named(name));
            let proxies = named.flat_map(|one| one.arguments.iter().cloned());
            found.proxies.extend(proxies);
        }
    }
    found.proxies.sort();
    found.proxies.dedup();
}

fn geoip_files() -> Vec<PathBuf> {
    let folders = GEOIP_FOLDERS.iter().map(Path::new);
    let entries = folders.flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten());
    let paths = entries.flatten().map(|entry| entry.path());
    let is_file = |path: &PathBuf| path.extension().is_some_and(|end| end == "mmdb");
    let mut files: Vec<PathBuf> = paths.filter(is_file).collect();
    files.sort();
    files
}
