//! Shell over [`heliostat::respond`].

use std::process::ExitCode;

use heliostat::program::arguments;
use heliostat::program::log::start_log;
use heliostat::program::progress::Progress;
use heliostat::respond::{ResponderArgs, run};
use log::LevelFilter;

fn main() -> ExitCode {
    start_log(LevelFilter::Info, &Progress::hidden());
    let args: ResponderArgs = match arguments::read() {
        Ok(args) => args,
        Err(exit) => return exit.into(),
    };
    match run(&args) {
        Ok(exit) => exit.into(),
        Err(error) => {
            log::error!("{}", heliostat::program::exit::chain(&error));
            error.exit().into()
        }
    }
}
