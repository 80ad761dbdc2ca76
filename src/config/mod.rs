//! `heliostat.toml`: read, checked, described and printed.
//!
//! Each section is written once, as rows ([`crate::domain::key`]): name, type, default, bounds and
//! meaning of each key. These follow from the rows: [`RawConfig`], the file as it is read;
//! [`Config`], checked, with absolute paths and compiled expressions; the messages about unknown
//! keys and wrong values; `heliostat config`; docs/configuration.md.
//! Precedence: command line, then environment (`HELIOSTAT_CONFIG`), then the file, then defaults.

mod config;
mod coverage;
mod description;
mod directory;
mod document;
mod error;
mod fcgi;
mod hashes;
mod index;
mod last_good;
mod load;
mod local;
pub mod mime_type;
mod ping;
mod probe;
mod question;
mod scan;
mod selection;
mod site;
mod spelling;
mod stats;

pub use config::{Config, ConfigText, RawConfig};
pub use coverage::AllowedFiles;
pub use description::{DescribedKey, DescribedTable, describe, describe_all};
pub use directory::{DirectoryRules, RawDirectory};
pub use document::RawYum;
pub use error::{ConfigError, Lines};
pub use fcgi::{FcgiConfig, RawFcgi};
pub use hashes::{HashesConfig, RawHashes};
pub use index::{IndexConfig, RawIndex};
pub use last_good::LastGood;
pub use load::{CONFIG_PATH_DEFAULT, CONFIG_VARIABLE, check, config_path, load};
pub use local::{LocalDelivery, LocalKind, OriginConfig};
pub use ping::PingConfig;
pub use probe::{ProbeConfig, RawProbe, is_mail_address};
pub use question::{
    ListsConfig, RawAllowOutdated, RawGroup, RawHandoff, RawLists, RawOsChange, RawProductRule,
    RawProducts, RawRepository,
};
pub use scan::{DueConfig, JOBS_MAX, RawMirrorScan, RawScan, ScanConfig};
pub use site::{RawSite, SiteConfig};
pub use spelling::parse;
pub use stats::{RawStats, StatsConfig};
