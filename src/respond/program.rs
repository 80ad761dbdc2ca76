//! The program `heliostat-fcgi`: reads the command line and returns the exit code.

use std::process::ExitCode;

use log::LevelFilter;

use super::args::ResponderArgs;
use super::run::run;
use crate::program::arguments;
use crate::program::exit::chain;
use crate::program::log::start_log;
use crate::program::progress::Progress;

/// Runs the program.
pub fn main() -> ExitCode {
    start_log(LevelFilter::Info, &Progress::hidden());
    let args: ResponderArgs = match arguments::read() {
        Ok(args) => args,
        Err(exit) => return exit.into(),
    };
    match run(&args) {
        Ok(exit) => exit.into(),
        Err(error) => {
            log::error!("{}", chain(&error));
            error.exit().into()
        }
    }
}
