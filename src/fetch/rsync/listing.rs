//! Lists a mirror with the program `rsync`, as a stream of entries.
//!
//! rsync writes each line by itself. A reader that wakes up for each line costs rsync a third of
//! its speed (measured: 1,000,000 files in 9.9 s instead of 7.3 s). So the pipe is large and is
//! read every [`PACE`].
//!
//! # Errors
//! Returns [`FetchError`] if there is no listing. A listing that lacks a known part is not an
//! error: see [`RsyncListingEnd`].
//!
//! # Limits
//! [`ENTRIES_MAX`], `lines::LINE_BYTES_MAX`, [`Patience`], and rsync's own `--timeout`.
//!
//! # Security
//! rsync gets an address, not a name, so that it connects to the address that was checked. Only
//! behind a proxy that resolves names (`RSYNC_PROXY`) it gets the name.

use std::ffi::OsString;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};

use super::failure::{PARTIAL, RsyncMessages, VANISHED, explain, explain_nothing};
use super::lines::{LineRead, LineReader};
use super::url::RsyncUrl;
use crate::domain::listing::ListingGaps;
use crate::domain::listing::rsync::{RsyncLine, parse_line};
use crate::domain::listing::rsync_message::{Message, is_absence, parse_message, remark};
use crate::fetch::address::Addresses;
use crate::fetch::error::FetchError;
use crate::fetch::patience::Patience;

/// Largest number of entries in a listing: ten times the largest known tree. A server could invent
/// names for ever.
pub const ENTRIES_MAX: u64 = 100_000_000;

/// Size of the pipe: the largest that Linux gives without privileges. It holds some 7,000 lines.
const PIPE_BYTES: usize = 1024 * 1024;

/// Pause after a small read, in which rsync fills the pipe undisturbed.
const PACE: Duration = Duration::from_millis(2);

/// A smaller read is followed by a pause; after a larger one, the reader goes on at once.
const SMALL_READ_BYTES: usize = 64 * 1024;

/// How often the reader of a silent stream checks whether the program is to stop.
const STOP_CHECK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 200_000_000,
};

/// Largest number of lines that are no entries and are kept for the report.
const NOTES_MAX: usize = 5;

/// Largest number of lines of a greeting that are read; the report shows the last ones.
const WORDS_MAX: usize = 1000;

/// Value of `RSYNC_PASSWORD` for a URL without password. rsync would ask on the terminal if the
/// variable were empty or missing.
const NO_PASSWORD: &str = "none";

/// Variables of our environment that rsync gets. All others are dropped: RSYNC_PASSWORD would go to
/// every mirror, and RSYNC_RSH, RSYNC_OLD_ARGS and POPT's aliases in HOME would change the listing.
const KEPT_VARIABLES: [&str; 2] = ["PATH", PROXY];

/// The proxy to which rsync connects instead of the mirror, by `CONNECT`.
const PROXY: &str = "RSYNC_PROXY";

/// Options of a listing.
#[derive(Debug, Clone, Copy)]
pub struct ListOptions<'a> {
    /// Limits of time. The mirror is given up if it sends nothing for the time-out, in whole
    /// seconds.
    pub patience: Patience<'a>,
    /// Resolves the mirror's name.
    pub addresses: &'a Addresses,
    /// `--include=` and `--exclude=` arguments, in order.
    pub filters: &'a [OsString],
    /// The only part below the URL that is listed: a directory with everything in it, or a file.
    /// Empty: everything.
    pub start: &'a [u8],
    /// Whether a link counts as its target.
    pub copies_links: bool,
}

/// The result of a listing that came to its end.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct RsyncListingEnd {
    /// The parts that are missing.
    pub unlisted: ListingGaps,
    /// The server's remarks.
    pub notes: Vec<String>,
}

/// Lists a mirror; `each` gets every entry, with its name relative to the URL.
///
/// # Errors
/// Returns [`FetchError`] if there is no listing; the entries given before are of no use then.
pub fn list_rsync(
    url: &RsyncUrl,
    options: ListOptions<'_>,
    mut each: impl FnMut(RsyncLine, &[u8]),
) -> Result<RsyncListingEnd, FetchError> {
    if std::env::var_os(PROXY).is_some_and(|proxy| !proxy.is_empty()) {
        return list_at(url, options, &mut each);
    }
    let addresses = options.addresses.of(url.host(), &options.patience);
    let addresses = addresses.map_err(|error| match error {
        // The message has the form of rsync's own.
        FetchError::UnknownHost { said } => FetchError::UnknownHost {
            said: format!("getaddrinfo: {}: {said}", url.host()),
        },
        other => other,
    })?;
    let mut failure = None;
    for ip in addresses {
        match list_at(&url.at(ip), options, &mut each) {
            // No entry was given, and the next address may answer.
            Err(error @ FetchError::Unreachable { .. }) => failure = Some(error),
            other => return other,
        }
    }
    Err(failure.expect("a host has at least one address"))
}

