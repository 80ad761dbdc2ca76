//! Finds and reads the configuration file.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::config::{Config, RawConfig};
use super::error::ConfigError;
use super::spelling::parse;
use crate::regular_file;

/// Where the configuration is when nothing says otherwise.
pub const CONFIG_PATH_DEFAULT: &str = "/etc/heliostat.toml";

/// Bytes of a configuration; a thousand directories take a tenth of it.
pub(super) const CONFIG_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Environment variable that names the configuration file.
pub const CONFIG_VARIABLE: &str = "HELIOSTAT_CONFIG";

/// The command line's choice, else the environment's, else the default.
pub fn config_path(command_line: Option<&Path>) -> PathBuf {
    command_line
        .map(Path::to_owned)
        .or_else(|| std::env::var_os(CONFIG_VARIABLE).map(PathBuf::from))
        .unwrap_or_else(|| PathBuf::from(CONFIG_PATH_DEFAULT))
}

/// Reads and checks a configuration file, and reads nothing else.
///
/// # Errors
/// Returns [`ConfigError`]; one line that names file, key and what to do.
pub fn check(path: &Path) -> Result<Config, ConfigError> {
    let text = regular_file::read_text(path, CONFIG_BYTES_MAX);
    let text = text.map_err(|source| ConfigError::Read {
        path: path.to_owned(),
        source,
    })?;
    Config::check(path, parse(path, &text)?)
}

/// Reads and checks a configuration file, and reads the content types that its rules need.
///
/// # Errors
/// Returns [`ConfigError`]; one line that names file, key and what to do.
pub fn load(path: &Path) -> Result<Config, ConfigError> {
    let mut config = check(path)?;
    config.read_mime_types();
    warn_of_open_secrets(path, &config.raw);
    Ok(config)
}

/// Bits of a file's mode that let users outside of its group in.
const OTHERS: u32 = 0o007;

/// The file may hold secrets; then it is nobody's but the services'.
fn warn_of_open_secrets(path: &Path, raw: &RawConfig) {
    let secrets = open_secrets(path, raw);
    if !secrets.is_empty() {
        log::warn!(
            "{} has secrets ({}) and every user may read it; `chmod 640` it and give it to the \
             group of the services (`chgrp heliostat`)",
            path.display(),
            secrets.join(", ")
        );
    }
}

/// Keys with secrets that every user may read.
fn open_secrets(path: &Path, raw: &RawConfig) -> Vec<String> {
    let is_open = std::fs::metadata(path).is_ok_and(|file| file.mode() & OTHERS != 0);
    if is_open { secrets(raw) } else { Vec::new() }
}

/// Keys whose values are nobody's business.
fn secrets(raw: &RawConfig) -> Vec<String> {
    let mut keys = Vec::new();
    for (name, site) in &raw.site {
        let directories = site.directory.iter().map(|directory| &directory.rules);
        let mut rules = std::iter::once(&site.rules).chain(directories);
        let has_key = |key: &Option<String>| key.as_ref().is_some_and(|key| !key.is_empty());
        if rules.any(|rules| has_key(&rules.redirect_stamp_key)) {
            keys.push(format!("site.{name}.rules.redirect_stamp_key"));
        }
        if !site.probe.webhook.is_empty() {
            keys.push(format!("site.{name}.probe.webhook"));
        }
    }
    keys
}

impl Config {
    /// Keys of the file with secrets, if every user may read it.
    pub fn open_secrets(&self) -> Vec<String> {
        open_secrets(&self.path, &self.raw)
    }

