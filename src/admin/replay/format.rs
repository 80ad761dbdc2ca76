//! Reads lines of access logs by Apache's LogFormat strings.

use memchr::{memchr, memchr2, memmem};

/// MirrorBrain's format, and ours (`apache-conf/log-format.conf`).
const COMBINED_REDIRECT: &str = "%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\" \
    want:%{WANT}n give:%{GIVE}n r:%{MB_REALM}n %{X-MirrorBrain-Mirror}o \
    %{MB_CONTINENT_CODE}n:%{MB_COUNTRY_CODE}n ASN:%{ASN}n P:%{PFX}n \
    [%I %O] size:%{MB_FILESIZE}n %{Range}i";
/// The same without the bytes of mod_logio, which MirrorBrain's older documents have.
const OLD_REDIRECT: &str = "%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\" \
    want:%{WANT}e give:%{GIVE}e r:%{MB_REALM}e %{X-MirrorBrain-Mirror}o \
    %{MB_CONTINENT_CODE}e:%{MB_COUNTRY_CODE}e ASN:%{ASN}e P:%{PFX}e \
    size:%{MB_FILESIZE}e %{Range}i";
const COMBINED: &str = "%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\"";
const VHOST_COMBINED: &str = "%v:%p %h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\"";
const COMMON: &str = "%h %l %u %t \"%r\" %>s %b";

/// Formats with a name, the most specific first. Lines may have more behind the last three.
const NAMED: [(&str, &str, bool); 5] = [
    ("combined_redirect", COMBINED_REDIRECT, false),
    ("combined_redirect", OLD_REDIRECT, false),
    ("vhost_combined", VHOST_COMBINED, true),
    ("combined", COMBINED, true),
    ("common", COMMON, true),
];

/// Meaning of a directive, for the fields that a decision needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LogField {
    /// `%h`, `%a`.
    Address,
    /// `%t`.
    Time,
    /// `%{sec}t`, `%{msec}t`, `%{usec}t`: so many are a second.
    TimeNumber(i64),
    /// `%r`.
    RequestLine,
    /// `%m`.
    Method,
    /// `%U`, with `%q` if that follows at once.
    Target,
    /// `%q`.
    Query,
    /// `%s`, `%>s`.
    Status,
    /// `%b`, `%B`.
    Bytes,
    /// `%v`, `%V`, `%{Host}i`.
    Host,
    /// `%{User-Agent}i`.
    UserAgent,
    /// `%{Accept}i`.
    Accept,
    /// `%{Range}i`.
    Range,
    /// `%{X-MirrorBrain-Mirror}o`.
    Mirror,
    /// `%{WANT}e`, `%{WANT}n`.
    Want,
    /// `%{MB_FILESIZE}e`, `%{MB_FILESIZE}n`.
    FileSize,
    /// Anything else.
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum LogPiece {
    Text(Vec<u8>),
    Field(LogField),
}

/// The values of a line as written; empty: the format has no such field.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LogValues<'l> {
    pub address: &'l [u8],
    pub time: &'l [u8],
    /// How many of the time's unit are a second; 0: it is `%t`.
    pub time_unit: i64,
    pub request_line: &'l [u8],
    pub method: &'l [u8],
    pub target: &'l [u8],
    pub query: &'l [u8],
    pub status: &'l [u8],
    pub bytes: &'l [u8],
    pub host: &'l [u8],
    pub user_agent: &'l [u8],
    pub accept: &'l [u8],
    pub range: &'l [u8],
    pub mirror: &'l [u8],
    pub want: &'l [u8],
    pub file_size: &'l [u8],
}

/// A format of lines.
#[derive(Debug, Clone)]
pub(super) struct LogFormat {
    pieces: Vec<LogPiece>,
    /// Whether a line may have more behind the last piece.
    is_open: bool,
}

impl LogFormat {
    /// Gives the formats that are tried if the admin names none.
    pub(super) fn usual() -> Vec<LogFormat> {
        let all = NAMED.iter();
        all.filter_map(|(_, text, is_open)| LogFormat::read(text, *is_open).ok())
            .collect()
    }

