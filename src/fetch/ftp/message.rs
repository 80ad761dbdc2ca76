//! Writes the commands and reads the replies of FTP's control connection (RFC 959, section 4), for
//! scans and probes alike (no I/O).
//!
//! # Limits
//! [`FTP_REPLY_BYTES_MAX`].
//!
//! # Security
//! A command is one line whatever a path holds.

use crate::domain::listing::rsync_message::remark;

/// Largest number of bytes of one reply with all of its lines; greetings are long, but not that
/// long.
pub const FTP_REPLY_BYTES_MAX: usize = 64 * 1024;

/// The byte that Telnet takes for the beginning of a command, unless it is doubled.
const IAC: u8 = 255;

/// How that byte is sent (RFC 959 is built on Telnet, which not every server knows).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::fetch) enum Iac {
    Doubled,
    AsItIs,
}

/// A server's answer to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::fetch) struct Reply {
    /// Three digits.
    pub code: u16,
    /// Its lines without the code at their beginning.
    pub lines: Vec<Vec<u8>>,
}

/// The bytes are no reply; `said` is their beginning, or the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::fetch) struct NotFtp {
    pub said: String,
}

/// Reads replies from bytes that come in pieces.
#[derive(Debug, Default)]
pub(in crate::fetch) struct ReplyReader {
    /// Bytes that are not yet a whole line.
    ahead: Vec<u8>,
    /// The lines so far of a reply with several lines.
    begun: Option<Reply>,
    /// Total length of these lines in bytes.
    begun_bytes: usize,
}

impl Reply {
    /// Whether the command was successful.
    pub fn is_done(&self) -> bool {
        self.code / 100 == 2
    }

    /// Whether the server does not know the command, or cannot do it.
    pub fn is_unknown(&self) -> bool {
        matches!(self.code, 500 | 501 | 502 | 504 | 522)
    }

    /// The code and the server's first words, printable.
    pub fn said(&self) -> String {
        let words = self.lines.iter().map(|line| remark(line));
        let text = words.into_iter().find(|text| !text.is_empty());
        format!("{} {}", self.code, text.unwrap_or_default())
    }

    /// Whether any line contains a text, which is given in lower case.
    pub fn mentions(&self, text: &[u8]) -> bool {
        self.lines.iter().any(|line| {
            let line = line.to_ascii_lowercase();
            line.windows(text.len()).any(|part| part == text)
        })
    }

    /// The reply with stars in place of a secret: some servers repeat a refused argument.
    pub fn without(mut self, secret: &[u8]) -> Reply {
        for line in &mut self.lines {
            *line = without(line, secret);
        }
        self
    }
}

impl NotFtp {
    /// Puts stars in place of a secret, as [`Reply::without`] does.
    pub fn without(self, secret: &[u8]) -> NotFtp {
        let said = without(self.said.as_bytes(), secret);
        NotFtp {
            said: String::from_utf8_lossy(&said).into_owned(),
        }
    }
}

impl ReplyReader {
    /// Takes bytes that the server sent.
    pub fn push(&mut self, bytes: &[u8]) {
        self.ahead.extend_from_slice(bytes);
    }

    /// Whether all bytes were given out as replies.
    pub fn is_empty(&self) -> bool {
        self.ahead.is_empty() && self.begun.is_none()
    }

    /// The next reply; `None` if more bytes are needed for it.
    ///
    /// # Errors
    /// Returns [`NotFtp`] if the bytes are no reply, or more than a reply may have.
    pub fn next_reply(&mut self) -> Result<Option<Reply>, NotFtp> {
        while let Some(line) = self.line() {
            self.begun_bytes += line.len();
            let (mut reply, is_last) = match (self.begun.take(), split(&line)) {
                (None, None) => {
                    let said = remark(&line);
                    return Err(NotFtp { said });
                }
                (None, Some((code, is_last, _))) => {
                    let lines = Vec::new();
                    (Reply { code, lines }, is_last)
                }
                (Some(reply), Some((code, is_last, _))) if code == reply.code => (reply, is_last),
                (Some(mut reply), _) => {
                    reply.lines.push(line);
                    self.begun = Some(reply);
                    continue;
                }
            };
            reply.lines.push(line.get(4..).unwrap_or_default().to_vec());
            if is_last {
                self.begun_bytes = 0;
                return Ok(Some(reply));
            }
            self.begun = Some(reply);
        }
        if self.begun_bytes + self.ahead.len() >= FTP_REPLY_BYTES_MAX {
            let said = "its reply has no end".to_owned();
            return Err(NotFtp { said });
        }
        Ok(None)
    }

