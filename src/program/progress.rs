//! Draws progress bars for people who wait.
//!
//! Bars are drawn on standard error, and only if that is a terminal; cron and systemd see none. Log
//! lines appear above the bars, so that neither garbles the other.

use std::fmt;
use std::time::Duration;

use indicatif::{
    HumanCount, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle,
};

use crate::domain::escape::visible_line;

/// Largest number of redraws per second; more are invisible and slow on a remote terminal.
const DRAWS_PER_SECOND_MAX: u8 = 10;

/// Time between two movements of a bar without any progress, which show that the program is alive.
const TICK: Duration = Duration::from_millis(200);

/// The bars of one program.
#[derive(Debug, Clone)]
pub struct Progress {
    bars: MultiProgress,
}

impl Progress {
    /// Draws on standard error if that is a terminal and `quiet` is not set.
    pub fn new(quiet: bool) -> Progress {
        let target = if quiet {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND_MAX)
        };
        Progress {
            bars: MultiProgress::with_draw_target(target),
        }
    }

    /// Never draws.
    pub fn hidden() -> Progress {
        Progress::new(true)
    }

    /// Whether the bars are visible.
    pub fn is_shown(&self) -> bool {
        !self.bars.is_hidden()
    }

    /// Adds a bar below the others: `label`, the count of `unit`, and the speed; if there is a
    /// `total`, also the share that is done and the remaining time.
    pub fn bar(&self, label: &str, unit: &str, total: Option<u64>) -> Bar {
        if !self.is_shown() {
            // A hidden bar would still run a thread for its ticks.
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
                    // If the bar cannot be written, its speed is not shown either.
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

    /// Adds a bar for bytes, with speed and remaining time.
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

/// One bar; it disappears when it is dropped.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// Sets the amount that is done.
    pub fn set(&self, done: u64) {
        self.bar.set_position(done);
    }

    /// Adds to the amount that is done.
    pub fn add(&self, more: u64) {
        self.bar.inc(more);
    }

    /// Shows a message after the numbers.
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
