//! The command line of `heliostat`, which is also MirrorBrain's `mb`.
//!
//! Names, short forms and meanings are `mb`'s (behaviour of MirrorBrain, spec §8); what `mb` does
//! not have stands below the heading [`BEYOND_MB`], so that an abbreviation that was clear in `mb`
//! stays clear (see [`super::abbreviation`]).

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use super::explain::ExplainArgs;
use crate::config::CONFIG_VARIABLE;

/// Heading of the options that `mb` does not have.
pub const BEYOND_MB: &str = "Options that mb does not have";

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
        MIRROR names may be shortened to any part that fits one mirror only."
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
    #[arg(long, value_name = "FILE", env = CONFIG_VARIABLE)]
    pub config: Option<PathBuf>,
    /// The site to work on; `mb` calls it an instance
    #[arg(
        short = 'b',
        long = "site",
        visible_alias = "brain-instance",
        value_name = "NAME",
        env = "MB"
    )]
    pub site: Option<String>,
    /// Say what is done
    #[arg(short, long)]
    pub debug: bool,
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

/// `new`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat new mirror.example.org -H http://mirror.example.org/dist/\n  \
    heliostat new m2 -H https://m2.example.org/ -R rsync://m2.example.org/dist/ -c de -r eu\n\n\
    The mirror is added disabled: `heliostat scan -e MIRROR` scans and enables it.")]
pub struct NewArgs {
    /// Unique name, as a rule the mirror's host name
    #[arg(value_name = "IDENTIFIER")]
    pub identifier: String,
    /// Base URL that clients are sent to
    #[arg(short = 'H', long, value_name = "URL")]
    pub http: String,
    /// Base URL for scans by FTP
    #[arg(short = 'F', long, value_name = "URL", default_value = "")]
    pub ftp: String,
    /// Base URL for scans by rsync
    #[arg(short = 'R', long, value_name = "URL", default_value = "")]
    pub rsync: String,
    /// Continent: af an as eu na oc sa
    #[arg(short = 'r', long, value_name = "XX", default_value = "")]
    pub region: String,
    /// Country, two letters; ** for one that serves everybody
    #[arg(short = 'c', long, value_name = "XX", default_value = "")]
    pub country: String,
    /// Name of the mirror's admin
    #[arg(short = 'a', long, value_name = "NAME", default_value = "")]
    pub admin: String,
    /// Mail address of the mirror's admin
    #[arg(short = 'e', long, value_name = "ADDRESS", default_value = "")]
    pub admin_email: String,
    /// Who runs the mirror
    #[arg(long, value_name = "NAME", default_value = "")]
    pub operator_name: String,
    /// Page of who runs the mirror
    #[arg(long, value_name = "URL", default_value = "")]
    pub operator_url: String,
    /// Comment
    #[arg(short = 'C', long, value_name = "TEXT", default_value = "")]
    pub comment: String,
    /// Preference among mirrors that are as near, 0 (never) … 32767 [default: 100]
    #[arg(short = 's', long, value_name = "N")]
    pub score: Option<String>,
    /// Another name of --score
    #[arg(short = 'p', long, value_name = "N", conflicts_with = "score")]
    pub prio: Option<String>,
    /// Only for clients of its address prefixes
    #[arg(long)]
    pub prefix_only: bool,
    /// Only for clients of its autonomous systems
    #[arg(long)]
    pub as_only: bool,
    /// Only for clients of its country
    #[arg(long)]
    pub country_only: bool,
    /// Only for clients of its continent
    #[arg(long)]
    pub region_only: bool,
    /// What mb does not have
    #[command(flatten)]
    pub beyond: NewBeyondArgs,
}

