//! Reads files of networks, plain or packed, and routing tables in the form of routers (MRT) by the
//! program `bgpdump`.

use std::io::{BufRead, BufReader, Read};
use std::net::IpAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::route::RouteCollection;
use crate::admin::error::AdminError;
use crate::admin::replay::LogInput;
use crate::domain::topology::{NetworkForm, NetworkLine, NetworkSet, NetworkSetCounts};
use crate::program::progress::Bar;

/// With a larger share of bad lines, the form of the file was guessed wrongly.
const BAD_LINES_PER_MILLE_MAX: u64 = 10;
/// Number of bad lines that a message names.
const BAD_LINES_NAMED: usize = 5;
/// Number of lines without content at the beginning of a file after which reading stops.
const HEAD_LINES_MAX: u64 = 10_000;
/// Longest line of `bgpdump` in bytes: paths have at most some hundred AS.
const LINE_BYTES_MAX: u64 = 64 * 1024;
/// Largest number of bytes that are kept of the messages of `bgpdump`.
const MESSAGE_BYTES_MAX: u64 = 2_000;

/// Result of reading one file.
#[derive(Debug)]
pub(super) struct InputReport {
    /// Its form.
    pub form: NetworkForm,
    /// Whether it came through `bgpdump`.
    pub is_mrt: bool,
    pub lines: u64,
    pub bad_lines: u64,
    /// The numbers of the first bad lines.
    pub first_bad: Vec<u64>,
    /// Counts of networks that were changed or left out.
    pub counts: NetworkSetCounts,
}

/// Reads one file into the set.
pub(super) struct InputReader<'s> {
    set: &'s mut NetworkSet,
    routes: RouteCollection,
    form: Option<NetworkForm>,
    lines: u64,
    bad_lines: u64,
    first_bad: Vec<u64>,
}

impl<'s> InputReader<'s> {
    pub(super) fn new(set: &'s mut NetworkSet, label_peer: Option<IpAddr>) -> InputReader<'s> {
        set.counts = NetworkSetCounts::default();
        InputReader {
            set,
            routes: RouteCollection::new(label_peer),
            form: None,
            lines: 0,
            bad_lines: 0,
            first_bad: Vec::new(),
        }
    }

    /// Reads a file; `-` is standard input.
    ///
    /// # Errors
    /// Returns [`AdminError::File`] if the file cannot be read, [`AdminError::InputFile`] if it is
    /// of no known form, or too much of it cannot be understood.
    pub(super) fn read(mut self, path: &Path, bar: &Bar) -> Result<InputReport, AdminError> {
        let failed = |source| AdminError::File {
            doing: "read",
            path: path.to_owned(),
            source,
        };
        let read = Arc::new(AtomicU64::new(0));
        let mut input = LogInput::open(0, path, &read).map_err(failed)?;
        let mut is_mrt = false;
        while let Some(block) = input.next_block().map_err(failed)? {
            if self.lines == 0 && is_routers(&block.bytes) {
                is_mrt = true;
                break;
            }
            for line in block.bytes.split(|&byte| byte == b'\n') {
                self.line(line);
            }
            // The last line feed ends a line and begins none.
            self.lines -= u64::from(block.bytes.ends_with(b"\n"));
            if self.form.is_none() && self.lines > HEAD_LINES_MAX {
                break;
            }
            bar.add(block.bytes.len() as u64);
        }
        if is_mrt {
            self.through_bgpdump(path)?;
        }
        self.report(path, is_mrt)
    }

    fn line(&mut self, line: &[u8]) {
        self.lines += 1;
        let content = line.trim_ascii();
        if self.form.is_none() && !content.is_empty() && !content.starts_with(b"#") {
            self.form = NetworkForm::of_line(content);
        }
        let Some(form) = self.form else {
            self.bad_lines += u64::from(!content.is_empty() && !content.starts_with(b"#"));
            return;
        };
        match form.read(line) {
            NetworkLine::Nothing => {}
            NetworkLine::Bad => {
                self.bad_lines += 1;
                if self.first_bad.len() < BAD_LINES_NAMED {
                    self.first_bad.push(self.lines);
                }
            }
            NetworkLine::Route {
                network,
                origin,
                peer,
                next_hop,
            } => self.routes.take(network, origin, peer, next_hop),
            NetworkLine::Networks {
                networks,
                asn,
                label,
                name,
            } => {
                for network in networks {
                    self.set.insert(network, (asn, label), form.is_of_routes());
                }
                if let Some(name) = name {
                    self.set.name(name.asn, name.name);
                }
            }
        }
    }

    fn through_bgpdump(&mut self, path: &Path) -> Result<(), AdminError> {
        let program = |source| AdminError::Program {
            program: "bgpdump, which reads routers' own files; install the package bgpdump"
                .to_owned(),
            source,
        };
        let mut child: Child = Command::new("bgpdump")
            .arg("-m")
            .arg(path)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(program)?;
        let errors = child.stderr.take().map(|errors| {
            std::thread::spawn(move || {
                let mut text = String::new();
                // A message that is not UTF-8 is not shown; the exit code counts.
                let _ = errors.take(MESSAGE_BYTES_MAX).read_to_string(&mut text);
                text
            })
        });
        let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = Vec::new();
        let read = loop {
            line.clear();
            match (&mut output)
                .take(LINE_BYTES_MAX)
                .read_until(b'\n', &mut line)
            {
                Ok(0) => break Ok(()),
                Ok(_) => self.line(&line),
                Err(error) => break Err(error),
            }
        };
        drop(output);
        let status = child.wait();
        let said = errors
            .and_then(|errors| errors.join().ok())
            .unwrap_or_default();
        read.map_err(program)?;
        if !status.map_err(program)?.success() {
            let said = said.lines().last().unwrap_or("it says nothing").to_owned();
            return Err(AdminError::InputFile {
                file: path.to_owned(),
                problem: format!("bgpdump cannot read it: {said}; download it again"),
            });
        }
        Ok(())
    }

    fn report(self, path: &Path, is_mrt: bool) -> Result<InputReport, AdminError> {
        let wrong = |problem: String| AdminError::InputFile {
            file: path.to_owned(),
            problem,
        };
        let Some(form) = self.form else {
            return Err(wrong(
                "no line has a network; the forms are pfx2as, iptoasn, bgpdump -m, MRT, and \
                 PREFIX [AS]NUMBER [LABEL]"
                    .to_owned(),
            ));
        };
        if self.bad_lines * 1000 > self.lines * BAD_LINES_PER_MILLE_MAX {
            let first: Vec<String> = self.first_bad.iter().map(u64::to_string).collect();
            return Err(wrong(format!(
                "{} of {} lines cannot be read (first ones: {}); download it again, or correct \
                 them",
                self.bad_lines,
                self.lines,
                first.join(", ")
            )));
        }
        self.routes.put(self.set);
        Ok(InputReport {
            form,
            is_mrt,
            lines: self.lines,
            bad_lines: self.bad_lines,
            first_bad: self.first_bad,
            counts: self.set.counts,
        })
    }
}

/// Whether bytes are a router's own table (MRT, RFC 6396): a time, then the type 12, 13 or 16.
fn is_routers(bytes: &[u8]) -> bool {
    matches!(bytes.get(4..6), Some([0, 12 | 13 | 16]))
}
