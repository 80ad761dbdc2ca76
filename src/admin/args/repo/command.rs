//! Options of `repo`, subcommand by subcommand.

use clap::{Args, Subcommand};

use crate::admin::args::ChangeFlags;

/// `repo`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat repo list\n  \
    heliostat repo show lin-9 --arch x86_64\n  \
    heliostat repo expire lin-9")]
pub struct RepoArgs {
    /// The action on repositories
    #[command(subcommand)]
    pub action: RepoAction,
}

/// The subcommands of `repo`.
#[derive(Debug, Subcommand)]
pub enum RepoAction {
    /// List repositories, and how many mirrors have their last and earlier versions
    List(ListRepoArgs),
    /// Show the versions of a repository, and which mirrors have them
    Show(ShowRepoArgs),
    /// Forget earlier versions at once: lists name neither them nor mirrors without a later one
    Expire(ExpireRepoArgs),
}

/// `repo list`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat repo list\n  \
    heliostat repo list lin --json\n\n\
    A file without a repository's name that has earlier versions is listed, too, by its path.\n\n\
    --json: [{\"repo\", \"arch\", \"path\", \"mirrors\", \"earlier_mirrors\",\n\
    \"earlier_versions\"}, …]")]
pub struct ListRepoArgs {
    /// List only repositories with this text in their names or paths
    #[arg(value_name = "PART", default_value = "", hide_default_value = true)]
    pub part: String,
    /// Machine-readable
    #[arg(long)]
    pub json: bool,
}

/// The repositories that a command is about: by name, or one file by its path.
#[derive(Debug, Args)]
pub struct RepoChoice {
    /// The repository's name, as in `repo=`
    #[arg(value_name = "REPO", required_unless_present = "path")]
    pub repo: Option<String>,
    /// Only this architecture
    #[arg(long, value_name = "ARCH", requires = "repo")]
    pub arch: Option<String>,
    /// The path of a marker below the tree, in place of a name
    #[arg(long, value_name = "PATH", conflicts_with = "repo")]
    pub path: Option<String>,
}

/// `repo show`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat repo show lin-9\n  \
    heliostat repo show --path dists/stable/InRelease --json\n\n\
    --json: [{\"repo\", \"arch\", \"path\", \"versions\": [{\"size\", \"time\",\n\
    \"sha256\", \"replaced_at\", \"counts\", \"mirrors\": [NAME, …]}, …]}, …];\n\
    the last version comes first")]
pub struct ShowRepoArgs {
    /// The repositories
    #[command(flatten)]
    pub choice: RepoChoice,
    /// Machine-readable
    #[arg(long)]
    pub json: bool,
}

/// `repo expire`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat repo expire lin-9 --dry-run\n  \
    heliostat repo expire lin-9 --arch x86_64\n  \
    heliostat repo expire --path dists/stable/InRelease\n\n\
    Use it after an update that clients must not miss. The responder follows within a second.\n\n\
    --json: {\"expired\": [{\"repo\", \"arch\", \"path\", \"versions\"}, …],\n\
    \"changed\", \"dry_run\"}")]
pub struct ExpireRepoArgs {
    /// The repositories
    #[command(flatten)]
    pub choice: RepoChoice,
    /// Rehearsal and JSON
    #[command(flatten)]
    pub flags: ChangeFlags,
}