    /// The effective configuration as TOML, without descriptions; reading it gives the same
    /// configuration again.
    pub fn to_toml(&self) -> String {
        toml::to_string(&self.raw).expect("a configuration that was read can be written")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = r#"
default_site = "b"
[fcgi]
listen = "127.0.0.1:9000"
[site.a]
tree = "tree"
database = "db/a.sqlite"
geoip = ["/g.mmdb"]
[site.a.rules]
min_size = 1
fallbacks = [{ region = "eu", country = "de", url = "http://f/" }]
[[site.a.directory]]
path = "excl/deep"
handle_head_locally = true
[[site.a.directory]]
path = "/excl/"
exclude_file_mask = '\.md5'
[site.b]
tree = "/b"
database = "/b.sqlite"
"#;

    fn check_text(text: &str) -> Result<Config, ConfigError> {
        let path = Path::new("/etc/x/heliostat.toml");
        Config::check(path, parse(path, text)?)
    }

    #[test]
    fn paths_resolve_against_the_file_and_rules_merge_downwards() {
        let config = check_text(FULL).expect("a configuration");
        let a = config.site(Some("a")).expect("site a");
        assert_eq!(a.tree, Path::new("/etc/x/tree"));
        assert_eq!(a.database, Path::new("/etc/x/db/a.sqlite"));
        assert_eq!(config.site(None).expect("the default").name, "b");
        let deep = a.rules(b"excl/deep/file");
        assert!(deep.handle_head_locally && deep.exclude_file_mask.is_some());
        assert_eq!(deep.min_size_bytes, 1);
        assert!(!a.rules(b"excl/file").handle_head_locally);
        assert!(a.rules(b"exclx").exclude_file_mask.is_none());
    }

    #[test]
    fn the_deepest_word_on_metalinks_counts() {
        let text = "
            [site.a]
            tree = '/t'
            database = '/d'
            [site.a.metalink]
            by_accept = 'never'
            by_accept_agents = [{ user_agent = 'aria2/*', by_accept = 'always' }]
            own_url = true
            [[site.a.directory]]
            path = 'x'
            metalink.by_accept = 'unless-any'
            [[site.a.directory]]
            path = 'x/y'
            metalink = { by_accept_agents = [{ user_agent = 'dnf*', by_accept = 'never' }] }
            redirect_cache_control = ''
        ";
        let config = check_text(text).expect("a configuration");
        let site = config.site(None).expect("a site");
        let table = [
            ("f", "aria2/1", "*/*,application/metalink4+xml", true),
            ("f", "curl/8", "application/metalink4+xml", false),
            ("x/f", "aria2/1", "*/*,application/metalink4+xml", false),
            ("x/f", "curl/8", "application/metalink4+xml", true),
            ("x/y/f", "dnf/4", "application/metalink4+xml", false),
            ("x/y/f", "curl/8", "application/metalink4+xml", true),
        ];
        for (path, agent, accept, expected) in table {
            let rules = &site.rules(path.as_bytes()).metalink;
            let (found, _) = rules.negotiated(accept.as_bytes(), agent.as_bytes());
            assert_eq!(found.is_some(), expected, "{path} {agent} {accept}");
            assert!(rules.own_url && !rules.torrent, "{path}");
        }
        assert_eq!(site.rules(b"f").redirect_cache_control, "private, no-cache");
        assert_eq!(site.rules(b"x/y/f").redirect_cache_control, "");
        let printed = check_text(&config.to_toml()).expect("the printed one");
        assert_eq!(printed.raw, config.raw);
    }

    #[test]
    fn the_printed_configuration_reads_back_as_the_same() {
        let config = check_text(FULL).expect("a configuration");
        let printed = check_text(&config.to_toml()).expect("the printed one");
        assert_eq!(printed.raw, config.raw);
    }

    const SITE: &str = "[site.a]\ntree='/t'\ndatabase='/d'\n";

    fn in_site(more: &str) -> String {
        format!("{SITE}{more}")
    }

    fn assert_errors<const N: usize>(table: [(String, &str); N]) {
        for (text, expected) in table {
            let error = check_text(&text).expect_err(&text).to_string();
            let expected = format!("/etc/x/heliostat.toml{expected}");
            assert!(error.starts_with(&expected), "{text}: {error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }

    #[test]
    fn errors_name_the_key_and_what_to_do() {
        assert_errors([
            (String::new(), ": site: there is none; add [site.NAME]"),
            (
                "[site.a]\ntreee = '/x'".to_owned(),
                ", line 2: site.a.treee: there is no such key; did you mean 'tree'?",
            ),
            (
                "[fcgi]\nqueue = 1".to_owned(),
                ", line 2: fcgi.queue: there is no such key; there are listen, listen_mode, \
                 threads, poll_ms",
            ),
            (
                "[site.a]\ntree='/t'".to_owned(),
                ": site.a.database: it is missing; write its path",
            ),
            ("[site.a".to_owned(), ", line 1: this is no TOML: "),
            (
                in_site("[[site.a.directory]]\npath='x'\nminsize=1"),
                ", line 6: site.a.directory 'x'.minsize: there is no such key; did you mean \
                 'min_size'?",
            ),
            (
                in_site("[[site.a.directory]]\nmin_size=1"),
                ": site.a.directory[1].path: it is missing; a directory needs `path = \"…\"`",
            ),
            (
                in_site("[[site.a.directory]]\npath='/x/'\n\nexclude_ips=['10.1']"),
                ", line 7: site.a.directory '/x/'.exclude_ips: '10.1' is not an IP address; \
                 write one such as 192.0.2.7; exclude_networks has more",
            ),
            (
                in_site("local_header='X'"),
                ", line 4: site.a.local_header: 'X' is unknown; use X-Sendfile (Apache), \
                 X-LIGHTTPD-send-file or X-Accel-Redirect (nginx)",
            ),
            (
                in_site("[site.a.rules]\nexclude_file_mask='('"),
                ", line 5: site.a.rules.exclude_file_mask: '(' is no regular expression: \
                 unclosed group",
            ),
        ]);
        let error = check_text(FULL)
            .expect("ok")
            .site(Some("z"))
            .expect_err("no z")
            .to_string();
        assert!(error.contains("it has: a, b"), "{error}");
    }

    #[test]
    fn values_out_of_bounds_are_named_with_what_to_write() {
        assert_errors([
            (
                in_site("[site.a.scan]\nvanished_share_max=2"),
                ", line 5: site.a.scan.vanished_share_max: 2 is out of bounds; write a number \
                 from 0 to 1",
            ),
            (
                in_site("[site.a.scan]\njobs=1000000"),
                ", line 5: site.a.scan.jobs: 1000000 is out of bounds; write a number from 1 to \
                 256",
            ),
            (
                in_site("[site.a.scan]\nrequests=-1"),
                ", line 5: site.a.scan.requests: -1 is less than 0; write a whole number from 1 \
                 to 64",
            ),
            (
                in_site("[site.a.scan]\ntimeout_s='10 s'"),
                ", line 5: site.a.scan.timeout_s: '10 s' is a text; write a whole number of \
                 seconds from 1 to 86400",
            ),
            (
                in_site("[site.a.scan]\nexclude='x'"),
                ", line 5: site.a.scan.exclude: 'x' is a text; write a list of texts",
            ),
            (
                in_site("geoip=['/a', 7]"),
                ", line 4: site.a.geoip[2]: 7 is a number; write a path",
            ),
            (
                in_site("scan=8"),
                ", line 4: site.a.scan: 8 is a number; write a table",
            ),
            (
                in_site("[site.a.scan.mirror.'de.uni']\ncoverage_min=2.5"),
                ", line 5: site.a.scan.mirror.de.uni.coverage_min: 2.5 is out of bounds; write a \
                 number from 0 to 1",
            ),
            (
                in_site("[site.a.probe]\nmail_from='bad <x@y>'"),
                ", line 5: site.a.probe.mail_from: 'bad <x@y>' is no plain mail address; write \
                 one such as mirrors@example.org",
            ),
            (
                format!("default_site='z'\n{SITE}"),
                ", line 1: default_site: there is no [site.z]; write the name of one that is there",
            ),
            (
                in_site("[fcgi]\nlisten_mode='rw'"),
                ", line 5: fcgi.listen_mode: 'rw' is no octal mode; write one such as 0660",
            ),
            (
                in_site("[fcgi]\nlisten='999.1.1.1:80'"),
                ", line 5: fcgi.listen: '999.1.1.1:80' is neither a path nor an address with a \
                 port; write an address such as 127.0.0.1:9000 or [::1]:9000, or a path such as \
                 /run/heliostat/fcgi.sock",
            ),
            (
                in_site("[fcgi]\nthreads=100000"),
                ", line 5: fcgi.threads: 100000 is out of bounds; write a number from 0 to 256",
            ),
            (
                in_site("head_bytes_max=100"),
                ", line 4: site.a.head_bytes_max: 100 is out of bounds; write a number from 1024 \
                 to 65536",
            ),
        ]);
    }

    #[test]
    fn errors_of_documents_name_the_key() {
        assert_errors([
            (
                in_site("[site.a.metalink]\nby_accept='yes'"),
                ", line 5: site.a.metalink.by_accept: 'yes' is unknown; use always, unless-any \
                 or never",
            ),
            (
                in_site("[[site.a.directory]]\npath='x'\nmetalink.by_acept='never'"),
                ", line 6: site.a.directory 'x'.metalink.by_acept: there is no such key; did you \
                 mean 'by_accept'?",
            ),
            (
                in_site("[site.a.torrent]\nversion='hybrid'\n[site.a.hashes]\npieces=false"),
                ": site.a.hashes.digests: torrent.version = \"hybrid\" needs pieces and md5, \
                 sha1, sha256",
            ),
        ]);
    }
}
