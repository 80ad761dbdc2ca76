//! Measures for `scripts/bench` how soon a responder redirects after a start, how soon it takes up
//! changes, and how much memory it needs meanwhile.
//!
//! Usage: `start-speed FOLDER RESPONDER ROUNDS [change]`, where FOLDER was made by `big-site`. With
//! `change`, the last process then sees 1 % of the catalogue change, and after that the content of
//! all mirrors; both changes stay in the database.
//!
//! A line per start: milliseconds from the start of the process to the first redirect, and how the
//! first answers were. A line per change: milliseconds until the keeper has taken it up, and its
//! processor time. Memory is what the process holds (VmRSS) and the most that it ever held (VmHWM).

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use heliostat::db::catalogue::{self, CatalogueWriter};
use heliostat::db::content::{self, ContentOrigin};
use heliostat::db::{Writer, open_writer};
use heliostat::domain::file::FileVersion;
use heliostat::domain::mirror::MirrorId;
use heliostat::domain::time::Timestamp;
use heliostat::fcgi::ask;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// Pause between two looks: the precision of what is measured.
const PAUSE: Duration = Duration::from_millis(1);

struct Responder {
    process: Child,
    folder: PathBuf,
}

impl Responder {
    fn start(folder: &Path, program: &str) -> Result<Responder, Box<dyn Error>> {
        let _ = std::fs::remove_file(folder.join("fcgi.sock"));
        let process = Command::new(program)
            .arg("--config")
            .arg(folder.join("heliostat.toml"))
            .stderr(Stdio::null())
            .spawn()?;
        let folder = folder.to_owned();
        Ok(Responder { process, folder })
    }

    /// Status of the answer for a file; `None` if nobody answers yet.
    fn status(&self, path: &str) -> Option<String> {
        let file = format!("{}/tree{path}", self.folder.display());
        let params = [
            ("REQUEST_METHOD", "GET"),
            ("SCRIPT_NAME", path),
            ("REQUEST_URI", path),
            ("SCRIPT_FILENAME", &file),
            ("SERVER_NAME", "download.example.org"),
            ("REMOTE_ADDR", "203.0.113.7"),
        ];
        let socket = self.folder.join("fcgi.sock");
        let answer = ask(&socket.to_string_lossy(), &params, PATIENCE).ok()?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer
            .split("\r\n")
            .find_map(|line| line.strip_prefix("Status: "));
        Some(status.unwrap_or("200")[..3].to_owned())
    }

    fn await_redirect(&self, path: &str) -> Result<Vec<String>, Box<dyn Error>> {
        let until = Instant::now() + PATIENCE;
        let mut others = Vec::new();
        while Instant::now() < until {
            match self.status(path) {
                Some(status) if status == "302" => return Ok(others),
                Some(status) => others.push(status),
                None => {}
            }
            std::thread::sleep(PAUSE);
        }
        Err("no redirect".into())
    }

    /// VmRSS and VmHWM in MiB.
    fn memory(&self) -> (u64, u64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name));
            let number = line.and_then(|line| line.split_ascii_whitespace().nth(1)?.parse().ok());
            number.unwrap_or(0u64) / 1024
        };
        (field("VmRSS:"), field("VmHWM:"))
    }

    /// Milliseconds that all threads had on a processor.
    fn cpu_ms(&self) -> u64 {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.process.id()));
        let run = |task: std::fs::DirEntry| {
            let stat = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
            stat.split(' ').next()?.parse::<u64>().ok()
        };
        tasks
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(run)
            .sum::<u64>()
            / 1_000_000
    }

    /// Waits until nothing more is done, and says what a change cost.
    fn report_change(&self, what: &str, began: Instant, cpu: u64) {
        let (mut last, mut spent, mut ended) = (cpu, cpu, began);
        // The keeper looks every second or so; a change that costs nothing is not waited for.
        while ended.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(10));
            let now = self.cpu_ms();
            // A look for changes takes less.
            if now > last + 1 {
                (spent, ended) = (now, Instant::now());
            }
            last = now;
        }
        let (resident, peak) = self.memory();
        println!(
            "{what}: cpu_ms={} ready_ms={} rss_mib={resident} peak_mib={peak} ratio={:.2}",
            spent - cpu,
            ended.duration_since(began).as_millis(),
            peak as f64 / resident as f64
        );
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Gives every hundredth file a new version.
fn change_files(writer: &mut Writer) -> Result<u64, Box<dyn Error>> {
    let mut paths = Vec::new();
    let mut number = 0u64;
    catalogue::for_each(writer, b"", |path, _| {
        number += 1;
        if number.is_multiple_of(100) {
            paths.push(path.to_vec());
        }
    })?;
    let changed = paths.len() as u64;
    writer.transaction(|transaction| {
        let mut catalogue = CatalogueWriter::new(transaction)?;
        let version = FileVersion {
            size: 9000,
            mtime: 1,
        };
        for path in &paths {
            catalogue.replace(path, version)?;
        }
        catalogue.finish()
    })?;
    Ok(changed)
}

/// Takes a file from every mirror.
fn change_mirrors(writer: &mut Writer) -> Result<u64, Box<dyn Error>> {
    let mirrors: Vec<MirrorId> = content::generations(writer)?
        .into_iter()
        .map(|(mirror, _)| mirror)
        .collect();
    writer.transaction(|transaction| {
        for &mirror in &mirrors {
            let Some(mut published) = content::load(transaction, mirror)? else {
                continue;
            };
            published.content.current.remove_smallest(1);
            let origin = ContentOrigin {
                at: Timestamp(1),
                by: "rsync".to_owned(),
                unknown_files: 0,
            };
            content::publish(transaction, mirror, &published.content, &origin)?;
        }
        Ok::<_, heliostat::db::DbError>(())
    })?;
    Ok(mirrors.len() as u64)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let (folder, program, rounds, changes) = match &arguments[..] {
        [_, folder, program, rounds] => (folder, program, rounds, false),
        [_, folder, program, rounds, change] if change == "change" => {
            (folder, program, rounds, true)
        }
        _ => return Err("usage: start-speed FOLDER RESPONDER ROUNDS [change]".into()),
    };
    let folder = Path::new(folder);
    let paths = std::fs::read_to_string(folder.join("paths.txt"))?;
    // In the middle, so that most mirrors have it.
    let path = paths.lines().nth(paths.lines().count() / 2).unwrap_or("/");
    let mut last = None;
    for _ in 0..rounds.parse::<u32>()?.max(1) {
        drop(last.take());
        let began = Instant::now();
        let responder = Responder::start(folder, program)?;
        let others = responder.await_redirect(path)?;
        let (resident, peak) = responder.memory();
        println!(
            "start: first_redirect_ms={} cpu_ms={} rss_mib={resident} peak_mib={peak} ratio={:.2} \
             answers_before={}",
            began.elapsed().as_millis(),
            responder.cpu_ms(),
            peak as f64 / resident as f64,
            others.len()
        );
        last = Some(responder);
    }
    let Some(responder) = last.filter(|_| changes) else {
        return Ok(());
    };
    let mut writer = open_writer(&folder.join("bench.sqlite"))?;
    let cpu = responder.cpu_ms();
    let changed = change_files(&mut writer)?;
    responder.report_change(&format!("{changed} files changed"), Instant::now(), cpu);
    let cpu = responder.cpu_ms();
    let changed = change_mirrors(&mut writer)?;
    responder.report_change(&format!("{changed} mirrors changed"), Instant::now(), cpu);
    Ok(())
}
