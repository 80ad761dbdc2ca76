//! The command line of `heliostat`, which is also MirrorBrain's `mb`.
//!
//! Names, short forms and meanings are `mb`'s (behaviour §8); what `mb` does
//! not have stands below the heading [`BEYOND_MB`](super::BEYOND_MB), so that an abbreviation that
//! was clear in `mb` stays clear (see the module `abbreviation`).

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::explain::ExplainArgs;
use super::file::FileArgs;
use super::history::{EventsArgs, RunsArgs};
use super::import::ImportArgs;
use super::makehashes::MakehashesArgs;
use super::mirror::PingArgs;
use super::mirror::{
    CommentArgs, DeleteArgs, EditArgs, EnableArgs, ListArgs, NewArgs, OneArgs, RenameArgs,
    ScoreArgs, ShowArgs,
};
use super::network::{IplookupArgs, ProbefileArgs, UpdateArgs};
use super::status::StatusArgs;
use crate::config::CONFIG_VARIABLE;

/// Manages the mirrors of a download redirector.
#[derive(Debug, Parser)]
#[command(
    name = "heliostat",
    version,
    infer_long_args = true,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Examples:\n  \
        heliostat new mirror.example.org -H http://mirror.example.org/dist/ \\\n      \
            -R rsync://mirror.example.org/dist/\n  \
        heliostat scan -e mirror.example.org\n  \
        heliostat list --prio --country -N\n  \
        heliostat file ls '/dist/*.iso'\n  \
        heliostat explain /dist/x.iso --ip 192.0.2.7\n\n\
        MIRROR names may be shortened to any part that fits one mirror only.\n\
        Exit codes: 0 done, 1 failed, 2 wrong command line or configuration, 3 partly done."
)]
pub struct Arguments {
    /// Which site, and how much is said
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// Options before the subcommand.
#[derive(Debug, Args)]
pub struct GlobalArgs {
    /// Configuration file [default: /etc/heliostat.toml]
    #[arg(long, value_name = "FILE", env = CONFIG_VARIABLE, hide_env_values = true)]
    pub config: Option<PathBuf>,
    /// The site to work on; `mb` calls it an instance
    #[arg(
        short = 'b',
        long = "site",
        visible_alias = "brain-instance",
        value_name = "NAME",
        env = "MB",
        hide_env_values = true
    )]
    pub site: Option<String>,
    /// Say what is done
    #[arg(short, long)]
    pub debug: bool,
}

impl GlobalArgs {
    /// The site that was named; an empty `MB` names none.
    pub fn site(&self) -> Option<&str> {
        self.site.as_deref().filter(|name| !name.is_empty())
    }
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add a mirror
    New(Box<NewArgs>),
    /// List mirrors
    List(ListArgs),
    /// Show all that is known of a mirror
    Show(ShowArgs),
    /// Change a mirror in an editor, or by --set
    Edit(EditArgs),
    /// Let a mirror have clients
    Enable(EnableArgs),
    /// Send no client to a mirror
    Disable(OneArgs),
    /// Show or set a mirror's score
    Score(ScoreArgs),
    /// Give a mirror another name
    Rename(RenameArgs),
    /// Remove a mirror and what is known of its files
    Delete(DeleteArgs),
    /// Append to the comment of a mirror
    Commentadd(CommentArgs),
    /// Name the sites of the configuration
    Instances,
    /// Learn which files mirrors have: runs heliostat-scan
    #[command(disable_help_flag = true)]
    Scan(PassedArgs),
    /// Learn which files there are: runs heliostat-index
    #[command(disable_help_flag = true)]
    Index(PassedArgs),
    /// Learn which mirrors answer: runs heliostat-probe
    #[command(disable_help_flag = true)]
    Probe(PassedArgs),
    /// Look at one mirror now, in detail: runs heliostat-probe -n
    Test(OneArgs),
    /// Ask for a scan of mirrors, since they have changed
    Ping(PingArgs),
    /// Ask mirrors now whether they have a file
    Probefile(ProbefileArgs),
    /// Show the network and the AS of an address
    Iplookup(IplookupArgs),
    /// Refresh what the GeoIP files know of mirrors
    Update(UpdateArgs),
    /// Show how mirrors are, and why one is out
    Status(StatusArgs),
    /// Compute hashes of the files below a directory: runs heliostat-index
    Makehashes(MakehashesArgs),
    /// Go back to what a mirror had before its last scan
    Rollback(OneArgs),
    /// Show which mirrors have a file
    File(FileArgs),
    /// Tell what is decided for a file and a client, and why
    Explain(ExplainArgs),
    /// Show the latest scans, index runs and imports
    Runs(RunsArgs),
    /// Show what was changed, and by whom
    Events(EventsArgs),
    /// Print the configuration with every default
    Config,
    /// Take over another redirector's mirrors and files
    Import(ImportArgs),
}

/// Options that another program reads.
#[derive(Debug, Args)]
pub struct PassedArgs {
    /// As that program takes them; --help tells
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "ARGUMENTS"
    )]
    pub arguments: Vec<OsString>,
}
