//! A web server on loopback for one test: well, badly or not behaved, with TLS if wanted.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// How it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Manner {
    /// As it should.
    Serves,
    /// The server takes connections and says nothing.
    Hangs,
    /// The server closes connections at once.
    Closes,
    /// Everything is one page of HTML with status 200.
    Page,
    /// Everything has one byte too many.
    Longer,
    /// Everything has that status.
    Status(u16),
    /// Everything is a redirect there; `{}` is the path that was asked for.
    Redirects(String),
    /// HEAD is refused with 405.
    RefusesHead,
    /// Ranges are ignored, lengths are not told.
    Vague,
}

/// The server; it ends with the test.
pub struct WebServer {
    address: SocketAddr,
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

struct State {
    manner: Mutex<Manner>,
    files: Mutex<HashMap<String, Vec<u8>>>,
    requests: Mutex<Vec<Request>>,
    tls: Option<Arc<ServerConfig>>,
    stop: AtomicBool,
}

/// A request as it came.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Method and path.
    pub line: String,
    /// Header fields, names in lower case.
    pub headers: HashMap<String, String>,
    /// Body, by its length.
    pub body: String,
}

impl WebServer {
    /// On a free port of that address.
    pub fn start(ip: &str, manner: Manner) -> WebServer {
        WebServer::with_tls(ip, manner, None)
    }

    /// The same over TLS.
    pub fn with_tls(ip: &str, manner: Manner, tls: Option<Arc<ServerConfig>>) -> WebServer {
        let ip: std::net::IpAddr = ip.parse().expect("an address");
        WebServer::at((ip, 0).into(), manner, tls)
    }

    /// Another on the same port of another address.
    pub fn beside(&self, ip: &str, manner: Manner) -> WebServer {
        let ip: std::net::IpAddr = ip.parse().expect("an address");
        WebServer::at((ip, self.address.port()).into(), manner, None)
    }

    fn at(address: SocketAddr, manner: Manner, tls: Option<Arc<ServerConfig>>) -> WebServer {
        let listener = TcpListener::bind(address).expect("a free port");
        let state = Arc::new(State {
            manner: Mutex::new(manner),
            files: Mutex::default(),
            requests: Mutex::default(),
            tls,
            stop: AtomicBool::new(false),
        });
        let address = listener.local_addr().expect("it is bound");
        let shared = Arc::clone(&state);
        let thread = std::thread::spawn(move || accept(&listener, &shared));
        WebServer {
            address,
            state,
            thread: Some(thread),
        }
    }

    /// `http://ADDRESS:PORT/pub/`; with `host` in place of the address if it is not empty.
    pub fn url(&self, host: &str) -> String {
        let scheme = if self.state.tls.is_some() {
            "https"
        } else {
            "http"
        };
        if host.is_empty() {
            return format!("{scheme}://{}/pub/", self.address);
        }
        format!("{scheme}://{host}:{}/pub/", self.address.port())
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Puts a file below `/pub/`.
    pub fn put(&self, path: &str, content: &[u8]) {
        let mut files = self.state.files.lock().expect("no panic");
        files.insert(format!("/pub/{path}"), content.to_vec());
    }

    /// Behaves otherwise from now on.
    pub fn behave(&self, manner: Manner) {
        *self.state.manner.lock().expect("no panic") = manner;
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.state.requests.lock().expect("no panic").clone()
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::Relaxed);
        // Wakes the thread up.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn accept(listener: &TcpListener, state: &Arc<State>) {
    let mut held = Vec::new();
    for stream in listener.incoming() {
        if state.stop.load(Ordering::Relaxed) {
            return;
        }
        let Ok(stream) = stream else { continue };
        match *state.manner.lock().expect("no panic") {
            Manner::Hangs => held.push(stream),
            Manner::Closes => drop(stream),
            _ => {
                let state = Arc::clone(state);
                std::thread::spawn(move || {
                    // A client that goes away is none of the server's business.
                    let _ = serve(stream, &state);
                });
            }
        }
    }
}

fn serve(stream: TcpStream, state: &State) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    match &state.tls {
        None => converse(stream, state),
        Some(tls) => {
            let connection = ServerConnection::new(Arc::clone(tls)).map_err(io::Error::other)?;
            converse(StreamOwned::new(connection, stream), state)
        }
    }
}

fn converse(stream: impl Read + Write, state: &State) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read_request(&mut stream)? {
        let manner = state.manner.lock().expect("no panic").clone();
        let answer = answer(&manner, &request, state);
        state.requests.lock().expect("no panic").push(request);
        stream.get_mut().write_all(&answer)?;
        stream.get_mut().flush()?;
    }
    Ok(())
}

fn read_request(stream: &mut impl BufRead) -> io::Result<Option<Request>> {
    let mut request = Request::default();
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let text = line.trim_end();
        if text.is_empty() {
            break;
        }
        match text.split_once(": ") {
            Some((name, value)) if !request.line.is_empty() => {
                let name = name.to_ascii_lowercase();
                request.headers.insert(name, value.to_owned());
            }
            _ => request.line = text.trim_end_matches(" HTTP/1.1").to_owned(),
        }
    }
    let length = request.headers.get("content-length");
    let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    request.body = String::from_utf8_lossy(&body).into_owned();
    Ok(Some(request))
}

fn answer(manner: &Manner, request: &Request, state: &State) -> Vec<u8> {
    let (method, path) = request.line.split_once(' ').unwrap_or(("", ""));
    let is_head = method == "HEAD";
    let full = |status: u16, fields: &str, body: &[u8]| {
        let length = body.len();
        let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n{fields}\r\n");
        let mut answer = head.into_bytes();
        answer.extend_from_slice(if is_head { b"" } else { body });
        answer
    };
    let files = state.files.lock().expect("no panic");
    let file = files.get(path);
    match (manner, file) {
        (Manner::Page, _) => full(
            200,
            "Content-Type: text/html\r\n",
            b"<h1>Please log in</h1>",
        ),
        (Manner::Status(status), _) => full(*status, "", b"no"),
        (Manner::Redirects(to), _) => {
            let location = format!("Location: {}\r\n", to.replace("{}", path));
            full(302, &location, b"")
        }
        (Manner::RefusesHead, _) if is_head => full(405, "", b""),
        (_, None) if method == "POST" => full(204, "", b""),
        (_, None) if path == "/pub/" => full(200, "Content-Type: text/html\r\n", b"<h1>Hi</h1>"),
        (_, None) => full(404, "", b"not here"),
        (Manner::Vague, Some(content)) => {
            let mut answer = b"HTTP/1.1 200 X\r\nConnection: close\r\n\r\n".to_vec();
            answer.extend_from_slice(if is_head { b"" } else { content });
            answer
        }
        (Manner::Longer, Some(content)) => full(200, "", &[content.as_slice(), b"x"].concat()),
        (_, Some(content)) => match range_of(request) {
            Some((first, last)) if first <= last && first < content.len() => {
                let length = content.len();
                let last = last.min(length - 1);
                let range = format!("Content-Range: bytes {first}-{last}/{length}\r\n");
                full(206, &range, &content[first..=last])
            }
            _ => full(200, "", content),
        },
    }
}

fn range_of(request: &Request) -> Option<(usize, usize)> {
    let range = request.headers.get("range")?.strip_prefix("bytes=")?;
    let (first, last) = range.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()?))
}
