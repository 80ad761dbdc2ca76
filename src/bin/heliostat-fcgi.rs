//! Shell over [`heliostat::respond`].

use std::process::ExitCode;

use clap::Parser;
use heliostat::program::log::start_log;
use heliostat::program::progress::Progress;
use heliostat::respond::{ResponderArgs, run};
use log::LevelFilter;

fn main() -> ExitCode {
    start_log(LevelFilter::Info, &Progress::hidden());
    match run(&ResponderArgs::parse()) {
        Ok(exit) => exit.into(),
        Err(error) => {
            log::error!("{}", heliostat::program::exit::chain(&error));
            error.exit().into()
        }
    }
}
