//! Measures processes and prints the results.

use std::fs;
use std::io;
use std::ops::Sub;

/// Processor time of a process.
#[derive(Debug, Clone, Copy)]
pub struct Cpu {
    /// Nanoseconds on a processor, all threads (`schedstat`).
    run_ns: u64,
    /// Clock ticks in user and kernel mode (`stat`).
    user_ticks: u64,
    system_ticks: u64,
}

impl Cpu {
    pub fn read(pid: u32) -> io::Result<Cpu> {
        let mut run_ns = 0;
        for task in fs::read_dir(format!("/proc/{pid}/task"))? {
            let schedstat = fs::read_to_string(task?.path().join("schedstat"))?;
            run_ns += number(schedstat.split(' ').next());
        }
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // The program's name, in parentheses, may have spaces.
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or("").split(' ').collect();
        let field = |index: usize| number(fields.get(index).copied());
        Ok(Cpu {
            run_ns,
            user_ticks: field(11),
            system_ticks: field(12),
        })
    }
}

impl Sub for Cpu {
    type Output = Cpu;

    fn sub(self, before: Cpu) -> Cpu {
        Cpu {
            run_ns: self.run_ns - before.run_ns,
            user_ticks: self.user_ticks - before.user_ticks,
            system_ticks: self.system_ticks - before.system_ticks,
        }
    }
}

fn number(field: Option<&str>) -> u64 {
    field
        .and_then(|field| field.trim().parse().ok())
        .unwrap_or(0)
}

/// The results of the requests.
#[derive(Debug, Default)]
pub struct Outcome {
    pub latencies_ns: Vec<u32>,
    pub failed: u64,
    pub seconds: f64,
    pub cpu: Option<Cpu>,
}

impl Outcome {
    /// A line of text a value, or one JSON object.
    pub fn report(&mut self, json: bool) -> String {
        self.latencies_ns.sort_unstable();
        let requests = self.latencies_ns.len();
        let mut values = vec![
            ("requests", requests as f64),
            ("failed", self.failed as f64),
            ("seconds", self.seconds),
            ("requests_per_s", requests as f64 / self.seconds),
            ("latency_p50_us", self.percentile_us(50.0)),
            ("latency_p99_us", self.percentile_us(99.0)),
            ("latency_max_us", self.percentile_us(100.0)),
        ];
        if let Some(cpu) = self.cpu {
            let each = |total: f64| total / requests as f64;
            // A clock tick is 10 ms to user space on every Linux.
            values.extend([
                ("cpu_us_per_request", each(cpu.run_ns as f64 / 1000.0)),
                (
                    "cpu_user_us_per_request",
                    each(cpu.user_ticks as f64 * 10_000.0),
                ),
                (
                    "cpu_system_us_per_request",
                    each(cpu.system_ticks as f64 * 10_000.0),
                ),
            ]);
        }
        let lines = values.iter().map(|(name, value)| match json {
            true => format!("\"{name}\": {value:.3}"),
            false => format!("{name:26} {value:.3}"),
        });
        match json {
            true => format!("{{{}}}\n", lines.collect::<Vec<_>>().join(", ")),
            false => lines.map(|line| line + "\n").collect(),
        }
    }

    fn percentile_us(&self, percent: f64) -> f64 {
        let last = self.latencies_ns.len().saturating_sub(1);
        let index = (last as f64 * percent / 100.0).round() as usize;
        self.latencies_ns
            .get(index)
            .map_or(0.0, |ns| f64::from(*ns) / 1000.0)
    }
}
