//! What every program that a person or cron starts does alike: progress, log, errors, signals.
//!
//! Progress is drawn on standard error, and only when that is a terminal; cron and systemd see
//! none of it. Lines of the log go above the bars, so that neither garbles the other.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use indicatif::{
    HumanCount, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle,
};
use log::LevelFilter;
use signal_hook::consts::{SIGINT, SIGTERM};

/// How often a bar is drawn at most; more is not seen and costs a terminal over a slow line.
const DRAWS_A_SECOND_MAX: u8 = 10;

/// How often a bar moves although nothing was counted, so that one sees that the program lives.
const TICK: Duration = Duration::from_millis(200);

/// The bars of one program.
#[derive(Debug, Clone)]
pub struct Progress {
    bars: MultiProgress,
}

impl Progress {
    /// Draws on standard error if that is a terminal and `quiet` does not say no.
    pub fn new(quiet: bool) -> Progress {
        let target = if quiet {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr_with_hz(DRAWS_A_SECOND_MAX)
        };
        Progress {
            bars: MultiProgress::with_draw_target(target),
        }
    }

    /// Draws nothing, ever.
    pub fn hidden() -> Progress {
        Progress::new(true)
    }

    /// Whether anybody sees the bars.
    pub fn is_shown(&self) -> bool {
        !self.bars.is_hidden()
    }

    /// Adds a bar below the others: `label` first, then the count of `unit` and their speed; with
    /// a `total` also the share that is done and the time that is left.
    pub fn bar(&self, label: &str, unit: &str, total: Option<u64>) -> Bar {
        if !self.is_shown() {
            // A hidden bar would still tick in a thread of its own.
            return Bar {
                bar: ProgressBar::hidden(),
            };
        }
        let unit = unit.replace('{', "{{").replace('}', "}}");
        let template = if total.is_some() {
            format!(
                "{{prefix}} [{{bar:24}}] {{human_pos}}/{{human_len}} {unit}, {{speed}}, \
                 {{eta}} left {{wide_msg}}"
            )
        } else {
            format!("{{prefix}} {{spinner}} {{human_pos}} {unit}, {{speed}} {{wide_msg}}")
        };
        let style = ProgressStyle::with_template(&template)
            .expect("the template is ours and valid")
            .with_key(
                "speed",
                |state: &ProgressState, out: &mut dyn fmt::Write| {
                    // A bar that cannot be written shows no speed.
                    let _ = write!(out, "{}/s", HumanCount(state.per_sec() as u64));
                },
            )
            .progress_chars("=> ");
        let bar = self.bars.add(match total {
            Some(total) => ProgressBar::new(total),
            None => ProgressBar::new_spinner(),
        });
        bar.set_style(style);
        bar.set_prefix(label.to_owned());
        bar.enable_steady_tick(TICK);
        Bar { bar }
    }

    /// Adds a bar of bytes, with their speed and the time that is left.
    pub fn bytes_bar(&self, label: &str, total: u64) -> Bar {
        if !self.is_shown() {
            return Bar {
                bar: ProgressBar::hidden(),
            };
        }
        let template = "{prefix} [{bar:24}] {binary_bytes}/{binary_total_bytes}, \
                        {binary_bytes_per_sec}, {eta} left {wide_msg}";
        let style = ProgressStyle::with_template(template)
            .expect("the template is ours and valid")
            .progress_chars("=> ");
        let bar = self.bars.add(ProgressBar::new(total));
        bar.set_style(style);
        bar.set_prefix(label.to_owned());
        bar.enable_steady_tick(TICK);
        Bar { bar }
    }

    /// Runs `print` while no bar is on the screen.
    pub fn above<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bars.suspend(print)
    }
}

/// One bar; it leaves the screen when it is dropped.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// Sets how much is done.
    pub fn set(&self, done: u64) {
        self.bar.set_position(done);
    }

    /// Counts more as done.
    pub fn add(&self, more: u64) {
        self.bar.inc(more);
    }

    /// Says what is going on, after the numbers.
    pub fn note(&self, message: impl Into<String>) {
        self.bar.set_message(message.into());
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Starts the log on standard error; `RUST_LOG` wins over `level`. A second start does nothing.
///
/// Libraries are heard only when `RUST_LOG` names them: what matters of theirs comes as an error,
/// and is then said once, by us.
///
/// Lines have no time: cron's mail and the journal add theirs.
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
            writeln!(out, "{level}: {}", record.args())
        })
        .target(env_logger::Target::Pipe(Box::new(AboveBars(
            progress.clone(),
        ))));
    if builder.try_init().is_err() {
        log::debug!("the log was started before");
    }
}

/// The level that `-q` and `-v` (any number of them) ask for.
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

/// An error with all its causes on one line: `a: b: c`.
pub fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        write!(line, ": {source}").expect("writing to memory does not fail");
        cause = source.source();
    }
    line.replace('\n', " ")
}

/// A flag that SIGINT and SIGTERM set; a second of them ends the program at once, with the exit
/// code of a failure.
///
/// # Errors
/// When the system refuses a handler.
pub fn stop_flag() -> io::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // Handlers run in the order of registration: the first signal finds the flag unset.
        signal_hook::flag::register_conditional_shutdown(
            signal,
            super::exit::Exit::Failed as i32,
            Arc::clone(&stop),
        )?;
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    Ok(stop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[from] io::Error);

    #[test]
    fn causes_are_on_one_line() {
        let error = Outer(io::Error::other("inner\nof two lines"));
        assert_eq!(chain(&error), "outer: inner of two lines");
    }

    #[test]
    fn bars_without_a_terminal_cost_nothing_and_show_nothing() {
        let progress = Progress::hidden();
        assert!(!progress.is_shown());
        let bar = progress.bar("walk", "files", None);
        bar.add(3);
        bar.note("x");
        bar.set(5);
    }

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
