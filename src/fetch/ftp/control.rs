//! Sends commands and reads replies on the control connection (RFC 959, section 4).
//!
//! # Limits
//! [`REPLY_BYTES_MAX`], and those of `patience`.
//!
//! # Security
//! A command is one line whatever a path holds. What is sent is never logged: it may be a
//! password.

use super::wire::{TlsName, Wire};
use crate::domain::listing::rsync_message::remark;
use crate::fetch::error::FetchError;
use crate::fetch::patience::Tempo;

/// Bytes of one reply with all of its lines; greetings are long, but not that long.
const REPLY_BYTES_MAX: usize = 64 * 1024;

/// The byte that Telnet takes for the beginning of a command, unless it is doubled.
const IAC: u8 = 255;

/// How that byte is sent (RFC 959 is built on Telnet).
#[derive(Clone, Copy, PartialEq)]
enum Iac {
    Doubled,
    AsItIs,
}

/// What a server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::fetch) struct Reply {
    /// Three digits.
    pub code: u16,
    /// Its lines without the code at their beginning.
    pub lines: Vec<Vec<u8>>,
}

/// The connection.
pub(in crate::fetch) struct Control<'a> {
    pub wire: Wire<'a>,
    /// Read, and not yet a line.
    ahead: Vec<u8>,
}

impl Reply {
    /// Whether what was asked for is done.
    pub fn is_done(&self) -> bool {
        self.code / 100 == 2
    }

    /// Whether the command is unknown or not possible here.
    pub fn is_unknown(&self) -> bool {
        matches!(self.code, 500 | 501 | 502 | 504 | 522)
    }

    /// The code and the first words of the server, printable.
    pub fn said(&self) -> String {
        let words = self.lines.iter().map(|line| remark(line));
        let text = words.into_iter().find(|text| !text.is_empty());
        format!("{} {}", self.code, text.unwrap_or_default())
    }

    /// Whether any line has a text, in lower case.
    pub fn mentions(&self, text: &[u8]) -> bool {
        self.lines.iter().any(|line| {
            let line = line.to_ascii_lowercase();
            line.windows(text.len()).any(|part| part == text)
        })
    }
}

