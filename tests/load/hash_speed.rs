//! How fast `heliostat-index` hashes, against what the cores allow, and with how much memory.
//!
//! Usage: `hash-speed FOLDER [MIB [ROUNDS [SPARSE_SECONDS]]]`. In each round: the seconds a byte
//! that each digest needs alone on one core, over memory; then the program with all digests on, for
//! a tree of many files and for one of a single large file, both of MIB (2048) in the page cache.
//! The ceiling is the number of cores ÷ the sum of the digests' seconds a byte in that round.
//! At last a sparse file of 100 GB is hashed for SPARSE_SECONDS (0: to its end) and the peak of the
//! program's memory printed; if it was stopped, then also that of a stand-in, hashed to its end: a
//! sixteenth of the size in pieces of a sixteenth, so that all that is kept of it is as long.
//! FOLDER is made, and needs MIB twice.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use heliostat::domain::hash::{HashKinds, HashRecord};
use heliostat::index::lanes;

type Failure = Box<dyn std::error::Error>;

/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Memory that each digest is measured over, several times.
const ALONE_BYTES: usize = 64 << 20;

/// As the program reads.
const CHUNK_BYTES: usize = 256 * 1024;

const PIECE_SIZE: u64 = 262_144;

const SPARSE_BYTES: u64 = 100_000_000_000;

/// The smallest piece that a v2 torrent may have, a sixteenth of the usual one.
const STAND_IN_PIECE_SIZE: u64 = 16_384;

const MIB: u64 = 1 << 20;

