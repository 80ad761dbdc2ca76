//! Options of `import`.

use std::path::PathBuf;

use clap::{ArgAction, Args, Subcommand};

use super::change::ChangeFlags;

/// `import`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat import mirrorbrain mb.sql.xz\n  \
    heliostat import apache /etc/apache2/apache2.conf --out /tmp/new\n\n\
    `heliostat import mirrorbrain --help` has more.")]
pub struct ImportArgs {
    /// The source
    #[command(subcommand)]
    pub from: ImportFrom,
}

/// Sources of an import.
#[derive(Debug, Subcommand)]
pub enum ImportFrom {
    /// MirrorBrain's database, or a dump of it
    Mirrorbrain(MirrorbrainArgs),
    /// Apache's configuration of hosts with MirrorBrain
    Apache(ImportApacheArgs),
    /// The configuration of `mb`: /etc/mirrorbrain.conf
    MirrorbrainConf(ImportConfArgs),
    /// The configuration of mirrorbits
    MirrorbitsConf(ImportMirrorbitsConfArgs),
    /// Mirrors of mirrorbits
    Mirrorbits(ImportListArgs),
    /// Mirrors of mirmon's list
    Mirmon(ImportListArgs),
    /// Mirrors of a list of URLs
    Urls(ImportListArgs),
}

/// `import mirrorbits-conf`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat import mirrorbits-conf /etc/mirrorbits.conf --out /tmp/new")]
pub struct ImportMirrorbitsConfArgs {
    /// mirrorbits' file
    #[arg(value_name = "FILE", default_value = "/etc/mirrorbits.conf")]
    pub file: PathBuf,
    /// Where and how the result is written
    #[command(flatten)]
    pub way: MadeWay,
}

/// `import urls`, `import mirmon`, `import mirrorbits`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat import urls mirrors.txt --dry-run\n  \
    mb export --format=mirmon | heliostat import mirmon -\n  \
    mirrorbits export mirmon | heliostat import mirrorbits -\n\n\
    urls: one mirror per line, `URL [COUNTRY [NAME]]`.\n\
    mirmon: `COUNTRY URL EMAIL`, or the same behind the scheme; lines of one host are one mirror.\n\
    mirrorbits: mirrors as YAML or JSON, with its names of fields.\n\
    New mirrors are added, disabled. A mirror that is there stays; its differences are told.")]
pub struct ImportListArgs {
    /// The list; - is standard input
    #[arg(value_name = "LIST")]
    pub list: PathBuf,
    /// Rehearsal and JSON
    #[command(flatten)]
    pub flags: ChangeFlags,
}

/// `import mirrorbrain-conf`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat import mirrorbrain-conf /etc/mirrorbrain.conf\n  \
    heliostat import mirrorbrain-conf /etc/mirrorbrain.conf --out /tmp/new\n\n\
    Each instance becomes a site. `heliostat import apache --mirrorbrain-conf` puts the same keys\n\
    into the sites that Apache has. Passwords are neither shown nor written.")]
pub struct ImportConfArgs {
    /// MirrorBrain's file
    #[arg(value_name = "FILE", default_value = "/etc/mirrorbrain.conf")]
    pub file: PathBuf,
    /// Where and how the result is written
    #[command(flatten)]
    pub way: MadeWay,
}

/// Options for writing the imported configuration.
#[derive(Debug, Args)]
pub struct MadeWay {
    /// Write heliostat.toml into this folder; without it, the file is only shown
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Folder of the databases
    #[arg(long, value_name = "FOLDER", default_value = "/var/lib/heliostat")]
    pub state: PathBuf,
    /// Show what would be written, and how it differs from what is there
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Print files and notes as one JSON object
    #[arg(long)]
    pub json: bool,
}

impl MadeWay {
    /// Whether the files are only shown.
    pub fn is_dry(&self) -> bool {
        self.dry_run || self.out.is_none()
    }
}

/// `import apache`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat import apache /etc/apache2/apache2.conf\n  \
    heliostat import apache /etc/apache2/sites-enabled/download.conf --out /tmp/new\n  \
    heliostat import apache HOST.conf /srv/download/.htaccess --out /tmp/new --dry-run\n\n\
    Each <Directory> with MirrorBrainEngine On becomes a site. Files with lines of MirrorBrain\n\
    are copied with Heliostat in their place, below FOLDER with their whole path. Lines that are\n\
    not carried over are named, with the reason. Nothing is overwritten.")]
pub struct ImportApacheArgs {
    /// Apache's files; files that they include are read, too
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Write heliostat.toml and the copies into this folder; without it, they are only shown
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Folder of the databases
    #[arg(long, value_name = "FOLDER", default_value = "/var/lib/heliostat")]
    pub state: PathBuf,
    /// Take names and keys of instances from MirrorBrain's file, by the names of the databases
    #[arg(long, value_name = "FILE")]
    pub mirrorbrain_conf: Option<PathBuf>,
    /// Show what would be written, and how it differs from what is there
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Print sites, files and notes as one JSON object
    #[arg(long)]
    pub json: bool,
}

impl ImportApacheArgs {
    /// Whether the files are only shown.
    pub fn is_dry(&self) -> bool {
        self.dry_run || self.out.is_none()
    }
}

/// `import mirrorbrain`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat import mirrorbrain mb.sql.xz\n  \
    pg_dump mirrorbrain | heliostat import mirrorbrain -\n  \
    heliostat import mirrorbrain postgresql://mb@db.example.org/mirrorbrain\n  \
    heliostat import mirrorbrain mb.sql.gz --dry-run\n\n\
    A database is only read, by pg_dump, with the ways to log in of libpq (~/.pgpass, ?sslmode=).\n\
    Plain dumps (COPY or --inserts), also compressed by gzip or xz. Either all of it is imported\n\
    or, when the dump is cut or wrong, nothing.")]
pub struct MirrorbrainArgs {
    /// The dump; - is standard input; or the address of the database
    #[arg(value_name = "DUMP")]
    pub dump: PathBuf,
    /// Replace all mirrors and files in the database
    #[arg(long)]
    pub force: bool,
    /// Read and check everything, change nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Print the summary as one JSON object
    #[arg(long)]
    pub json: bool,
    /// Print only oddities; twice: print nothing
    #[arg(short, long, action = ArgAction::Count)]
    pub quiet: u8,
}
