//! The command line of `heliostat`, which is also MirrorBrain's `mb`.
//!
//! Names, short forms and meanings are `mb`'s (behaviour §8); what `mb` does
//! not have stands below the heading [`BEYOND_MB`](super::BEYOND_MB), so that an abbreviation that
//! was clear in `mb` stays clear (see the module `abbreviation`).

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::configuration::{ConfigArgs, InstancesArgs};
use super::database::{BackupArgs, DbArgs, RestoreArgs, VacuumArgs};
use super::doctor::DoctorArgs;
use super::explain::ExplainArgs;
use super::export::ExportArgs;
use super::file::FileArgs;
use super::history::{EventsArgs, LogsArgs, RunsArgs};
use super::import::ImportArgs;
use super::init::InitArgs;
use super::makehashes::MakehashesArgs;
use super::mirror::PingArgs;
use super::mirror::{
    CommentArgs, DeleteArgs, DrainArgs, EditArgs, EnableArgs, ListArgs, NewArgs, OneArgs,
    RenameArgs, ScoreArgs, ShowArgs, TestArgs,
};
use super::network::{IplookupArgs, ProbefileArgs, TopologyArgs, UpdateArgs};
use super::overview::{MarkersArgs, MirrorlistArgs};
use super::product::{ProductArgs, UptakeArgs};
use super::replay::{CompareArgs, ReplayArgs};
use super::repo::RepoArgs;
use super::status::StatusArgs;
use super::tree::{DirsArgs, NullTreeArgs, TimestampArgs};
use crate::admin::pages::PagesArgs;
use crate::admin::smoke::SmokeArgs;
use crate::admin::stats::{MetricsArgs, StatsArgs};
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
    /// The task
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
    /// Report each step
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
    /// Enable a mirror, so that clients are sent to it
    Enable(EnableArgs),
    /// Send no client to a mirror
    #[command(after_help = "Examples:\n  \
        heliostat disable mirror.example.org\n\n\
        `heliostat enable MIRROR` undoes it.\n\n\
        --json: {\"mirror\", \"changed\", \"what\", \"dry_run\"}")]
    Disable(OneArgs),
    /// Take a mirror out of service for a while, slowly, or list such mirrors
    Drain(DrainArgs),
    /// Show or set a mirror's score
    Score(ScoreArgs),
    /// Give a mirror another name
    Rename(RenameArgs),
    /// Remove a mirror and what is known of its files
    Delete(DeleteArgs),
    /// Append to the comment of a mirror
    Commentadd(CommentArgs),
    /// Name the sites of the configuration
    Instances(InstancesArgs),
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
    #[command(after_help = "Examples:\n  \
        heliostat test mirror.example.org\n\n\
        Exit code 3: it could not be probed, because this host looks cut off or the time was \
        over.")]
    Test(TestArgs),
    /// Ask for a scan of mirrors that have changed
    Ping(PingArgs),
    /// Ask mirrors now whether they have a file
    Probefile(ProbefileArgs),
    /// Show the network and the AS of an address
    Iplookup(IplookupArgs),
    /// Refresh the facts that GeoIP files have about mirrors
    Update(UpdateArgs),
    /// Make a table of networks and their AS from routing data, or look into it
    Topology(TopologyArgs),
    /// Show the state of mirrors, and why one gets no clients
    Status(StatusArgs),
    /// Compute hashes of the files below a directory: runs heliostat-index
    Makehashes(MakehashesArgs),
    /// Go back to what a mirror had before its last scan
    #[command(after_help = "Examples:\n  \
        heliostat rollback mirror.example.org\n\n\
        --json: {\"mirror\", \"changed\", \"what\", \"dry_run\"}")]
    Rollback(OneArgs),
    /// Copy the database while everything runs
    Backup(BackupArgs),
    /// Replace the database with a copy
    Restore(RestoreArgs),
    /// Show which mirrors have a file, or record which have it
    File(FileArgs),
    /// Show what is decided for a file and a client, and why
    Explain(ExplainArgs),
    /// Decide the requests of access logs again, and tell what would change
    Replay(ReplayArgs),
    /// Ask two hosts the same requests, and list what differs
    Compare(CompareArgs),
    /// Download through the host as clients do, and check what each mirror sends
    Smoke(Box<SmokeArgs>),
    /// Show the latest scans, index runs and imports
    Runs(RunsArgs),
    /// Show what was changed, and by whom
    Events(EventsArgs),
    /// Show runs and changes of a mirror, or of all, as a log
    Logs(LogsArgs),
    /// Print every key of the configuration with its value, default, bounds and meaning
    Config(ConfigArgs),
    /// Make a first site from what this machine has
    Init(Box<InitArgs>),
    /// Find what breaks downloads before clients do, each with its fix
    Doctor(DoctorArgs),
    /// Take over another redirector's mirrors and files
    Import(ImportArgs),
    /// Show or change the names of subtrees for mirrorlist
    Markers(MarkersArgs),
    /// Write an overview of all mirrors for everybody
    Mirrorlist(MirrorlistArgs),
    /// Write status pages: mirrors, their past, rollout, statistics
    Pages(PagesArgs),
    /// Write the mirrors for another program
    Export(ExportArgs),
    /// Manage the names of products: which file a client gets for NAME, system and language
    Product(ProductArgs),
    /// Show which mirrors are behind with a repository, or forget its earlier versions
    Repo(RepoArgs),
    /// Show how many mirrors have the files of a product
    Uptake(UptakeArgs),
    /// Show the directories of the catalogue, or which mirrors have one
    Dirs(DirsArgs),
    /// Write files that tell mirrors' operators how old their copies are
    Timestamp(TimestampArgs),
    /// Make a tree of files without contents from a mirror's listing
    #[command(alias = "null-rsync")]
    NullTree(NullTreeArgs),
    /// Add up and show downloads by file, product, country, network and mirror
    Stats(StatsArgs),
    /// Print metrics of mirrors and programs for Prometheus
    Metrics(MetricsArgs),
    /// Keep the database small, see how large it is, or look into it
    Db(DbArgs),
    /// Keep the database small
    Vacuum(VacuumArgs),
}

