//! Checks a file over FTP: greeting, login, SIZE.
//!
//! Four commands on the control connection; no data connection is opened.

use std::net::SocketAddr;
use std::time::Instant;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::failure::Failure;
use super::target::{Check, ProbeFile, ProbeTarget};
use crate::domain::escape::percent_decode;
use crate::domain::url_parts::UrlParts;

/// Bytes of one reply; greetings with the rules of the house have some thousand.
pub const FTP_REPLY_BYTES_MAX: u64 = 64 * 1024;

const PORT_DEFAULT: u16 = 21;

/// Checks a target at one of its addresses.
pub(super) async fn check(
    target: &ProbeTarget,
    addresses: &[SocketAddr],
    mut check: Check,
) -> Check {
    let start = Instant::now();
    let mut session = match FtpProbe::open(addresses).await {
        Ok(session) => session,
        Err(failure) => {
            check.result = Err(failure);
            return check;
        }
    };
    check.latency = Some(start.elapsed());
    check.result = session.ask(target, &mut check.notes).await;
    check
}

/// The port of an FTP URL.
pub(super) fn port_of(target: &ProbeTarget) -> u16 {
    let parts = UrlParts::of(target.url.as_str());
    let port = parts.and_then(|parts| parts.host_port()?.1?.parse().ok());
    port.unwrap_or(PORT_DEFAULT)
}

struct FtpProbe {
    stream: BufReader<TcpStream>,
}

impl FtpProbe {
    async fn open(addresses: &[SocketAddr]) -> Result<FtpProbe, Failure> {
        let stream = TcpStream::connect(addresses).await;
        let stream = stream.map_err(|error| Failure::of_io(&error))?;
        let mut session = FtpProbe {
            stream: BufReader::new(stream),
        };
        let (status, _) = session.reply().await?;
        match status {
            220 => Ok(session),
            status => Err(Failure::Base { status }),
        }
    }

    async fn ask(&mut self, target: &ProbeTarget, notes: &mut Vec<String>) -> Result<(), Failure> {
        let (user, password, folder) = parts_of(target.url.as_str());
        let (mut status, _) = self.command(&[b"USER ", &user]).await?;
        if status == 331 {
            (status, _) = self.command(&[b"PASS ", &password]).await?;
        }
        if !(200..300).contains(&status) {
            return Err(Failure::Base { status });
        }
        self.command(&[b"TYPE I"]).await?;
        let mut result = Ok(());
        for file in &target.files {
            let path = [folder.as_slice(), &file.path].concat();
            result = self.size(&path, file).await;
            match &result {
                Err(failure) if failure.is_of_the_file() => notes.push(failure.to_string()),
                _ => break,
            }
        }
        if result.is_err() {
            // The last failure is the result itself.
            notes.pop();
        }
        // A server that does not hear the farewell loses nothing.
        let _ = self.stream.get_mut().write_all(b"QUIT\r\n").await;
        result
    }

    async fn size(&mut self, path: &[u8], file: &ProbeFile) -> Result<(), Failure> {
        let (status, text) = self.command(&[b"SIZE ", path]).await?;
        let found: Option<u64> = text.trim().parse().ok();
        match (status, found, file.size) {
            (213, Some(found), Some(expected)) if found != expected => Err(Failure::WrongSize {
                path: file.shown(),
                expected,
                found,
            }),
            (213, ..) => Ok(()),
            _ => Err(Failure::Status {
                status,
                path: file.shown(),
            }),
        }
    }

    async fn command(&mut self, parts: &[&[u8]]) -> Result<(u16, String), Failure> {
        let mut line = parts.concat();
        if line.iter().any(|byte| b"\r\n\0".contains(byte)) {
            return Err(Failure::Broken {
                said: "a name with a line break cannot be asked for".to_owned(),
            });
        }
        line.extend_from_slice(b"\r\n");
        let sent = self.stream.get_mut().write_all(&line).await;
        sent.map_err(|error| Failure::of_io(&error))?;
        self.reply().await
    }

    /// One reply (RFC 959 §4.2): of several lines when a hyphen follows the first code.
    async fn reply(&mut self) -> Result<(u16, String), Failure> {
        let broken = |said: &str| Failure::Broken {
            said: said.to_owned(),
        };
        let mut left = (&mut self.stream).take(FTP_REPLY_BYTES_MAX);
        let mut code = None;
        loop {
            let mut line = Vec::new();
            let read = left.read_until(b'\n', &mut line).await;
            if read.map_err(|error| Failure::of_io(&error))? == 0 {
                return Err(broken("the connection ends before the reply"));
            }
            let text = String::from_utf8_lossy(&line);
            let number: Option<u16> = text.get(..3).and_then(|digits| digits.parse().ok());
            let is_last = text.as_bytes().get(3) != Some(&b'-');
            match (code, number) {
                (None, None) => return Err(broken("what answers is no FTP server")),
                (None, Some(number)) if is_last => {
                    return Ok((number, text.get(4..).unwrap_or_default().to_owned()));
                }
                (None, Some(number)) => code = Some(number),
                (Some(first), Some(number)) if first == number && is_last => {
                    return Ok((number, text.get(4..).unwrap_or_default().to_owned()));
                }
                _ => {}
            }
        }
    }
}

/// User, password and directory of the URL, decoded; the directory is relative to the login's.
fn parts_of(url: &str) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let parts = UrlParts::of(url);
    let after = parts.map_or("", |parts| parts.after);
    let folder = after.strip_prefix('/').unwrap_or(after);
    let login = parts.and_then(|parts| parts.login());
    let (user, password) = match login {
        None => ("anonymous", "heliostat-probe@"),
        Some(login) => login.split_once(':').unwrap_or((login, "")),
    };
    let decode = |text: &str| percent_decode(text.as_bytes());
    (decode(user), decode(password), decode(folder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::url::BaseUrl;

    #[test]
    fn a_port_ends_where_the_path_begins() {
        for (url, expected) in [
            ("ftp://m/", 21),
            ("ftp://m:2121/x:9/", 2121),
            ("ftp://u:2222@m/", 21),
            ("ftp://u:p@m:2121/", 2121),
            ("ftp://m:2121?x:9/", 2121),
            ("ftp://m:2121#x@n:9/", 2121),
            ("ftp://[::1]/", 21),
            ("ftp://[::1]:2121/", 2121),
        ] {
            let target = ProbeTarget::new(BaseUrl::parse(url).expect(url), Vec::new());
            assert_eq!(port_of(&target), expected, "{url}");
        }
    }

    #[test]
    fn a_login_ends_where_the_host_begins() {
        let cases: [(&str, [&[u8]; 3]); 4] = [
            ("ftp://m/", [b"anonymous", b"heliostat-probe@", b""]),
            ("ftp://u:p%40@m/pub/a@b/", [b"u", b"p@", b"pub/a@b/"]),
            (
                "ftp://m?u:p@n/",
                [b"anonymous", b"heliostat-probe@", b"?u:p@n/"],
            ),
            (
                "ftp://m#u:p@n/",
                [b"anonymous", b"heliostat-probe@", b"#u:p@n/"],
            ),
        ];
        for (url, [user, password, folder]) in cases {
            let found = parts_of(url);
            assert_eq!(
                (&*found.0, &*found.1, &*found.2),
                (user, password, folder),
                "{url}"
            );
        }
    }
}
