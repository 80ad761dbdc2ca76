//! A small FastCGI client for tests: well-formed requests over a Unix socket, as a web server
//! sends them. Parameters, header values and bodies are bytes, since names of files are.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

// FastCGI 1.0, section 8.
const VERSION: u8 = 1;
const BEGIN_REQUEST: u8 = 1;
const END_REQUEST: u8 = 3;
const PARAMS: u8 = 4;
const STDIN: u8 = 5;
const STDOUT: u8 = 6;
const STDERR: u8 = 7;
const RESPONDER: u8 = 1;
const KEEP_CONN: u8 = 1;
/// The web server has one request at a time on a connection, so one id serves.
const REQUEST_ID: u16 = 1;
/// Largest content of a record: its length is 16 bits wide.
const RECORD_CONTENT_MAX: usize = 65_535;
/// A responder that says nothing for so long has failed the test.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A request as CGI parameters, in the order in which they are sent.
#[derive(Debug, Clone)]
pub struct Request {
    parameters: Vec<(Vec<u8>, Vec<u8>)>,
    body: Vec<u8>,
}

impl Request {
    /// A GET of an already decoded path, with what Apache sends for every request.
    pub fn get(path: impl AsRef<[u8]>) -> Request {
        Request::new("GET", path)
    }

    /// Any method; see [`Request::get`].
    pub fn new(method: &str, path: impl AsRef<[u8]>) -> Request {
        let path = path.as_ref();
        let request = Request {
            parameters: Vec::new(),
            body: Vec::new(),
        };
        request
            .with("GATEWAY_INTERFACE", "CGI/1.1")
            .with("SERVER_PROTOCOL", "HTTP/1.1")
            .with("REQUEST_METHOD", method)
            .with("REQUEST_SCHEME", "http")
            .with("QUERY_STRING", "")
            .with("REQUEST_URI", percent_encoded(path))
            .with("SCRIPT_NAME", path)
            .with("SERVER_NAME", "download.example.org")
            .with("SERVER_PORT", "80")
            .with("REMOTE_ADDR", "127.0.0.1")
            .with("HTTP_HOST", "download.example.org")
    }

    /// Sets a parameter, or replaces it.
    #[must_use]
    pub fn with(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Request {
        let name = name.as_ref();
        let value = value.as_ref().to_vec();
        match self.parameters.iter_mut().find(|(known, _)| known == name) {
            Some(parameter) => parameter.1 = value,
            None => self.parameters.push((name.to_vec(), value)),
        }
        self
    }

    /// Leaves a parameter out.
    #[must_use]
    pub fn without(mut self, name: impl AsRef<[u8]>) -> Request {
        self.parameters.retain(|(known, _)| known != name.as_ref());
        self
    }

    /// The query string, as the client wrote it.
    #[must_use]
    pub fn query(self, query: impl AsRef<[u8]>) -> Request {
        let mut uri = self.value("REQUEST_URI").unwrap_or_default().to_vec();
        uri.push(b'?');
        uri.extend_from_slice(query.as_ref());
        self.with("QUERY_STRING", query).with("REQUEST_URI", uri)
    }

    /// A body of the request.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Request {
        self.body = body.into();
        let length = self.body.len().to_string();
        self.with("CONTENT_LENGTH", length)
    }

    /// The value of a parameter.
    pub fn value(&self, name: impl AsRef<[u8]>) -> Option<&[u8]> {
        let (_, value) = self
            .parameters
            .iter()
            .find(|(known, _)| known == name.as_ref())?;
        Some(value)
    }
}

/// The answer of the responder.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The `Status` field; 200 when there is none (CGI 1.1, section 6.3.3).
    pub status: u16,
    /// All fields but `Status`, in their order; names as sent.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The bytes after the header.
    pub body: Vec<u8>,
    /// The bytes that came as STDERR.
    pub errors: Vec<u8>,
}

impl Answer {
    /// The first field of a name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.all(name).next()
    }

    /// The first field of a name as text.
    pub fn text(&self, name: &str) -> Option<String> {
        let value = self.header(name)?;
        Some(String::from_utf8_lossy(value).into_owned())
    }

    /// All fields of a name, whatever its case, in their order.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.headers
            .iter()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_slice())
    }

    pub fn parse(output: &[u8], errors: Vec<u8>) -> Answer {
        let end = find(output, b"\r\n\r\n").map(|at| (at, 4));
        let (end, gap) = end
            .or_else(|| find(output, b"\n\n").map(|at| (at, 2)))
            .unwrap_or_else(|| panic!("no header: {}", String::from_utf8_lossy(output)));
        let mut status = 200;
        let mut headers = Vec::new();
        for line in output[..end].split(|byte| *byte == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let colon = find(line, b":").expect("a header field has a colon");
            let name = String::from_utf8(line[..colon].to_vec()).expect("a field's name is ASCII");
            let value = line[colon + 1..].trim_ascii().to_vec();
            if name.eq_ignore_ascii_case("status") {
                let code = value.split(|byte| *byte == b' ').next().unwrap_or_default();
                let code = String::from_utf8_lossy(code);
                status = code.parse().expect("the status is a number");
            } else {
                headers.push((name, value));
            }
        }
        Answer {
            status,
            headers,
            body: output[end + gap..].to_vec(),
            errors,
        }
    }
}