/// Options that another program reads.
#[derive(Debug, Args)]
pub struct PassedArgs {
    /// Options of that program; --help lists them
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "ARGUMENTS"
    )]
    pub arguments: Vec<OsString>,
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory, Parser};

    use super::Arguments;
    use crate::admin::args::abbreviation;

    /// Columns of the help texts, at most.
    const HELP_COLUMNS_MAX: usize = 100;

    /// Command lines of `heliostat` among the examples of a help text.
    fn examples(help: &str) -> Vec<Vec<String>> {
        let joined: Vec<&str> = help.split("\\\n").map(str::trim).collect();
        let joined = joined.join(" ");
        let lines = joined.lines().map(str::trim);
        let commands = lines.filter_map(|line| match line.split_once(" | ") {
            Some((_, second)) if second.starts_with("heliostat ") => Some(second),
            _ => line.starts_with("heliostat ").then_some(line),
        });
        // Two spaces part a command from a remark.
        commands
            .map(|command| words(command.split("  ").next().unwrap_or_default()))
            .collect()
    }

    /// The words of a shell's line; only single quotes have a meaning.
    fn words(line: &str) -> Vec<String> {
        let mut words = Vec::new();
        for (place, part) in line.split('\'').enumerate() {
            match place % 2 {
                0 => words.extend(part.split_whitespace().map(str::to_owned)),
                _ => words.push(part.to_owned()),
            }
        }
        words
    }

    /// A command and all below it, except those whose options another program reads.
    fn add_all<'a>(command: &'a Command, found: &mut Vec<&'a Command>) {
        if !command.is_disable_help_flag_set() {
            found.push(command);
        }
        for subcommand in command.get_subcommands() {
            add_all(subcommand, found);
        }
    }

    #[test]
    fn each_subcommand_has_examples_that_parse() {
        let whole = Arguments::command();
        let mut subcommands = Vec::new();
        add_all(&whole, &mut subcommands);
        let mut without = Vec::new();
        for subcommand in subcommands {
            let help = subcommand.get_after_help().map(ToString::to_string);
            let examples = examples(&help.unwrap_or_default());
            let name = subcommand.get_name();
            if !examples.iter().flatten().any(|word| word == name) {
                without.push(name);
            }
            for example in examples {
                let written = example.iter().map(Into::into).collect();
                let written = abbreviation::write_out(&whole, written);
                if let Err(error) = Arguments::try_parse_from(written) {
                    panic!("help of {name}: {example:?}: {error}");
                }
            }
        }
        assert!(without.is_empty(), "without an example: {without:?}");
    }

    #[test]
    fn help_is_narrow() {
        let whole = Arguments::command();
        let mut subcommands = Vec::new();
        add_all(&whole, &mut subcommands);
        for subcommand in subcommands {
            let help = subcommand.clone().render_long_help().to_string();
            for line in help.lines() {
                let columns = line.chars().count();
                let name = subcommand.get_name();
                assert!(columns <= HELP_COLUMNS_MAX, "help of {name}: {line}");
            }
        }
    }
}
