//! Options of `compare`.

use std::path::PathBuf;

use clap::Args;

/// Asks two hosts the same requests and lists what differs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat compare http://old.example.org http://localhost:8081\n  \
    heliostat compare http://old.example.org http://new.example.org --from download.log\n\n\
    Compared are status, host of Location, the fields of files that clients act on, digests, and\n\
    the hosts that documents name. Files themselves are not read. Where both redirect to\n\
    different mirrors, both are asked again, because mirrors are drawn.\n\n\
    Exit codes: 0 alike, 1 different, 3 alike as far as both answered.")]
pub struct CompareArgs {
    /// The host as it was, such as http://old.example.org
    #[arg(value_name = "URL_A")]
    pub url_a: String,
    /// The host as it will be
    #[arg(value_name = "URL_B")]
    pub url_b: String,
    /// Ask what an access log has; otherwise files of the catalogue and their documents
    #[arg(long, value_name = "LOG")]
    pub from: Option<PathBuf>,
    /// Format of the log, as `replay` takes it
    #[arg(long, value_name = "FORMAT", requires = "from")]
    pub format: Option<String>,
    /// How many requests, at most
    #[arg(long, value_name = "N", default_value_t = 400,
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub requests: u32,
    /// How many at a time
    #[arg(long, value_name = "N", default_value_t = 8,
          value_parser = clap::value_parser!(u32).range(1..=64))]
    pub jobs: u32,
    /// Machine-readable
    #[arg(long)]
    pub json: bool,
}
