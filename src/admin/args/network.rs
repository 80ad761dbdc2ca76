//! Options of `probefile`, `iplookup` and `update`.

use std::ffi::OsString;

use clap::{Args, ValueEnum};

use super::change::BEYOND_MB;

/// `probefile`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat probefile dist/x.iso\n  \
    heliostat probefile dist/x.iso -m mirror.example.org --urls all\n\n\
    --json: {\"path\", \"found\", \"urls\": [{\"mirror\", \"url\", \"is_there\", \"said\"}, …]}")]
pub struct ProbefileArgs {
    /// Path below the tree
    #[arg(value_name = "FILE")]
    pub path: OsString,
    /// Which URLs: those that are scanned (FTP too), http and https, or all
    #[arg(long, value_enum, default_value = "http")]
    pub urls: UrlsArg,
    /// Only this mirror
    #[arg(short = 'm', long, value_name = "MIRROR")]
    pub mirror: Option<String>,
    /// Also disabled mirrors
    #[arg(short = 'a', long = "all-mirrors")]
    pub all_mirrors: bool,
    /// Machine-readable
    #[arg(long, help_heading = BEYOND_MB)]
    pub json: bool,
}

/// Which URLs are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum UrlsArg {
    /// Those of scans
    Scan,
    /// Those of clients
    Http,
    /// Both
    All,
}

/// `iplookup`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat iplookup 192.0.2.7\n  \
    heliostat iplookup mirror.example.org --asn\n  \
    heliostat iplookup mirror.example.org --all-prefixes\n\n\
    --json: {\"prefix\", \"asn\", \"addresses\": [{\"ip\", \"facts\":\n\
    [{\"fact\", \"value\", \"file\", \"field\"}, …]}, …]}")]
pub struct IplookupArgs {
    /// Address or host name
    #[arg(value_name = "IP-OR-HOST")]
    pub address: String,
    /// Print the prefix only
    #[arg(short, long)]
    pub prefix: bool,
    /// Print the AS number only
    #[arg(short, long, conflicts_with = "prefix")]
    pub asn: bool,
    /// Print all prefixes of its AS, a line each
    #[arg(long, conflicts_with_all = ["prefix", "asn"])]
    pub all_prefixes: bool,
    /// Machine-readable
    #[arg(long, conflicts_with_all = ["prefix", "asn", "all_prefixes"], help_heading = BEYOND_MB)]
    pub json: bool,
}

/// `update`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat update -A mirror.example.org\n  \
    heliostat update --all-mirrors --asn --prefix -n\n  \
    heliostat update --https --all-mirrors\n\n\
    Exit code 3: some mirrors could not be looked up or asked; the others are refreshed.\n\n\
    --json: {\"dry_run\", \"https\": null or {\"of\", \"had\", \"added\", \"mirrors\":\n\
    [{\"mirror\", \"url\", \"said\"}, …]}, \"mirrors\": [{\"mirror\", \"problem\", \"changes\":\n\
    [{\"field\", \"from\", \"to\"}, …]}, …]}")]
pub struct UpdateArgs {
    /// Mirrors, by name
    #[arg(value_name = "MIRROR", required_unless_present_any = ["all_mirrors", "https"])]
    pub identifiers: Vec<String>,
    /// Refresh everything that follows
    #[arg(short = 'A', long = "all")]
    pub all: bool,
    /// Refresh coordinates
    #[arg(short, long)]
    pub coordinates: bool,
    /// Refresh the AS number
    #[arg(short, long)]
    pub asn: bool,
    /// Refresh the prefix
    #[arg(short, long)]
    pub prefix: bool,
    /// Refresh the country
    #[arg(long)]
    pub country: bool,
    /// Refresh the continent
    #[arg(long)]
    pub region: bool,
    /// Try https for mirrors that have http URLs only, with files that they are known to have, and
    /// store what works
    #[arg(long, help_heading = BEYOND_MB)]
    pub https: bool,
    /// All mirrors
    #[arg(long, conflicts_with = "identifiers")]
    pub all_mirrors: bool,
    /// Show what would be changed
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Machine-readable
    #[arg(long, help_heading = BEYOND_MB)]
    pub json: bool,
}

impl UpdateArgs {
    /// Whether anything is asked for that the GeoIP files know.
    pub fn wants_places(&self) -> bool {
        self.all || self.coordinates || self.asn || self.prefix || self.country || self.region
    }
}