    /// Gives the formats with that name, or the format that the text itself is.
    ///
    /// # Errors
    /// Returns what is wrong with the format, for people.
    pub(super) fn named(text: &str) -> Result<Vec<LogFormat>, String> {
        let named = NAMED.iter().filter(|(name, ..)| *name == text);
        let named: Vec<LogFormat> = named
            .filter_map(|(_, text, is_open)| LogFormat::read(text, *is_open).ok())
            .collect();
        match named.is_empty() {
            true => Ok(vec![LogFormat::read(text, false)?]),
            false => Ok(named),
        }
    }

    fn read(text: &str, is_open: bool) -> Result<LogFormat, String> {
        if !text.contains('%') {
            return Err(format!(
                "'{}' is neither a name (combined_redirect, combined, vhost_combined, common) nor \
                 a LogFormat",
                text.escape_debug()
            ));
        }
        let mut pieces = pieces(&unescaped(text))?;
        prefer_exact_address(&mut pieces, text);
        let has = |field| pieces.contains(&LogPiece::Field(field));
        if !has(LogField::RequestLine) && !has(LogField::Target) {
            return Err("it has neither %r nor %U, and so no request".to_owned());
        }
        if !has(LogField::Status) {
            return Err("it has no %>s, and so no status".to_owned());
        }
        if !has(LogField::Address) {
            return Err("it has neither %h nor %a, and so no client".to_owned());
        }
        let touching = pieces
            .windows(2)
            .any(|pair| matches!(pair, [LogPiece::Field(_), LogPiece::Field(_)]));
        if touching {
            return Err("two values touch each other, so that nobody can part them".to_owned());
        }
        Ok(LogFormat { pieces, is_open })
    }

    /// Reads the values of a line. Absent if the line has another format.
    pub(super) fn values<'l>(&self, line: &'l [u8]) -> Option<LogValues<'l>> {
        let mut values = LogValues::default();
        let mut rest = line;
        for (place, piece) in self.pieces.iter().enumerate() {
            match piece {
                LogPiece::Text(text) => rest = rest.strip_prefix(text.as_slice())?,
                LogPiece::Field(field) => {
                    let end = self.end(rest, *field, place)?;
                    values.set(*field, &rest[..end]);
                    rest = &rest[end..];
                }
            }
        }
        let is_end = rest.is_empty() || self.is_open && rest.starts_with(b" ");
        is_end.then_some(values)
    }

    /// Finds the end of the value with which the rest of a line begins.
    fn end(&self, rest: &[u8], field: LogField, place: usize) -> Option<usize> {
        if field == LogField::Time && rest.starts_with(b"[") {
            return memchr(b']', rest).map(|at| at + 1);
        }
        let Some(LogPiece::Text(text)) = self.pieces.get(place + 1) else {
            let is_word = self.is_open.then(|| memchr(b' ', rest)).flatten();
            return Some(is_word.unwrap_or(rest.len()));
        };
        if text.starts_with(b"\"") {
            return closing_quote(rest);
        }
        let before_time = self.pieces.get(place + 2) == Some(&LogPiece::Field(LogField::Time));
        match &text[..] {
            // A user's name may have spaces.
            b" " if before_time => memmem::find(rest, b" ["),
            [byte] => memchr(*byte, rest),
            longer => memmem::find(rest, longer),
        }
    }
}

/// The first quote that is not escaped.
fn closing_quote(text: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + memchr2(b'"', b'\\', text.get(from..)?)?;
        if text[at] == b'"' {
            return Some(at);
        }
        from = at + 2;
    }
}

/// A format as it stands in a configuration has `\"` for a quote.
fn unescaped(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => match bytes.next() {
                Some(b't') => out.push(b'\t'),
                Some(b'\n') => {}
                Some(other) => out.push(other),
                None => out.push(b'\\'),
            },
            other => out.push(other),
        }
    }
    out
}

