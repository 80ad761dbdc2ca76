//! Options of `config`.

use clap::Args;

use super::change::BEYOND_MB;

/// `instances`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat instances\n  \
    heliostat instances --json\n\n\
    `heliostat -b NAME …` works on one of them.\n\n\
    --json: [{\"name\", \"database\"}, …]")]
pub struct InstancesArgs {
    /// Machine-readable
    #[arg(long, help_heading = BEYOND_MB)]
    pub json: bool,
}

/// `config`.
#[derive(Debug, Args)]
#[command(
    after_help = "A line that begins with \"#\" and a key is a default; all other keys are \
    set in the file. The output is a configuration file itself.\n\n\
    Examples:\n  \
    heliostat config                 each key with value, default, bounds and meaning\n  \
    heliostat config --set           only the keys that the file sets\n  \
    heliostat config jobs timeout_s  only keys whose names contain one of these\n  \
    heliostat --config new.toml config --check\n\n\
    Exit code 2: the configuration cannot be used."
)]
pub struct ConfigArgs {
    /// Only keys whose dotted names contain one of these
    #[arg(value_name = "KEY")]
    pub names: Vec<String>,
    /// Only keys that the file sets
    #[arg(long)]
    pub set: bool,
    /// Print nothing but whether the configuration can be used
    #[arg(long, conflicts_with_all = ["names", "set", "json"])]
    pub check: bool,
    /// Machine-readable
    #[arg(long)]
    pub json: bool,
}
