//! A whole scan against `rsync --list-only` alone, from one daemon, in turns.
//!
//! Usage: `scan-speed FOLDER [ROUNDS]`, where FOLDER was made by `big-site`. Starts an rsync daemon
//! on loopback for the folder's tree and runs both programs against it; prints each time, the
//! medians, their ratio, and the scan's peak memory.

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

/// Runs to the end; returns seconds and the peak of resident memory in KiB.
fn time(command: &mut Command) -> Result<(f64, u64), Failure> {
    let start = Instant::now();
    let mut child = command.stdout(Stdio::null()).spawn()?;
    let status_file = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let status = loop {
        let status = std::fs::read_to_string(&status_file).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        peak = peak.max(kib.unwrap_or(0));
        if let Some(status) = child.try_wait()? {
            break status;
        }
        std::thread::sleep(LOOK);
    };
    if !status.success() {
        return Err(format!("{command:?}: {status}").into());
    }
    Ok((start.elapsed().as_secs_f64(), peak))
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().collect();
    let folder = Path::new(
        arguments
            .get(1)
            .ok_or("usage: scan-speed FOLDER [ROUNDS]")?,
    );
    let rounds: usize = arguments.get(2).map_or(Ok(3), |rounds| rounds.parse())?;
    let (_daemon, port) = start_daemon(folder)?;
    let url = format!("rsync://127.0.0.1:{port}/tree/");
    let mirror = point_mirror(folder, &url)?;
    let scan = scan_program()?;
    let (mut alone, mut whole, mut peak) = (Vec::new(), Vec::new(), 0);
    // One round more: the first one fills the caches.
    for round in 0..=rounds {
        let (rsync_s, _) = time(Command::new("rsync").args(["--list-only", "-r", &url]))?;
        let mut command = Command::new(&scan);
        command.arg("--config").arg(folder.join("heliostat.toml"));
        let (scan_s, memory) = time(command.args(["--force", "-qq", &mirror]))?;
        println!("round={round} rsync_s={rsync_s:.2} scan_s={scan_s:.2} scan_rss_kib={memory}");
        if round > 0 {
            alone.push(rsync_s);
            whole.push(scan_s);
            peak = peak.max(memory);
        }
    }
    let (rsync_s, scan_s) = (median(&mut alone), median(&mut whole));
    println!(
        "rsync_s_median={rsync_s:.2} scan_s_median={scan_s:.2} speed_ratio={:.3} \
         scan_rss_kib_peak={peak}",
        rsync_s / scan_s
    );
    Ok(())
}