/// What `new` can that `mb new` cannot.
#[derive(Debug, Args)]
#[command(next_help_heading = BEYOND_MB)]
pub struct NewBeyondArgs {
    /// Further base URL, for clients that speak https
    #[arg(long, value_name = "URL")]
    pub https: Option<String>,
    /// Address prefix that it serves first (192.0.2.0/24); may be repeated
    #[arg(long, value_name = "NETWORK")]
    pub prefix: Vec<String>,
    /// Autonomous system that it serves next; may be repeated
    #[arg(long, value_name = "N")]
    pub asn: Vec<String>,
    /// mirror: a copy that is scanned; cache: has every file, is never scanned
    #[arg(long, value_name = "KIND", default_value = "mirror")]
    pub kind: String,
    /// It answers over IPv6 alone
    #[arg(long)]
    pub ipv6_only: bool,
    /// Latitude in degrees, north positive
    #[arg(
        long,
        value_name = "DEGREES",
        requires = "lng",
        allow_hyphen_values = true
    )]
    pub lat: Option<String>,
    /// Longitude in degrees, east positive
    #[arg(
        long,
        value_name = "DEGREES",
        requires = "lat",
        allow_hyphen_values = true
    )]
    pub lng: Option<String>,
    /// Further countries that it serves: ca,us
    #[arg(long, value_name = "LIST", default_value = "")]
    pub other_countries: String,
    /// Largest file in bytes that it delivers; 0: any
    #[arg(long, value_name = "BYTES", default_value = "0")]
    pub file_maxsize: String,
}

/// `list`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat list\n  \
    heliostat list -a -c de --prio --asn --prefix\n  \
    heliostat list --disabled --json")]
pub struct ListArgs {
    /// Only mirrors whose name is this, or has this in it
    #[arg(value_name = "MIRROR")]
    pub identifier: Option<String>,
    /// Only mirrors of this continent
    #[arg(short = 'r', value_name = "XX")]
    pub in_region: Option<String>,
    /// Only mirrors of this country
    #[arg(short = 'c', value_name = "XX")]
    pub in_country: Option<String>,
    /// Also disabled mirrors
    #[arg(short = 'a', long)]
    pub show_disabled: bool,
    /// Only disabled mirrors
    #[arg(long)]
    pub disabled: bool,
    /// Show the score
    #[arg(long)]
    pub prio: bool,
    /// Show the continent
    #[arg(long)]
    pub region: bool,
    /// Show the country
    #[arg(long)]
    pub country: bool,
    /// Show the further countries that it serves
    #[arg(long)]
    pub other_countries: bool,
    /// Show the autonomous system
    #[arg(long, alias = "as")]
    pub asn: bool,
    /// Show the address prefix
    #[arg(long)]
    pub prefix: bool,
    /// Show the base URL
    #[arg(short = 'H', long = "http-url")]
    pub http: bool,
    /// Show the FTP URL
    #[arg(short = 'F', long = "ftp-url")]
    pub ftp: bool,
    /// Show the rsync URL
    #[arg(short = 'R', long = "rsync-url")]
    pub rsync: bool,
    /// Show whether it is only for clients of its continent
    #[arg(long)]
    pub region_only: bool,
    /// Show whether it is only for clients of its country
    #[arg(long)]
    pub country_only: bool,
    /// Show whether it is only for clients of its autonomous systems
    #[arg(long)]
    pub as_only: bool,
    /// Show whether it is only for clients of its prefixes
    #[arg(long)]
    pub prefix_only: bool,
    /// Show how many files it has
    #[arg(short = 'N', long)]
    pub number_of_files: bool,
    /// All there is, machine-readable
    #[arg(long, help_heading = BEYOND_MB)]
    pub json: bool,
}

/// `show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The mirror, or a part of its name
    #[arg(value_name = "MIRROR")]
    pub identifier: String,
    /// Machine-readable
    #[arg(long, help_heading = BEYOND_MB)]
    pub json: bool,
}

/// `edit`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat edit mirror.example.org\n  \
    heliostat edit mirror.example.org --set score=50 --set country=de\n\n\
    KEY is a name as `heliostat show` writes it. The editor is $VISUAL, else $EDITOR, else\n\
    sensible-editor or vi.")]
pub struct EditArgs {
    /// The mirror, or a part of its name
    #[arg(value_name = "MIRROR")]
    pub identifier: String,
    /// Change one field without an editor; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", help_heading = BEYOND_MB, num_args = 1..)]
    pub set: Vec<String>,
}

/// Commands on one mirror without options.
#[derive(Debug, Args)]
pub struct OneArgs {
    /// The mirror, or a part of its name
    #[arg(value_name = "MIRROR")]
    pub identifier: String,
}

/// `enable`.
#[derive(Debug, Args)]
#[command(
    after_help = "A mirror has clients when it is enabled and was found answering. \
    `heliostat scan -e MIRROR` does both after a scan; --alive skips the check."
)]
pub struct EnableArgs {
    /// The mirror, or a part of its name
    #[arg(value_name = "MIRROR")]
    pub identifier: String,
    /// Take it for answering, without a check
    #[arg(long, help_heading = BEYOND_MB)]
    pub alive: bool,
}

