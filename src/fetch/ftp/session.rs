//! Holds an FTP session: one login lists directory after directory, with TLS if the URL says so.
//!
//! The client is our own, over sockets and rustls, because a scan needs what suppaftp 12.2 does not
//! give: TLS from the first byte with limits on connecting and waiting, an end within a moment when
//! the program is told to stop, and no password in a log of any level.
//!
//! The client enters a directory and lists it without an argument, so that no server takes a name
//! for an option or a pattern. It uses MLSD if the server has it, else LIST, with `-a` if the
//! server understands that: otherwise names that begin with a dot are hidden.
//!
//! # Errors
//! Returns [`FetchError`]. A listing counts only if the server says afterwards that it was
//! complete.
//!
//! # Limits
//! Those of `message` and `listing`, and those of [`Patience`].
//!
//! # Security
//! A data connection goes to the host of the control connection, whatever address the server names.
//! It is encrypted if the control connection is. A password is sent only to the host of its URL.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::pki_types::ServerName;

use super::control::Control;
use super::listing::{FtpListing, FtpListingStream, check_end};
use super::message::Reply;
use super::url::{FtpSecurity, FtpUrl};
use super::wire::{TlsName, Wire};
use crate::domain::listing::{FilePresence, FtpEntry, ListedFile, ListedSize, parse_ftp_time};
use crate::fetch::address::Addresses;
use crate::fetch::cause::deepest;
use crate::fetch::error::FetchError;
use crate::fetch::patience::Patience;
use crate::fetch::tls::with_system_certificates;

/// TLS sessions that one login remembers. Servers demand that a data connection resumes the session
/// of the control connection, and each connection may bring a new ticket.
const TLS_SESSIONS: usize = 16;

/// Makes connections; one client serves all mirrors.
#[derive(Debug)]
pub struct FtpClient {
    addresses: Addresses,
    /// Made for the first URL that wants TLS.
    tls: OnceLock<Result<ClientConfig, String>>,
}

/// One login.
pub struct FtpSession<'a> {
    control: Control<'a>,
    patience: Patience<'a>,
    tls: Option<TlsName>,
    peer: IpAddr,
    url: FtpUrl,
    /// The directory in which the login begins.
    home: Vec<u8>,
    /// Whether to list by MLSD; else by LIST.
    has_mlsd: bool,
    /// Whether to ask for data connections by `EPSV`; else by `PASV`.
    has_epsv: bool,
    /// The argument of LIST.
    list_options: &'static [u8],
}

impl FtpClient {
    /// A client that resolves names by `addresses`.
    pub fn new(addresses: &Addresses) -> FtpClient {
        FtpClient {
            addresses: addresses.clone(),
            tls: OnceLock::new(),
        }
    }

    /// Connects, encrypts, logs in, and asks for the server's features.
    ///
    /// # Errors
    /// Returns [`FetchError`] if the exchange fails.
    pub fn open<'a>(
        &self,
        url: &FtpUrl,
        patience: Patience<'a>,
    ) -> Result<FtpSession<'a>, FetchError> {
        let tls = match url.security() {
            FtpSecurity::None => None,
            FtpSecurity::Explicit | FtpSecurity::Implicit => Some(self.tls(url.address().0)?),
        };
        let wire = Wire::to_host(url.address(), &self.addresses, patience)?;
        let mut session = FtpSession {
            peer: wire.peer()?,
            control: Control::new(wire),
            patience,
            tls,
            url: url.clone(),
            home: Vec::new(),
            has_mlsd: false,
            has_epsv: true,
            list_options: b"",
        };
        session.greet()?;
        session.log_in()?;
        session.learn()?;
        Ok(session)
    }

    fn tls(&self, host: &str) -> Result<TlsName, FetchError> {
        let failed = |said: String| FetchError::Tls { said };
        let config = self
            .tls
            .get_or_init(|| with_system_certificates().map_err(|error| deepest(&error)));
        let mut config = config.clone().map_err(failed)?;
        config.resumption = Resumption::in_memory_sessions(TLS_SESSIONS);
        let name = ServerName::try_from(host.to_owned());
        Ok(TlsName {
            config: Arc::new(config),
            name: name.map_err(|error| failed(error.to_string()))?,
        })
    }
}

