//! A web server's side of one connection, raw: any bytes can be sent.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::server::PATIENCE;
use super::wire;

/// The answer to one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub stdout: Vec<u8>,
    /// Protocol status of END_REQUEST.
    pub ending: u8,
    /// STDOUT records.
    pub records: usize,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}

/// A connection to the server under test.
pub struct Peer {
    pub stream: UnixStream,
    input: Vec<u8>,
}

impl Peer {
    pub fn connect(socket: &Path) -> Peer {
        Peer::try_connect(socket).expect("the server listens")
    }

    pub fn try_connect(socket: &Path) -> io::Result<Peer> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Peer {
            stream,
            input: Vec::new(),
        })
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server reads");
    }

    /// Sends a kept request with these parameters.
    pub fn request(&mut self, params: &[(&str, &[u8])]) {
        self.send(&request(1, true, params));
    }

    /// Sends a kept request and reads the answer.
    pub fn ask(&mut self, params: &[(&str, &[u8])]) -> Answer {
        self.request(params);
        self.answer().expect("an answer")
    }

    /// Reads one record; `None` when the server has closed the connection.
    pub fn record(&mut self) -> Option<(u8, u16, Vec<u8>)> {
        loop {
            if let Some((record, rest)) = wire::split_record(&self.input) {
                let found = (record.kind, record.id, record.content.to_vec());
                self.input = rest.to_vec();
                return Some(found);
            }
            let mut piece = [0; 65536];
            match self.stream.read(&mut piece) {
                Ok(0) => {
                    assert!(self.input.is_empty(), "closed within a record");
                    return None;
                }
                Ok(bytes) => self.input.extend_from_slice(&piece[..bytes]),
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("no record came: {error}"),
            }
        }
    }

    /// Reads to the end of one answer; `None` when the server has closed the connection.
    pub fn answer(&mut self) -> Option<Answer> {
        let mut answer = Answer {
            stdout: Vec::new(),
            ending: 0,
            records: 0,
        };
        loop {
            let (kind, _, content) = self.record()?;
            match kind {
                wire::STDOUT => {
                    answer.stdout.extend_from_slice(&content);
                    answer.records += 1;
                }
                wire::END_REQUEST => {
                    answer.ending = content[4];
                    return Some(answer);
                }
                other => panic!("record of type {other} within an answer"),
            }
        }
    }

    /// Waits until the server has closed the connection, without another word.
    pub fn is_closed(&mut self) -> bool {
        self.record().is_none()
    }
}

/// A whole request.
pub fn request(id: u16, keep: bool, params: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    wire::request(&mut bytes, id, keep, &packed(params));
    bytes
}

/// Parameters as they stand in PARAMS.
pub fn packed(params: &[(&str, &[u8])]) -> Vec<u8> {
    let mut packed = Vec::new();
    for (name, value) in params {
        wire::pair(&mut packed, name.as_bytes(), value);
    }
    packed
}

/// One record without padding.
pub fn record(kind: u8, id: u16, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    wire::record(&mut bytes, kind, id, content, 0);
    bytes
}

/// BEGIN_REQUEST of a responder.
pub fn begin(id: u16, keep: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    wire::begin(&mut bytes, id, 1, keep);
    bytes
}