fn list_at(
    url: &RsyncUrl,
    options: ListOptions<'_>,
    each: &mut impl FnMut(RsyncLine, &[u8]),
) -> Result<RsyncListingEnd, FetchError> {
    if options.start.is_empty() {
        return list_in(url, options, StartWay::Top, each);
    }
    match list_in(url, options, StartWay::Below, each) {
        // Some servers can list the part only in the other way, because they look at each directory
        // above it.
        Err(FetchError::NoDirectory { .. }) => list_in(url, options, StartWay::Relative, each),
        other => other,
    }
}

/// How rsync is asked for a part. Servers (rsync 3.2.7 of Debian, at least) open other directories
/// above the part for each way. If one of these may be entered but not read, the other way may
/// still work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StartWay {
    /// There is no part: everything is listed.
    Top,
    /// The part is in the URL. Names begin with its own name.
    Below,
    /// The part is in the URL, with `--relative`. Names begin in the module.
    Relative,
}

fn list_in(
    url: &RsyncUrl,
    options: ListOptions<'_>,
    way: StartWay,
    each: &mut impl FnMut(RsyncLine, &[u8]),
) -> Result<RsyncListingEnd, FetchError> {
    let above = match options.start.iter().rposition(|&byte| byte == b'/') {
        Some(end) => &options.start[..=end],
        None => b"",
    };
    let mut path = Vec::new();
    let mut give = |line: RsyncLine, name: &[u8]| match way {
        StartWay::Top => each(line, name),
        StartWay::Below => {
            path.clear();
            path.extend_from_slice(above);
            path.extend_from_slice(name);
            each(line, &path);
        }
        StartWay::Relative => {
            // An entry above the part does not belong to it.
            if let Some(name) = url.relative(&[b"/", name].concat()) {
                each(line, &name);
            }
        }
    };
    let mut listing = RsyncListing::new(url, &mut give);
    listing.is_part = way != StartWay::Top;
    let status = listing.run(command(url, options, way), options.patience)?;
    match status.code() {
        Some(0 | VANISHED) if listing.entries == 0 => {
            // The server's words came in place of the greeting, which rsync was told to leave out.
            return Err(explain_nothing(greeting(url, options)?));
        }
        Some(0 | VANISHED) => {}
        // A part may be absent, but the mirror's own directory may not.
        Some(PARTIAL) if listing.is_absent() && has_base(url, options)? => {
            return Ok(RsyncListingEnd::default());
        }
        // A listing without even the directory itself is no listing.
        Some(PARTIAL) if listing.entries > 0 => listing.account_for_partial(),
        _ => return Err(explain(status, &listing.said, options.patience.timeout)),
    }
    listing.listed.notes.append(&mut listing.said.remarks);
    Ok(listing.listed)
}

/// Whether the directory of the URL exists, even if it cannot be listed.
fn has_base(url: &RsyncUrl, options: ListOptions<'_>) -> Result<bool, FetchError> {
    let Some(directory) = url.without_slash() else {
        // A server names a missing module in its refusal.
        return Ok(true);
    };
    let mut command = Command::new("rsync");
    prepare(&mut command, url, options);
    command
        .args(["--list-only", "--no-motd", "--"])
        .arg(directory);
    let mut each = |_: RsyncLine, _: &[u8]| {};
    let mut listing = RsyncListing::new(url, &mut each);
    let status = listing.run(command, options.patience)?;
    Ok(status.success() && listing.entries > 0)
}

/// The server's greeting as one line, which ends with its last words.
fn greeting(url: &RsyncUrl, options: ListOptions<'_>) -> Result<String, FetchError> {
    let mut command = Command::new("rsync");
    prepare(&mut command, url, options);
    command.arg("--list-only").arg("--").arg(url.to_string());
    let mut each = |_: RsyncLine, _: &[u8]| {};
    let mut listing = RsyncListing::new(url, &mut each);
    listing.keeps_words = true;
    listing.run(command, options.patience)?;
    let words = listing.listed.notes;
    let last = words.len().saturating_sub(NOTES_MAX);
    Ok(words[last..].join(" / "))
}

