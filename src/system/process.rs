//! Facts about a process: its program, when it started, and whether it is stopped.
//!
//! They come from `/proc/PID/stat` alone, which services can read even if the rest of `/proc` is
//! hidden.

use std::fmt;

use rustix::time::{ClockId, clock_gettime};

use crate::domain::time::Timestamp;

/// Unit of times in `/proc`: `USER_HZ`, a constant of the kernel's interface.
const TICKS_PER_SECOND: i64 = 100;

/// Facts about a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessFacts {
    /// Process id.
    pub pid: u32,
    /// Name of the program, of which the kernel keeps 15 bytes.
    pub program: String,
    /// Time of its start.
    pub since: Timestamp,
    /// Whether a signal or a debugger stopped it.
    pub is_stopped: bool,
}

/// Looks a process up; `None` if there is no such process, or it is hidden.
pub fn process_facts(pid: u32) -> Option<ProcessFacts> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let boot_s = clock_gettime(ClockId::Boottime).tv_sec;
    let now_s = clock_gettime(ClockId::Realtime).tv_sec;
    parse(pid, &stat, now_s - boot_s)
}

/// Whether a signal stopped every thread of a process: each stops by itself, some later.
pub(super) fn are_threads_stopped(pid: u32) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else {
        return false;
    };
    threads.flatten().all(|thread| {
        // A thread that is gone by now does nothing either.
        let stat = std::fs::read(thread.path().join("stat")).unwrap_or_default();
        parse(pid, &stat, 0).is_none_or(|facts| facts.is_stopped)
    })
}

/// Reads the line (proc_pid_stat(5)). The name is in parentheses and may contain any byte; state
/// and start follow it.
fn parse(pid: u32, stat: &[u8], booted_at: i64) -> Option<ProcessFacts> {
    let open = stat.iter().position(|&byte| byte == b'(')?;
    let close = stat.iter().rposition(|&byte| byte == b')')?;
    let program = stat.get(open + 1..close)?.escape_ascii().to_string();
    let mut fields = stat
        .get(close + 1..)?
        .split(u8::is_ascii_whitespace)
        .filter(|field| !field.is_empty());
    let state = fields.next()?;
    // The state is field 3, the start is field 22.
    let start = std::str::from_utf8(fields.nth(18)?).ok()?;
    let ticks: i64 = start.parse().ok()?;
    Some(ProcessFacts {
        pid,
        program,
        since: Timestamp(booted_at + ticks / TICKS_PER_SECOND),
        is_stopped: matches!(state, b"T" | b"t"),
    })
}

/// Writes `heliostat-index (process 12, running since 2026-01-01T00:00:00Z)`.
impl fmt::Display for ProcessFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.is_stopped {
            "stopped by a signal, begun"
        } else {
            "running since"
        };
        write!(
            f,
            "{} (process {}, {state} {})",
            self.program, self.pid, self.since
        )
    }
}

impl ProcessFacts {
    /// The remedy if a process keeps a lock that another one needs.
    pub fn remedy(&self) -> String {
        let pid = self.pid;
        if self.is_stopped {
            format!("`kill -CONT {pid}` lets it go on, `kill -KILL {pid}` ends it, which is safe")
        } else {
            format!("wait until it has ended, or end it by `kill {pid}`, which is safe")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_any_bytes_are_read_and_states_are_told() {
        let stat = b"7 (a) T (\x1b) T 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 12345 20 21";
        let facts = parse(7, stat, 1000).expect("it is well formed");
        assert_eq!(facts.program, r"a) T (\x1b");
        assert_eq!((facts.since, facts.is_stopped), (Timestamp(1123), true));
        assert!(facts.remedy().starts_with("`kill -CONT 7`"), "{facts}");
        assert_eq!(parse(7, b"7 (a) S 1 2", 0), None);
        let own = process_facts(std::process::id()).expect("this process");
        assert!(!own.is_stopped && own.since.0 > 1_500_000_000, "{own}");
    }
}
