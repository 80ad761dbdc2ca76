//! Sends one request to a responder as a web server does, and returns the answer. For our own
//! programs.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::wire::record::{HEADER_BYTES, Header, kind, push_request};

/// Longest answer in bytes; ours have some hundred.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// Sends the parameters to the responder that listens on `listen`, a path or ADDRESS:PORT; returns
/// its CGI response.
///
/// # Errors
/// Returns an error if nobody listens, if no answer comes within `patience`, or if the other side
/// is not a responder.
pub fn ask(listen: &str, params: &[(&str, &str)], patience: Duration) -> io::Result<Vec<u8>> {
    let until = Instant::now() + patience;
    let left = || Some(until.saturating_duration_since(Instant::now())).filter(|d| !d.is_zero());
    match listen.parse() {
        Ok(address) => {
            let stream = TcpStream::connect_timeout(&address, patience)?;
            let set = |left| {
                stream.set_read_timeout(left)?;
                stream.set_write_timeout(left)
            };
            converse(&stream, params, || set(Some(left().ok_or_else(late)?)))
        }
        Err(_) => {
            let stream = UnixStream::connect(listen)?;
            let set = |left| {
                stream.set_read_timeout(left)?;
                stream.set_write_timeout(left)
            };
            converse(&stream, params, || set(Some(left().ok_or_else(late)?)))
        }
    }
}

fn late() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "no answer in time")
}

/// Sends the request and reads the answer; calls `mind_time` before each wait.
fn converse<S>(
    stream: &S,
    params: &[(&str, &str)],
    mind_time: impl Fn() -> io::Result<()>,
) -> io::Result<Vec<u8>>
where
    for<'s> &'s S: Read + Write,
{
    let mut stream = stream;
    let mut request = Vec::new();
    push_request(&mut request, params);
    mind_time()?;
    stream.write_all(&request).map_err(timed_out)?;
    let mut answer = Vec::new();
    loop {
        let mut header = [0; HEADER_BYTES];
        mind_time()?;
        stream.read_exact(&mut header).map_err(timed_out)?;
        let header = Header::parse(header);
        let bytes = usize::from(header.content_bytes) + usize::from(header.padding_bytes);
        let mut content = vec![0; bytes];
        mind_time()?;
        stream.read_exact(&mut content).map_err(timed_out)?;
        content.truncate(header.content_bytes.into());
        match header.kind {
            kind::STDOUT if answer.len() < ANSWER_BYTES_MAX => answer.extend(content),
            kind::END_REQUEST => return Ok(answer),
            _ => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the other side is not a responder",
                ));
            }
        }
    }
}

/// A socket reports a time-out as "would block".
fn timed_out(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => late(),
        _ => error,
    }
}
