//! Options of `doctor`.

use std::path::PathBuf;

use clap::Args;

/// `doctor`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat doctor\n  \
    heliostat doctor -v --as mirror\n  \
    heliostat doctor --url http://download.example.org/\n  \
    heliostat doctor --url http://download.example.org/ --outage --yes\n  \
    heliostat doctor --json\n\n\
    Each finding names the thing, its cause, and a command that mends it. Run the doctor as\n\
    root: no other user can look with the rights of others. The doctor changes nothing.\n\
    --outage pauses the responder five times, each time for one request of its own; the web\n\
    server then serves the files.\n\n\
    Exit codes: 0 no error and no warning; 3 an error, a warning, or a check for which this user\n\
    lacks permission.\n\n\
    --json: {\"findings\": [{\"id\", \"severity\", \"area\", \"site\", \"what\", \"cause\",\n\
    \"fix\"}, …],\n\
    \"not_checked\": [{\"area\", \"site\", \"why\", \"for_want_of_permission\"}, …],\n\
    \"checked\": [{\"area\", \"site\", \"looked_at\"}, …],\n\
    \"seen\": [{\"area\", \"site\", \"what\"}, …]}")]
pub struct DoctorArgs {
    /// Look at the tree with the rights of this user, too, such as the one who writes it
    #[arg(long = "as", value_name = "USER")]
    pub users: Vec<String>,
    /// The user of Heliostat's services
    #[arg(long, value_name = "USER", default_value = "heliostat")]
    pub service_user: String,
    /// The user of the web server [default: Apache's, else www-data]
    #[arg(long, value_name = "USER")]
    pub web_user: Option<String>,
    /// The program that checks Apache's configuration [default: apachectl, or apache2, or httpd]
    #[arg(long, value_name = "PROGRAM")]
    pub apachectl: Option<PathBuf>,
    /// Apache's configuration, if not the usual one
    #[arg(long, value_name = "FILE")]
    pub apache_config: Option<PathBuf>,
    /// nginx's configuration, if not the usual one
    #[arg(long, value_name = "FILE")]
    pub nginx_config: Option<PathBuf>,
    /// Also ask this host, as a client does, for files of the tree; the URL of the tree
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Ask this host again while the responder is paused, and tell what clients would get
    #[arg(long, requires = "url")]
    pub outage: bool,
    /// Pause the responder without asking first
    #[arg(short, long, requires = "outage")]
    pub yes: bool,
    /// Print also one line per area that was checked
    #[arg(short = 'v', long)]
    pub verbose: bool,
    /// Machine-readable
    #[arg(long)]
    pub json: bool,
}
