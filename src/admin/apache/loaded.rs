//! Asks Apache for its hosts, modules, names and user, then reads its files.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::directive::Directive;
use super::host::VirtualHost;
use super::reading::Reading;
use crate::regular_file;

/// Names of the program that checks a configuration, the one with the right environment first.
const PROGRAMS: [&str; 4] = ["apachectl", "apache2ctl", "apache2", "httpd"];

/// Debian keeps servers here, which not every user has in PATH.
const FURTHER_PATH: &str = "/usr/sbin:/sbin";

/// Debian's names for Apache's configuration.
const ENVIRONMENT_FILE: &str = "/etc/apache2/envvars";

const ENVIRONMENT_BYTES_MAX: u64 = 64 * 1024;

/// Why nothing is known.
#[derive(Debug)]
pub(in crate::admin) enum ApacheError {
    /// There is no Apache here.
    Absent,
    /// Apache cannot be asked.
    Asking(String),
    /// Apache refuses its configuration; its message.
    Refused(String),
}

/// A configuration that Apache accepts.
#[derive(Debug)]
pub(in crate::admin) struct Apache {
    /// The command that asked, as words of a shell.
    pub program: String,
    /// Its user.
    pub user: Option<String>,
    pub modules: BTreeSet<String>,
    pub directives: Vec<Directive>,
    /// The last value of each name of `Define`.
    names: BTreeMap<String, String>,
    /// Notes about lines that the reader did not understand.
    pub unclear: Vec<String>,
    /// Hosts of one address with the same name: name, then places as `FILE:LINE`.
    pub twins: Vec<(String, Vec<String>)>,
}

impl Apache {
    /// Asks that program, or the first of the usual ones, about that file, or the usual one.
    ///
    /// # Errors
    /// Returns [`ApacheError`] if there is no Apache, or no valid configuration.
    pub fn ask(program: Option<&Path>, config: Option<&Path>) -> Result<Apache, ApacheError> {
        let (program, told) = run(program, config)?;
        let mut reading = Reading {
            server_root: PathBuf::from(quoted_value(&told, "ServerRoot:").unwrap_or_default()),
            modules: modules(&told),
            names: names(&told),
            environment: environment(),
            ..Reading::default()
        };
        let first = config.map(Path::to_owned).or_else(|| first_file(&told));
        match first {
            Some(first) => reading.read(&first),
            None => reading
                .unclear
                .push("Apache does not name its first file".to_owned()),
        }
        Ok(Apache {
            program,
            user: user(&told),
            twins: twins(&told),
            modules: reading.modules,
            names: reading.names,
            directives: reading.directives,
            unclear: reading.unclear,
        })
    }

    /// Its virtual hosts.
    pub fn hosts(&self) -> Vec<VirtualHost<'_>> {
        VirtualHost::all(&self.directives)
    }

    /// The value of a name of `Define`.
    pub fn defined(&self, name: &str) -> Option<&str> {
        self.names.get(name).map(String::as_str)
    }

    /// Directives of that name outside of any host.
    pub fn of_server(&self, name: &str) -> impl Iterator<Item = &Directive> {
        let of_server = |one: &&Directive| one.section("virtualhost").is_none();
        let named = self.directives.iter().filter(of_server);
        named.filter(move |one| one.name == name)
    }
}

fn run(program: Option<&Path>, config: Option<&Path>) -> Result<(String, String), ApacheError> {
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{path}:{FURTHER_PATH}");
    let wanted = program.map(|program| vec![program.to_owned()]);
    let programs = wanted.unwrap_or_else(|| PROGRAMS.map(PathBuf::from).to_vec());
    for program in &programs {
        let mut command = Command::new(program);
        command.arg("-t").env("PATH", &path);
        if let Some(config) = config {
            command.arg("-f").arg(config);
        }
        for dump in ["VHOSTS", "MODULES", "INCLUDES", "RUN_CFG"] {
            command.arg("-D").arg(format!("DUMP_{dump}"));
        }
        let output = match command.output() {
            Ok(output) => output,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                let shown = program.display();
                return Err(ApacheError::Asking(format!(
                    "{shown} cannot be run: {error}"
                )));
            }
        };
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(ApacheError::Refused(if said.trim().is_empty() {
                told
            } else {
                said
            }));
        }
        let mut words = format!("{} -t", program.display());
        if let Some(config) = config {
            words = format!("{words} -f {}", config.display());
        }
        return Ok((words, told));
    }
    match program {
        Some(program) => Err(ApacheError::Asking(format!(
            "there is no program {}",
            program.display()
        ))),
        None => Err(ApacheError::Absent),
    }
}