/// Each digest alone, with its name.
fn kinds() -> [(&'static str, HashKinds); 7] {
    let none = HashKinds::default();
    [
        ("md5", HashKinds { md5: true, ..none }),
        ("sha-1", HashKinds { sha1: true, ..none }),
        (
            "sha-256",
            HashKinds {
                sha256: true,
                ..none
            },
        ),
        (
            "sha-512",
            HashKinds {
                sha512: true,
                ..none
            },
        ),
        (
            "sha-1 pieces",
            HashKinds {
                pieces: true,
                ..none
            },
        ),
        (
            "bittorrent v2",
            HashKinds {
                hybrid: true,
                ..none
            },
        ),
        (
            "zsync",
            HashKinds {
                zsync: true,
                ..none
            },
        ),
    ]
}

/// Seconds a byte of one digest on this thread.
fn alone(kinds: HashKinds, bytes: &[u8]) -> f64 {
    let began = Instant::now();
    let mut record = HashRecord::default();
    for mut lane in lanes(kinds, bytes.len() as u64, PIECE_SIZE) {
        for chunk in bytes.chunks(CHUNK_BYTES) {
            lane.update(chunk);
        }
        lane.finish(&mut record);
    }
    assert_ne!(record, HashRecord::default());
    began.elapsed().as_secs_f64() / bytes.len() as f64
}

/// The program that was built beside this example.
fn program() -> Result<PathBuf, Failure> {
    let here = std::env::current_exe()?;
    let folder = here.parent().and_then(Path::parent).ok_or("no folder")?;
    Ok(folder.join("heliostat-index"))
}

/// One site with all digests on.
struct Site {
    config: PathBuf,
    tree: PathBuf,
    bytes: u64,
}

/// Time and memory that a run took.
struct Took {
    seconds: f64,
    cpu_s: f64,
    peak_kib: u64,
    read_bytes: u64,
}

impl Site {
    fn make(folder: &Path, name: &str) -> Result<Site, Failure> {
        let folder = folder.join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        let tree = folder.join("tree");
        fs::create_dir_all(&tree)?;
        let config = folder.join("heliostat.toml");
        let text = "[site.hash]\ntree = \"tree\"\ndatabase = \"hash.sqlite\"\n\
                    torrent.version = \"hybrid\"\nhashes.zsync = true\n";
        fs::write(&config, text)?;
        Ok(Site {
            config,
            tree,
            bytes: 0,
        })
    }

    /// Adds a file of random bytes.
    fn add(&mut self, name: &str, bytes: u64, random: &mut fastrand::Rng) -> Result<(), Failure> {
        let path = self.tree.join(name);
        fs::create_dir_all(path.parent().ok_or("no folder")?)?;
        let mut file = File::create(path)?;
        let mut chunk = vec![0; CHUNK_BYTES];
        let mut left = bytes;
        while left > 0 {
            let length = left.min(CHUNK_BYTES as u64) as usize;
            random.fill(&mut chunk[..length]);
            file.write_all(&chunk[..length])?;
            left -= length as u64;
        }
        file.set_modified(std::time::UNIX_EPOCH + Duration::from_secs(1_400_000_000))?;
        self.bytes += bytes;
        Ok(())
    }

    fn index(&self) -> Result<(), Failure> {
        let status = Command::new(program()?)
            .arg("--config")
            .arg(&self.config)
            .args(["--no-hashes", "-q"])
            .status()?;
        status
            .success()
            .then_some(())
            .ok_or("indexing failed".into())
    }

    /// Hashes everything, or so much as it can in `limit`.
    fn hash(&self, limit: Option<Duration>) -> Result<Took, Failure> {
        let began = Instant::now();
        let mut child = Command::new(program()?)
            .arg("--config")
            .arg(&self.config)
            .args(["--hashes-only", "--rehash", "-q"])
            .stderr(Stdio::inherit())
            .spawn()?;
        let pid = child.id();
        let mut took = Took {
            seconds: 0.0,
            cpu_s: 0.0,
            peak_kib: 0,
            read_bytes: 0,
        };
        loop {
            // A read between the end and the wait is that of a zombie: nothing.
            took.peak_kib = took.peak_kib.max(line(pid, "status", "VmHWM:"));
            took.read_bytes = took.read_bytes.max(line(pid, "io", "rchar:"));
            took.cpu_s = took.cpu_s.max(cpu_seconds(pid));
            if let Some(status) = child.try_wait()? {
                took.seconds = began.elapsed().as_secs_f64();
                return status
                    .success()
                    .then_some(took)
                    .ok_or("hashing failed".into());
            }
            if limit.is_some_and(|limit| began.elapsed() > limit) {
                child.kill()?;
                child.wait()?;
                took.seconds = began.elapsed().as_secs_f64();
                return Ok(took);
            }
            std::thread::sleep(LOOK);
        }
    }
}

/// The number behind a word in a file of `/proc`; 0 when the process has ended.
fn line(pid: u32, file: &str, word: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix(word))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

/// Processor time so far: user and system, in ticks of 10 ms.
fn cpu_seconds(pid: u32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> = text.rsplit(") ").next().unwrap_or("").split(' ').collect();
    let ticks = |place: usize| -> f64 {
        let field = fields.get(place).and_then(|field| field.parse().ok());
        field.unwrap_or(0.0)
    };
    (ticks(11) + ticks(12)) / 100.0
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Many files: most of them small, most bytes in large ones, as in a download tree.
fn fill_many(site: &mut Site, mib: u64, random: &mut fastrand::Rng) -> Result<usize, Failure> {
    let (mut left, mut files) = (mib * MIB, 0);
    while left > 0 {
        let size = match files % 8 {
            0..4 => random.u64(1..64 * 1024),
            4..7 => random.u64(64 * 1024..MIB),
            _ => random.u64(MIB..32 * MIB),
        };
        let size = size.min(left);
        site.add(&format!("d{}/file-{files}", files % 50), size, random)?;
        left -= size;
        files += 1;
    }
    Ok(files)
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("usage: hash-speed FOLDER [MIB …]")?);
    let mut number = |default: u64| -> Result<u64, Failure> {
        Ok(arguments.next().map_or(Ok(default), |text| text.parse())?)
    };
    let (mib, rounds, sparse_s) = (number(2048)?, number(3)?, number(60)?);
    let cores = std::thread::available_parallelism()?.get();
    let mut random = fastrand::Rng::with_seed(1);
    let mut many = Site::make(&folder, "many")?;
    let files = fill_many(&mut many, mib, &mut random)?;
    let mut one = Site::make(&folder, "one")?;
    one.add("large.iso", mib * MIB, &mut random)?;
    many.index()?;
    one.index()?;
    let mut memory = vec![0; ALONE_BYTES];
    random.fill(&mut memory);

    let mut shares = [Vec::new(), Vec::new()];
    let mut sums = Vec::new();
    for round in 1..=rounds {
        let mut sum = 0.0;
        for (name, kinds) in kinds() {
            let seconds = alone(kinds, &memory);
            println!(
                "round {round}   {name:<14} alone {:.3} ns a byte",
                seconds * 1e9
            );
            sum += seconds;
        }
        sums.push(sum * 1e9);
        let ceiling = cores as f64 / sum;
        for (place, (label, site)) in [("many files", &many), ("one file", &one)]
            .iter()
            .enumerate()
        {
            let took = site.hash(None)?;
            let speed = site.bytes as f64 / took.seconds;
            println!(
                "round {round}   {label:<11} {:.0} MB/s   ceiling {:.0} MB/s   ratio {:.3}   \
                 processor {:.2} of {cores} cores   peak {} KiB",
                speed / 1e6,
                ceiling / 1e6,
                speed / ceiling,
                took.cpu_s / took.seconds,
                took.peak_kib
            );
            shares[place].push(speed / ceiling);
        }
    }
    println!(
        "sum of all digests alone   {:.3} ns a byte",
        median(&mut sums)
    );
    let [many_shares, one_shares] = &mut shares;
    println!(
        "ratio, {files} files of {mib} MiB   {:.3}   (limit 0.8)",
        median(many_shares)
    );
    println!(
        "ratio, one file of {mib} MiB   {:.3}   (limit 0.8)",
        median(one_shares)
    );
    sparse(&folder, sparse_s)?;
    fs::remove_dir_all(&folder)?;
    Ok(())
}

fn sparse(folder: &Path, seconds: u64) -> Result<(), Failure> {
    let limit = (seconds > 0).then(|| Duration::from_secs(seconds));
    let took = sparse_file(folder, SPARSE_BYTES, PIECE_SIZE, limit)?;
    let read = took.read_bytes.min(SPARSE_BYTES);
    println!(
        "sparse file of 100 GB   peak {} KiB after {:.1} GB in {:.0} s   (limit 65536)",
        took.peak_kib,
        read as f64 / 1e9,
        took.seconds
    );
    if limit.is_some() {
        let bytes = SPARSE_BYTES / (PIECE_SIZE / STAND_IN_PIECE_SIZE);
        let took = sparse_file(folder, bytes, STAND_IN_PIECE_SIZE, None)?;
        println!(
            "stand-in for its end    peak {} KiB: {:.2} GB in pieces of 16 KiB, in {:.0} s",
            took.peak_kib,
            bytes as f64 / 1e9,
            took.seconds
        );
    }
    Ok(())
}

fn sparse_file(
    folder: &Path,
    bytes: u64,
    piece_size: u64,
    limit: Option<Duration>,
) -> Result<Took, Failure> {
    let site = Site::make(folder, "sparse")?;
    let config = fs::read_to_string(&site.config)?;
    fs::write(
        &site.config,
        format!("{config}hashes.piece_size = {piece_size}\n"),
    )?;
    let file = File::create(site.tree.join("sparse.img"))?;
    file.set_len(bytes)?;
    file.set_modified(std::time::UNIX_EPOCH + Duration::from_secs(1_400_000_000))?;
    site.index()?;
    site.hash(limit)
}
