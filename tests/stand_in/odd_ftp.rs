//! An FTP server that does what real ones do when they are ill: one thread a connection, each
//! reply as the test wants it.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::site::eventually;

/// The answer to LIST or MLSD.
pub enum Listing {
    /// These lines, and success.
    Whole(String),
    /// These lines, then nothing.
    Hang(String),
    /// These lines, the end of the data, and this reply.
    Ended(String, &'static str),
    /// This reply instead.
    Refused(&'static str),
}

/// The server; it ends with the test.
pub struct OddFtp {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
    ends: Arc<AtomicBool>,
}

/// How it answers: to a command with the current directory.
type Answer = dyn Fn(&str, &str) -> Option<String> + Send + Sync;
type List = dyn Fn(&str, &str) -> Listing + Send + Sync;

impl OddFtp {
    /// Listens. `answer` may give a reply of its own to any command line; `list` is asked for what
    /// LIST and MLSD give, with the command and the current directory.
    pub fn start(
        answer: impl Fn(&str, &str) -> Option<String> + Send + Sync + 'static,
        list: impl Fn(&str, &str) -> Listing + Send + Sync + 'static,
    ) -> OddFtp {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let ends = Arc::new(AtomicBool::new(false));
        let answer: Arc<Answer> = Arc::new(answer);
        let list: Arc<List> = Arc::new(list);
        let (log, end) = (Arc::clone(&asked), Arc::clone(&ends));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if end.load(Ordering::Relaxed) {
                    return;
                }
                let (answer, list, log) = (Arc::clone(&answer), Arc::clone(&list), log.clone());
                let stream = stream.expect("a connection");
                std::thread::spawn(move || serve(stream, &*answer, &*list, &log));
            }
        });
        OddFtp { port, asked, ends }
    }

    /// URL of its root.
    pub fn url(&self) -> String {
        format!("ftp://127.0.0.1:{}/", self.port)
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Command lines so far.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no test panics in it").clone()
    }

    /// Waits until a command came.
    pub fn wait_for(&self, line: &str) {
        eventually("it is asked", || {
            self.asked().iter().any(|asked| asked == line)
        });
    }
}

impl Drop for OddFtp {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        // Wakes it up.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn serve(stream: TcpStream, answer: &Answer, list: &List, log: &Mutex<Vec<String>>) {
    let mut write = stream.try_clone().expect("a second handle");
    let mut lines = BufReader::new(stream).split(b'\n');
    let mut directory = "/".to_owned();
    let mut data: Option<TcpListener> = None;
    let greeting = answer("", "/").unwrap_or_else(|| "220 ready".to_owned());
    let mut send = |reply: &str| write.write_all(format!("{reply}\r\n").as_bytes()).is_ok();
    if !send(&greeting) {
        return;
    }
    while let Some(Ok(line)) = lines.next() {
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        log.lock().expect("no test panics in it").push(line.clone());
        let (command, argument) = line.split_once(' ').unwrap_or((&line, ""));
        if let Some(reply) = answer(&line, &directory) {
            if !send(&reply) || reply.starts_with("421") {
                return;
            }
            continue;
        }
        let sent = match command {
            "USER" => send("331 password"),
            "PASS" => send("230 in"),
            "CWD" => {
                directory = argument.to_owned();
                send("250 there")
            }
            "PWD" => send("257 \"/\" is it"),
            "FEAT" => send("211-Features:\r\n EPSV\r\n211 End"),
            "EPSV" | "PASV" => {
                let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
                let port = listener.local_addr().expect("its address").port();
                data = Some(listener);
                // Another host than this one, which must not be believed.
                let (high, low) = (port >> 8, port & 255);
                if command == "EPSV" {
                    send(&format!("229 here (|||{port}|)"))
                } else {
                    send(&format!("227 here (192,0,2,1,{high},{low})"))
                }
            }
            "LIST" | "MLSD" => match list(command, &directory) {
                Listing::Refused(reply) => send(reply),
                listing => {
                    let listener = data.take().expect("a port was asked for");
                    send("150 here it comes");
                    let (mut stream, _) = listener.accept().expect("it connects");
                    transfer(listing, &mut stream, &mut send)
                }
            },
            "TYPE" | "OPTS" => send("200 fine"),
            _ => send("502 unknown"),
        };
        if !sent {
            return;
        }
    }
}

fn transfer(listing: Listing, stream: &mut TcpStream, send: &mut impl FnMut(&str) -> bool) -> bool {
    let (text, end) = match &listing {
        Listing::Whole(text) => (text, "226 complete"),
        Listing::Ended(text, end) => (text, *end),
        Listing::Hang(text) => (text, ""),
        Listing::Refused(end) => return send(end),
    };
    if stream.write_all(text.as_bytes()).is_err() {
        return false;
    }
    if end.is_empty() {
        // Until the client goes.
        let mut reader = BufReader::new(stream);
        let _ = reader.fill_buf();
        return false;
    }
    let _ = stream.shutdown(Shutdown::Both);
    send(end)
}

/// Lines of LIST: a name with a slash is a directory; sizes in bytes, times on 9 September 2001.
pub fn list(entries: &[(&str, u64)]) -> String {
    let line = |&(name, size): &(&str, u64)| match name.strip_suffix('/') {
        Some(name) => format!("drwxr-xr-x    2 0        0            4096 Sep 09  2001 {name}\r\n"),
        None => format!("-rw-r--r--    1 0        0        {size:8} Sep 09  2001 {name}\r\n"),
    };
    entries.iter().map(line).collect()
}
