//! A whole scan against `rsync --list-only` alone, from one daemon, in turns.
//!
//! Usage: `scan-speed FOLDER [ROUNDS]`, where FOLDER was made by `big-site`. Starts an rsync daemon
//! on loopback for the folder's tree and runs both programs against it; prints each time, the
//! processor time beside it (a busy machine spoils the first, not the second), the medians, their
//! ratios, and the scan's peak memory.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use heliostat::db::{mirror, open_writer};

type Failure = Box<dyn std::error::Error>;

/// How often the daemon is tried, and memory is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Ended with the measurement.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let ended = self.0.kill().and_then(|()| self.0.wait());
        if let Err(error) = ended {
            eprintln!("cannot end the rsync daemon: {error}");
        }
    }
}

fn start_daemon(folder: &Path) -> Result<(Daemon, u16), Failure> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let config = folder.join("rsyncd.conf");
    let tree = std::fs::canonicalize(folder.join("tree"))?;
    let text = format!(
        "use chroot = no\nlog file = /dev/null\n[tree]\npath = {}\n",
        tree.display()
    );
    std::fs::write(&config, text)?;
    let daemon = Command::new("rsync")
        .args(["--daemon", "--no-detach", "--address=127.0.0.1"])
        .arg(format!("--port={port}"))
        .arg(format!("--config={}", config.display()))
        .spawn()?;
    let mut daemon = Daemon(daemon);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if let Some(status) = daemon.0.try_wait()? {
            return Err(format!("the rsync daemon ended: {status}").into());
        }
        std::thread::sleep(LOOK);
    }
    Ok((daemon, port))
}

/// Gives the first mirror the daemon's URL; returns its name.
fn point_mirror(folder: &Path, url: &str) -> Result<String, Failure> {
    let mut writer = open_writer(&folder.join("bench.sqlite"))?;
    let mut record = mirror::all(&writer)?
        .into_iter()
        .next()
        .ok_or("no mirror")?;
    record.rsync_url = url.to_owned();
    writer.transaction(|transaction| mirror::update(transaction, &record))?;
    Ok(record.identifier)
}

/// The program that was built beside this example.
fn scan_program() -> Result<PathBuf, Failure> {
    let here = std::env::current_exe()?;
    let folder = here.parent().and_then(Path::parent).ok_or("no folder")?;
    Ok(folder.join("heliostat-scan"))
}

/// Time and memory that one program took.
struct Took {
    seconds: f64,
    /// Processor time of it and of what it started, without the daemon's.
    cpu_s: f64,
    /// Peak of its own resident memory.
    peak_kib: u64,
}

/// Processor seconds of all processes that were started and waited for: fields 16 and 17.
fn children_cpu_s() -> Result<f64, Failure> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit(") ").next().unwrap_or_default();
    let ticks = fields.split(' ').skip(13).take(2);
    let sum: u64 = ticks.filter_map(|field| field.parse::<u64>().ok()).sum();
    // USER_HZ is 100 on every Linux.
    Ok(sum as f64 / 100.0)
}

fn time(command: &mut Command) -> Result<Took, Failure> {
    let (start, cpu_before) = (Instant::now(), children_cpu_s()?);
    let mut child = command.stdout(Stdio::null()).spawn()?;
    let status_file = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0;
    let status = loop {
        let status = std::fs::read_to_string(&status_file).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        peak_kib = peak_kib.max(kib.unwrap_or(0));
        if let Some(status) = child.try_wait()? {
            break status;
        }
        std::thread::sleep(LOOK);
    };
    if !status.success() {
        return Err(format!("{command:?}: {status}").into());
    }
    Ok(Took {
        seconds: start.elapsed().as_secs_f64(),
        cpu_s: children_cpu_s()? - cpu_before,
        peak_kib,
    })
}

fn median(rounds: &[Took], value: fn(&Took) -> f64) -> f64 {
    let mut values: Vec<f64> = rounds.iter().map(value).collect();
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().collect();
    let folder = arguments.get(1);
    let folder = Path::new(folder.ok_or("usage: scan-speed FOLDER [ROUNDS]")?);
    let rounds: usize = arguments.get(2).map_or(Ok(3), |rounds| rounds.parse())?;
    let (_daemon, port) = start_daemon(folder)?;
    let url = format!("rsync://127.0.0.1:{port}/tree/");
    let mirror = point_mirror(folder, &url)?;
    let program = scan_program()?;
    let (mut alone, mut whole) = (Vec::new(), Vec::new());
    // One round more: the first one fills the caches.
    for round in 0..=rounds {
        let rsync = time(Command::new("rsync").args(["--list-only", "-r", &url]))?;
        let mut command = Command::new(&program);
        command.arg("--config").arg(folder.join("heliostat.toml"));
        let scan = time(command.args(["--force", "-qq", &mirror]))?;
        println!(
            "round={round} rsync_s={:.2} scan_s={:.2} rsync_cpu_s={:.2} scan_cpu_s={:.2} \
             scan_rss_kib={}",
            rsync.seconds, scan.seconds, rsync.cpu_s, scan.cpu_s, scan.peak_kib
        );
        if round > 0 {
            alone.push(rsync);
            whole.push(scan);
        }
    }
    let rsync_s = median(&alone, |took| took.seconds);
    let scan_s = median(&whole, |took| took.seconds);
    println!(
        "rsync_s_median={rsync_s:.2} scan_s_median={scan_s:.2} speed_ratio={:.3} \
         rsync_cpu_s_median={:.2} scan_cpu_s_median={:.2} scan_rss_kib_median={:.0}",
        rsync_s / scan_s,
        median(&alone, |took| took.cpu_s),
        median(&whole, |took| took.cpu_s),
        median(&whole, |took| took.peak_kib as f64),
    );
    Ok(())
}
