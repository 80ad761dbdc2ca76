//! Command line of `heliostat-fcgi`.

use std::path::PathBuf;

use clap::Parser;

/// Answers download requests from the web server over FastCGI.
#[derive(Debug, Parser)]
#[command(
    name = "heliostat-fcgi",
    version,
    infer_long_args = true,
    after_help = "Examples:\n  \
        heliostat-fcgi --config /etc/heliostat.toml\n  \
        heliostat-fcgi --listen /run/heliostat/fcgi.sock\n  \
        heliostat-fcgi --check\n\n\
        A socket inherited from systemd (LISTEN_FDS) or mod_fcgid (standard input) wins over \
        `listen`.\nSIGHUP reloads configuration, database and GeoIP files; SIGTERM ends after the \
        running requests. Where \
        $STATE_DIRECTORY names a folder, the last good configuration is kept there, and used when \
        the file cannot be.\n\
        Exit codes: 0 ended when told to, 1 failed, 2 the configuration cannot be used."
)]
pub struct ResponderArgs {
    /// Configuration file [default: $HELIOSTAT_CONFIG, else /etc/heliostat.toml]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Socket path or ADDRESS:PORT, instead of the configured one
    #[arg(long, value_name = "SOCKET")]
    pub listen: Option<String>,
    /// Only check the configuration: exit code 0, or 2 and the reason
    #[arg(long)]
    pub check: bool,
    /// Worker threads, instead of the configured number
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
}