fn command(url: &RsyncUrl, options: ListOptions<'_>, way: StartWay) -> Command {
    let mut command = Command::new("rsync");
    prepare(&mut command, url, options);
    command
        .args(["--list-only", "--recursive", "--no-motd", "--8-bit-output"])
        .arg("--no-human-readable")
        .args(options.copies_links.then_some("--copy-links"))
        .args(options.filters)
        .args((way == StartWay::Relative).then_some("--relative"))
        .args((way == StartWay::Relative).then_some("--no-implied-dirs"))
        .arg("--")
        .arg(OsString::from_vec(
            [url.to_string().as_bytes(), options.start].concat(),
        ));
    command
}

/// Sets what all calls of rsync have in common.
fn prepare(command: &mut Command, url: &RsyncUrl, options: ListOptions<'_>) {
    let timeout_s = options.patience.timeout.as_secs().max(1);
    command.env_clear();
    for name in KEPT_VARIABLES {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    command
        .env("LC_ALL", "C")
        .env("TZ", "UTC")
        .env("RSYNC_PASSWORD", url.password().unwrap_or(NO_PASSWORD))
        .arg(format!("--timeout={timeout_s}"))
        .arg(format!("--contimeout={timeout_s}"))
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
}

/// A running rsync, which ends with its owner. rsync consists of two processes: if only one were
/// killed, the other would wait for ever, and so would the mirror.
struct Program {
    child: Child,
    is_over: bool,
}

impl Drop for Program {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        // The process was not waited for yet, so that the process group is still ours.
        let killed = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let killed = killed.map_err(io::Error::from);
        if let Err(error) = killed.and_then(|()| self.child.wait()) {
            log::debug!("cannot end rsync: {error}");
        }
    }
}

struct RsyncListing<'a, F> {
    url: &'a RsyncUrl,
    each: F,
    name: Vec<u8>,
    entries: u64,
    said: RsyncMessages,
    /// Whether every line is a word of the server, and no line an entry.
    keeps_words: bool,
    /// Whether only a part below the URL is listed.
    is_part: bool,
    /// Whether the server says that the part does not exist.
    says_absent: bool,
    /// Number of links without a target.
    dangling: u64,
    /// Places that could not be listed, without further reason.
    holes: ListingGaps,
    listed: RsyncListingEnd,
}

