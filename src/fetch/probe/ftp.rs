//! Checks a file over FTP: greeting, login, SIZE.
//!
//! The check sends its commands on the control connection and opens no data connection.

use std::net::SocketAddr;
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::failure::Failure;
use super::target::{Check, ProbeFile, ProbeTarget};
use crate::fetch::FetchError;
use crate::fetch::ftp::message::{Iac, NotFtp, Reply, ReplyReader, command_line, may_be_telnet};
use crate::fetch::ftp::url::FtpUrl;

const PORT_DEFAULT: u16 = 21;

/// Checks a target at one of its addresses.
pub(super) async fn check(
    target: &ProbeTarget,
    addresses: &[SocketAddr],
    mut check: Check,
) -> Check {
    let start = Instant::now();
    let mut session = match FtpProbe::open(target, addresses).await {
        Ok(session) => session,
        Err(failure) => {
            check.result = Err(failure);
            return check;
        }
    };
    check.latency = Some(start.elapsed());
    check.result = session.ask(&target.files, &mut check.notes).await;
    check
}

/// The port of an FTP URL.
pub(super) fn port_of(target: &ProbeTarget) -> u16 {
    FtpUrl::parse(target.url.as_str()).map_or(PORT_DEFAULT, |url| url.address().1)
}

struct FtpProbe {
    url: FtpUrl,
    stream: TcpStream,
    reader: ReplyReader,
}

impl From<NotFtp> for Failure {
    fn from(error: NotFtp) -> Failure {
        Failure::NotFtp { said: error.said }
    }
}

impl FtpProbe {
    async fn open(target: &ProbeTarget, addresses: &[SocketAddr]) -> Result<FtpProbe, Failure> {
        let url = FtpUrl::parse(target.url.as_str()).map_err(|error| Failure::Url {
            said: error.to_string(),
        })?;
        let stream = TcpStream::connect(addresses).await;
        let mut session = FtpProbe {
            url,
            stream: stream.map_err(|error| Failure::of_io(&error))?,
            reader: ReplyReader::default(),
        };
        let status = session.reply().await?.code;
        match status {
            220 => Ok(session),
            status => Err(Failure::Base { status }),
        }
    }

    async fn ask(&mut self, files: &[ProbeFile], notes: &mut Vec<String>) -> Result<(), Failure> {
        self.log_in().await?;
        self.command("TYPE", b"I").await?;
        let mut result = Ok(());
        for file in files {
            result = self.size(file).await;
            match &result {
                Err(failure) if failure.is_of_the_file() => notes.push(failure.to_string()),
                _ => break,
            }
        }
        if result.is_err() {
            // The last failure is the result, not a note.
            notes.pop();
        }
        // Nothing is lost if the server does not get the farewell.
        let _ = self.stream.write_all(b"QUIT\r\n").await;
        result
    }

    async fn log_in(&mut self) -> Result<(), Failure> {
        let url = self.url.clone();
        let (user, password) = url.login();
        let mut reply = self.command("USER", user.as_bytes()).await?;
        if reply.code == 331 {
            let secret = password.as_bytes();
            reply = match self.command("PASS", secret).await {
                Err(Failure::NotFtp { said }) => {
                    return Err(NotFtp { said }.without(secret).into());
                }
                other => other?,
            };
        }
        match reply.is_done() {
            true => Ok(()),
            false => Err(Failure::Base { status: reply.code }),
        }
    }

    async fn size(&mut self, file: &ProbeFile) -> Result<(), Failure> {
        let reply = self.command("SIZE", &self.url.file(&file.path)).await?;
        let text = reply.lines.last().map(|line| line.trim_ascii());
        let text = text.and_then(|text| std::str::from_utf8(text).ok());
        let found: Option<u64> = text.and_then(|text| text.parse().ok());
        match (reply.code, found, file.size) {
            (213, Some(found), Some(expected)) if found != expected => Err(Failure::WrongSize {
                path: file.shown(),
                expected,
                found,
            }),
            (213, ..) => Ok(()),
            (status, ..) => Err(Failure::Status {
                status,
                path: file.shown(),
            }),
        }
    }

    async fn command(&mut self, command: &str, argument: &[u8]) -> Result<Reply, Failure> {
        self.send(command, argument, Iac::Doubled).await?;
        let reply = self.reply().await?;
        if may_be_telnet(argument, &reply) {
            self.send(command, argument, Iac::AsItIs).await?;
            return self.reply().await;
        }
        Ok(reply)
    }

    async fn send(&mut self, command: &str, argument: &[u8], iac: Iac) -> Result<(), Failure> {
        let line = command_line(command, argument, iac).ok_or_else(|| Failure::Broken {
            said: FetchError::Unspeakable.to_string(),
        })?;
        let sent = self.stream.write_all(&line).await;
        sent.map_err(|error| Failure::of_io(&error))
    }

    async fn reply(&mut self) -> Result<Reply, Failure> {
        loop {
            if let Some(reply) = self.reader.next_reply()? {
                return Ok(reply);
            }
            let mut piece = [0; 4096];
            let read = self.stream.read(&mut piece).await;
            let count = read.map_err(|error| Failure::of_io(&error))?;
            if count == 0 {
                return Err(Failure::Broken {
                    said: "the server closed the connection".to_owned(),
                });
            }
            self.reader.push(&piece[..count]);
        }
    }
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
}
