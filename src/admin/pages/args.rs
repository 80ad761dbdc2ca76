//! Options of `pages`.

use std::path::PathBuf;

use clap::Args;

/// `pages`.
#[derive(Debug, Args)]
#[command(
    after_help = "The command replaces the folder in one step: readers see the old pages or the \
    new ones. It\nmakes the folder if there is none, and refuses one with other files. Pages for \
    everybody show\nthe mirrors that `heliostat mirrorlist` lists: no private and no disabled \
    one. docs/pages.md\nhas more.\n\n\
    Examples:\n  \
    heliostat pages --out /var/lib/heliostat/pages\n  \
    heliostat pages --out /var/lib/heliostat/admin-pages --admin\n\n\
    --json: {\"out\", \"mirrors\", \"files\", \"bytes\"}"
)]
pub struct PagesArgs {
    /// The folder of the pages
    #[arg(short = 'o', long, value_name = "DIR")]
    pub out: PathBuf,
    /// Pages for everybody; this is the default
    #[arg(long, conflicts_with = "admin")]
    pub public: bool,
    /// Pages for admins: all mirrors, mails, notes and events
    #[arg(long)]
    pub admin: bool,
    /// The URL of the folder, for mirrors.json and feed.atom
    #[arg(long, value_name = "URL", default_value = "")]
    pub url: String,
    /// Print only problems
    #[arg(short, long)]
    pub quiet: bool,
    /// Machine-readable
    #[arg(long)]
    pub json: bool,
}
