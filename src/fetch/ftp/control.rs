//! Sends commands and reads replies on the control connection.
//!
//! # Limits
//! [`FTP_REPLY_BYTES_MAX`](super::message::FTP_REPLY_BYTES_MAX), and those of `patience`.
//!
//! # Security
//! Commands are never logged, because one may hold a password.

use super::message::{Iac, NotFtp, Reply, ReplyReader, command_line, may_be_telnet};
use super::wire::{TlsName, Wire};
use crate::fetch::error::FetchError;
use crate::fetch::patience::Tempo;

/// A control connection.
pub(in crate::fetch) struct Control<'a> {
    pub wire: Wire<'a>,
    reader: ReplyReader,
}

impl From<NotFtp> for FetchError {
    fn from(error: NotFtp) -> FetchError {
        FetchError::NotFtp { said: error.said }
    }
}

impl<'a> Control<'a> {
    /// Starts on a connection on which the server speaks first.
    pub fn new(wire: Wire<'a>) -> Control<'a> {
        Control {
            wire,
            reader: ReplyReader::default(),
        }
    }

    /// Sends a command and reads its reply.
    pub fn ask(&mut self, command: &str, argument: &[u8]) -> Result<Reply, FetchError> {
        self.send(command, argument, Iac::Doubled)?;
        let reply = self.reply()?;
        if may_be_telnet(argument, &reply) {
            self.send(command, argument, Iac::AsItIs)?;
            return self.reply();
        }
        Ok(reply)
    }

    /// Does the same with a secret argument, of which neither reply nor error shows anything.
    pub fn ask_secretly(&mut self, command: &str, secret: &[u8]) -> Result<Reply, FetchError> {
        match self.ask(command, secret) {
            Ok(reply) => Ok(reply.without(secret)),
            Err(FetchError::NotFtp { said }) => Err(NotFtp { said }.without(secret).into()),
            Err(error) => Err(error),
        }
    }

    fn send(&mut self, command: &str, argument: &[u8], iac: Iac) -> Result<(), FetchError> {
        let line = command_line(command, argument, iac).ok_or(FetchError::Unspeakable)?;
        self.wire.write_whole(&line)
    }

    /// Reads one reply.
    pub fn reply(&mut self) -> Result<Reply, FetchError> {
        let mut tempo = Tempo::new();
        loop {
            if let Some(reply) = self.reader.next_reply()? {
                return Ok(reply);
            }
            let mut piece = [0; 4096];
            let count = self.wire.read_some(&mut piece)?;
            if count == 0 {
                return Err(FetchError::Broken {
                    said: "the server closed the connection".to_owned(),
                });
            }
            tempo.count(count, &self.wire.patience())?;
            self.reader.push(&piece[..count]);
        }
    }

    /// Begins TLS.
    pub fn encrypt(&mut self, with: &TlsName) -> Result<(), FetchError> {
        // Bytes that were sent before the handshake would be taken for encrypted ones.
        if !self.reader.is_empty() {
            return Err(FetchError::Tls {
                said: "the server speaks before the handshake".to_owned(),
            });
        }
        self.wire.encrypt(with)
    }
}