/// A connection that is kept open from one request to the next.
pub struct FcgiClient {
    stream: UnixStream,
}

impl FcgiClient {
    /// Connects to the responder's socket.
    pub fn connect(socket: &Path) -> FcgiClient {
        FcgiClient::try_connect(socket)
            .unwrap_or_else(|error| panic!("connect to {}: {error}", socket.display()))
    }

    /// Connects, if a responder listens.
    pub fn try_connect(socket: &Path) -> std::io::Result<FcgiClient> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        Ok(FcgiClient { stream })
    }

    /// Sends a request and reads the whole answer.
    pub fn send(&mut self, request: &Request) -> Answer {
        self.try_send(request).expect("the responder answers")
    }

    /// Sends a request and reads the whole answer, unless the connection fails.
    pub fn try_send(&mut self, request: &Request) -> std::io::Result<Answer> {
        self.begin(request)?;
        self.finish()
    }

    /// Sends a request and reads nothing yet.
    pub fn begin(&mut self, request: &Request) -> std::io::Result<()> {
        self.stream.write_all(&encode(request))
    }

    /// Reads the answer to what was begun.
    pub fn finish(&mut self) -> std::io::Result<Answer> {
        let mut output = Vec::new();
        let mut errors = Vec::new();
        loop {
            let (kind, content) = self.read_record()?;
            match kind {
                STDOUT => output.extend_from_slice(&content),
                STDERR => errors.extend_from_slice(&content),
                END_REQUEST => break,
                other => panic!("a record of type {other} in an answer"),
            }
        }
        Ok(Answer::parse(&output, errors))
    }

    fn read_record(&mut self) -> std::io::Result<(u8, Vec<u8>)> {
        let mut header = [0; 8];
        self.stream.read_exact(&mut header)?;
        let [version, kind, id_high, id_low, high, low, padding, _] = header;
        assert_eq!(version, VERSION, "a record's version");
        let id = u16::from_be_bytes([id_high, id_low]);
        assert_eq!(id, REQUEST_ID, "a record's request id");
        let length = usize::from(u16::from_be_bytes([high, low]));
        let mut content = vec![0; length + usize::from(padding)];
        self.stream.read_exact(&mut content)?;
        content.truncate(length);
        Ok((kind, content))
    }
}

fn encode(request: &Request) -> Vec<u8> {
    let mut bytes = Vec::new();
    let begin = [0, RESPONDER, KEEP_CONN, 0, 0, 0, 0, 0];
    push_record(&mut bytes, BEGIN_REQUEST, &begin);
    let mut parameters = Vec::new();
    for (name, value) in &request.parameters {
        push_length(&mut parameters, name.len());
        push_length(&mut parameters, value.len());
        parameters.extend_from_slice(name);
        parameters.extend_from_slice(value);
    }
    push_stream(&mut bytes, PARAMS, &parameters);
    push_stream(&mut bytes, STDIN, &request.body);
    bytes
}

/// A stream is its records and an empty one.
fn push_stream(bytes: &mut Vec<u8>, kind: u8, content: &[u8]) {
    for chunk in content.chunks(RECORD_CONTENT_MAX) {
        push_record(bytes, kind, chunk);
    }
    push_record(bytes, kind, &[]);
}

fn push_record(bytes: &mut Vec<u8>, kind: u8, content: &[u8]) {
    let length = u16::try_from(content.len()).expect("chunks fit a record");
    let [id_high, id_low] = REQUEST_ID.to_be_bytes();
    let [high, low] = length.to_be_bytes();
    bytes.extend_from_slice(&[VERSION, kind, id_high, id_low, high, low, 0, 0]);
    bytes.extend_from_slice(content);
}

/// One byte below 128, else four with the highest bit set (FastCGI 1.0, section 3.4).
pub fn push_length(bytes: &mut Vec<u8>, length: usize) {
    if length < 128 {
        bytes.push(length as u8);
    } else {
        let length = u32::try_from(length).expect("a test's parameter is small");
        bytes.extend_from_slice(&(length | 0x8000_0000).to_be_bytes());
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

/// A path as a careful client writes it in a request line.
pub fn percent_encoded(path: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(path.len());
    for byte in path {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(byte) {
            encoded.push(*byte);
        } else {
            encoded.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    encoded
}

/// The bytes that a percent-encoded text stands for; what is not `%XX` stays as it is.
pub fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        let byte = match (first, tail.get(..2)) {
            (b'%', Some(digits)) => std::str::from_utf8(digits)
                .ok()
                .and_then(|digits| u8::from_str_radix(digits, 16).ok()),
            _ => None,
        };
        decoded.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &tail[2..] } else { tail };
    }
    decoded
}
