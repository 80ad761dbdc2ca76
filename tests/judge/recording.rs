//! The recorded answers of a real MirrorBrain, read strictly: whatever cannot be read, or is not as
//! the index says, ends the test with the file's name. Texts are bytes as in Latin-1, so that no
//! byte of a name is lost.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::rc::Rc;

use regex::Regex;
use serde::Deserialize;

/// One recorded request and its answer.
#[derive(Debug, Clone)]
pub struct Recording {
    /// Its number.
    pub name: String,
    /// Its subject.
    pub what: String,
    /// The port of the recorded server, which tells the host.
    pub port: u16,
    /// Whether the client came over IPv6.
    pub v6: bool,
    /// Whether only the beginning of the body was kept.
    pub truncated: bool,
    /// The bytes that the client sent.
    pub request: Vec<u8>,
    /// The answer; none when the server broke off.
    pub answer: Option<Message>,
    /// Faults of the recording itself.
    pub faults: Vec<String>,
}

/// An answer over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The status code.
    pub status: u16,
    /// Header fields in their order, names as sent.
    pub headers: Vec<(String, String)>,
    /// The body without its transfer coding.
    pub body: String,
}

/// An entry of `golden/index.json`.
#[derive(Debug, Deserialize)]
struct Entry {
    n: String,
    desc: String,
    port: u16,
    v6: bool,
    status: String,
    location: Vec<String>,
    resp_bytes: usize,
    truncated: bool,
}

/// Bytes as characters.
pub fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// The bytes that such a text stands for.
pub fn bytes(text: &str) -> Vec<u8> {
    let byte = |character: char| u8::try_from(u32::from(character)).expect("a Latin-1 character");
    text.chars().map(byte).collect()
}

/// A regular expression of the tests, compiled once.
pub fn expression(text: &'static str) -> Rc<Regex> {
    thread_local! {
        static KNOWN: RefCell<HashMap<&'static str, Rc<Regex>>> = RefCell::default();
    }
    KNOWN.with_borrow_mut(|known| {
        let compiled = || Rc::new(Regex::new(text).expect("an expression of the tests"));
        Rc::clone(known.entry(text).or_insert_with(compiled))
    })
}

/// Every recording of a folder, in the order of the index.
pub fn recordings(oracle: &Path) -> Vec<Recording> {
    let folder = oracle.join("golden");
    let index = read(&folder.join("index.json"));
    let index: Vec<Entry> = serde_json::from_slice(&index)
        .unwrap_or_else(|error| panic!("{}/index.json: {error}", folder.display()));
    assert!(!index.is_empty(), "{}: an empty index", folder.display());
    let named: BTreeSet<String> = index.iter().map(|entry| entry.n.clone()).collect();
    assert_eq!(
        named.len(),
        index.len(),
        "{}: a number twice",
        folder.display()
    );
    for file in std::fs::read_dir(&folder).expect("the folder can be listed") {
        let file = file.expect("an entry").path();
        let is_answer = file
            .extension()
            .is_some_and(|suffix| suffix == "resp" || suffix == "req");
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        assert!(
            !is_answer || named.contains(&*stem),
            "{} is not in the index",
            file.display()
        );
    }
    index
        .into_iter()
        .map(|entry| recording(&folder, entry))
        .collect()
}

