//! Options of `replay` and `compare`.

use std::path::PathBuf;

use clap::Args;

/// Decides the requests of access logs again, offline, and tells what would change.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat replay /var/log/apache2/download.log\n  \
    heliostat replay --without mirror.example.org /var/log/apache2/download.log.1.gz\n  \
    zcat old.gz | heliostat replay --json --format '%h %l %u %t \"%r\" %>s %b' -\n  \
    heliostat replay --param HELIOSTAT_MODE=redirect download.log\n\n\
    These formats are recognised: combined_redirect (MirrorBrain's and ours), combined,\n\
    vhost_combined, common. Logs may be packed: gz, xz, zst, bz2.\n\n\
    \"now\" is the site as it is: its mirrors, files and rules of today, at the times of the log.\n\
    Each line draws the same numbers every time, so that two replays differ by what changed.\n\n\
    Exit codes: 0 done, 1 no request was understood, 3 a log could not be read to its end.")]
pub struct ReplayArgs {
    /// Access logs; - is standard input
    #[arg(required = true, value_name = "ACCESS_LOG")]
    pub logs: Vec<PathBuf>,
    /// Name of a format, or Apache's LogFormat itself
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<String>,
    /// Compare with the decisions by another configuration
    #[arg(long, value_name = "OTHER.toml")]
    pub against: Option<PathBuf>,
    /// Compare with the decisions without this mirror; may be repeated
    #[arg(long, value_name = "MIRROR")]
    pub without: Vec<String>,
    /// Take size and time of files from the catalogue, not from the tree
    #[arg(long)]
    pub catalogue: bool,
    /// The clients of these logs speak https
    #[arg(long)]
    pub https: bool,
    /// A parameter as the web server would set it (HELIOSTAT_MODE=redirect); may be repeated
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = super::explain::parameter)]
    pub parameters: Vec<(String, String)>,
    /// Machine-readable
    #[arg(long)]
    pub json: bool,
}

/// Asks two hosts the same requests and lists what differs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat compare http://old.example.org http://localhost:8081\n  \
    heliostat compare http://old.example.org http://new.example.org --from download.log\n\n\
    It compares status, host of Location, the fields of files that clients act on, digests, and\n\
    the hosts that documents name. It does not read the files themselves. If the hosts redirect\n\
    to different mirrors, it asks both again, because mirrors are drawn.\n\n\
    Exit codes: 0 alike, 1 different, 3 alike as far as both answered.")]
pub struct CompareArgs {
    /// The host as it was, such as `http://old.example.org`
    #[arg(value_name = "URL_A")]
    pub url_a: String,
    /// The host as it will be
    #[arg(value_name = "URL_B")]
    pub url_b: String,
    /// Ask the requests of an access log; without it, files of the catalogue and their documents
    #[arg(long, value_name = "LOG")]
    pub from: Option<PathBuf>,
    /// Format of the log, as `replay` takes it
    #[arg(long, value_name = "FORMAT", requires = "from")]
    pub format: Option<String>,
    /// Largest number of requests
    #[arg(long, value_name = "N", default_value_t = 400,
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub requests: u32,
    /// Number of requests at a time
    #[arg(long, value_name = "N", default_value_t = 8,
          value_parser = clap::value_parser!(u32).range(1..=64))]
    pub jobs: u32,
    /// Machine-readable
    #[arg(long)]
    pub json: bool,
}
