//! The command line of `heliostat-scan`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Parser;

use crate::config::JOBS_MAX;
use crate::program::arguments;
use crate::program::exit::Exit;

/// Learn which mirror has which file, by rsync or from the index pages of its web server.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "heliostat-scan",
    version,
    infer_long_args = true,
    after_help = "\
Examples:
  heliostat-scan --all --jobs 4 --quiet     all mirrors in use; one line each (cron)
  heliostat-scan -e mirror.example.org      scan one mirror and switch it on
  heliostat-scan -d releases/v5 --all       only that subtree, after a release
  heliostat-scan --force mirror.example     publish although much has vanished
  heliostat-scan --due -qq                  only what is due (cron, every minute)
  heliostat-scan --due --dry-run            what that would be, and why

A scan that fails, or that looks wrong (nothing listed, too much vanished, another tree), changes
nothing; what looked wrong is published when the next scan sees the same, or by --force.

Exit code: 0 all mirrors were scanned, 3 some, 1 none, 2 wrong usage or configuration."
)]
pub struct ScanArgs {
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
    /// All mirrors that are enabled and alive and have a URL to list.
    #[arg(short, long, conflicts_with = "mirrors")]
    pub all: bool,
    /// Of all mirrors only what is due: directories that changed in the catalogue soon and often
    /// until most mirrors have them, the rest by age (scan.whole_age_s).
    #[arg(long, conflicts_with_all = ["all", "mirrors", "dir", "include", "exclude",
          "exclude_rsync", "enable", "force"])]
    pub due: bool,
    /// With --due: only tell what is due and why, and what is not.
    #[arg(short = 'n', long, requires = "due", conflicts_with_all = ["all", "mirrors"])]
    pub dry_run: bool,
    /// Mirrors to scan at a time [default: as configured, scan.jobs].
    #[arg(short, long, value_name = "N",
          value_parser = clap::value_parser!(u64).range(1..=JOBS_MAX))]
    pub jobs: Option<u64>,
    /// Only this directory or file of the tree; all else stays as it was.
    #[arg(short, long, alias = "directory", value_name = "DIR")]
    pub dir: Option<OsString>,
    /// Only this name at the top of the tree, beside those configured (scan.top_include).
    #[arg(short = 'I', long, value_name = "NAME")]
    pub include: Vec<String>,
    /// Regular expression of directories (`/DIR/`) and files not listed over HTTP or FTP, beside
    /// those configured (scan.exclude).
    #[arg(long, value_name = "REGEX")]
    pub exclude: Vec<String>,
    /// Pattern for rsync's --exclude, beside those configured (scan.exclude_rsync).
    #[arg(long, value_name = "PATTERN")]
    pub exclude_rsync: Vec<String>,
    /// Switch each mirror on after a good scan.
    #[arg(short, long)]
    pub enable: bool,
    /// Publish what was seen even if it looks wrong.
    #[arg(short, long)]
    pub force: bool,
    /// Print only the total of each mirror; twice: only errors.
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub quiet: u8,
    /// Print more; twice: what rsync says, too.
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Accepted and not needed: there is no SQL to be seen.
    #[arg(long, hide = true)]
    pub sql_debug: bool,
    /// Accepted and not needed: this is the scanner.
    #[arg(short = 'S', long, value_name = "PATH", hide = true)]
    pub scanner: Option<PathBuf>,
    /// Print one JSON object at the end instead of lines.
    #[arg(long)]
    pub json: bool,
    /// Names of mirrors, or parts of names that fit one mirror; disabled ones are scanned, too.
    #[arg(value_name = "MIRROR", required_unless_present_any = ["all", "due"])]
    pub mirrors: Vec<String>,
}

impl ScanArgs {
    /// Reads the command line; prints help, version, or the error.
    ///
    /// # Errors
    /// Returns the exit code if the program has printed one of them and is to end.
    pub fn read() -> Result<ScanArgs, Exit> {
        arguments::read()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn options_are_those_of_mb_and_may_be_abbreviated() {
        ScanArgs::command().debug_assert();
        let parse = |line: &str| ScanArgs::try_parse_from(line.split_whitespace());
        let args = parse("scan --al --job 4 -q --di a/b -b x").expect("mb's way of writing it");
        assert!(args.all && args.quiet == 1 && args.jobs == Some(4));
        assert_eq!(args.site.as_deref(), Some("x"));
        let args = parse("scan --directory a/b --sql-debug -S /usr/bin/scanner m").expect("mb's");
        assert_eq!(args.dir.as_deref(), Some("a/b".as_ref()));
        let args = parse("scan -qq -e -f m1 m2").expect("names");
        assert!(args.enable && args.force && args.quiet == 2 && args.mirrors.len() == 2);
        let args = parse("scan --due -n -qq -j 2 --json").expect("what is due");
        assert!(args.due && args.dry_run && args.mirrors.is_empty());
        for wrong in [
            "scan",
            "scan -a m1",
            "scan -j 0 -a",
            "scan -j x -a",
            "scan --nope m",
            "scan --due -a",
            "scan --due m",
            "scan --due -d x",
            "scan --due -e",
            "scan --due -f",
            "scan -a --dry-run",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
