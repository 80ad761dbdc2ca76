//! Shell over [`heliostat::respond`].

use std::process::ExitCode;

use clap::Parser;
use heliostat::respond::{Args, run};

fn main() -> ExitCode {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info")).init();
    match run(&Args::parse()) {
        Ok(exit) => exit.into(),
        Err(error) => {
            log::error!("{}", heliostat::program::exit::chain(&error));
            error.exit().into()
        }
    }
}
