//! Finding, reading and printing the configuration file.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::error::ConfigError;
use super::file::RawConfig;
use super::site::Config;
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

/// Reads and checks a configuration file.
///
/// # Errors
/// [`ConfigError`]; one line that names file, key and what to do.
pub fn load(path: &Path) -> Result<Config, ConfigError> {
    let text = regular_file::read_text(path, CONFIG_BYTES_MAX);
    let text = text.map_err(|source| ConfigError::Read {
        path: path.to_owned(),
        source,
    })?;
    let config = Config::check(path, parse(path, &text)?)?;
    warn_of_open_secrets(path, &config.raw);
    Ok(config)
}

/// What users outside the group may do with a file.
const OTHERS: u32 = 0o007;

/// The file may hold secrets; then it is nobody's but the services'.
fn warn_of_open_secrets(path: &Path, raw: &RawConfig) {
    let is_open = std::fs::metadata(path).is_ok_and(|file| file.mode() & OTHERS != 0);
    let secrets = if is_open { secrets(raw) } else { Vec::new() };
    if !secrets.is_empty() {
        log::warn!(
            "{} has secrets ({}) and every user may read it; `chmod 640` it and give it to the \
             group of the services (`chgrp heliostat`)",
            path.display(),
            secrets.join(", ")
        );
    }
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

pub(super) fn parse(path: &Path, text: &str) -> Result<RawConfig, ConfigError> {
    toml::from_str(text).map_err(|error: toml::de::Error| {
        let line = error
            .span()
            .map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        let place = line
            .map(|line| format!("line {line}: "))
            .unwrap_or_default();
        ConfigError::Parse {
            path: path.to_owned(),
            message: format!("{place}{}", error.message().replace('\n', " ")),
        }
    })
}

impl Config {
    /// The effective configuration as TOML; reading it gives the same configuration again.
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

    fn check(text: &str) -> Result<Config, ConfigError> {
        let path = Path::new("/etc/x/heliostat.toml");
        Config::check(path, parse(path, text)?)
    }

    #[test]
    fn paths_resolve_against_the_file_and_rules_merge_downwards() {
        let config = check(FULL).expect("a configuration");
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
        let config = check(text).expect("a configuration");
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
        let printed = check(&config.to_toml()).expect("the printed one");
        assert_eq!(printed.raw, config.raw);
    }

    #[test]
    fn the_printed_configuration_reads_back_as_the_same() {
        let config = check(FULL).expect("a configuration");
        let printed = check(&config.to_toml()).expect("the printed one");
        assert_eq!(printed.raw, config.raw);
    }

    #[test]
    fn errors_name_the_key_and_what_to_do() {
        let site = "[site.a]\ntree='/t'\ndatabase='/d'\n";
        for (text, expected) in [
            ("", "there is none; add [site.NAME]"),
            ("[site.a]\ntre = '/x'", "line 2: unknown field `tre`"),
            ("[site.a]\ntree='/t'", "site.a.database: it is missing"),
            (
                &format!("{site}[[site.a.directory]]\npath='x'\nminsize=1"),
                "unknown field `minsize`",
            ),
            (
                &format!("{site}[[site.a.directory]]\nmin_size=1"),
                "needs `path",
            ),
            (&format!("{site}local_header='X'"), "use X-Sendfile"),
            (
                &format!("{site}[site.a.rules]\nexclude_file_mask='('"),
                "no regular expression",
            ),
            (
                &format!("{site}[site.a.scan]\nvanished_share_max=2"),
                "no share from 0 to 1",
            ),
            (&format!("default_site='z'\n{site}"), "no [site.z]"),
            (&format!("{site}[fcgi]\nlisten_mode='rw'"), "no octal mode"),
            (&format!("{site}head_bytes_max=100"), "from 1024 to 65536"),
            (
                &format!("{site}[site.a.metalink]\nby_accept='yes'"),
                "site.a.metalink.by_accept: 'yes' is unknown; use always, unless-any or never",
            ),
            (
                &format!("{site}[[site.a.directory]]\npath='x'\nmetalink.by_acept='never'"),
                "unknown field `by_acept`",
            ),
        ] {
            let error = check(text).expect_err(text).to_string();
            assert!(error.contains(expected), "{text}: {error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
        let error = check(FULL)
            .expect("ok")
            .site(Some("z"))
            .expect_err("no z")
            .to_string();
        assert!(error.contains("it has: a, b"), "{error}");
    }
}
