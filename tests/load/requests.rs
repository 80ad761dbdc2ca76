//! The requests that are sent, and the status of what comes back.

use std::fs;
use std::io;
use std::path::Path;

use crate::{Args, wire};

/// The 33 parameters that Apache 2.4 with mod_proxy_fcgi (`ProxyFCGIBackendType GENERIC`) sends for
/// a browser's request.
const APACHE: &str = include_str!("apache.params");

/// Makes requests in a random order that the seed decides.
pub struct Requests {
    template: Vec<(Vec<u8>, Vec<u8>)>,
    paths: Vec<Vec<u8>>,
    addresses: Vec<Vec<u8>>,
    random: fastrand::Rng,
    packed: Vec<u8>,
    bytes: Vec<u8>,
}

impl Requests {
    pub fn read(args: &Args) -> io::Result<Requests> {
        let params = match &args.params_file {
            Some(file) => fs::read(file)?,
            None => APACHE.as_bytes().to_vec(),
        };
        let template = lines(&params).filter_map(|line| {
            let equals = line.iter().position(|byte| *byte == b'=')?;
            Some((line[..equals].to_vec(), line[equals + 1..].to_vec()))
        });
        Ok(Requests {
            template: template.collect(),
            paths: list(
                args.paths.as_deref(),
                b"/releases/2.1/project-2.1-x86_64.iso",
            )?,
            addresses: list(args.addresses.as_deref(), b"203.0.113.7")?,
            random: fastrand::Rng::with_seed(args.seed),
            packed: Vec::new(),
            bytes: Vec::new(),
        })
    }

    /// The next request, in one piece or in the four that mod_proxy_fcgi writes.
    pub fn next(&mut self, keep: bool, pieces: bool) -> Vec<&[u8]> {
        let path = &self.paths[self.random.usize(..self.paths.len())];
        let address = &self.addresses[self.random.usize(..self.addresses.len())];
        self.packed.clear();
        for (name, value) in &self.template {
            if value.contains(&b'{') {
                let value = fill(value, path, address);
                wire::pair(&mut self.packed, name, &value);
            } else {
                wire::pair(&mut self.packed, name, value);
            }
        }
        self.bytes.clear();
        wire::request(&mut self.bytes, 1, keep, &self.packed);
        if !pieces {
            return vec![&self.bytes];
        }
        let (begin, rest) = self.bytes.split_at(16);
        let (params, rest) = rest.split_at(rest.len() - 16);
        let (params_end, stdin_end) = rest.split_at(8);
        vec![begin, params, params_end, stdin_end]
    }
}

/// Replaces what stands in braces.
fn fill(value: &[u8], path: &[u8], address: &[u8]) -> Vec<u8> {
    let mut filled = Vec::with_capacity(value.len() + path.len());
    let mut rest = value;
    while let Some((&byte, tail)) = rest.split_first() {
        let replaced = [(&b"{path}"[..], path), (b"{address}", address)]
            .into_iter()
            .find_map(|(mark, by)| rest.strip_prefix(mark).map(|tail| (by, tail)));
        if let Some((by, tail)) = replaced {
            filled.extend_from_slice(by);
            rest = tail;
        } else if let Some(tail) = rest.strip_prefix(b"{uri}") {
            filled.extend(path.iter().flat_map(|byte| escape(*byte)));
            rest = tail;
        } else {
            filled.push(byte);
            rest = tail;
        }
    }
    filled
}

/// Percent-encodes what a client would.
fn escape(byte: u8) -> Vec<u8> {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => vec![byte],
        _ => format!("%{byte:02X}").into_bytes(),
    }
}

fn list(file: Option<&Path>, default: &[u8]) -> io::Result<Vec<Vec<u8>>> {
    let Some(file) = file else {
        return Ok(vec![default.to_vec()]);
    };
    let found: Vec<Vec<u8>> = lines(&fs::read(file)?).map(<[u8]>::to_vec).collect();
    match found.is_empty() {
        true => Err(io::Error::other(format!("{} is empty", file.display()))),
        false => Ok(found),
    }
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
}

/// The status of a complete answer: 0 if it has none; `None` while it is not complete.
pub fn status(answer: &[u8]) -> Option<u16> {
    let mut status = 0;
    let mut rest = answer;
    while let Some((record, tail)) = wire::split_record(rest) {
        rest = tail;
        match record.kind {
            wire::STDOUT if status == 0 => {
                let digits = record
                    .content
                    .strip_prefix(b"Status: ")
                    .and_then(|s| s.get(..3));
                let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
                status = digits.and_then(|digits| digits.parse().ok()).unwrap_or(0);
            }
            wire::END_REQUEST => return Some(status),
            _ => {}
        }
    }
    None
}
