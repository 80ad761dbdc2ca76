//! Options of `init`.

use std::path::PathBuf;

use clap::Args;

/// `init`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat init --tree /srv/download --host download.example.org --dry-run\n  \
    heliostat init --tree /srv/download --host download.example.org --site main --yes\n\n\
    It makes the user, the folder of the database, the configuration (--config before `init`\n\
    names another) and a virtual host that is not enabled, from what it finds: a host of that\n\
    name, its DocumentRoot, its certificate, trusted proxies, GeoIP files. Everything is shown\n\
    first. A file that is there stays as it is.\n\n\
    --json: {\"dry_run\", \"user\": null or a name, \"folders\", \"files\": [{\"path\",\n\
    \"is_there\", \"text\"}, …], \"problems\", \"next\"}")]
pub struct InitArgs {
    /// The file tree
    #[arg(long, value_name = "DIR")]
    pub tree: PathBuf,
    /// The name of the host that serves it
    #[arg(long, value_name = "NAME")]
    pub host: String,
    /// The name of the site in the configuration
    #[arg(long, value_name = "NAME", default_value = "main")]
    pub site: String,
    /// Only show what would be made
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Ask nothing
    #[arg(long)]
    pub yes: bool,
    /// The user of Heliostat's services
    #[arg(long, value_name = "USER", default_value = "heliostat")]
    pub service_user: String,
    /// The folder of the database
    #[arg(long, value_name = "DIR", default_value = "/var/lib/heliostat")]
    pub state: PathBuf,
    /// The folder of Apache's hosts
    #[arg(
        long,
        value_name = "DIR",
        default_value = "/etc/apache2/sites-available"
    )]
    pub hosts: PathBuf,
    /// The folder of the files that a host includes
    #[arg(long, value_name = "DIR", default_value = "/usr/share/heliostat")]
    pub share: PathBuf,
    /// The program that checks Apache's configuration [default: apachectl, or apache2, or httpd]
    #[arg(long, value_name = "PROGRAM")]
    pub apachectl: Option<PathBuf>,
    /// Apache's configuration, if not the usual one
    #[arg(long, value_name = "FILE")]
    pub apache_config: Option<PathBuf>,
    /// Machine-readable
    #[arg(long)]
    pub json: bool,
}