impl<'a> FtpSession<'a> {
    fn greet(&mut self) -> Result<(), FetchError> {
        let with = self.tls.clone();
        let security = self.url.security();
        if let Some(with) = with.as_ref().filter(|_| security == FtpSecurity::Implicit) {
            self.control.encrypt(with)?;
        }
        let begun = Instant::now();
        let mut greeting = self.control.reply()?;
        while greeting.code == 120 {
            // 120 means "ready in a few minutes"; the client waits for it no longer than for a
            // silent server.
            if begun.elapsed() >= self.patience.timeout {
                let said = greeting.said();
                return Err(FetchError::Full { said });
            }
            greeting = self.control.reply()?;
        }
        if !greeting.is_done() {
            return Err(refused(&greeting));
        }
        if let Some(with) = with.filter(|_| security == FtpSecurity::Explicit) {
            let reply = self.control.ask("AUTH", b"TLS")?;
            if !reply.is_done() {
                let said = format!("it offers none: {}", reply.said());
                return Err(FetchError::Tls { said });
            }
            self.control.encrypt(&with)?;
        }
        if security != FtpSecurity::None {
            self.control.ask("PBSZ", b"0")?;
            let reply = self.control.ask("PROT", b"P")?;
            if !reply.is_done() {
                let said = format!("not for listings: {}", reply.said());
                return Err(FetchError::Tls { said });
            }
        }
        Ok(())
    }

    fn log_in(&mut self) -> Result<(), FetchError> {
        let url = self.url.clone();
        let (user, password) = url.login();
        let mut reply = self.control.ask("USER", user.as_bytes())?;
        if reply.code == 331 {
            reply = self.control.ask_secretly("PASS", password.as_bytes())?;
        }
        if reply.is_done() {
            return Ok(());
        }
        let said = reply.said();
        let wants_tls = !self.control.wire.is_encrypted()
            && (reply.mentions(b"tls") || reply.mentions(b"ssl") || reply.mentions(b"encrypt"));
        Err(match reply.code {
            _ if wants_tls => FetchError::WantsTls { said },
            // Pure-FTPd and ProFTPD refuse a login in these words if there are too many users.
            530 if reply.mentions(b"too many") || reply.mentions(b"maximum") => {
                FetchError::Full { said }
            }
            421 => refused(&reply),
            _ => FetchError::Login { said },
        })
    }

    fn learn(&mut self) -> Result<(), FetchError> {
        let features = self.control.ask("FEAT", b"")?;
        let mlst = features.lines.iter().map(|line| line.trim_ascii());
        let mlst = mlst.map(<[u8]>::to_ascii_lowercase);
        let mlst = mlst.filter(|_| features.is_done());
        let mlst: Option<Vec<u8>> = mlst.into_iter().find(|line| line.starts_with(b"mlst"));
        if features.is_done() && features.mentions(b"utf8") {
            // Servers that store names in another encoding translate them after this command.
            self.control.ask("OPTS", b"UTF8 ON")?;
        }
        self.control.ask("TYPE", b"I")?;
        if let Some(facts) = mlst {
            self.has_mlsd = true;
            if !facts.windows(5).any(|text| text == b"size*")
                || !facts.windows(7).any(|text| text == b"modify*")
            {
                self.control
                    .ask("OPTS", b"MLST type;size;modify;perm;UNIX.mode;")?;
            }
        }
        let reply = self.control.ask("PWD", b"")?;
        if reply.code == 257 {
            self.home = quoted(reply.lines.first().map_or(&b""[..], Vec::as_slice));
        }
        Ok(())
    }

    /// The URL without user and password.
    pub fn url(&self) -> &FtpUrl {
        &self.url
    }

