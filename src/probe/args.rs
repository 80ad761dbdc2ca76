//! The command line of `heliostat-probe`; it has all options of `mirrorprobe`.

use std::path::PathBuf;

use clap::Parser;

use crate::program::arguments;
use crate::program::exit::Exit;

/// Find out which mirrors answer.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "heliostat-probe",
    version,
    infer_long_args = true,
    after_help = "\
Examples:
  heliostat-probe                           all enabled mirrors once (cron, each minute)
  heliostat-probe --daemon                  all enabled mirrors, each minute (a service)
  heliostat-probe --follow                  how often do redirects lead to the file?
  heliostat-probe -n mirror.example.org     look at one mirror in detail, change nothing

Printed is what changed. Named mirrors are probed although they are disabled, and shown in detail.
What a probe turns off a probe turns on again; what was disabled stays so, but for --enable-revived.

Exit code: 0 all were probed (whatever was found); 3 some or all could not be, because this host
looks cut off or the time was over, or somebody could not be told; 1 it failed; 2 wrong usage or
configuration."
)]
pub struct ProbeArgs {
    /// Configuration file [default: /etc/heliostat.toml].
    #[arg(long, value_name = "FILE", env = crate::config::CONFIG_VARIABLE)]
    pub config: Option<PathBuf>,
    /// Site of the configuration.
    #[arg(
        short = 'b',
        long,
        value_name = "SITE",
        visible_alias = "brain-instance"
    )]
    pub site: Option<String>,
    /// Append to this file what changed, as mirrorprobe does.
    #[arg(short, long, value_name = "LOGFILE")]
    pub logfile: Option<PathBuf>,
    /// How much the log file and standard error tell: DEBUG, INFO, WARNING, ERROR.
    #[arg(short = 'L', long, value_name = "LEVEL")]
    pub loglevel: Option<String>,
    /// Mail changes to this address [default: as configured, probe.mail_to].
    #[arg(short = 'T', long, value_name = "MAILTO")]
    pub mailto: Vec<String>,
    /// Seconds for one check [default: as configured, probe.timeout_s].
    #[arg(short, long, value_name = "SECONDS",
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: Option<u64>,
    /// Write nothing and tell nobody.
    #[arg(short = 'n', long, visible_alias = "no-run")]
    pub dry_run: bool,
    /// Also enable what answers again.
    #[arg(short, long)]
    pub enable_revived: bool,
    /// Go on, one pass each probe.interval_s, until SIGTERM.
    #[arg(long, conflicts_with_all = ["mirrors", "json"])]
    pub daemon: bool,
    /// Probe what fails and still gets clients again, each probe.retry_s, until it is off or
    /// answers; --daemon always does.
    #[arg(long, conflicts_with = "mirrors")]
    pub retry: bool,
    /// Follow some of the last redirects that clients got, as they would, and compare a piece of a
    /// file with ours; --daemon does so each five minutes.
    #[arg(long, conflicts_with_all = ["daemon", "retry", "enable_revived", "mirrors", "logfile"])]
    pub follow: bool,
    /// Print nothing but errors.
    #[arg(short, long)]
    pub quiet: bool,
    /// Say more; twice: everything.
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
    /// Names of mirrors, or parts of names that fit one mirror.
    #[arg(value_name = "MIRROR")]
    pub mirrors: Vec<String>,
}

impl ProbeArgs {
    /// Reads the command line; prints help, version, or the error.
    ///
    /// # Errors
    /// Returns the exit code if the program has printed one of them and is to end.
    pub fn read() -> Result<ProbeArgs, Exit> {
        arguments::read()
    }

    /// Whether `-L` asks for everything.
    pub fn is_debug(&self) -> bool {
        let level = self.loglevel.as_deref().unwrap_or_default();
        level.eq_ignore_ascii_case("debug") || self.verbose > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn options_are_those_of_mirrorprobe() {
        ProbeArgs::command().debug_assert();
        let parse = |line: &str| ProbeArgs::try_parse_from(line.split_whitespace());
        let args =
            parse("p --config f -b x -l log -L DEBUG -T a@b -t 20 -n -e m1 m2").expect("mb's");
        assert!(args.dry_run && args.enable_revived && args.is_debug());
        assert_eq!((args.timeout, args.mirrors.len()), (Some(20), 2));
        for wrong in [
            "p -t 0",
            "p --daemon m1",
            "p --follow m1",
            "p --daemon --json",
            "p --nope",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