impl<'a> Control<'a> {
    /// Of a connection on which the server speaks first.
    pub fn new(wire: Wire<'a>) -> Control<'a> {
        Control {
            wire,
            ahead: Vec::new(),
        }
    }

    /// Sends a command and reads its reply.
    pub fn ask(&mut self, command: &str, argument: &[u8]) -> Result<Reply, FetchError> {
        self.send(command, argument, Iac::Doubled)?;
        let reply = self.reply()?;
        if reply.code == 550 && argument.contains(&IAC) {
            // Not every server knows about Telnet.
            self.send(command, argument, Iac::AsItIs)?;
            return self.reply();
        }
        Ok(reply)
    }

    /// The same with an argument that nobody may see: some servers repeat what they refuse.
    pub fn ask_secretly(&mut self, command: &str, secret: &[u8]) -> Result<Reply, FetchError> {
        match self.ask(command, secret) {
            Ok(mut reply) => {
                for line in &mut reply.lines {
                    *line = without(line, secret);
                }
                Ok(reply)
            }
            Err(FetchError::NotFtp { said }) => {
                let said = without(said.as_bytes(), secret);
                Err(FetchError::NotFtp {
                    said: String::from_utf8_lossy(&said).into_owned(),
                })
            }
            Err(error) => Err(error),
        }
    }

    fn send(&mut self, command: &str, argument: &[u8], iac: Iac) -> Result<(), FetchError> {
        if argument.iter().any(|byte| b"\r\n\0".contains(byte)) {
            return Err(FetchError::Unspeakable);
        }
        let mut line = command.as_bytes().to_vec();
        if !argument.is_empty() {
            line.push(b' ');
        }
        for &byte in argument {
            line.push(byte);
            if byte == IAC && iac == Iac::Doubled {
                line.push(IAC);
            }
        }
        line.extend_from_slice(b"\r\n");
        self.wire.write_whole(&line)
    }

    /// Reads one reply.
    pub fn reply(&mut self) -> Result<Reply, FetchError> {
        let mut tempo = Tempo::new();
        let mut left = REPLY_BYTES_MAX;
        let first = self.line(&mut left, &mut tempo)?;
        let Some((code, is_last, text)) = split(&first) else {
            return Err(FetchError::NotFtp {
                said: remark(&first),
            });
        };
        let mut reply = Reply {
            code,
            lines: vec![text.to_vec()],
        };
        let mut is_last = is_last;
        while !is_last {
            let line = self.line(&mut left, &mut tempo)?;
            match split(&line) {
                Some((same, last, text)) if same == code => {
                    is_last = last;
                    reply.lines.push(text.to_vec());
                }
                _ => reply.lines.push(line),
            }
        }
        Ok(reply)
    }

    /// Begins TLS; what came before it does not count.
    pub fn encrypt(&mut self, with: &TlsName) -> Result<(), FetchError> {
        // Bytes ahead of the handshake would be taken for encrypted ones.
        if !self.ahead.is_empty() {
            return Err(FetchError::Tls {
                said: "the server speaks before the handshake".to_owned(),
            });
        }
        self.wire.encrypt(with)
    }

    fn line(&mut self, left: &mut usize, tempo: &mut Tempo) -> Result<Vec<u8>, FetchError> {
        loop {
            if let Some(length) = self.ahead.iter().position(|&byte| byte == b'\n') {
                let mut line: Vec<u8> = self.ahead.drain(..=length).collect();
                line.pop();
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Ok(line);
            }
            if *left == 0 {
                return Err(FetchError::NotFtp {
                    said: "its reply has no end".to_owned(),
                });
            }
            let mut piece = [0; 4096];
            let room = piece.len().min(*left);
            let count = self.wire.read_some(&mut piece[..room])?;
            if count == 0 {
                return Err(FetchError::Broken {
                    said: "the server closed the connection".to_owned(),
                });
            }
            tempo.count(count, &self.wire.patience())?;
            *left -= count;
            self.ahead.extend_from_slice(&piece[..count]);
        }
    }
}

/// A text with stars wherever it has the secret.
fn without(text: &[u8], secret: &[u8]) -> Vec<u8> {
    let mut clean = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, others)) = rest.split_first() {
        match rest.strip_prefix(secret) {
            Some(behind) if !secret.is_empty() => {
                clean.extend_from_slice(b"***");
                rest = behind;
            }
            _ => {
                clean.push(first);
                rest = others;
            }
        }
    }
    clean
}

/// Code, whether it is the last line, and the text behind.
fn split(line: &[u8]) -> Option<(u16, bool, &[u8])> {
    let (digits, rest) = line.split_at_checked(3)?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let add = |sum, byte: &u8| sum * 10 + u16::from(byte - b'0');
    let code = digits.iter().fold(0, add);
    match rest.first() {
        None => Some((code, true, rest)),
        Some(b' ') => Some((code, true, &rest[1..])),
        Some(b'-') => Some((code, false, &rest[1..])),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_taken_out() {
        for (text, secret, expected) in [
            ("PASS abc is wrong", "abc", "PASS *** is wrong"),
            ("abcabc ab", "abc", "****** ab"),
            ("aab", "ab", "a***"),
            ("nothing", "abc", "nothing"),
            ("text", "", "text"),
            ("", "abc", ""),
        ] {
            let found = without(text.as_bytes(), secret.as_bytes());
            assert_eq!(found, expected.as_bytes(), "{text}");
        }
    }

    #[test]
    fn lines_of_replies_are_told_apart() {
        for (line, expected) in [
            (&b"220 hello"[..], Some((220, true, &b"hello"[..]))),
            (b"220-hello", Some((220, false, b"hello"))),
            (b"220", Some((220, true, b""))),
            (b"2200 x", None),
            (b" 211 x", None),
            (b"SSH-2.0-x", None),
            (b"", None),
        ] {
            assert_eq!(split(line), expected, "{}", line.escape_ascii());
        }
    }
}