    /// Whether listings are by MLSD, which is exact.
    pub fn has_mlsd(&self) -> bool {
        self.has_mlsd
    }

    /// Asks LIST for names that begin with a dot, too.
    pub fn list_hidden(&mut self, with: bool) {
        self.list_options = if with { b"-a" } else { b"" };
    }

    /// Lists a directory below the URL; the empty path is the URL itself.
    ///
    /// # Errors
    /// Returns [`FetchError`] if the directory could not be listed to its end. The entries given
    /// before are no listing then.
    pub fn list(
        &mut self,
        path: &[u8],
        each: impl FnMut(FtpEntry, &[u8]),
    ) -> Result<FtpListing, FetchError> {
        let directory = self.url.directory(&self.home, path);
        let reply = self.control.ask("CWD", &directory)?;
        if !reply.is_done() {
            return Err(refused(&reply));
        }
        let mut data = self.open_data()?;
        let mut begun = Reply {
            code: 500,
            lines: Vec::new(),
        };
        if self.has_mlsd {
            begun = self.control.ask("MLSD", b"")?;
            // Some servers announce MLSD and do not know it.
            self.has_mlsd = !begun.is_unknown();
        }
        if !self.has_mlsd {
            begun = self.control.ask("LIST", self.list_options)?;
        }
        if begun.code / 100 != 1 && !begun.is_done() {
            return Err(refused(&begun));
        }
        if let Some(with) = &self.tls {
            data.encrypt(with)?;
        }
        let listed = FtpListingStream::new(self.has_mlsd, each).read(data)?;
        let ended = if begun.is_done() {
            begun
        } else {
            self.control.reply()?
        };
        check_end(&ended)?;
        Ok(listed)
    }

    /// Opens a data connection, only to the host of the control connection.
    fn open_data(&mut self) -> Result<Wire<'a>, FetchError> {
        if self.has_epsv {
            let reply = self.control.ask("EPSV", b"")?;
            match extended_port(&reply) {
                Some(port) => return Wire::to_address((self.peer, port).into(), self.patience),
                None if reply.code == 421 => return Err(refused(&reply)),
                None => self.has_epsv = false,
            }
        }
        let reply = self.control.ask("PASV", b"")?;
        let port = passive_port(&reply).ok_or_else(|| refused(&reply))?;
        Wire::to_address(SocketAddr::new(self.peer, port), self.patience)
    }

    /// Asks for size and time of a file below the URL; links are followed.
    ///
    /// # Errors
    /// Returns [`FetchError`] if the server does not answer.
    pub fn file(&mut self, path: &[u8]) -> Result<FilePresence, FetchError> {
        let file = self.url.directory(&self.home, path);
        let reply = self.control.ask("SIZE", &file)?;
        let text = reply.lines.first().map_or(&b""[..], Vec::as_slice);
        let size = str::from_utf8(text)
            .ok()
            .and_then(|text| text.trim().parse().ok());
        let Some(size) = size.filter(|_| reply.code == 213) else {
            return Ok(match refused(&reply) {
                FetchError::Absent { .. } => FilePresence::Gone,
                error @ (FetchError::Full { .. } | FetchError::Broken { .. }) => return Err(error),
                _ => FilePresence::Unclear,
            });
        };
        let reply = self.control.ask("MDTM", &file)?;
        let text = reply.lines.first().map_or(&b""[..], Vec::as_slice);
        Ok(FilePresence::Here(ListedFile {
            size: ListedSize::Exact(size),
            time: parse_ftp_time(text.trim_ascii()).filter(|_| reply.code == 213),
        }))
    }
}

impl fmt::Debug for FtpSession<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FtpSession({})", self.url)
    }
}

/// Words of servers for a name that does not exist; 550 alone may also mean that this user may not
/// see it.
const ABSENT: [&[u8]; 5] = [
    b"no such file",
    b"no such dir",
    b"not found",
    b"cannot find",
    b"not exist",
];