/// The whole of a file that must be there.
pub fn read(file: &Path) -> Vec<u8> {
    std::fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn recording(folder: &Path, entry: Entry) -> Recording {
    let request = read(&folder.join(format!("{}.req", entry.n)));
    let raw = read(&folder.join(format!("{}.resp", entry.n)));
    let mut faults = Vec::new();
    let mut check = |what: &str, is_right: bool| {
        if !is_right {
            faults.push(format!("{}: {what} is not as the index says", entry.n));
        }
    };
    let is_whole = raw.len() == entry.resp_bytes;
    check(
        "the size",
        is_whole || entry.truncated && raw.len() < entry.resp_bytes,
    );
    let has_body = !request.starts_with(b"HEAD ");
    let parsed = Message::parse(&raw, has_body, entry.truncated);
    let answer = parsed.as_ref().ok().cloned();
    let status = answer.as_ref().map(|answer| answer.status.to_string());
    check(
        "the status",
        status.as_deref() == entry.status.split(' ').nth(1),
    );
    let location: Vec<&str> = answer
        .iter()
        .flat_map(|answer| answer.all("Location"))
        .collect();
    check("Location", location == entry.location);
    if let (Err(error), false) = (&parsed, raw.is_empty()) {
        faults.push(format!("{}.resp: {error}", entry.n));
    }
    Recording {
        name: entry.n,
        what: entry.desc,
        port: entry.port,
        v6: entry.v6,
        truncated: entry.truncated,
        request,
        answer,
        faults,
    }
}

impl Recording {
    /// Method, target and version.
    pub fn line(&self) -> (String, String, String) {
        let line = self.request.split(|byte| *byte == b'\r').next();
        let line = latin1(line.unwrap_or_default());
        let mut parts = line.splitn(2, ' ');
        let method = parts.next().unwrap_or_default().to_owned();
        let (target, version) = parts
            .next()
            .and_then(|rest| rest.rsplit_once(' '))
            .unwrap_or_else(|| panic!("{}.req: no request line", self.name));
        (method, target.to_owned(), version.to_owned())
    }

    /// A header field of the request.
    pub fn header(&self, name: &str) -> Option<String> {
        let text = latin1(&self.request);
        text.split("\r\n").skip(1).find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known
                .eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        })
    }
}

impl Message {
    /// The first field of a name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All fields of a name, whatever its case.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers
            .iter()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Takes an answer apart.
    ///
    /// # Errors
    /// Returns what is wrong with it.
    pub fn parse(raw: &[u8], has_body: bool, truncated: bool) -> Result<Message, String> {
        let text = latin1(raw);
        let (head, body) = text.split_once("\r\n\r\n").ok_or("no end of the head")?;
        let mut lines = head.split("\r\n");
        let line = lines.next().unwrap_or_default();
        let status = line
            .strip_prefix("HTTP/1.")
            .and_then(|rest| rest.get(2..5)?.parse().ok())
            .ok_or_else(|| format!("no status line: {line:?}"))?;
        let mut headers = Vec::new();
        for line in lines {
            let (name, value) = line
                .split_once(':')
                .ok_or_else(|| format!("no header field: {line:?}"))?;
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        let mut message = Message {
            status,
            headers,
            body: body.to_owned(),
        };
        message.decode(has_body, truncated)?;
        Ok(message)
    }

    /// Takes the transfer coding away; the length must be as announced.
    fn decode(&mut self, has_body: bool, truncated: bool) -> Result<(), String> {
        if !has_body || matches!(self.status, 204 | 304) {
            return match self.body.len() {
                0 => Ok(()),
                _ => Err("a body where none may be".to_owned()),
            };
        }
        match (
            self.header("Transfer-Encoding"),
            self.header("Content-Length"),
        ) {
            (Some("chunked"), None) => self.body = without_chunks(&self.body, truncated)?,
            (None, Some(length)) => {
                let announced: usize = length.parse().map_err(|_| format!("length {length}"))?;
                let there = self.body.chars().count();
                if there != announced && !(truncated && there < announced) {
                    return Err(format!("{there} bytes of a body, {announced} announced"));
                }
            }
            (None, None) => {}
            (coding, length) => return Err(format!("framed by {coding:?} and {length:?}")),
        }
        Ok(())
    }
}

fn without_chunks(mut text: &str, truncated: bool) -> Result<String, String> {
    // Characters are bytes, but a character above U+007F is two bytes of the text in memory.
    let mut body = String::new();
    loop {
        let Some((size, rest)) = text.split_once("\r\n") else {
            return if truncated {
                Ok(body)
            } else {
                Err("chunks without an end".to_owned())
            };
        };
        let digits = size.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(digits, 16).map_err(|_| format!("a chunk of {size:?}"))?;
        if size == 0 {
            return Ok(body);
        }
        let end = rest.char_indices().nth(size).map(|(at, _)| at);
        let Some((chunk, rest)) = end.map(|end| rest.split_at(end)) else {
            body.push_str(rest);
            return if truncated {
                Ok(body)
            } else {
                Err("a chunk that is cut".to_owned())
            };
        };
        body.push_str(chunk);
        text = rest.strip_prefix("\r\n").ok_or("a chunk without an end")?;
    }
}
