//! Options of `probefile`, `iplookup`, `update` and `topology`.

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

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
    /// Which URLs to ask: those for scans (also FTP), http and https, or all
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
    /// Print all prefixes of its AS, one per line
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
    /// Refresh everything that is listed below
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
    /// Whether an option asks for a fact from the GeoIP files.
    pub fn wants_places(&self) -> bool {
        self.all || self.coordinates || self.asn || self.prefix || self.country || self.region
    }
}

/// `topology`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat topology check\n  \
    heliostat topology lookup 192.0.2.7")]
pub struct TopologyArgs {
    /// The task
    #[command(subcommand)]
    pub command: TopologyCommand,
}

/// Tasks of `topology`.
#[derive(Debug, Subcommand)]
pub enum TopologyCommand {
    /// Make a table of networks from routing data
    Compile(TopologyCompileArgs),
    /// Check a table, and tell how old it is
    Check(TopologyCheckArgs),
    /// Show the network, the AS and the label of an address
    Lookup(TopologyLookupArgs),
    /// Check and list the rules of networks, or those for an address
    Rules(TopologyRulesArgs),
}

/// `topology rules`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat topology rules\n  \
    heliostat topology rules --ip 192.0.2.7\n\n\
    Exit code 2: the file cannot be used; 3: a rule names a mirror that does not exist.\n\n\
    --json: [{\"name\", \"networks\", \"mirrors\": [{\"mirror\", \"weight\", \"is_known\"}, …],\n\
    \"share\", \"bucket\", \"is_in\"}, …]; the last two are null without --ip")]
pub struct TopologyRulesArgs {
    /// Only rules for the network of this address
    #[arg(long, value_name = "IP")]
    pub ip: Option<IpAddr>,
    /// Machine-readable
    #[arg(long)]
    pub json: bool,
}

/// `topology compile`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat topology compile --networks routeviews-rv2.pfx2as.gz own.txt \\\n      \
        -o /var/lib/heliostat/networks.hnt\n  \
    heliostat topology compile --networks rib.bz2 --label-peer 192.0.2.1 -o networks.hnt -n\n\n\
    A file is recognised by its content: pfx2as (CAIDA, RouteViews), iptoasn.com, bgpdump -m,\n\
    MRT (needs the program bgpdump), or lines `PREFIX [AS]NUMBER [LABEL]`; plain, gz, bz2, xz or\n\
    zst. Of equal networks, that of the later file counts.\n\n\
    Exit code 2: a file cannot be used; the table stays as it was.\n\n\
    --json: {\"table\", \"networks\", \"systems\", \"labels\", \"bytes\", \"dry_run\", \"files\":\n\
    [{\"file\", \"form\", \"lines\", \"networks\", \"host_bits\", \"defaults\", \"too_long\",\n\
    \"unrouted\", \"labels_dropped\", \"bad_lines\", \"first_bad_lines\"}, …]}")]
pub struct TopologyCompileArgs {
    /// Files of networks, the most important one last
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    pub networks: Vec<PathBuf>,
    /// The table
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Label each network with the next hop of this peer's route (routing tables)
    #[arg(long, value_name = "IP")]
    pub label_peer: Option<IpAddr>,
    /// Replace the old table even if it has many more networks
    #[arg(long)]
    pub force: bool,
    /// Show what would be written; write nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Machine-readable
    #[arg(long)]
    pub json: bool,
}

/// `topology check`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat topology check\n  \
    heliostat topology check --table networks.hnt\n\n\
    Exit code 1: the table cannot be used; 3: it is older than two weeks.\n\n\
    --json: {\"table\", \"networks\", \"systems\", \"labels\", \"made_at\", \"age_days\"}")]
pub struct TopologyCheckArgs {
    /// The table [default: the one in the site's `geoip`]
    #[arg(long, value_name = "FILE")]
    pub table: Option<PathBuf>,
    /// Machine-readable
    #[arg(long)]
    pub json: bool,
}

/// `topology lookup`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat topology lookup 192.0.2.7\n\n\
    --json: {\"ip\", \"network\", \"asn\", \"name\", \"label\", \"table\"}")]
pub struct TopologyLookupArgs {
    /// Address
    #[arg(value_name = "IP")]
    pub ip: IpAddr,
    /// The table [default: the one in the site's `geoip`]
    #[arg(long, value_name = "FILE")]
    pub table: Option<PathBuf>,
    /// Machine-readable
    #[arg(long)]
    pub json: bool,
}
