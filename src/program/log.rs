//! Writes the log of every program: lines on standard error, above the progress bars.

use std::io::{self, Write as _};

use log::LevelFilter;

use super::progress::Progress;
use crate::domain::escape::visible_line;

/// Starts the log on standard error; `RUST_LOG` overrides `level`. A second start has no effect.
///
/// Libraries are logged only if `RUST_LOG` names them: their important messages reach us as errors,
/// and we log those once.
///
/// Lines have no time, because cron's mail and the journal add one.
pub fn start_log(level: LevelFilter, progress: &Progress) {
    let mut builder = env_logger::Builder::new();
    builder
        .filter_module("heliostat", level)
        .parse_default_env()
        .format(|out, record| {
            let level = match record.level() {
                log::Level::Error => "error",
                log::Level::Warn => "warning",
                log::Level::Info => "info",
                log::Level::Debug | log::Level::Trace => "debug",
            };
            let line = record.args().to_string();
            writeln!(out, "{level}: {}", visible_line(line.as_bytes()))
        })
        .target(env_logger::Target::Pipe(Box::new(AboveBars(
            progress.clone(),
        ))));
    if builder.try_init().is_err() {
        log::debug!("the log was started before");
    }
}

/// The level for `-q` and any number of `-v`.
pub fn log_level(quiet: bool, verbose: u8) -> LevelFilter {
    match (quiet, verbose) {
        (true, _) => LevelFilter::Error,
        (false, 0) => LevelFilter::Warn,
        (false, 1) => LevelFilter::Info,
        (false, _) => LevelFilter::Debug,
    }
}

struct AboveBars(Progress);

impl io::Write for AboveBars {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.above(|| io::stderr().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_wins_over_verbose() {
        let levels = [(true, 2), (false, 0), (false, 1), (false, 9)]
            .map(|(quiet, verbose)| log_level(quiet, verbose));
        assert_eq!(
            levels,
            [
                LevelFilter::Error,
                LevelFilter::Warn,
                LevelFilter::Info,
                LevelFilter::Debug
            ]
        );
    }
}
