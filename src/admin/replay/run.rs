//! Runs logs through the decision on all processors.

use std::num::NonZero;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use memchr::memchr;
use xxhash_rust::xxh3::xxh3_64;

use super::input::{LogBlock, LogInput, total_bytes};
use super::judge::AnswerKind;
use super::line::LoggedRequest;
use super::lines::LogLines;
use super::report::{ReplayReport, write_text};
use super::tally::ReplayTally;
use super::world::{Decider, ReplayWorld};
use crate::admin::args::ReplayArgs;
use crate::admin::error::AdminError;
use crate::admin::session::Session;
use crate::config;
use crate::decide::Decision;
use crate::program::exit::Exit;
use crate::program::progress::Progress;

/// Blocks that wait for each thread: so many lie in memory.
const BLOCKS_WAITING: usize = 4;

/// Replays logs and prints the sums.
///
/// # Errors
/// Returns [`AdminError`] if the configuration or the database cannot be read, a mirror is unknown,
/// or the format cannot be read. A log that cannot be read to its end is a complaint, and the exit
/// code says so.
pub fn replay(session: &mut Session, args: &ReplayArgs) -> Result<Exit, AdminError> {
    let lines = LogLines::new(args.format.as_deref())?;
    // One of an older schema is brought up to date.
    drop(session.reader()?);
    let now = ReplayWorld::load(&session.site, &[], args.catalogue)?;
    let then = then(session, args)?;
    let mut parameters = args.parameters.clone();
    if args.https {
        parameters.push(("HTTPS".to_owned(), "on".to_owned()));
    }
    let bytes = |(name, value): (String, String)| (name.into_bytes(), value.into_bytes());
    let job = ReplayJob {
        lines: &lines,
        parameters: parameters.into_iter().map(bytes).collect(),
        now: &now,
        then: then.as_ref(),
    };
    let (tally, problems) = job.run(&args.logs, &session.progress);
    let report = ReplayReport {
        tally: &tally,
        logs: &args.logs,
        has_then: then.is_some(),
        problems: &problems,
    };
    if args.json {
        session.console.json(&report.to_json())?;
    } else {
        write_text(session.console.out(), &report)?;
    }
    for problem in &problems {
        log::error!("{problem}");
    }
    let is_whole = problems.is_empty();
    let exit = match tally.decided {
        0 => Exit::Failed,
        _ if is_whole => Exit::Ok,
        _ => Exit::Partial,
    };
    Ok(exit)
}

/// The world of `--against` and `--without`, if one is asked for.
fn then(session: &Session, args: &ReplayArgs) -> Result<Option<ReplayWorld>, AdminError> {
    if args.against.is_none() && args.without.is_empty() {
        return Ok(None);
    }
    let site = match &args.against {
        None => Arc::clone(&session.site),
        Some(file) => {
            let other = config::load(file)?;
            let named = other.site(Some(&session.site.name));
            Arc::clone(named.or_else(|_| other.site(None))?)
        }
    };
    ReplayWorld::load(&site, &args.without, args.catalogue).map(Some)
}

/// The input that all threads share.
struct ReplayJob<'j> {
    lines: &'j LogLines,
    /// Parameters that the web server would set.
    parameters: Vec<(Vec<u8>, Vec<u8>)>,
    now: &'j ReplayWorld,
    then: Option<&'j ReplayWorld>,
}

impl ReplayJob<'_> {
    /// The sums, and what went wrong with reading.
    fn run(&self, logs: &[PathBuf], progress: &Progress) -> (ReplayTally, Vec<String>) {
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        let (sender, receiver) = sync_channel(threads * BLOCKS_WAITING);
        let receiver = Mutex::new(receiver);
        thread::scope(|scope| {
            let workers: Vec<_> = (0..threads)
                .map(|_| scope.spawn(|| self.work(&receiver)))
                .collect();
            let problems = read(logs, sender, progress);
            let mut sum = ReplayTally::default();
            for worker in workers {
                match worker.join() {
                    Ok(tally) => sum.merge(tally),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            (sum, problems)
        })
    }

    /// One thread: blocks until there are no more.
    fn work(&self, blocks: &Mutex<Receiver<LogBlock>>) -> ReplayTally {
        let mut worker = ReplayWorker {
            job: self,
            now: Decider::new(self.now),
            then: self.then.map(Decider::new),
            lines: self.lines.clone(),
            tally: ReplayTally::default(),
        };
        loop {
            let next = blocks.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(block) = next else {
                return worker.tally;
            };
            worker.block(&block);
        }
    }
}

/// Reads all logs and hands their blocks over.
fn read(logs: &[PathBuf], sender: SyncSender<LogBlock>, progress: &Progress) -> Vec<String> {
    let done = Arc::new(AtomicU64::new(0));
    let bar = match total_bytes(logs) {
        Some(total) => progress.bytes_bar("replay", total),
        None => progress.bar("replay", "bytes", None),
    };
    let mut problems = Vec::new();
    for (file, path) in logs.iter().enumerate() {
        let send = || -> std::io::Result<()> {
            let mut input = LogInput::open(file, path, &done)?;
            while let Some(block) = input.next_block()? {
                if sender.send(block).is_err() {
                    break;
                }
                bar.set(done.load(Ordering::Relaxed));
            }
            Ok(())
        };
        if let Err(error) = send() {
            problems.push(format!(
                "cannot read {} to its end: {error}",
                path.display()
            ));
        }
    }
    problems
}

/// One thread's work.
struct ReplayWorker<'j> {
    job: &'j ReplayJob<'j>,
    now: Decider<'j>,
    then: Option<Decider<'j>>,
    lines: LogLines,
    tally: ReplayTally,
}

