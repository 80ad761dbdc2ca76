//! The last configuration that could be used, kept for the day when the file cannot be.
//!
//! A responder that was running is not ended by a typo: when it starts with a file that it cannot
//! use, it goes on with the configuration that it kept. The copy lies in the service's own state
//! folder, which systemd makes and names (`StateDirectory=`), and is the service's alone to read,
//! since a configuration has secrets.

use std::path::{Path, PathBuf};

use super::config::Config;
use super::load::CONFIG_BYTES_MAX;
use super::spelling::parse;
use crate::program::replacement::replace_file;
use crate::regular_file;

/// Where the responder's unit keeps its state.
const STATE_FOLDER: &str = "/var/lib/heliostat-fcgi";

/// systemd tells a service its folder by this; several are separated by colons.
const STATE_VARIABLE: &str = "STATE_DIRECTORY";

const NAME: &str = "last-good.toml";

/// Nobody else may read it.
const MODE: u32 = 0o600;

/// Where the last good configuration is kept.
#[derive(Debug, Clone)]
pub struct LastGood {
    folder: PathBuf,
}

impl LastGood {
    /// Of a service that was given a folder; `None` for a program that nobody gave one.
    pub fn of_service() -> Option<LastGood> {
        let folders = std::env::var_os(STATE_VARIABLE)?;
        let first = std::env::split_paths(&folders).next()?;
        Some(LastGood { folder: first })
    }

    /// The configurations that the responder keeps, for other programs.
    pub fn of_responder() -> LastGood {
        LastGood::of_service().unwrap_or(LastGood {
            folder: PathBuf::from(STATE_FOLDER),
        })
    }

    /// Keeps a configuration, unless it is what is kept.
    ///
    /// # Errors
    /// The folder cannot be written to; what was kept before stays.
    pub fn keep(&self, config: &Config) -> std::io::Result<()> {
        let text = format!("{}{}", head(&config.path), config.to_toml());
        let path = self.folder.join(NAME);
        if regular_file::read_text(&path, CONFIG_BYTES_MAX).is_ok_and(|kept| kept == text) {
            return Ok(());
        }
        replace_file(&path, text.as_bytes(), MODE)
    }

    /// Loads the configuration that was kept of `path`. Absent if no usable one was kept.
    pub fn load(&self, path: &Path) -> Option<Config> {
        let kept = self.folder.join(NAME);
        let text = regular_file::read_text(&kept, CONFIG_BYTES_MAX);
        let text = text.inspect_err(|error| {
            log::debug!(
                "no last good configuration: path={} error=\"{error}\"",
                kept.display()
            );
        });
        let text = text.ok()?;
        if !text.starts_with(&head(path)) {
            log::debug!("{} is of another configuration", kept.display());
            return None;
        }
        let config = parse(&kept, &text).and_then(|text| Config::check(path, text));
        let complain = |error: &_| log::error!("the last good one cannot be used either: {error}");
        let mut config = config.inspect_err(complain).ok()?;
        config.read_mime_types();
        Some(config)
    }
}

/// The first line, which tells copies of different configurations apart.
fn head(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let path = path.as_os_str().as_encoded_bytes().escape_ascii();
    format!("# Kept by heliostat-fcgi of {path}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_was_kept_is_the_same_configuration_and_nobody_elses() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("h.toml");
        let text = "[site.a]\ntree = 'tree'\ndatabase = 'd'\n[site.a.rules]\n\
                    redirect_stamp_key = 'secret'\n";
        std::fs::write(&path, text).expect("a file");
        let config = load(&path).expect("a configuration");
        let last_good = LastGood {
            folder: folder.path().join("state"),
        };
        assert!(last_good.keep(&config).is_err(), "there is no folder");
        std::fs::create_dir(&last_good.folder).expect("a folder");
        assert!(last_good.load(&path).is_none());
        last_good.keep(&config).expect("kept");
        last_good.keep(&config).expect("kept again");
        let kept = last_good.folder.join(NAME);
        let mode = std::fs::metadata(&kept).expect("it is there").permissions();
        assert_eq!(mode.mode() & 0o777, MODE);
        assert_eq!(std::fs::read_dir(&last_good.folder).expect("it").count(), 1);
        let again = last_good.load(&path).expect("it can be used");
        assert_eq!((again.raw, again.path), (config.raw, path.clone()));
        assert!(last_good.load(Path::new("/etc/other.toml")).is_none());
        std::fs::write(&kept, head(&path) + "[site.a]\ntre = 1").expect("a file");
        assert!(last_good.load(&path).is_none());
    }
}
