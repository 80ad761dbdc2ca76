//! Runs a server under a stand-in for systemd, to restart it under load.
//!
//! `fcgi-supervise SOCKET [--no-store] -- PROGRAM ARGUMENT…`; each line on standard input
//! restarts it, the end of standard input ends it.

mod supervisor;

use std::path::PathBuf;
use std::process::Command;

use clap::Parser;

use supervisor::Supervisor;

/// Starts a server with a listening socket, and restarts it for each line of standard input.
#[derive(Parser)]
struct Args {
    /// The Unix socket to listen on.
    socket: PathBuf,
    /// Passes no NOTIFY_SOCKET: kept connections cannot be handed over.
    #[arg(long)]
    no_store: bool,
    /// The server and its arguments.
    #[arg(last = true, required = true)]
    command: Vec<std::ffi::OsString>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args = Args::parse();
    let mut command = Command::new(&args.command[0]);
    command.args(&args.command[1..]);
    let mut supervisor = Supervisor::new(&args.socket, !args.no_store, &command)?;
    supervisor.serve_standard_input()?;
    std::fs::remove_file(&args.socket)?;
    Ok(())
}
