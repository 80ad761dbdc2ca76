//! Progress bars for people who wait.
//!
//! They are drawn on standard error, and only when that is a terminal; cron and systemd see no
//! bar. Lines of the log go above the bars, so that neither garbles the other.

use std::fmt;
use std::time::Duration;

use indicatif::{
    HumanCount, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle,
};

use crate::domain::escape::visible_line;

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
        bar.set_prefix(visible_line(label.as_bytes()));
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
        bar.set_prefix(visible_line(label.as_bytes()));
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
        self.bar
            .set_message(visible_line(message.into().as_bytes()));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_without_a_terminal_cost_nothing_and_show_nothing() {
        let progress = Progress::hidden();
        assert!(!progress.is_shown());
        let bar = progress.bar("walk", "files", None);
        bar.add(3);
        bar.note("x");
        bar.set(5);
    }
}
