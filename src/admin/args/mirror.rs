//! Options of the commands on mirrors.

use clap::{Args, ValueEnum};

use super::change::BEYOND_MB;
use super::change::ChangeFlags;

/// `drain`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat drain mirror.example.org --ramp 30m --until +4h --reason 'new disks'\n  \
    heliostat drain mirror.example.org --from +30m --until +2d\n  \
    heliostat drain\n  \
    heliostat drain mirror.example.org --cancel\n\n\
    The mirror's share falls to nothing within --ramp, and stays there until --until. It comes\n\
    back within ten minutes after a good probe and a scan that began after --until. A mirror\n\
    that has files for which there is no other is drained, too: this host serves them.\n\n\
    TIME: now, +30m, +4h, +2d, or 2026-11-28T14:00:00Z\n\n\
    --json: {\"mirror\", \"changed\", \"drain\": {\"from\", \"ramp_s\", \"until\", \"back_at\",\n\
    \"share\", \"reason\"}, \"dry_run\"}; without MIRROR, a list of these")]
pub struct DrainArgs {
    /// The mirror; without it, all drains are listed
    #[arg(value_name = "MIRROR")]
    pub identifier: Option<String>,
    /// When nobody is sent there any more [default: when the ramp is over]
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Length of time before that in which the share falls
    #[arg(
        long,
        value_name = "LENGTH",
        default_value = "0s",
        hide_default_value = true
    )]
    pub ramp: String,
    /// When it may come back [default: never, before --cancel]
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Why, for `status` and the events
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub reason: String,
    /// Forget the drain: the mirror gets its clients at once
    #[arg(long, conflicts_with_all = ["from", "ramp", "until", "reason"])]
    pub cancel: bool,
    /// Rehearsal and JSON
    #[command(flatten)]
    pub flags: ChangeFlags,
}

/// `new`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat new mirror.example.org -H http://mirror.example.org/dist/\n  \
    heliostat new m2 -H https://m2.example.org/ -R rsync://m2.example.org/dist/ -c de -r eu\n  \
    heliostat new cdn -H https://cdn.example.org/ --kind cache --fill-networks 192.0.2.0/24\n\n\
    The mirror is added disabled: `heliostat scan -e MIRROR` scans and enables it. A cache is\n\
    never scanned: `heliostat enable MIRROR`, then `heliostat-probe MIRROR`.\n\n\
    --json: {\"mirror\", \"changed\", \"what\", \"dry_run\"}")]
pub struct NewArgs {
    /// Unique name, as a rule the mirror's host name
    #[arg(value_name = "IDENTIFIER")]
    pub identifier: String,
    /// Base URL that clients are sent to
    #[arg(short = 'H', long, value_name = "URL")]
    pub http: String,
    /// Base URL for scans by FTP
    #[arg(
        short = 'F',
        long,
        value_name = "URL",
        default_value = "",
        hide_default_value = true
    )]
    pub ftp: String,
    /// Base URL for scans by rsync
    #[arg(
        short = 'R',
        long,
        value_name = "URL",
        default_value = "",
        hide_default_value = true
    )]
    pub rsync: String,
    /// Continent: af an as eu na oc sa
    #[arg(
        short = 'r',
        long,
        value_name = "XX",
        default_value = "",
        hide_default_value = true
    )]
    pub region: String,
    /// Country, two letters; ** for a mirror that serves everybody
    #[arg(
        short = 'c',
        long,
        value_name = "XX",
        default_value = "",
        hide_default_value = true
    )]
    pub country: String,
    /// Name of the mirror's admin
    #[arg(
        short = 'a',
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    pub admin: String,
    /// Mail address of the mirror's admin
    #[arg(
        short = 'e',
        long,
        value_name = "ADDRESS",
        default_value = "",
        hide_default_value = true
    )]
    pub admin_email: String,
    /// Operator of the mirror
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    pub operator_name: String,
    /// Web page of the mirror's operator
    #[arg(
        long,
        value_name = "URL",
        default_value = "",
        hide_default_value = true
    )]
    pub operator_url: String,
    /// Comment
    #[arg(
        short = 'C',
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub comment: String,
    /// Preference among equally near mirrors, 0 (never) … 32767 [default: 100]
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
    /// Options that `mb` does not have
    #[command(flatten)]
    pub beyond: NewBeyondArgs,
}

