//! A FastCGI responder that decides nothing: the connector's ceiling, for `scripts/bench`.
//!
//! The same `heliostat::fcgi` as the real responder, and an answer of the same size: a redirect
//! with five `Link` fields and the log parity fields.

mod constant_answer;

use std::path::PathBuf;

use clap::Parser;
use heliostat::fcgi::{FcgiRequest, Handler, Listen, Server, ServerOptions, Shutdown};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use constant_answer::ANSWER;

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
