//! How long probing many mirrors takes, some of which take connections and say nothing.
//!
//! Usage: `probe-speed MIRRORS HANGING FILES ROUNDS`. Each mirror has a loopback address of its own
//! (127.1.x.y) and serves every file of the catalogue, which has FILES of them; `heliostat-probe`
//! runs as cron runs it, and its time from start to end and its peak memory are printed.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use heliostat::db::catalogue::CatalogueWriter;
use heliostat::db::content::{self, Content, ContentOrigin};
use heliostat::db::mirror::{self, MirrorRecord};
use heliostat::db::open_writer;
use heliostat::domain::file::FileVersion;
use heliostat::domain::time::Timestamp;

type Failure = Box<dyn std::error::Error>;

/// Size of every file.
const SIZE: u64 = 123_456_789;

/// How often the memory of the program is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// A mirror; the thread lives as long as the program.
fn serve(address: Ipv4Addr, hangs: bool) -> Result<String, Failure> {
    let listener = TcpListener::bind((address, 0))?;
    let url = format!("http://{}/pub/", listener.local_addr()?);
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for stream in listener.incoming().flatten() {
            if hangs {
                held.push(stream);
            } else {
                // A client that goes away is no failure of the mirror.
                let _ = converse(&stream);
            }
        }
    });
    Ok(url)
}

fn converse(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let (mut out, mut head) = (stream, Vec::new());
    for line in BufReader::new(stream).lines() {
        let line = line?;
        if !line.is_empty() {
            head.push(line.to_ascii_lowercase());
            continue;
        }
        let range = head
            .iter()
            .find_map(|line| line.strip_prefix("range: bytes="));
        let answer = match range {
            None => format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n"),
            Some(range) => format!(
                "HTTP/1.1 206 Partial Content\r\nContent-Length: 1\r\n\
                 Content-Range: bytes {range}/{SIZE}\r\n\r\nx"
            ),
        };
        out.write_all(answer.as_bytes())?;
        head.clear();
    }
    Ok(())
}

fn fill(database: &Path, urls: &[String], files: u32) -> Result<(), Failure> {
    let mut writer = open_writer(database)?;
    writer.transaction(|transaction| {
        let mut catalogue = CatalogueWriter::new(transaction)?;
        let version = FileVersion {
            size: SIZE,
            mtime: 1,
        };
        for number in 0..files {
            let path = format!("pool/main/lib-{:05}/package_{number:07}.deb", number / 20);
            catalogue.insert(path.as_bytes(), version)?;
        }
        catalogue.finish()?;
        let origin = ContentOrigin {
            at: Timestamp(1),
            by: "rsync".to_owned(),
            unknown_files: 0,
        };
        let all = Content {
            current: (1..=files).collect(),
            ..Content::default()
        };
        for (number, url) in urls.iter().enumerate() {
            let mut record = MirrorRecord::new(&format!("m{number:04}"));
            record.base_url.clone_from(url);
            (record.enabled, record.alive) = (true, true);
            let id = mirror::insert(transaction, &record)?;
            content::publish(transaction, id, &all, &origin)?;
        }
        Ok(())
    })?;
    Ok(())
}

/// Seconds from start to end, and the most memory in KiB that was seen.
fn probe(program: &Path, config: &Path) -> Result<(f64, u64, String), Failure> {
    let start = Instant::now();
    let mut child = Command::new(program)
        .arg("--config")
        .arg(config)
        .arg("--json")
        .stdout(Stdio::piped())
        .spawn()?;
    let status = format!("/proc/{}/status", child.id());
    let mut stdout = child.stdout.take().ok_or("no standard output")?;
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut stdout, &mut text).map(|_| text)
    });
    let mut peak_kib = 0;
    while child.try_wait()?.is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        peak_kib = peak_kib.max(kib.unwrap_or(0));
        std::thread::sleep(LOOK);
    }
    let took = start.elapsed().as_secs_f64();
    let text = reader.join().map_err(|_| "the reader panicked")??;
    let value: serde_json::Value = serde_json::from_str(&text)?;
    if value["counts"].is_null() {
        return Err(format!("the probe failed: {text}").into());
    }
    Ok((took, peak_kib, value["counts"].to_string()))
}

fn main() -> Result<(), Failure> {
    let numbers: Vec<u32> = std::env::args()
        .skip(1)
        .map(|n| n.parse())
        .collect::<Result<_, _>>()?;
    let [mirrors, hanging, files, rounds] = numbers[..] else {
        return Err("usage: probe-speed MIRRORS HANGING FILES ROUNDS".into());
    };
    let folder = tempfile::tempdir()?;
    let mut urls = Vec::new();
    for number in 0..mirrors {
        let address = Ipv4Addr::from(0x7f01_0001 + number);
        urls.push(serve(address, number < hanging)?);
    }
    let database = folder.path().join("probe.sqlite");
    fill(&database, &urls, files)?;
    let config = folder.path().join("heliostat.toml");
    std::fs::write(
        &config,
        "[site.load]\ntree = \"tree\"\ndatabase = \"probe.sqlite\"\n",
    )?;
    let this = std::env::current_exe()?;
    let release = this.parent().and_then(Path::parent).ok_or("an odd place")?;
    let program = release.join("heliostat-probe");
    for round in 1..=rounds {
        let (took, peak_kib, counts) = probe(&program, &config)?;
        println!(
            "round {round}: {mirrors} mirrors, {hanging} of them hanging, {files} files: \
             {took:.2} s (limit 15), peak {peak_kib} KiB, {counts}"
        );
    }
    Ok(())
}