/// Directives and the text between them.
fn pieces(text: &[u8]) -> Result<Vec<LogPiece>, String> {
    let mut pieces: Vec<LogPiece> = Vec::new();
    let add_text = |pieces: &mut Vec<LogPiece>, byte: u8| match pieces.last_mut() {
        Some(LogPiece::Text(text)) => text.push(byte),
        _ => pieces.push(LogPiece::Text(vec![byte])),
    };
    let mut rest = text;
    while let [byte, more @ ..] = rest {
        rest = more;
        if *byte != b'%' {
            add_text(&mut pieces, *byte);
        } else if let [b'%', more @ ..] = rest {
            rest = more;
            add_text(&mut pieces, b'%');
        } else {
            let (field, more) = directive(rest)?;
            rest = more;
            // `%U%q` is the target as it was asked for.
            let last = pieces.last();
            if field == LogField::Query && last == Some(&LogPiece::Field(LogField::Target)) {
                continue;
            }
            pieces.push(LogPiece::Field(field));
        }
    }
    Ok(pieces)
}

/// The directive whose `%` stands before the text, and what follows it.
fn directive(text: &[u8]) -> Result<(LogField, &[u8]), String> {
    let unknown = || {
        let shown: Vec<u8> = text.iter().copied().take(20).collect();
        format!("'%{}' is no directive", shown.escape_ascii())
    };
    let (mut rest, mut argument) = (text, &b""[..]);
    loop {
        match rest {
            [b'{', more @ ..] => {
                let end = memchr(b'}', more).ok_or_else(unknown)?;
                argument = &more[..end];
                rest = &more[end + 1..];
            }
            [b'<' | b'>' | b'!' | b',' | b'0'..=b'9', more @ ..] => rest = more,
            [b'^', b't', b'i' | b'o', more @ ..] => return Ok((LogField::Other, more)),
            [letter, more @ ..] if letter.is_ascii_alphabetic() => {
                return Ok((field(*letter, argument), more));
            }
            _ => return Err(unknown()),
        }
    }
}

fn field(letter: u8, argument: &[u8]) -> LogField {
    let argument = argument.to_ascii_lowercase();
    match (letter, &argument[..]) {
        (b'h' | b'a', b"") => LogField::Address,
        (b't', b"") => LogField::Time,
        (b't', b"sec") => LogField::TimeNumber(1),
        (b't', b"msec") => LogField::TimeNumber(1_000),
        (b't', b"usec") => LogField::TimeNumber(1_000_000),
        (b'r', _) => LogField::RequestLine,
        (b'm', _) => LogField::Method,
        (b'U', _) => LogField::Target,
        (b'q', _) => LogField::Query,
        (b's', _) => LogField::Status,
        (b'b' | b'B', _) => LogField::Bytes,
        (b'v' | b'V', _) | (b'i', b"host") => LogField::Host,
        (b'i', b"user-agent") => LogField::UserAgent,
        (b'i', b"accept") => LogField::Accept,
        (b'i', b"range") => LogField::Range,
        (b'o', b"x-mirrorbrain-mirror") => LogField::Mirror,
        (b'e' | b'n', b"want") => LogField::Want,
        (b'e' | b'n', b"mb_filesize") => LogField::FileSize,
        _ => LogField::Other,
    }
}

/// Prefers `%a`, the client's address, to `%h`, which may be a name.
fn prefer_exact_address(pieces: &mut [LogPiece], text: &str) {
    if !text.contains("%a") || !text.contains("%h") {
        return;
    }
    let host_comes_first = text.find("%h") < text.find("%a");
    let mut addresses = pieces
        .iter_mut()
        .filter(|piece| **piece == LogPiece::Field(LogField::Address));
    let worse = match host_comes_first {
        true => addresses.next(),
        false => addresses.nth(1),
    };
    if let Some(piece) = worse {
        *piece = LogPiece::Field(LogField::Other);
    }
}

