//! `heliostat.toml`: read raw, checked, and printed back.
//!
//! Two steps: [`RawConfig`] is the file as serde reads it, every key documented and every default
//! in one place; [`Config`] is checked: paths are absolute, expressions compiled, networks parsed.
//! Precedence: command line, then environment (`HELIOSTAT_CONFIG`), then the file, then defaults.

mod checked;
mod error;
mod hashes;
mod load;
mod probe;
mod raw;
mod rule;
mod scan;

pub use checked::{Config, FcgiConfig, LocalDelivery, PingConfig, SiteConfig};
pub use error::ConfigError;
pub use hashes::{HashesConfig, RawHashes};
pub use load::{CONFIG_PATH_DEFAULT, CONFIG_VARIABLE, config_path, load};
pub use probe::{ProbeConfig, RawProbe, is_mail_address};
pub use raw::{
    RawConfig, RawDirectory, RawFallback, RawFcgi, RawIndex, RawMirrorScan, RawRules, RawScan,
    RawSelection, RawSite,
};
pub use rule::{compile_rules, merge_rules};
pub use scan::{DueConfig, ScanConfig};