/// Options of `new` that `mb new` does not have.
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
    /// The mirror answers over IPv6 only
    #[arg(long)]
    pub ipv6_only: bool,
    /// Only clients of its --prefix and --asn are sent there or see it in lists
    #[arg(long)]
    pub private: bool,
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
    #[arg(
        long,
        value_name = "LIST",
        default_value = "",
        hide_default_value = true
    )]
    pub other_countries: String,
    /// Largest file in bytes that it delivers; 0: any
    #[arg(long, value_name = "BYTES", default_value = "0")]
    pub file_maxsize: String,
    /// Any field, by the name that show writes; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", num_args = 1..)]
    pub set: Vec<String>,
    /// Rehearsal and JSON
    #[command(flatten)]
    pub flags: ChangeFlags,
    /// Options of caches
    #[command(flatten)]
    pub cache: NewCacheArgs,
}

/// Further options of `new --kind cache`.
#[derive(Debug, Args)]
#[command(next_help_heading = BEYOND_MB)]
pub struct NewCacheArgs {
    /// Seconds that it keeps anything without asking, 404s among it [default: 86400]
    #[arg(long, value_name = "SECONDS")]
    pub cache_ttl: Option<String>,
    /// How URLs name the version, so that no version waits: none, query (?v=HEX), path (/.v/HEX/)
    #[arg(long, value_name = "KEY")]
    pub version_key: Option<String>,
    /// Where its own requests come from (192.0.2.0/24); may be repeated
    #[arg(long, value_name = "NETWORK")]
    pub fill_networks: Vec<String>,
    /// Only these paths (pool/, iso/*); may be repeated
    #[arg(long, value_name = "PATTERN")]
    pub cache_paths: Vec<String>,
    /// Exclude these paths; may be repeated
    #[arg(long, value_name = "PATTERN")]
    pub cache_exclude: Vec<String>,
}

/// `list`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat list\n  \
    heliostat list -a -c de --prio --asn --prefix\n  \
    heliostat list --disabled --json\n  \
    heliostat list -o wide --sort -files\n  \
    heliostat list -o csv --field score --field admin_email")]
pub struct ListArgs {
    /// Only mirrors whose name is or contains this text
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
    /// Show whether it is private
    #[arg(long, help_heading = BEYOND_MB)]
    pub private: bool,
    /// Show any field, by the name that show writes; may be repeated
    #[arg(long, value_name = "KEY", help_heading = BEYOND_MB)]
    pub field: Vec<String>,
    /// Order by a field, as --field names it, by name or by files; -KEY: in reverse
    #[arg(long, value_name = "KEY", allow_hyphen_values = true, help_heading = BEYOND_MB)]
    pub sort: Option<String>,
    /// Another form of output
    #[arg(short = 'o', long = "output", value_name = "FORM", help_heading = BEYOND_MB)]
    pub form: Option<ListForm>,
    /// All there is, machine-readable
    #[arg(long, conflicts_with = "form", help_heading = BEYOND_MB)]
    pub json: bool,
}

/// A form of `list`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ListForm {
    /// A table with a head: country, score, state, files, when they were listed, URL
    Wide,
    /// All there is, machine-readable
    Json,
    /// For spreadsheets: the requested fields, or else all
    Csv,
}

/// `show`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat show mirror.example.org\n  \
    heliostat show mirror.example.org --json")]
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
    heliostat edit mirror.example.org --set score=50 --set country=de\n  \
    heliostat edit --set score=50 --where country=de\n\n\
    KEY is a name as `heliostat show` writes it. The editor is $VISUAL, else $EDITOR, else\n\
    sensible-editor or vi.\n\n\
    --where shows a diff of all mirrors and asks; then all of them are changed, or none.\n\n\
    --json needs --set: {\"mirror\", \"changed\", \"what\", \"dry_run\"}, and a list of these\n\
    with --where")]
pub struct EditArgs {
    /// The mirror, or a part of its name
    #[arg(value_name = "MIRROR", required_unless_present = "wanted")]
    pub identifier: Option<String>,
    /// Change one field without an editor; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", help_heading = BEYOND_MB, num_args = 1..)]
    pub set: Vec<String>,
    /// Change all mirrors whose fields have these values; may be repeated
    #[arg(
        long = "where",
        value_name = "KEY=VALUE",
        help_heading = BEYOND_MB,
        num_args = 1..,
        requires = "set",
        conflicts_with = "identifier"
    )]
    pub wanted: Vec<String>,
    /// Change all mirrors of --where without asking first
    #[arg(short = 'y', long, requires = "wanted", help_heading = BEYOND_MB)]
    pub yes: bool,
    /// Rehearsal and JSON
    #[command(flatten)]
    pub flags: ChangeFlags,
}