impl<'a, F: FnMut(RsyncLine, &[u8])> RsyncListing<'a, F> {
    fn new(url: &'a RsyncUrl, each: F) -> RsyncListing<'a, F> {
        RsyncListing {
            url,
            each,
            name: Vec::new(),
            entries: 0,
            said: RsyncMessages::default(),
            keeps_words: false,
            is_part: false,
            says_absent: false,
            dangling: 0,
            holes: ListingGaps::Nothing,
            listed: RsyncListingEnd::default(),
        }
    }

    /// Whether the server said that the part does not exist, and nothing else.
    fn is_absent(&self) -> bool {
        let is_nothing_else = self.entries == 0 && self.said.refusal.is_none();
        self.is_part && self.says_absent && is_nothing_else
    }

    /// Runs rsync to its end.
    fn run(
        &mut self,
        mut command: Command,
        patience: Patience<'_>,
    ) -> Result<ExitStatus, FetchError> {
        let child = command.spawn().map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => FetchError::NoProgram(source),
            _ => FetchError::Pipe(source),
        })?;
        let mut program = Program {
            child,
            is_over: false,
        };
        let stdout = program.child.stdout.take().expect("it was asked for");
        let stderr = program.child.stderr.take().expect("it was asked for");
        self.read_all(stdout, stderr, patience)?;
        let status = program.child.wait().map_err(FetchError::Pipe)?;
        program.is_over = true;
        Ok(status)
    }

    fn read_all(
        &mut self,
        stdout: ChildStdout,
        stderr: ChildStderr,
        patience: Patience<'_>,
    ) -> Result<(), FetchError> {
        if let Err(error) = rustix::pipe::fcntl_setpipe_size(&stdout, PIPE_BYTES) {
            log::debug!("the pipe from rsync stays small: {error}");
        }
        let mut out = Some(LineReader::new(stdout));
        let mut err = Some(LineReader::new(stderr));
        while out.is_some() || err.is_some() {
            patience.check()?;
            if self.entries > ENTRIES_MAX {
                let entries_max = ENTRIES_MAX;
                return Err(FetchError::TooManyEntries { entries_max });
            }
            let [out_ready, err_ready] = ready(&out, &err)?;
            // Reads standard error first, because it says why standard output ended.
            if err_ready {
                read(&mut err, |line| self.message(line))?;
            }
            if out_ready && read(&mut out, |line| self.line(line))? < SMALL_READ_BYTES {
                std::thread::sleep(PACE);
            }
        }
        Ok(())
    }

    fn line(&mut self, line: LineRead<'_>) {
        let LineRead::Whole(line) = line else {
            self.listed.unlisted = ListingGaps::Anywhere;
            return;
        };
        if self.keeps_words {
            if self.listed.notes.len() < WORDS_MAX && !line.trim_ascii().is_empty() {
                self.listed.notes.push(remark(line));
            }
            return;
        }
        match parse_line(line, &mut self.name) {
            RsyncLine::Message => {
                if self.listed.notes.len() < NOTES_MAX && !line.is_empty() {
                    self.listed.notes.push(remark(line));
                }
            }
            RsyncLine::Unreadable => self.listed.unlisted = ListingGaps::Anywhere,
            entry => {
                self.entries += 1;
                (self.each)(entry, &self.name);
            }
        }
    }

    fn message(&mut self, line: LineRead<'_>) {
        let LineRead::Whole(line) = line else {
            return;
        };
        self.says_absent |= is_absence(line);
        let message = parse_message(line);
        log::debug!("rsync url={} said={message:?}", self.url);
        if let Message::Unlisted(path) = &message {
            // A gap that is the whole URL, or lies outside of it, says nothing about where files
            // are missing.
            match self.url.relative(path).filter(|path| !path.is_empty()) {
                Some(path) => self.holes.add(path),
                None => self.holes = ListingGaps::Anywhere,
            }
        }
        self.dangling += u64::from(message == Message::Dangling);
        self.said.keep(message);
    }

    /// Accounts for a partial listing. If rsync named every gap, these are the gaps; if it said
    /// anything else, or nothing, the gaps may be anywhere.
    fn account_for_partial(&mut self) {
        let named_all = self.said.remarks.is_empty() && self.said.refusal.is_none();
        let holes = std::mem::take(&mut self.holes);
        if named_all && holes == ListingGaps::Nothing && self.dangling > 0 {
            return;
        }
        let known = named_all && holes != ListingGaps::Nothing;
        if known && self.listed.unlisted == ListingGaps::Nothing {
            self.listed.unlisted = holes;
        } else {
            self.listed.unlisted = ListingGaps::Anywhere;
        }
    }
}

/// Which of the two streams has bytes to read, or is at its end.
fn ready(
    out: &Option<LineReader<ChildStdout>>,
    err: &Option<LineReader<ChildStderr>>,
) -> Result<[bool; 2], FetchError> {
    let mut streams = Vec::with_capacity(2);
    if let Some(out) = out {
        streams.push(PollFd::from_borrowed_fd(
            out.source().as_fd(),
            PollFlags::IN,
        ));
    }
    if let Some(err) = err {
        streams.push(PollFd::from_borrowed_fd(
            err.source().as_fd(),
            PollFlags::IN,
        ));
    }
    match poll(&mut streams, Some(&STOP_CHECK)) {
        Ok(_) => {}
        Err(rustix::io::Errno::INTR) => return Ok([false, false]),
        Err(error) => return Err(FetchError::Pipe(error.into())),
    }
    let mut answers = streams.iter().map(|stream| !stream.revents().is_empty());
    let mut answer = |is_open: bool| is_open && answers.next().unwrap_or(false);
    Ok([answer(out.is_some()), answer(err.is_some())])
}

/// Reads once; drops a stream that is at its end.
fn read<R: Read>(
    stream: &mut Option<LineReader<R>>,
    give: impl FnMut(LineRead<'_>),
) -> Result<usize, FetchError> {
    let Some(lines) = stream else {
        return Ok(0);
    };
    let count = lines.read(give).map_err(FetchError::Pipe)?;
    if count == 0 {
        *stream = None;
    }
    Ok(count)
}
