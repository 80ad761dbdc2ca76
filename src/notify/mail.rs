//! Sends mail through the system's `sendmail`.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::error::NoticeError;

/// Time after which a mail program that does not end is killed; it only has to queue the mail.
const SENDMAIL_TIME_MAX: Duration = Duration::from_secs(30);

/// Time between two checks whether it has ended.
const CHECK_INTERVAL: Duration = Duration::from_millis(20);

/// A mail in plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Recipients, already checked.
    pub to: Vec<String>,
    /// Sender, already checked; empty: the program's default.
    pub from: String,
    /// Subject; characters beyond ASCII are replaced.
    pub subject: String,
    /// Body in UTF-8.
    pub text: String,
}

impl Mail {
    /// Passes the mail to the program.
    ///
    /// # Errors
    /// Returns [`NoticeError::Mail`] if the program cannot be run or fails.
    pub fn send(&self, sendmail: &Path) -> Result<(), NoticeError> {
        let failed = |said: String| NoticeError::Mail {
            program: sendmail.to_owned(),
            said,
        };
        let mut command = Command::new(sendmail);
        // -i: a line with a single dot does not end the mail.
        command.arg("-i");
        if !self.from.is_empty() {
            command.args(["-f", &self.from]);
        }
        let mut child = command
            .arg("--")
            .args(&self.to)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| failed(error.to_string()))?;
        let mut stdin = child.stdin.take().expect("it was asked to be piped");
        // A program that reads nothing reports that by its exit code; the mail fits into the pipe.
        let _ = stdin.write_all(self.source().as_bytes());
        drop(stdin);
        let deadline = Instant::now() + SENDMAIL_TIME_MAX;
        loop {
            match child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => return Err(failed(status.to_string())),
                Ok(None) if Instant::now() < deadline => std::thread::sleep(CHECK_INTERVAL),
                Ok(None) => {
                    // The program may have ended by itself at this moment.
                    let _ = child.kill();
                    let _ = child.wait();
                    let seconds = SENDMAIL_TIME_MAX.as_secs();
                    return Err(failed(format!("it did not end within {seconds} s")));
                }
                Err(error) => return Err(failed(error.to_string())),
            }
        }
    }

    fn source(&self) -> String {
        let plain = |c: char| {
            if c.is_ascii_graphic() || c == ' ' {
                c
            } else {
                '?'
            }
        };
        let subject: String = self.subject.chars().map(plain).collect();
        let mut source = String::new();
        if !self.from.is_empty() {
            source += &format!("From: {}\n", self.from);
        }
        source += &format!("To: {}\nSubject: {subject}\n", self.to.join(", "));
        source += "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\
                   Content-Transfer-Encoding: 8bit\nAuto-Submitted: auto-generated\n\n";
        source + &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_subject_becomes_a_header() {
        let mail = Mail {
            to: vec!["a@b".into()],
            from: String::new(),
            subject: "x\r\nBcc: y@z ü".into(),
            text: "ü\n".into(),
        };
        let source = mail.source();
        assert!(
            source.starts_with("To: a@b\nSubject: x??Bcc: y@z ?\n"),
            "{source}"
        );
        assert!(source.ends_with("\n\nü\n"), "{source}");
    }

    #[test]
    fn a_program_that_fails_is_told() {
        let mail = Mail {
            to: vec!["a@b".into()],
            from: String::new(),
            subject: String::new(),
            text: String::new(),
        };
        mail.send(Path::new("/bin/true")).expect("sent");
        let error = mail.send(Path::new("/bin/false")).expect_err("not sent");
        assert!(error.to_string().contains("/bin/false"), "{error}");
        mail.send(Path::new("/nonexistent"))
            .expect_err("no program");
    }
}