/// `disable` and `rollback`.
#[derive(Debug, Args)]
pub struct OneArgs {
    /// The mirror, or a part of its name
    #[arg(value_name = "MIRROR")]
    pub identifier: String,
    /// Rehearsal and JSON
    #[command(flatten)]
    pub flags: ChangeFlags,
}

/// `ping`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat ping mirror.example.org\n  \
    restrict,command=\"heliostat ping mirror.example.org\" ssh-ed25519 …  (authorized_keys)\n\n\
    A ping says nothing but the name: it asks for a scan, which finds out what is so.\n\n\
    --json: {\"mirrors\": [NAME, …], \"dry_run\"}")]
pub struct PingArgs {
    /// Mirrors, or parts of their names
    #[arg(value_name = "MIRROR", required = true)]
    pub identifiers: Vec<String>,
    /// Rehearsal and JSON
    #[command(flatten)]
    pub flags: ChangeFlags,
}

/// `test`.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// The mirror, or a part of its name
    #[arg(value_name = "MIRROR")]
    pub identifier: String,
    /// Machine-readable: that of `heliostat-probe -n --json`
    #[arg(long, help_heading = BEYOND_MB)]
    pub json: bool,
}

/// `enable`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat enable mirror.example.org\n  \
    heliostat enable cdn.example.org --alive\n\n\
    A mirror has clients when it is enabled and was found answering. \
    `heliostat scan -e MIRROR` does both after a scan; a cache is found answering by \
    `heliostat-probe MIRROR`; --alive skips the check.\n\n\
    --json: {\"mirror\", \"changed\", \"what\", \"dry_run\"}")]
pub struct EnableArgs {
    /// The mirror, or a part of its name
    #[arg(value_name = "MIRROR")]
    pub identifier: String,
    /// Treat the mirror as answering, without a check
    #[arg(long, help_heading = BEYOND_MB)]
    pub alive: bool,
    /// Rehearsal and JSON
    #[command(flatten)]
    pub flags: ChangeFlags,
}

/// `score`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat score mirror.example.org        show it\n  \
    heliostat score mirror.example.org 50     set it\n\n\
    --json: {\"mirror\", \"score\", \"before\", \"changed\", \"dry_run\"}")]
pub struct ScoreArgs {
    /// The mirror, or a part of its name
    #[arg(value_name = "MIRROR")]
    pub identifier: String,
    /// The new score, 0 (never chosen) … 32767
    #[arg(value_name = "N")]
    pub score: Option<String>,
    /// Rehearsal and JSON
    #[command(flatten)]
    pub flags: ChangeFlags,
}

/// `rename`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat rename mirror.example.org ftp.example.org\n\n\
    --json: {\"mirror\", \"changed\", \"what\", \"dry_run\"}")]
pub struct RenameArgs {
    /// The mirror, or a part of its name
    #[arg(value_name = "MIRROR")]
    pub identifier: String,
    /// Its new name
    #[arg(value_name = "NEW")]
    pub new: String,
    /// Rehearsal and JSON
    #[command(flatten)]
    pub flags: ChangeFlags,
}

/// `delete`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat delete mirror.example.org       asks first\n  \
    heliostat delete mirror.example.org -y\n\n\
    --json: {\"mirror\", \"changed\", \"what\", \"dry_run\"}")]
pub struct DeleteArgs {
    /// The mirror, by its full name
    #[arg(value_name = "MIRROR")]
    pub identifier: String,
    /// Delete without asking first
    #[arg(short = 'y', long, help_heading = BEYOND_MB)]
    pub yes: bool,
    /// Rehearsal and JSON
    #[command(flatten)]
    pub flags: ChangeFlags,
}

/// `commentadd`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat commentadd mirror.example.org -C 'moves to another host in May'\n\n\
    --json: {\"mirror\", \"changed\", \"what\", \"dry_run\"}")]
pub struct CommentArgs {
    /// The mirror, or a part of its name
    #[arg(value_name = "MIRROR")]
    pub identifier: String,
    /// The text to append
    #[arg(short = 'C', long, value_name = "TEXT")]
    pub comment: String,
    /// Rehearsal and JSON
    #[command(flatten)]
    pub flags: ChangeFlags,
}
