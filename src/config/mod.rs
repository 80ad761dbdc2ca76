//! `heliostat.toml`: read raw, checked, and printed back.
//!
//! Two steps: [`RawConfig`] is the file as serde reads it, every key documented and every default
//! in one place; [`Config`] is checked: paths are absolute, expressions compiled, networks parsed.
//! Precedence: command line, then environment (`HELIOSTAT_CONFIG`), then the file, then defaults.

mod coverage;
mod error;
mod file;
mod hashes;
mod last_good;
mod load;
pub mod mime_type;
mod probe;
mod problem;
mod rules;
mod scan;
mod site;

pub use coverage::AllowedFiles;
pub use error::ConfigError;
pub use file::{
    RawAcceptRule, RawConfig, RawDirectory, RawFallback, RawFcgi, RawIndex, RawMirrorScan,
    RawRules, RawScan, RawSelection, RawSite,
};
pub use hashes::{HashesConfig, RawHashes};
pub use last_good::LastGood;
pub use load::{CONFIG_PATH_DEFAULT, CONFIG_VARIABLE, config_path, load};
pub use probe::{ProbeConfig, RawProbe, is_mail_address};
pub use rules::{compile_rules, merge_rules};
pub use scan::{DueConfig, ScanConfig};
pub use site::{Config, FcgiConfig, LocalDelivery, LocalKind, PingConfig, SiteConfig};