fn refused(reply: &Reply) -> FetchError {
    let said = reply.said();
    match reply.code {
        421 => FetchError::Full { said },
        425 | 426 | 451 => FetchError::Broken { said },
        550 if ABSENT.iter().any(|words| reply.mentions(words)) => FetchError::Absent { said },
        _ => FetchError::Refused { said },
    }
}

/// The port in `229 Entering Extended Passive Mode (|||6446|)` (RFC 2428).
fn extended_port(reply: &Reply) -> Option<u16> {
    if reply.code != 229 {
        return None;
    }
    let line = reply.lines.last()?;
    let open = line.iter().rposition(|&byte| byte == b'(')?;
    let mark = *line.get(open + 1)?;
    let mut fields = line[open + 1..].split(|&byte| byte == mark);
    let port = str::from_utf8(fields.nth(3)?).ok()?.parse().ok()?;
    (port != 0).then_some(port)
}

/// The port in `227 Entering Passive Mode (127,0,0,1,25,46)`; the address in it is ignored.
fn passive_port(reply: &Reply) -> Option<u16> {
    if reply.code != 227 {
        return None;
    }
    let line = str::from_utf8(reply.lines.last()?).ok()?;
    // Some servers leave the brackets out (RFC 1123, 4.1.2.6).
    let start = line.find(|char: char| char.is_ascii_digit())?;
    let is_part = |char: char| char.is_ascii_digit() || char == ',';
    let numbers = line[start..].split(|char| !is_part(char)).next()?;
    let mut numbers = numbers.split(',').map(str::parse::<u8>);
    let high = numbers.nth(4)?.ok()?;
    let low = numbers.next()?.ok()?;
    let port = u16::from_be_bytes([high, low]);
    (port != 0).then_some(port)
}

/// The path in `257 "/pub" is the current directory`; quotes in it are doubled.
fn quoted(text: &[u8]) -> Vec<u8> {
    let Some(start) = text.iter().position(|&byte| byte == b'"') else {
        return Vec::new();
    };
    let mut path = Vec::new();
    let mut rest = text[start + 1..].iter();
    while let Some(&byte) = rest.next() {
        if byte == b'"' && rest.next() != Some(&b'"') {
            break;
        }
        path.push(byte);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(code: u16, text: &str) -> Reply {
        Reply {
            code,
            lines: vec![text.as_bytes().to_vec()],
        }
    }

    #[test]
    fn ports_are_read_and_hosts_are_not() {
        for (text, expected) in [
            ("Entering Extended Passive Mode (|||6446|)", Some(6446)),
            ("Extended Passive mode OK (|||1|)", Some(1)),
            ("EPSV (!!!6446!)", Some(6446)),
            ("(|||0|)", None),
            ("(|||65536|)", None),
            ("(", None),
            ("none", None),
        ] {
            assert_eq!(extended_port(&reply(229, text)), expected, "{text}");
        }
        for (text, expected) in [
            ("Entering Passive Mode (10,0,0,1,25,46).", Some(6446)),
            ("Entering Passive Mode 10,0,0,1,25,46", Some(6446)),
            ("Entering Passive Mode (10,0,0,1,256,46)", None),
            ("Entering Passive Mode (10,0,0,1,0,0)", None),
            ("Entering Passive Mode (10,0,0)", None),
            ("none", None),
        ] {
            assert_eq!(passive_port(&reply(227, text)), expected, "{text}");
        }
        assert_eq!(passive_port(&reply(500, "1,2,3,4,5,6")), None);
    }

    #[test]
    fn paths_in_quotes_are_read() {
        for (text, expected) in [
            ("\"/pub\" is the current directory", "/pub"),
            ("\"/a \"\"b\"\"\"", "/a \"b\""),
            ("\"/\"", "/"),
            ("\"open", "open"),
            ("none", ""),
        ] {
            assert_eq!(quoted(text.as_bytes()), expected.as_bytes(), "{text}");
        }
    }
}
