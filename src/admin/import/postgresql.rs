//! Reads a running PostgreSQL through its own `pg_dump`, whose output is a dump.
//!
//! `pg_dump` takes one consistent snapshot, has every way to log in (sockets, `.pgpass`, TLS by
//! `sslmode`, services), and needs no second TLS stack here. It only reads, and
//! `default_transaction_read_only` makes the server hold it to that.
//!
//! # Security
//! A password of the address goes to `pg_dump` by its environment, which other users cannot read,
//! and into no message.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use percent_encoding::percent_decode_str;

use crate::admin::error::AdminError;
use crate::domain::url::mask_password;

/// Ways to write the address of a database.
const SCHEMES: [&str; 2] = ["postgresql://", "postgres://"];

/// Tables that the import does not need, and that have the most rows.
const LEFT_OUT: &str = "--exclude-table=*.pfx2asn";

/// Largest number of bytes that are kept of the messages of `pg_dump`.
const SAID_BYTES_MAX: u64 = 16 * 1024;

/// The address of a database, if that is one.
pub(super) fn address(dump: &Path) -> Option<&str> {
    let text = dump.to_str()?;
    SCHEMES
        .iter()
        .any(|scheme| text.starts_with(scheme))
        .then_some(text)
}

/// A dump, or an address without its password, as messages have it.
pub(super) fn shown(dump: &Path) -> PathBuf {
    match address(dump) {
        Some(text) => {
            let (url, query) = text.split_once('?').unwrap_or((text, ""));
            let masked = mask_password(url);
            let is_secret = |word: &&str| word.starts_with("password=");
            let words = query.split('&').filter(|word| !word.is_empty());
            let words: Vec<&str> = words.filter(|word| !is_secret(word)).collect();
            PathBuf::from(match words.is_empty() {
                true => masked,
                false => format!("{masked}?{}", words.join("&")),
            })
        }
        None => dump.to_owned(),
    }
}

/// A `pg_dump` that is running.
struct RunningDump {
    child: Child,
    out: ChildStdout,
}

/// Starts `pg_dump` on a database.
///
/// # Errors
/// Returns [`AdminError::NotThisDump`] if the address cannot be used or there is no `pg_dump`.
pub(super) fn open(address: &str) -> Result<Box<dyn Read>, AdminError> {
    let refused = |problem: String| AdminError::NotThisDump {
        path: shown(Path::new(address)),
        problem,
    };
    let (address, password) = without_password(address);
    if address.chars().any(char::is_control) {
        return Err(refused(
            "it has a control character; write it anew".to_owned(),
        ));
    }
    let mut command = Command::new("pg_dump");
    command.args([
        "--no-password",
        "--no-owner",
        "--no-privileges",
        "--encoding=UTF8",
    ]);
    command.arg(LEFT_OUT).arg(format!("--dbname={address}"));
    let options = std::env::var("PGOPTIONS").unwrap_or_default();
    let read_only = format!("{options} -c default_transaction_read_only=on");
    command.env("PGOPTIONS", read_only.trim());
    if let Some(password) = password {
        command.env("PGPASSWORD", password);
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => refused(
            "there is no pg_dump here; `apt install postgresql-client`, or pipe a dump: `pg_dump \
             DATABASE | heliostat import mirrorbrain -`"
                .to_owned(),
        ),
        _ => refused(format!("pg_dump cannot be run: {error}")),
    })?;
    match child.stdout.take() {
        Some(out) => Ok(Box::new(RunningDump { child, out })),
        None => Err(refused("pg_dump has no output".to_owned())),
    }
}

impl Read for RunningDump {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.out.read(buffer)?;
        if count == 0 && !buffer.is_empty() {
            self.end()?;
        }
        Ok(count)
    }
}

impl RunningDump {
    /// Returns the message of a `pg_dump` that failed: its output is not a whole dump.
    fn end(&mut self) -> io::Result<()> {
        let mut said = String::new();
        if let Some(errors) = self.child.stderr.take() {
            errors.take(SAID_BYTES_MAX).read_to_string(&mut said)?;
        }
        if self.child.wait()?.success() {
            return Ok(());
        }
        let said: Vec<&str> = said
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        Err(io::Error::other(format!(
            "{}; correct the address, or give the password in ~/.pgpass",
            said.join(" ")
        )))
    }
}

impl Drop for RunningDump {
    fn drop(&mut self) {
        // One that has ended cannot be killed; nothing is left to do then.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address without its password, and the password.
fn without_password(address: &str) -> (String, Option<String>) {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let mut password = None;
    let (head, query) = address.split_once('?').unwrap_or((address, ""));
    let mut words: Vec<&str> = Vec::new();
    for word in query.split('&').filter(|word| !word.is_empty()) {
        match word.strip_prefix("password=") {
            Some(secret) => password = Some(decoded(secret)),
            None => words.push(word),
        }
    }
    let mut head = head.to_owned();
    if let Some((scheme, rest)) = head.clone().split_once("://") {
        let end = rest.find('/').unwrap_or(rest.len());
        let login = rest[..end].rsplit_once('@');
        if let Some((login, host)) = login {
            let (user, secret) = login.split_once(':').unwrap_or((login, ""));
            if !secret.is_empty() {
                password = Some(decoded(secret));
            }
            head = format!("{scheme}://{user}@{host}{}", &rest[end..]);
        }
    }
    match words.is_empty() {
        true => (head, password),
        false => (format!("{head}?{}", words.join("&")), password),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_leave_the_address() {
        for (address, bare, password) in [
            ("postgresql://u@h/d", "postgresql://u@h/d", None),
            (
                "postgresql://u:p%20w@h:5433/d",
                "postgresql://u@h:5433/d",
                Some("p w"),
            ),
            (
                "postgres:///d?host=/run&password=x&user=u",
                "postgres:///d?host=/run&user=u",
                Some("x"),
            ),
        ] {
            let (found, secret) = without_password(address);
            assert_eq!(
                (found.as_str(), secret.as_deref()),
                (bare, password),
                "{address}"
            );
            let shown = shown(Path::new(address)).display().to_string();
            assert!(
                !shown.contains("p%20w") && !shown.contains("password"),
                "{shown}"
            );
        }
        assert_eq!(super::address(Path::new("dump.sql")), None);
    }
}