impl<'l> LogValues<'l> {
    fn set(&mut self, field: LogField, value: &'l [u8]) {
        let slot = match field {
            LogField::Address => &mut self.address,
            LogField::Time => &mut self.time,
            LogField::TimeNumber(unit) => {
                self.time_unit = unit;
                &mut self.time
            }
            LogField::RequestLine => &mut self.request_line,
            LogField::Method => &mut self.method,
            LogField::Target => &mut self.target,
            LogField::Query => &mut self.query,
            LogField::Status => &mut self.status,
            LogField::Bytes => &mut self.bytes,
            LogField::Host => &mut self.host,
            LogField::UserAgent => &mut self.user_agent,
            LogField::Accept => &mut self.accept,
            LogField::Range => &mut self.range,
            LogField::Mirror => &mut self.mirror,
            LogField::Want => &mut self.want,
            LogField::FileSize => &mut self.file_size,
            LogField::Other => return,
        };
        *slot = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(format: &str) -> LogFormat {
        LogFormat::named(format).expect(format).remove(0)
    }

    #[test]
    fn our_own_format_is_the_one_that_is_shipped() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/apache-conf/log-format.conf");
        let text = std::fs::read_to_string(file).expect("it is shipped");
        let (_, rest) = text.split_once("LogFormat \"").expect("a format");
        let (format, _) = rest.split_once("\" combined_redirect").expect("its name");
        let shipped = LogFormat::read(format, false).expect("a format");
        assert_eq!(shipped.pieces, one("combined_redirect").pieces);
    }

    #[test]
    fn a_line_of_mirrorbrain_has_its_values() {
        let line =
            b"192.0.2.1 - joe doe [27/Nov/2026:10:00:00 +0100] \"GET /a%20b?x=\\\"1 HTTP/1.1\" \
            302 324 \"-\" \"curl \\\"7\\\"\" want:file give:file (database_not_reached) r:country \
            m.example.org EU:DE ASN:3320 P:192.0.2.0/24 [300 500] size:20000 bytes=0-9";
        let values = one("combined_redirect").values(line).expect("it fits");
        assert_eq!(values.address, b"192.0.2.1");
        assert_eq!(values.time, b"[27/Nov/2026:10:00:00 +0100]");
        assert_eq!(values.request_line, b"GET /a%20b?x=\\\"1 HTTP/1.1");
        assert_eq!((values.status, values.bytes), (&b"302"[..], &b"324"[..]));
        assert_eq!(values.user_agent, b"curl \\\"7\\\"");
        assert_eq!(values.want, b"file");
        assert_eq!(values.mirror, b"m.example.org");
        assert_eq!(values.file_size, b"20000");
        assert_eq!(values.range, b"bytes=0-9");
        // A combined line is a part of it, and more may follow one.
        assert!(one("combined").values(line).is_some());
        assert!(one("combined").values(b"not a line").is_none());
    }

    #[test]
    fn formats_of_an_operator_are_read() {
        let format = one("%v %{c}a %a %{msec}t %m \"%U%q\" %>s %B \\\"%{user-agent}i\\\" %D");
        let line = b"dl.example.org 10.0.0.1 192.0.2.1 1700000000123 GET \"/a?b\" 200 7 \"x\" 12";
        let values = format.values(line).expect("it fits");
        assert_eq!(values.host, b"dl.example.org");
        assert_eq!(values.address, b"192.0.2.1");
        assert_eq!(
            (values.time, values.time_unit),
            (&b"1700000000123"[..], 1000)
        );
        assert_eq!(values.target, b"/a?b");
        assert_eq!(values.user_agent, b"x");
        for (format, problem) in [
            ("combine", "neither a name"),
            ("%h %>s", "neither %r nor %U"),
            ("%h %r", "no %>s"),
            ("%r %>s", "neither %h nor %a"),
            ("%h%r %>s", "touch"),
            ("%h %r %>s %{x", "no directive"),
        ] {
            let error = LogFormat::named(format).expect_err(format);
            assert!(error.contains(problem), "{error}");
        }
    }
}
