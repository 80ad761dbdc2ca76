//! A FastCGI responder that decides nothing: the connector's ceiling, for `scripts/bench`.
//!
//! The same `heliostat::fcgi` as the real responder, and an answer of the same size: a redirect
//! with five `Link` fields and the log parity fields.

use std::path::PathBuf;

use clap::Parser;
use heliostat::fcgi::{FcgiRequest, Handler, Listen, Server, ServerOptions, Shutdown};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Answers every request with the same redirect.
#[derive(Parser)]
struct Args {
    /// Unix socket to listen on; without it the inherited one.
    #[arg(long)]
    socket: Option<PathBuf>,
    /// Worker threads.
    #[arg(long, default_value_t = ServerOptions::default().threads)]
    threads: usize,
    /// Prints the parameters of each request instead of being fast.
    #[arg(long)]
    dump: bool,
}

const ANSWER: &str = "Status: 302 Found\r\n\
    Location: https://mirror.example.org/pub/project/releases/2.1/project-2.1-x86_64.iso\r\n\
    Content-Type: text/html; charset=utf-8\r\n\
    Cache-Control: private, max-age=0\r\n\
    Link: <https://mirror.example.org/pub/project/releases/2.1/project-2.1-x86_64.iso>; \
    rel=duplicate; pri=1; geo=de\r\n\
    Link: <https://ftp.example.net/mirrors/project/releases/2.1/project-2.1-x86_64.iso>; \
    rel=duplicate; pri=2; geo=de\r\n\
    Link: <https://download.example.com/project/releases/2.1/project-2.1-x86_64.iso>; \
    rel=duplicate; pri=3; geo=nl\r\n\
    Link: <https://mirrors.example.edu/project/releases/2.1/project-2.1-x86_64.iso>; \
    rel=duplicate; pri=4; geo=fr\r\n\
    Link: <https://project.example.info/releases/2.1/project-2.1-x86_64.iso>; \
    rel=duplicate; pri=5; geo=cz\r\n\
    X-MirrorBrain-Mirror: mirror.example.org\r\n\
    X-MirrorBrain-Realm: country\r\n\
    Want-MB: redirect\r\n\
    Give-MB: redirect\r\n\
    Realm-MB: country\r\n\
    Mirror-MB: mirror.example.org\r\n\
    FileSize-MB: 1234567890\r\n\
    Country-MB: de\r\n\
    Region-MB: eu\r\n\
    Content-Length: 0\r\n\r\n";

struct Constant {
    dump: bool,
}

impl Handler for Constant {
    fn respond(&mut self, request: &FcgiRequest<'_>, out: &mut Vec<u8>) {
        if self.dump {
            for (name, value) in request.params() {
                println!("{}={}", name.escape_ascii(), value.escape_ascii());
            }
            println!();
        }
        out.extend_from_slice(ANSWER.as_bytes());
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    env_logger::init();
    let args = Args::parse();
    let listen = match args.socket {
        Some(path) => Listen::Unix { path, mode: 0o666 },
        None => Listen::Inherited,
    };
    let options = ServerOptions {
        threads: args.threads,
        ..ServerOptions::default()
    };
    let server = Server::bind(&listen, options)?;
    let shutdown = Shutdown::new()?;
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    let end = shutdown.clone();
    std::thread::spawn(move || signals.forever().for_each(|_| end.trigger()));
    let report = server.run(|_| Constant { dump: args.dump }, &shutdown)?;
    eprintln!("{report:?} {:?}", server.stats());
    Ok(())
}
