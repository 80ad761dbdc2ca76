//! Reads one request out of the values of a line.

use memchr::memchr;

use super::format::LogValues;
use crate::domain::escape::percent_decode;
use crate::domain::representation::Representation;
use crate::domain::time::Timestamp;

const MONTHS: [&[u8]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// A request as the log has it.
#[derive(Debug, Clone, Default)]
pub(in crate::admin) struct LoggedRequest {
    /// `GET`; empty: the line has no request of HTTP.
    pub method: Vec<u8>,
    /// Path and query, as the client wrote them.
    pub uri: Vec<u8>,
    /// The decoded path.
    pub path: Vec<u8>,
    /// Query, still encoded.
    pub query: Vec<u8>,
    pub user_agent: Vec<u8>,
    /// `Accept` of the client, or the form that the log says it wanted.
    pub accept: Vec<u8>,
    /// Text of the client's address.
    pub address: Vec<u8>,
    /// Host that was asked for; empty: the log does not tell.
    pub host: Vec<u8>,
    /// The mirror that was chosen; empty: nobody, or the log does not tell.
    pub mirror: Vec<u8>,
    pub status: u16,
    /// Bytes that were sent.
    pub bytes: u64,
    /// Size of the file, if the log tells.
    pub file_size: Option<u64>,
    /// Bytes that the client asked for, if it asked for one range.
    pub range_bytes: Option<u64>,
    pub at: Option<Timestamp>,
}

/// Reads requests one after the other into one [`LoggedRequest`].
#[derive(Debug, Clone, Default)]
pub(super) struct LogLineReader {
    pub request: LoggedRequest,
    /// The last time as written, and what it means: hundreds of lines have the same.
    last_time: (Vec<u8>, Option<Timestamp>),
}

impl LogLineReader {
    /// Reads the values of a line. Absent if one of them is not what its directive writes.
    pub(super) fn read(&mut self, values: &LogValues<'_>) -> Option<()> {
        let status = number(values.status)?;
        let at = match values.time_unit {
            0 if values.time.is_empty() => None,
            0 => Some(self.time(values.time)?),
            unit => Some(Timestamp(i64::try_from(number(values.time)?).ok()? / unit)),
        };
        let request = &mut self.request;
        request.status = u16::try_from(status).ok()?;
        request.at = at;
        request.bytes = or_dash(values.bytes)?.unwrap_or(0);
        request.file_size = or_dash(values.file_size)?;
        request.range_bytes = range_bytes(values.range);
        set(&mut request.address, values.address);
        set(&mut request.host, values.host);
        set(&mut request.mirror, values.mirror);
        set(&mut request.user_agent, values.user_agent);
        set(&mut request.accept, values.accept);
        request.set_target(values);
        request.set_accept(values.want);
        Some(())
    }

    /// `[27/Nov/2026:10:00:00 +0100]`.
    fn time(&mut self, text: &[u8]) -> Option<Timestamp> {
        if self.last_time.0 != text {
            self.last_time.0.clear();
            self.last_time.0.extend_from_slice(text);
            self.last_time.1 = time(text);
        }
        self.last_time.1
    }
}

impl LoggedRequest {
    /// Takes the request line apart.
    fn set_target(&mut self, values: &LogValues<'_>) {
        let (mut method, mut target) = (values.method, values.target);
        let mut is_encoded = false;
        if !values.request_line.is_empty() {
            let mut words = values.request_line.splitn(3, |byte| *byte == b' ');
            method = words.next().unwrap_or_default();
            target = words.next().unwrap_or_default();
            is_encoded = true;
        } else if method.is_empty() {
            method = b"GET";
        }
        set(&mut self.uri, target);
        if values.request_line.is_empty() {
            self.uri.extend_from_slice(values.query);
        }
        strip_origin(&mut self.uri);
        let is_request = self.uri.starts_with(b"/") && method.iter().all(u8::is_ascii_uppercase);
        set(&mut self.method, if is_request { method } else { b"" });
        let question = memchr(b'?', &self.uri);
        let end = question.unwrap_or(self.uri.len());
        self.path.clear();
        match is_encoded && memchr(b'%', &self.uri[..end]).is_some() {
            true => self.path.extend(percent_decode(&self.uri[..end])),
            false => self.path.extend_from_slice(&self.uri[..end]),
        }
        self.query.clear();
        let query = question.map_or(&b""[..], |at| &self.uri[at + 1..]);
        self.query.extend_from_slice(query);
    }

    /// Sets `Accept` from what the log says was wanted: if it was a metalink, and neither name nor
    /// query asked for one, the client's `Accept` did.
    fn set_accept(&mut self, want: &[u8]) {
        let is_asked = || {
            Representation::split_suffix(&self.path).is_some()
                || memchr::memmem::find(&self.query, want).is_some()
        };
        let wanted = match want {
            b"meta4" => &b"application/metalink4+xml"[..],
            b"metalink" => b"application/metalink+xml",
            _ => return,
        };
        if self.accept.is_empty() && !is_asked() {
            self.accept.extend_from_slice(wanted);
        }
    }

    /// Gives the number of the file's bytes that this client gets, from whichever host.
    pub(super) fn wanted_bytes(&self, size: u64) -> u64 {
        match (&self.method[..], self.status) {
            (b"HEAD", _) | (_, 304) => 0,
            // This host served the file, so that the number of bytes is known.
            (_, 200 | 206) => self.bytes,
            _ => self.range_bytes.unwrap_or(size).min(size),
        }
    }
}

/// A value as it was before it was logged; `-` stands for nothing.
fn set(slot: &mut Vec<u8>, value: &[u8]) {
    slot.clear();
    if value == b"-" {
        return;
    }
    if memchr(b'\\', value).is_none() {
        slot.extend_from_slice(value);
        return;
    }
    let mut rest = value;
    while let [byte, more @ ..] = rest {
        rest = more;
        if *byte != b'\\' {
            slot.push(*byte);
            continue;
        }
        let (plain, after) = match more {
            [b'x', high, low, after @ ..] => (hex(*high, *low).unwrap_or(b'?'), after),
            [b'n', after @ ..] => (b'\n', after),
            [b't', after @ ..] => (b'\t', after),
            [b'r', after @ ..] => (b'\r', after),
            [other, after @ ..] => (*other, after),
            [] => (b'\\', more),
        };
        slot.push(plain);
        rest = after;
    }
}

fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

/// `http://host/path` of a proxy's request is `/path`.
fn strip_origin(uri: &mut Vec<u8>) {
    let schemes = [&b"http://"[..], b"https://"];
    let Some(scheme) = schemes.into_iter().find(|scheme| uri.starts_with(scheme)) else {
        return;
    };
    let path = memchr(b'/', &uri[scheme.len()..]).map(|at| scheme.len() + at);
    uri.drain(..path.unwrap_or(uri.len()));
    if uri.is_empty() {
        uri.push(b'/');
    }
}

fn number(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// A number, or nothing where `-` or nothing stands.
fn or_dash(text: &[u8]) -> Option<Option<u64>> {
    match text {
        b"" | b"-" => Some(None),
        text => number(text).map(Some),
    }
}

/// The length of `bytes=0-9`; of several ranges, or to the end, nothing is known.
fn range_bytes(text: &[u8]) -> Option<u64> {
    let range = text.strip_prefix(b"bytes=")?;
    let dash = memchr(b'-', range)?;
    let (from, to) = (number(&range[..dash])?, number(&range[dash + 1..])?);
    to.checked_sub(from)?.checked_add(1)
}

fn time(text: &[u8]) -> Option<Timestamp> {
    let text = text.strip_prefix(b"[")?.strip_suffix(b"]")?;
    let part = |range: std::ops::Range<usize>| -> Option<u32> {
        u32::try_from(number(text.get(range)?)?).ok()
    };
    let month = MONTHS
        .iter()
        .position(|name| text.get(3..6) == Some(name))? as u32
        + 1;
    let date = (i64::from(part(7..11)?), month, part(0..2)?);
    let of_day = (part(12..14)?, part(15..17)?, part(18..20)?);
    let offset = i64::from(part(22..24)?) * 3600 + i64::from(part(24..26)?) * 60;
    let sign = match text.get(21)? {
        b'-' => 1,
        _ => -1,
    };
    Some(Timestamp(
        Timestamp::from_utc(date, of_day).0 + sign * offset,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: LogValues<'_>) -> Option<LoggedRequest> {
        let mut reader = LogLineReader::default();
        reader.read(&line)?;
        Some(reader.request)
    }

    #[test]
    fn times_are_those_of_the_log() {
        for (text, expected) in [
            ("[28/Nov/2026:01:00:00 +0100]", Some("2026-11-28T00:00:00Z")),
            ("[27/Nov/2026:19:30:00 -0430]", Some("2026-11-28T00:00:00Z")),
            ("[27/Foo/2026:19:30:00 -0430]", None),
            ("27/Nov/2026:19:30:00 -0430", None),
        ] {
            let found = time(text.as_bytes()).map(|at| at.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn requests_are_what_the_client_wrote() {
        for (line, method, path, query) in [
            ("GET /a%20b?x=%41 HTTP/1.1", "GET", "/a b", "x=%41"),
            ("GET http://h:8/a HTTP/1.1", "GET", "/a", ""),
            ("GET http://h HTTP/1.1", "GET", "/", ""),
            ("HEAD /a\\\"b HTTP/1.0", "HEAD", "/a\"b", ""),
            ("GET /\\xc3\\xbc HTTP/1.0", "GET", "/\u{fc}", ""),
            ("-", "", "", ""),
            ("\\x16\\x03\\x01", "", "", ""),
        ] {
            let request = read(LogValues {
                request_line: line.as_bytes(),
                status: b"200",
                ..LogValues::default()
            });
            let request = request.expect(line);
            assert_eq!(String::from_utf8_lossy(&request.method), method, "{line}");
            assert_eq!(String::from_utf8_lossy(&request.query), query, "{line}");
            if !method.is_empty() {
                assert_eq!(String::from_utf8_lossy(&request.path), path, "{line}");
            }
        }
        let unread = LogValues {
            status: b"ok",
            ..LogValues::default()
        };
        assert!(read(unread).is_none());
    }

    #[test]
    fn a_metalink_that_nobody_asked_for_by_name_came_by_accept() {
        for (target, accept) in [
            ("GET /a.iso HTTP/1.1", "application/metalink4+xml"),
            ("GET /a.iso.meta4 HTTP/1.1", ""),
            ("GET /a.iso?meta4 HTTP/1.1", ""),
        ] {
            let request = read(LogValues {
                request_line: target.as_bytes(),
                status: b"200",
                want: b"meta4",
                ..LogValues::default()
            });
            assert_eq!(request.expect(target).accept, accept.as_bytes(), "{target}");
        }
    }

    #[test]
    fn moved_bytes_are_those_that_the_client_got_or_will_get() {
        let bytes = |status: &[u8], range: &[u8], line: &[u8]| {
            let request = read(LogValues {
                request_line: line,
                status,
                bytes: b"70",
                range,
                ..LogValues::default()
            });
            request.expect("a request").wanted_bytes(1_000)
        };
        assert_eq!(bytes(b"200", b"-", b"GET /a HTTP/1.1"), 70);
        assert_eq!(bytes(b"206", b"bytes=0-69", b"GET /a HTTP/1.1"), 70);
        assert_eq!(bytes(b"302", b"-", b"GET /a HTTP/1.1"), 1_000);
        assert_eq!(bytes(b"302", b"bytes=0-9", b"GET /a HTTP/1.1"), 10);
        assert_eq!(bytes(b"304", b"-", b"GET /a HTTP/1.1"), 0);
        assert_eq!(bytes(b"302", b"-", b"HEAD /a HTTP/1.1"), 0);
    }
}
