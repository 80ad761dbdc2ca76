//! The client of the tests: curl, and its answers taken apart.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStringExt;
use std::process::Command;
use std::time::Duration;

/// A request that curl will send.
#[derive(Clone)]
pub struct Request {
    url: Vec<u8>,
    arguments: Vec<OsString>,
}

/// The answer that a client got.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Names in lower case, with values, in order.
    pub fields: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
    /// Until the last byte.
    pub took: Duration,
}

/// Nothing may take longer; a hanging server must not hang the tests.
const CURL_SECONDS_MAX: &str = "20";

/// curl's own account of a request, after everything else.
const TIME_MARK: &[u8] = b"\ntook=";

impl Request {
    /// GET of an encoded path on a port of the loopback.
    pub fn get(port: u16, path: impl AsRef<[u8]>) -> Request {
        let mut url = format!("http://127.0.0.1:{port}").into_bytes();
        url.extend_from_slice(path.as_ref());
        Request {
            url,
            arguments: Vec::new(),
        }
    }

    /// A GET of a whole URL, such as a Location.
    pub fn url(url: impl AsRef<[u8]>) -> Request {
        Request {
            url: url.as_ref().to_vec(),
            arguments: Vec::new(),
        }
    }

    /// Adds a header field, any bytes.
    pub fn field(self, field: impl AsRef<[u8]>) -> Request {
        let field = OsString::from_vec(field.as_ref().to_vec());
        self.argument("-H").argument(field)
    }

    /// As if the client had this address.
    pub fn from(self, ip: &str) -> Request {
        self.field(format!("X-Forwarded-For: {ip}"))
    }

    /// Asks with HEAD.
    pub fn head(self) -> Request {
        self.argument("-I")
    }

    /// Another argument of curl.
    pub fn argument(mut self, argument: impl Into<OsString>) -> Request {
        self.arguments.push(argument.into());
        self
    }

    /// Sends it. A connection that breaks is status 0.
    pub fn send(&self) -> Answer {
        let output = Command::new("curl")
            .args(["-q", "-s", "-i", "--globoff", "--path-as-is"])
            .args(["--max-time", CURL_SECONDS_MAX])
            .args(["-w", "\ntook=%{time_total}"])
            .args(&self.arguments)
            .arg(OsString::from_vec(self.url.clone()))
            .env_remove("http_proxy")
            .output()
            .expect("curl is installed; `scripts/test` does it");
        parse(&output.stdout)
    }
}

/// Takes the output of `curl -i -w` apart.
fn parse(output: &[u8]) -> Answer {
    let mark = rfind(output, TIME_MARK).expect("curl writes the time");
    let seconds = std::str::from_utf8(&output[mark + TIME_MARK.len()..]).expect("ASCII");
    let took = Duration::from_secs_f64(seconds.trim().parse().expect("seconds"));
    let text = &output[..mark];
    let end = find(text, b"\r\n\r\n").unwrap_or(text.len());
    let mut lines = text[..end].split(|byte| *byte == b'\n');
    let status = lines.next().and_then(|line| {
        let line = std::str::from_utf8(line).ok()?;
        line.split(' ').nth(1)?.trim().parse().ok()
    });
    let fields = lines.map(|line| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let colon = find(line, b": ").unwrap_or(line.len());
        let name = String::from_utf8_lossy(&line[..colon]).to_ascii_lowercase();
        (name, line.get(colon + 2..).unwrap_or_default().to_vec())
    });
    Answer {
        status: status.unwrap_or(0),
        fields: fields.collect(),
        body: text.get(end + 4..).unwrap_or_default().to_vec(),
        took,
    }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

fn rfind(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).rposition(|window| window == what)
}

impl fmt::Debug for Answer {
    /// Header fields as text; of the body only what fits into a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {:?}", self.status, self.took)?;
        for (name, value) in &self.fields {
            write!(f, "\n  {name}: {}", value.escape_ascii())?;
        }
        let begin = &self.body[..self.body.len().min(60)];
        write!(
            f,
            "\n  body of {}: {}",
            self.body.len(),
            begin.escape_ascii()
        )
    }
}

impl Answer {
    /// The value of a field, as text; empty when it is not there.
    pub fn text(&self, name: &str) -> String {
        String::from_utf8_lossy(self.bytes(name)).into_owned()
    }

    /// The value of a field; empty when it is not there.
    pub fn bytes(&self, name: &str) -> &[u8] {
        let field = self.fields.iter().find(|(found, _)| found == name);
        field.map_or(&[], |(_, value)| value)
    }

    /// The values of all fields of a name, as text, in their order.
    pub fn all(&self, name: &str) -> Vec<String> {
        let fields = self.fields.iter().filter(|(found, _)| found == name);
        fields
            .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
            .collect()
    }

    /// Whether there is such a field.
    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(found, _)| found == name)
    }

    /// The mirror that was chosen; empty: none.
    pub fn mirror(&self) -> String {
        self.text("x-mirrorbrain-mirror")
    }

    /// The parts of an answer that two servers must have alike: everything but the time of day, how
    /// the connection is used, and that another `Accept` might get a metalink; with the boundary of
    /// multi-part answers, which is random, made the same.
    pub fn comparable(&self) -> Answer {
        let mut answer = self.clone();
        answer.took = Duration::ZERO;
        let passing = ["date", "connection", "keep-alive", "transfer-encoding"];
        answer
            .fields
            .retain(|(name, _)| !passing.contains(&name.as_str()));
        for (_, value) in answer.fields.iter_mut().filter(|(name, _)| name == "vary") {
            let text = String::from_utf8_lossy(value).into_owned();
            let other = text
                .split(',')
                .map(str::trim)
                .filter(|name| *name != "Accept");
            *value = other.collect::<Vec<_>>().join(",").into_bytes();
        }
        answer
            .fields
            .retain(|(name, value)| name != "vary" || !value.is_empty());
        answer.fields.sort();
        let boundary = answer
            .text("content-type")
            .split_once("boundary=")
            .map(|(_, boundary)| boundary.to_owned());
        if let Some(boundary) = boundary {
            answer.body = replace(&answer.body, boundary.as_bytes());
            for (_, value) in &mut answer.fields {
                *value = replace(value, boundary.as_bytes());
            }
        }
        answer
    }
}

/// The text with each `what` made the same word.
fn replace(text: &[u8], what: &[u8]) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), text);
    while let Some(at) = find(rest, what) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(b"BOUNDARY");
        rest = &rest[at + what.len()..];
    }
    out.extend_from_slice(rest);
    out
}

/// Every byte but the plainest as `%XX`: a URL path whose decoding is certainly these bytes.
pub fn encode(path: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for &byte in path {
        if byte.is_ascii_alphanumeric() || b"/._-".contains(&byte) {
            out.push(byte);
        } else {
            out.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    out
}

/// The bytes that a URL path names.
pub fn decode(url: &[u8]) -> Vec<u8> {
    let (mut out, mut at) = (Vec::new(), 0);
    while at < url.len() {
        let hex = url
            .get(at + 1..at + 3)
            .and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if url[at] == b'%' => {
                out.push(byte);
                at += 3;
            }
            _ => {
                out.push(url[at]);
                at += 1;
            }
        }
    }
    out
}
