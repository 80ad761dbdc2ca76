//! The command line of `heliostat-index`.

use std::path::PathBuf;

use clap::{ArgAction, Parser};

use crate::program::arguments;
use crate::program::exit::Exit;

const EXAMPLES: &str = "\
Examples:
  heliostat-index                        the default site, all of its tree
  heliostat-index -b media -q            cron: says nothing unless something is wrong
  heliostat-index --dir releases/1.2     only what a publication touched
  heliostat-index -n -vv                 what would change, path by path
  heliostat-index --force                yes, that many files are really gone
  heliostat-index --from files.txt       a front end without the tree: lines of find
  heliostat-index --no-hashes            only the catalogue, which takes seconds
  heliostat-index --hashes-only          only hashes of what the catalogue has; may take hours

Exit codes: 0 all of the tree is indexed; 1 nothing was changed; 2 wrong command line or
configuration; 3 some directories could not be read, and what is below them stays as it was, or
some files could not be hashed.

The catalogue is brought up to date first, hashes follow; a run that is stopped or killed loses a
second's work and goes on where it was.";

/// Brings the catalogue up to date with the file tree, then hashes what is new.
#[derive(Debug, Parser)]
#[command(
    name = "heliostat-index",
    version,
    about = "Brings the catalogue up to date with the file tree, then hashes what is new",
    after_help = EXAMPLES,
    infer_long_args = true
)]
pub struct IndexArgs {
    /// Configuration file [default: /etc/heliostat.toml]
    #[arg(long, value_name = "FILE", env = crate::config::CONFIG_VARIABLE)]
    pub config: Option<PathBuf>,
    /// The site to index, if not the default one
    #[arg(short = 'b', long, value_name = "NAME")]
    pub site: Option<String>,
    /// Only this directory and what is below it; relative to the tree, or absolute
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Take the files from a manifest (- is standard input) or rsync://HOST/MODULE/, where the
    /// site has an origin in place of a tree
    #[arg(long, value_name = "MANIFEST",
          conflicts_with_all = ["dir", "hashes", "hashes_only", "rehash"])]
    pub from: Option<String>,
    /// Believe that the tree is empty, or that more than index.vanished_share_max is gone
    #[arg(long)]
    pub force: bool,
    /// Change nothing, say what would change
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Do not hash
    #[arg(long, conflicts_with_all = ["hashes_only", "rehash"])]
    pub no_hashes: bool,
    /// Hash even if hashes.enabled is false
    #[arg(long, conflicts_with = "no_hashes")]
    pub hashes: bool,
    /// Only hash what the catalogue has and what has no hashes yet
    #[arg(long)]
    pub hashes_only: bool,
    /// Also hash what has hashes
    #[arg(long)]
    pub rehash: bool,
    /// Hash only files whose name matches this regular expression from its beginning
    #[arg(long, value_name = "REGEX")]
    pub file_mask: Option<String>,
    /// Hash no files whose full path matches this regular expression from its beginning
    #[arg(long, value_name = "REGEX")]
    pub ignore_mask: Option<String>,
    /// Print the report as one JSON object
    #[arg(long)]
    pub json: bool,
    /// Only errors
    #[arg(short, long)]
    pub quiet: bool,
    /// Say more; twice: each changed path
    #[arg(short, long, action = ArgAction::Count)]
    pub verbose: u8,
}

impl IndexArgs {
    /// Reads the command line; help and version are printed, and so is what is wrong.
    ///
    /// # Errors
    /// Returns the exit code if there is nothing more to do.
    pub fn read() -> Result<IndexArgs, Exit> {
        arguments::read()
    }
}
