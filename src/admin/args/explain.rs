//! Options of `explain`.

use std::net::IpAddr;

use clap::Args;

/// Tells what is decided for a file and a client, and why.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat explain /dist/x.iso\n  \
    heliostat explain /dist/x.iso --ip 192.0.2.7 -v\n  \
    heliostat explain https://download.example.org/dist/x.iso --ip 2001:db8::7 --json\n  \
    heliostat explain /dist/x.iso --ip 10.0.0.1 --param GEOIP_COUNTRY_CODE=NZ\n\n\
    A PATH is taken byte by byte; a URL is percent-decoded and tells scheme and query. The path\n\
    of a file below the tree, as the file system has it, is taken for that file.")]
pub struct ExplainArgs {
    /// URL path of the file, or its whole URL
    pub path: String,
    /// Address of the client [default: this host's own]
    #[arg(long, value_name = "ADDRESS")]
    pub ip: Option<IpAddr>,
    /// The client speaks https
    #[arg(long)]
    pub https: bool,
    /// Like `?country=`: this country in place of that of the address
    #[arg(long, value_name = "XX")]
    pub country: Option<String>,
    /// Like `?as=`: this autonomous system in place of that of the address
    #[arg(long = "as", value_name = "N")]
    pub asn: Option<String>,
    /// The client's User-Agent
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub user_agent: String,
    /// GET or HEAD
    #[arg(long, value_name = "METHOD", default_value = "GET")]
    pub method: String,
    /// A parameter as the web server would set it (GEOIP_COUNTRY_CODE=DE); may be repeated
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parameter)]
    pub parameters: Vec<(String, String)>,
    /// List every mirror that is excluded, with its reason
    #[arg(short, long)]
    pub verbose: bool,
    /// Machine-readable
    #[arg(long)]
    pub json: bool,
}

pub(super) fn parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
