//! A web server that does what real ones do when they are ill: one thread a connection, each
//! answer made by the test.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use super::site::eventually;

/// A request: its path with the query, and its head in lower case.
pub struct Asked {
    /// As it stands in the request line.
    pub path: String,
    /// The other lines.
    pub head: String,
}

/// The answer to a request.
#[derive(Clone)]
pub enum Reply {
    /// A whole answer: status line, fields with their line ends, body.
    Whole(&'static str, String, String),
    /// A whole page, already packed by gzip.
    Packed(Vec<u8>),
    /// The head and a part of the body, then nothing until the client goes.
    Hang(String),
    /// The same again and again, until the client goes.
    Endless(&'static str),
    /// The head and a byte each tenth of a second, until the client goes.
    Drip,
    /// The head that promises more, a part of the body, then the end of the connection.
    Break(String),
}

/// The server; it ends with the test.
pub struct OddWeb {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicU32>,
    ends: Arc<AtomicBool>,
}

type Answer = dyn Fn(&Asked) -> Reply + Send + Sync;

impl OddWeb {
    /// Listens; `answer` is asked for each request but that for the mirror's trace: it has none.
    pub fn start(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> OddWeb {
        OddWeb::start_with_trace(move |asked| {
            if asked.path.ends_with("/.heliostat.json") {
                return status("404 Not Found", "");
            }
            answer(asked)
        })
    }

    /// Listens; `answer` is asked for each request.
    pub fn start_with_trace(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> OddWeb {
        OddWeb::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), answer)
    }

    /// Another on the same port of another address of loopback.
    pub fn beside(
        &self,
        last_byte: u8,
        answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> OddWeb {
        OddWeb::start_at(
            SocketAddr::from(([127, 0, 0, last_byte], self.address.port())),
            answer,
        )
    }

    fn start_at(
        address: SocketAddr,
        answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> OddWeb {
        let listener = TcpListener::bind(address).expect("a port");
        let address = listener.local_addr().expect("its address");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let ends = Arc::new(AtomicBool::new(false));
        let answer: Arc<Answer> = Arc::new(answer);
        let (log, end) = (Arc::clone(&asked), Arc::clone(&ends));
        let connections = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&connections);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if end.load(Ordering::Relaxed) {
                    return;
                }
                let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
                let stream = stream.expect("a connection");
                count.fetch_add(1, Ordering::Relaxed);
                std::thread::spawn(move || serve(stream, &*answer, &log));
            }
        });
        OddWeb {
            address,
            asked,
            connections,
            ends,
        }
    }

    /// Its base URL.
    pub fn url(&self) -> String {
        format!("http://{}/pub/", self.address)
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Paths that were asked for so far, but for the trace, which every scan asks for.
    pub fn asked(&self) -> Vec<String> {
        let mut asked = self.all_asked();
        asked.retain(|path| !path.ends_with("/.heliostat.json"));
        asked
    }

    /// Paths that were asked for so far.
    pub fn all_asked(&self) -> Vec<String> {
        self.asked.lock().expect("no test panics in it").clone()
    }

    /// Connections that were made so far.
    pub fn connections(&self) -> u32 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Waits until something was asked for.
    pub fn wait_for(&self, path: &str) {
        eventually("it is asked for", || {
            self.asked().iter().any(|asked| asked == path)
        });
    }
}

impl Drop for OddWeb {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(stream: TcpStream, answer: &Answer, log: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    let mut stream = stream;
    while let Some(asked) = read_request(&mut reader) {
        log.lock()
            .expect("no test panics in it")
            .push(asked.path.clone());
        // A client that went away is not the server's business.
        let is_more = match answer(&asked) {
            Reply::Whole(status, fields, body) => {
                let length = body.len();
                let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{fields}\r\n");
                stream.write_all((head + &body).as_bytes()).is_ok()
            }
            Reply::Packed(body) => {
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n\
                     Content-Length: {}\r\n\r\n",
                    body.len()
                );
                stream.write_all(&[head.as_bytes(), &body].concat()).is_ok()
            }
            Reply::Hang(body) => {
                let _ = stream.write_all(promise(&body).as_bytes());
                while read_request(&mut reader).is_some() {}
                false
            }
            Reply::Endless(piece) => {
                let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n";
                let mut goes_on = stream.write_all(head.as_bytes()).is_ok();
                let pieces = piece.repeat(64 * 1024 / piece.len());
                while goes_on {
                    goes_on = stream.write_all(pieces.as_bytes()).is_ok();
                }
                false
            }
            Reply::Drip => {
                let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n";
                let mut goes_on = stream.write_all(head.as_bytes()).is_ok();
                while goes_on {
                    std::thread::sleep(std::time::Duration::from_millis(100));
                    goes_on = stream.write_all(b"<").is_ok();
                }
                false
            }
            Reply::Break(body) => {
                let _ = stream.write_all(promise(&body).as_bytes());
                false
            }
        };
        if !is_more {
            break;
        }
    }
    let _ = stream.shutdown(Shutdown::Both);
}

fn promise(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 100000\r\n\r\n{body}")
}

fn read_request(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim().is_empty() {
            break;
        }
        lines.push(line);
    }
    let path = lines.first()?.split_whitespace().nth(1)?.to_owned();
    let head = lines[1..].concat().to_lowercase();
    Some(Asked { path, head })
}

/// An index page of nginx with these entries; a name with a slash is a directory.
pub fn index(entries: &[(&str, u64)]) -> String {
    let mut page = "<html><head><title>Index of /</title></head><body><pre>\
                    <a href=\"../\">../</a>\n"
        .to_owned();
    for (name, size) in entries {
        let size = if name.ends_with('/') {
            "-".to_owned()
        } else {
            size.to_string()
        };
        page += &format!("<a href=\"{name}\">{name}</a>   09-Sep-2001 01:46   {size}\n");
    }
    page + "</pre></body></html>\n"
}

/// A whole page.
pub fn page(body: String) -> Reply {
    Reply::Whole("200 OK", "Content-Type: text/html\r\n".to_owned(), body)
}

/// An answer without a page.
pub fn status(status: &'static str, fields: &str) -> Reply {
    Reply::Whole(status, fields.to_owned(), String::new())
}