/// `score`.
#[derive(Debug, Args)]
pub struct ScoreArgs {
    /// The mirror, or a part of its name
    #[arg(value_name = "MIRROR")]
    pub identifier: String,
    /// The new score, 0 (never chosen) … 32767
    #[arg(value_name = "N")]
    pub score: Option<String>,
}

/// `rename`.
#[derive(Debug, Args)]
pub struct RenameArgs {
    /// The mirror, or a part of its name
    #[arg(value_name = "MIRROR")]
    pub identifier: String,
    /// Its new name
    #[arg(value_name = "NEW")]
    pub new: String,
}

/// `delete`.
#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// The mirror; its whole name
    #[arg(value_name = "MIRROR")]
    pub identifier: String,
    /// Do not ask
    #[arg(short = 'y', long, help_heading = BEYOND_MB)]
    pub yes: bool,
}

/// `commentadd`.
#[derive(Debug, Args)]
pub struct CommentArgs {
    /// The mirror, or a part of its name
    #[arg(value_name = "MIRROR")]
    pub identifier: String,
    /// What to append
    #[arg(short = 'C', long, value_name = "TEXT")]
    pub comment: String,
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

/// `file`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat file ls /dist/x.iso\n  \
    heliostat file ls '*.iso' -u\n  \
    heliostat file ls /dist/x.iso -m mirror.example.org\n\n\
    Columns: region, country, score, ok or disabled, ok or dead, mirror, with -u the URL;\n\
    a mirror whose copy is not the tree's version is marked `outdated`.")]
pub struct FileArgs {
    /// What to do
    pub action: FileAction,
    /// Path below the tree; * or % stand for anything
    #[arg(value_name = "PATH")]
    pub path: OsString,
    /// Show URLs
    #[arg(short = 'u', long)]
    pub url: bool,
    /// Only this mirror
    #[arg(short = 'm', long, value_name = "MIRROR")]
    pub mirror: Option<String>,
}

/// What `file` does.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum FileAction {
    /// List the mirrors that have it
    Ls,
}

/// `runs`.
#[derive(Debug, Args)]
pub struct RunsArgs {
    /// Only of this mirror, or of a part of its name
    #[arg(value_name = "MIRROR")]
    pub identifier: Option<String>,
    /// Only these: index, scan, probe, import
    #[arg(short, long)]
    pub kind: Option<KindArg>,
    /// How many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub limit: u32,
    /// Machine-readable
    #[arg(long)]
    pub json: bool,
}

/// A kind of run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KindArg {
    /// The tree into the catalogue
    Index,
    /// What a mirror has
    Scan,
    /// Which mirrors answer
    Probe,
    /// From another redirector
    Import,
}

/// `events`.
#[derive(Debug, Args)]
pub struct EventsArgs {
    /// Only of this mirror, or of a part of its name
    #[arg(value_name = "MIRROR")]
    pub identifier: Option<String>,
    /// How many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub limit: u32,
    /// Machine-readable
    #[arg(long)]
    pub json: bool,
}

/// `import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// From what
    #[command(subcommand)]
    pub from: ImportFrom,
}

/// What can be imported.
#[derive(Debug, Subcommand)]
pub enum ImportFrom {
    /// MirrorBrain's database as pg_dump wrote it
    Mirrorbrain(MirrorbrainArgs),
}

/// `import mirrorbrain`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat import mirrorbrain mb.sql.xz\n  \
    pg_dump mirrorbrain | heliostat import mirrorbrain -\n  \
    heliostat import mirrorbrain mb.sql.gz --dry-run\n\n\
    Plain dumps (COPY or --inserts), also compressed by gzip or xz. Either all of it is imported\n\
    or, when the dump is cut or wrong, nothing.")]
pub struct MirrorbrainArgs {
    /// The dump; - is standard input
    #[arg(value_name = "DUMP")]
    pub dump: PathBuf,
    /// Replace all mirrors and files that the database has
    #[arg(long)]
    pub force: bool,
    /// Read and check everything, change nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Print the summary as one JSON object
    #[arg(long)]
    pub json: bool,
    /// Only errors; twice: not even the oddities
    #[arg(short, long, action = ArgAction::Count)]
    pub quiet: u8,
}