/// `NAME: "VALUE"`.
fn quoted_value(told: &str, name: &str) -> Option<String> {
    let line = told
        .lines()
        .find_map(|line| line.trim().strip_prefix(name))?;
    let value = line.trim().strip_prefix('"')?;
    Some(value.split('"').next()?.to_owned())
}

/// `User: name="www-data" id=33`.
fn user(told: &str) -> Option<String> {
    let line = told
        .lines()
        .find_map(|line| line.strip_prefix("User: name=\""))?;
    Some(line.split('"').next()?.to_owned())
}

/// ` alias_module (shared)`.
fn modules(told: &str) -> BTreeSet<String> {
    let words = told.lines().filter_map(|line| line.trim().split_once(" ("));
    let modules = words.filter(|(name, _)| name.ends_with("_module"));
    modules.map(|(name, _)| name.to_owned()).collect()
}

/// `Define: NAME=VALUE` of the command line; those of the files are read there, in their order.
fn names(told: &str) -> BTreeMap<String, String> {
    let lines = told
        .lines()
        .filter_map(|line| line.strip_prefix("Define: "));
    let dumps = lines.filter(|line| line.starts_with("DUMP_"));
    dumps.map(|name| (name.to_owned(), String::new())).collect()
}

/// `  (*) /etc/apache2/apache2.conf`.
fn first_file(told: &str) -> Option<PathBuf> {
    let line = told
        .lines()
        .find_map(|line| line.trim().strip_prefix("(*) "))?;
    Some(PathBuf::from(line))
}

/// Hosts that Apache lists twice under one address: the second never answers.
fn twins(told: &str) -> Vec<(String, Vec<String>)> {
    let mut address = String::new();
    let mut places: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for line in told.lines() {
        let text = line.trim();
        if let Some((begin, _)) = text.split_once(" is a NameVirtualHost") {
            address = begin.trim().to_owned();
        }
        let Some((_, rest)) = text.split_once(" namevhost ") else {
            continue;
        };
        if let Some((name, place)) = rest.split_once(" (") {
            let key = (address.clone(), name.to_ascii_lowercase());
            let place = place.trim_end_matches(')').to_owned();
            places.entry(key).or_default().push(place);
        }
    }
    let twins = places.into_iter().filter(|(_, places)| places.len() > 1);
    let mut twins: Vec<_> = twins.map(|((_, name), places)| (name, places)).collect();
    twins.dedup();
    twins
}

/// Variables that Debian's `apachectl` sets for Apache.
pub(in crate::admin) fn environment() -> BTreeMap<String, String> {
    let mut names: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name.starts_with("APACHE_"))
        .collect();
    let path = Path::new(ENVIRONMENT_FILE);
    let text = regular_file::read_text(path, ENVIRONMENT_BYTES_MAX).unwrap_or_default();
    for line in text.lines() {
        let set = line
            .trim()
            .strip_prefix("export ")
            .and_then(|rest| rest.split_once('='));
        if let Some((name, value)) = set {
            let value = value.trim_matches(['"', '\'']).replace("$SUFFIX", "");
            names.entry(name.to_owned()).or_insert(value);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Apache 2.4 prints it.
    const TOLD: &str = "VirtualHost configuration:\n\
        *:80                   is a NameVirtualHost\n         \
        default server a.org (/e/s.conf:1)\n         \
        port 80 namevhost a.org (/e/s.conf:1)\n                 alias b.org\n         \
        port 80 namevhost A.org (/e/t.conf:7)\n\
        *:443                  a.org (/e/s.conf:20)\n\
        ServerRoot: \"/etc/apache2\"\nMain DocumentRoot: \"/var/www/html\"\n\
        Define: DUMP_VHOSTS\nDefine: TREE=/srv\nUser: name=\"www-data\" id=33\n\
        Loaded Modules:\n core_module (static)\n alias_module (shared)\n\
        Included configuration files:\n  (*) /etc/apache2/apache2.conf\n    (1) /e/s.conf\n";

    #[test]
    fn what_apache_tells_is_understood() {
        assert_eq!(user(TOLD).as_deref(), Some("www-data"));
        assert_eq!(
            quoted_value(TOLD, "ServerRoot:").as_deref(),
            Some("/etc/apache2")
        );
        assert!(modules(TOLD).contains("alias_module"));
        assert_eq!(first_file(TOLD), Some("/etc/apache2/apache2.conf".into()));
        assert_eq!(
            names(TOLD).len(),
            1,
            "those of files are read in their order"
        );
        let places = vec!["/e/s.conf:1".to_owned(), "/e/t.conf:7".to_owned()];
        assert_eq!(twins(TOLD), [("a.org".to_owned(), places)]);
    }
}
