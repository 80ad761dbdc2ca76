//! Connects to an FTP server, with or without TLS; every wait has a limit.
//!
//! A socket gives up after [`STOP_CHECK`], so that the waiting thread sees whether the program is
//! to stop and how long the server has been silent.
//!
//! # Security
//! A connection with TLS has to be closed by TLS: one that is merely cut is an error, not an end.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with, sockopt};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

use crate::fetch::address::Addresses;
use crate::fetch::error::FetchError;
use crate::fetch::http::failure::explain_tls;
use crate::fetch::patience::{Patience, STOP_CHECK};
use crate::fetch::tls::tls_cause;

/// Longest time for a connection; a host that is up answers sooner.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(20);

/// A connection.
pub(in crate::fetch) struct Wire<'a> {
    socket: TcpStream,
    tls: Option<Box<ClientConnection>>,
    patience: Patience<'a>,
}

/// The TLS configuration and the server's name.
#[derive(Clone)]
pub(in crate::fetch) struct TlsName {
    pub config: Arc<ClientConfig>,
    pub name: ServerName<'static>,
}

impl Patience<'_> {
    /// Repeats one step until the server takes part in it.
    fn wait<T>(self, mut step: impl FnMut() -> io::Result<T>) -> Result<T, FetchError> {
        use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
        let start = Instant::now();
        loop {
            self.check()?;
            match step() {
                Err(error) if matches!(error.kind(), Interrupted | TimedOut | WouldBlock) => {}
                other => return other.map_err(explain),
            }
            if start.elapsed() >= self.timeout {
                return Err(self.silent());
            }
        }
    }
}

impl<'a> Wire<'a> {
    /// Connects to a host by the first of its addresses that answers.
    pub fn to_host(
        (host, port): (&str, u16),
        addresses: &Addresses,
        patience: Patience<'a>,
    ) -> Result<Wire<'a>, FetchError> {
        let mut failure = FetchError::UnknownHost {
            said: "it has no address".to_owned(),
        };
        for ip in addresses.of(host, &patience)? {
            match Wire::to_address((ip, port).into(), patience) {
                Ok(wire) => return Ok(wire),
                Err(error @ (FetchError::Stopped | FetchError::TooLong { .. })) => {
                    return Err(error);
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// Connects to an address.
    pub fn to_address(address: SocketAddr, patience: Patience<'a>) -> Result<Wire<'a>, FetchError> {
        let connecting = patience.within(patience.timeout.min(CONNECT_TIME_MAX));
        let begun = begin_to_connect(address).map_err(|error| unreachable(address, &error))?;
        connecting.wait(|| {
            let is_ready = poll(
                &mut [PollFd::new(&begun, PollFlags::OUT)],
                Some(&Timespec {
                    tv_sec: 0,
                    tv_nsec: STOP_CHECK.subsec_nanos().into(),
                }),
            )?;
            if is_ready == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            Ok(())
        })?;
        let settle = || -> io::Result<()> {
            sockopt::socket_error(&begun)??;
            begun.set_nonblocking(false)?;
            begun.set_nodelay(true)?;
            begun.set_read_timeout(Some(STOP_CHECK))?;
            begun.set_write_timeout(Some(STOP_CHECK))
        };
        settle().map_err(|error| unreachable(address, &error))?;
        Ok(Wire {
            socket: begun,
            tls: None,
            patience,
        })
    }

    /// The host at the other end.
    pub fn peer(&self) -> Result<IpAddr, FetchError> {
        let peer = self.socket.peer_addr().map_err(explain)?;
        Ok(peer.ip())
    }

    /// Encrypts all that follows.
    pub fn encrypt(&mut self, with: &TlsName) -> Result<(), FetchError> {
        let connection = ClientConnection::new(Arc::clone(&with.config), with.name.clone())
            .map_err(|error| FetchError::Tls {
                said: error.to_string(),
            })?;
        let tls = self.tls.insert(Box::new(connection));
        let socket = &mut self.socket;
        self.patience.wait(|| {
            while tls.is_handshaking() {
                tls.complete_io(socket)?;
            }
            Ok(())
        })
    }

    /// How long the other end is waited for.
    pub fn patience(&self) -> Patience<'a> {
        self.patience
    }

    pub fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// Reads the bytes that are available, at least one; 0 bytes mean the end.
    pub fn read_some(&mut self, buffer: &mut [u8]) -> Result<usize, FetchError> {
        let (socket, tls) = (&mut self.socket, &mut self.tls);
        self.patience.wait(|| match tls {
            Some(tls) => rustls::Stream::new(tls.as_mut(), socket).read(buffer),
            None => socket.read(buffer),
        })
    }

    /// Writes everything.
    pub fn write_whole(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        let (socket, tls) = (&mut self.socket, &mut self.tls);
        let mut written = 0;
        while written < bytes.len() {
            let rest = &bytes[written..];
            written += self.patience.wait(|| match tls {
                Some(tls) => rustls::Stream::new(tls.as_mut(), socket).write(rest),
                None => socket.write(rest),
            })?;
        }
        self.patience.wait(|| match tls {
            Some(tls) => rustls::Stream::new(tls.as_mut(), socket).flush(),
            None => socket.flush(),
        })
    }
}

impl Read for Wire<'_> {
    /// Returns an I/O error that contains the [`FetchError`].
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read_some(buffer).map_err(io::Error::other)
    }
}

impl Drop for Wire<'_> {
    fn drop(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
            // The server need not hear the end if it no longer listens.
            if let Err(error) = tls.write_tls(&mut self.socket) {
                log::debug!("ftp end not told: {error}");
            }
        }
    }
}

fn begin_to_connect(address: SocketAddr) -> io::Result<TcpStream> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(family, SocketType::STREAM, flags, None)?;
    match connect(&socket, &address) {
        Ok(()) | Err(rustix::io::Errno::INPROGRESS) => Ok(TcpStream::from(socket)),
        Err(error) => Err(error.into()),
    }
}

fn unreachable(address: SocketAddr, error: &io::Error) -> FetchError {
    FetchError::Unreachable {
        said: format!("{address}: {error}"),
    }
}

fn explain(error: io::Error) -> FetchError {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        let said = "the server cut the connection without the end that TLS has".to_owned();
        return FetchError::Broken { said };
    }
    match tls_cause(&error) {
        Some(error) => explain_tls(error),
        None => FetchError::Broken {
            said: error.to_string(),
        },
    }
}