    /// Takes the next whole line, without its end.
    fn line(&mut self) -> Option<Vec<u8>> {
        let length = self.ahead.iter().position(|&byte| byte == b'\n')?;
        let mut line: Vec<u8> = self.ahead.drain(..=length).collect();
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Some(line)
    }
}

/// The line of a command; `None` if the argument contains the end of a line, which no command can
/// transmit.
pub(in crate::fetch) fn command_line(command: &str, argument: &[u8], iac: Iac) -> Option<Vec<u8>> {
    if argument.iter().any(|byte| b"\r\n\0".contains(byte)) {
        return None;
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
    Some(line)
}

/// Whether a command that was refused is worth a second attempt with [`Iac::AsItIs`].
pub(in crate::fetch) fn may_be_telnet(argument: &[u8], reply: &Reply) -> bool {
    reply.code == 550 && argument.contains(&IAC)
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

/// Code, whether the line is a reply's last, and the text behind.
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

    /// The replies in bytes that come in pieces of that length, and the error behind them.
    fn read(bytes: &[u8], piece: usize) -> (Vec<(u16, Vec<String>)>, Option<String>) {
        let mut reader = ReplyReader::default();
        let mut replies = Vec::new();
        for piece in bytes.chunks(piece) {
            reader.push(piece);
            loop {
                match reader.next_reply() {
                    Ok(Some(reply)) => {
                        let lines = reply.lines.iter();
                        let lines = lines.map(|line| String::from_utf8_lossy(line).into_owned());
                        replies.push((reply.code, lines.collect()));
                    }
                    Ok(None) => break,
                    Err(error) => return (replies, Some(error.said)),
                }
            }
        }
        (replies, None)
    }

    #[test]
    fn replies_are_the_same_in_whatever_pieces_they_come() {
        let bytes = b"220-Welcome\r\n230 not the end\r\n to\n220-us\r\n220 now\r\n331\r\n213 7\r\n";
        let lines = |lines: &[&str]| lines.iter().map(ToString::to_string).collect::<Vec<_>>();
        let expected = vec![
            (
                220,
                lines(&["Welcome", "230 not the end", " to", "us", "now"]),
            ),
            (331, lines(&[""])),
            (213, lines(&["7"])),
        ];
        for piece in [1, 2, 3, 7, 1000] {
            assert_eq!(read(bytes, piece), (expected.clone(), None), "{piece}");
        }
        let (replies, error) = read(b"220 a\r\nSSH-2.0-x\r\n", 4);
        assert_eq!((replies.len(), error.as_deref()), (1, Some("SSH-2.0-x")));
    }

    #[test]
    fn a_reply_without_an_end_is_not_kept() {
        let line = [b'x'; FTP_REPLY_BYTES_MAX];
        let lines = [&b"220-a\r\n"[..], &b" b\r\n".repeat(FTP_REPLY_BYTES_MAX)].concat();
        for bytes in [&line[..], &lines] {
            let (replies, error) = read(bytes, 4096);
            assert_eq!(replies, []);
            assert_eq!(error.as_deref(), Some("its reply has no end"));
        }
        // Many replies are not one long reply.
        let many = b"200 a\r\n".repeat(FTP_REPLY_BYTES_MAX);
        assert_eq!(read(&many, 4096).1, None);
    }

    #[test]
    fn a_command_is_one_line() {
        let line = |argument, iac| command_line("CWD", argument, iac);
        for (argument, iac, expected) in [
            (&b""[..], Iac::Doubled, Some(&b"CWD\r\n"[..])),
            (b"a b", Iac::Doubled, Some(b"CWD a b\r\n")),
            (b"\xff", Iac::Doubled, Some(b"CWD \xff\xff\r\n")),
            (b"\xff", Iac::AsItIs, Some(b"CWD \xff\r\n")),
            (b"a\r\nDELE b", Iac::Doubled, None),
            (b"a\0", Iac::Doubled, None),
        ] {
            assert_eq!(line(argument, iac).as_deref(), expected);
        }
    }
}