impl ReplayWorker<'_> {
    fn block(&mut self, block: &LogBlock) {
        let (mut rest, mut number) = (&block.bytes[..], block.first_line);
        while !rest.is_empty() {
            let end = memchr(b'\n', rest).unwrap_or(rest.len());
            let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
            if !line.is_empty() {
                self.tally.lines += 1;
                if self.lines.read(line).is_some() {
                    self.request(xxh3_64(line));
                } else {
                    self.tally.unread.add(block.file, number, line);
                }
            }
            rest = rest.get(end + 1..).unwrap_or_default();
            number += 1;
        }
    }

    /// Decides the request of the line that was read.
    fn request(&mut self, seed: u64) {
        let logged = self.lines.last();
        self.tally.see(logged.at);
        if let Some(why) = left_out(logged, &self.job.now.state.config.server_names) {
            return self.tally.leave_out(why);
        }
        let Some(before) = AnswerKind::of_status(logged.status) else {
            return self.tally.leave_out("answered by the web server alone");
        };
        self.tally.decided += 1;
        let parameters = &self.job.parameters;
        let decision = self.now.decide(logged, parameters, seed);
        let size = size(logged, &decision);
        let bytes = logged.wanted_bytes(size);
        self.tally.logged.add_logged(before, logged, bytes);
        self.tally.now.add(self.now.world, &decision, bytes);
        let Some(then) = &mut self.then else {
            return compare(
                &mut self.tally,
                self.now.world,
                (before, &logged.mirror, &decision),
                bytes,
            );
        };
        let other = then.decide(logged, parameters, seed);
        self.tally.then.add(then.world, &other, bytes);
        let (before, _) = AnswerKind::of(&decision);
        let mirror = decision.choices().first();
        let mirror = mirror.map_or(&b""[..], |choice| choice.name.as_bytes());
        compare(&mut self.tally, then.world, (before, mirror, &other), bytes);
    }
}

/// Size of the file; the log's, if it tells.
fn size(logged: &LoggedRequest, decision: &Decision<'_>) -> u64 {
    let version = decision.file.as_ref().map(|file| file.version.size);
    logged.file_size.or(version).unwrap_or(0)
}

/// Why no decision is made about a line.
fn left_out(logged: &LoggedRequest, server_names: &[String]) -> Option<&'static str> {
    if logged.method.is_empty() {
        return Some("no request");
    }
    if !matches!(&logged.method[..], b"GET" | b"HEAD") {
        return Some("another method than GET and HEAD");
    }
    let host = logged.host.split(|byte| *byte == b':').next();
    let host = host.unwrap_or_default();
    let is_ours = |name: &String| name.as_bytes().eq_ignore_ascii_case(host);
    let is_foreign = !host.is_empty() && !server_names.is_empty();
    (is_foreign && !server_names.iter().any(is_ours)).then_some("another host")
}

/// Counts how a decision differs from the answer before it.
fn compare(
    tally: &mut ReplayTally,
    world: &ReplayWorld,
    (before, mirror, decision): (AnswerKind, &[u8], &Decision<'_>),
    bytes: u64,
) {
    let (after, reason) = AnswerKind::of(decision);
    if before != after {
        return tally.add_change((before, after, reason), bytes);
    }
    let best = decision.choices().first();
    let (AnswerKind::Redirected, Some(best), false) = (after, best, mirror.is_empty()) else {
        return;
    };
    if best.name.as_bytes() == mirror {
        tally.same_mirror += 1;
    } else {
        tally.add_mirror_change(world.why_not(mirror, decision), bytes);
    }
}
