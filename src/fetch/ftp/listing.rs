//! Reads a listing from a data connection, and checks that it is complete.
//!
//! # Limits
//! [`FTP_LISTING_BYTES_MAX`], `lines::LINE_BYTES_MAX`, and those of `patience`.

use std::time::SystemTime;

use super::message::Reply;
use super::wire::Wire;
use crate::domain::listing::rsync_message::remark;
use crate::domain::listing::{
    DayOrder, FtpEntry, FtpLine, day_order, has_ambiguous_day, parse_list, parse_mlsd,
};
use crate::domain::time::Timestamp;
use crate::fetch::error::FetchError;
use crate::fetch::patience::Tempo;
use crate::fetch::rsync::lines::{LineRead, LineReader};

/// Largest size of one directory's listing in bytes: that of half a million files.
pub const FTP_LISTING_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The result of reading a listing to its end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FtpListing {
    /// Number of entries that were given.
    pub entries: u64,
    /// Whether the listing contains an entry for the directory itself.
    pub has_here: bool,
    /// Lines that look like entries and cannot be read, at most [`UNREADABLE_MAX`] of them.
    pub unreadable: Vec<Vec<u8>>,
}

/// Largest number of unreadable lines that are kept; a listing with more has another form.
pub const UNREADABLE_MAX: usize = 100;

/// Bytes that are kept of an unreadable line, from its end, where the name is.
const UNREADABLE_BYTES_MAX: usize = 1024;

/// The orders of dates that lines proved so far.
#[derive(Debug, Default)]
struct ProvedOrders {
    day_first: bool,
    month_first: bool,
}

impl ProvedOrders {
    fn learn(&mut self, line: &[u8]) {
        match day_order(line) {
            Some(DayOrder::DayFirst) => self.day_first = true,
            Some(DayOrder::MonthFirst) => self.month_first = true,
            None => {}
        }
    }

    /// The order of all; `None` if there is no proof, or one for each.
    fn order(&self) -> Option<DayOrder> {
        match (self.day_first, self.month_first) {
            (true, false) => Some(DayOrder::DayFirst),
            (false, true) => Some(DayOrder::MonthFirst),
            _ => None,
        }
    }
}

/// One listing as it comes.
pub(in crate::fetch) struct FtpListingStream<F> {
    is_mlsd: bool,
    now: Timestamp,
    each: F,
    listed: FtpListing,
    /// The orders of dates that lines proved.
    orders: ProvedOrders,
    /// Lines with a date that another line must explain.
    waiting: Vec<Vec<u8>>,
    /// The first line that could not be read.
    odd: Option<FetchError>,
}

impl<F: FnMut(FtpEntry, &[u8])> FtpListingStream<F> {
    pub fn new(is_mlsd: bool, each: F) -> FtpListingStream<F> {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        FtpListingStream {
            is_mlsd,
            now: Timestamp(since.map_or(0, |since| since.as_secs() as i64)),
            each,
            listed: FtpListing::default(),
            orders: ProvedOrders::default(),
            waiting: Vec::new(),
            odd: None,
        }
    }

    pub fn read(mut self, data: Wire<'_>) -> Result<FtpListing, FetchError> {
        let (mut tempo, patience) = (Tempo::new(), data.patience());
        let mut lines = LineReader::new(data);
        let mut bytes = 0;
        loop {
            let count = lines.read(|line| self.line(line)).map_err(inner)?;
            if count == 0 {
                break;
            }
            bytes += count as u64;
            if bytes > FTP_LISTING_BYTES_MAX {
                let bytes_max = FTP_LISTING_BYTES_MAX;
                return Err(FetchError::TooLarge { bytes_max });
            }
            tempo.count(count, &patience)?;
        }
        let order = self.orders.order();
        for line in std::mem::take(&mut self.waiting) {
            self.take(&line, order);
        }
        match self.odd {
            // A listing has another form only if not one of its lines could be read.
            Some(error) if self.listed.entries == 0 => Err(error),
            _ if self.listed.unreadable.len() > UNREADABLE_MAX => {
                let said = "too many of its lines cannot be read".to_owned();
                Err(FetchError::UnknownForm { said })
            }
            _ => Ok(self.listed),
        }
    }

    fn line(&mut self, line: LineRead<'_>) {
        let LineRead::Whole(line) = line else {
            let said = "a line is too long".to_owned();
            self.odd = Some(FetchError::UnknownForm { said });
            self.listed.unreadable.push(Vec::new());
            return;
        };
        if !self.is_mlsd {
            self.orders.learn(line);
            // All of them together are shorter than the listing may be.
            if has_ambiguous_day(line) {
                self.waiting.push(line.to_vec());
                return;
            }
        }
        self.take(line, None);
    }

    fn take(&mut self, line: &[u8], order: Option<DayOrder>) {
        let parsed = if self.is_mlsd {
            parse_mlsd(line)
        } else {
            parse_list(line, order, self.now)
        };
        match parsed {
            FtpLine::Entry(entry, name) => {
                self.listed.entries += 1;
                (self.each)(entry, name);
                return;
            }
            FtpLine::Here => {
                self.listed.has_here = true;
                return;
            }
            FtpLine::Nothing => return,
            FtpLine::Unreadable if self.listed.unreadable.len() <= UNREADABLE_MAX => {
                let start = line.len().saturating_sub(UNREADABLE_BYTES_MAX);
                let end = line[start..].trim_ascii_end();
                self.listed.unreadable.push(end.to_vec());
            }
            // A name that contains the end of a line becomes two lines; the second looks like no
            // entry.
            FtpLine::Unreadable | FtpLine::Unknown => {}
        }
        let said = remark(line);
        self.odd.get_or_insert(FetchError::UnknownForm { said });
    }
}

/// The [`FetchError`] inside an error of [`Wire`], which always has one.
fn inner(error: std::io::Error) -> FetchError {
    let said = error.to_string();
    let inner = error.into_inner().and_then(|inner| inner.downcast().ok());
    inner.map_or(FetchError::Broken { said }, |inner: Box<FetchError>| *inner)
}

/// Checks the server's last reply, which says whether the listing was complete.
pub(in crate::fetch) fn check_end(reply: &Reply) -> Result<(), FetchError> {
    if !reply.is_done() {
        return Err(FetchError::Broken { said: reply.said() });
    }
    // vsftpd reports success when it could not open a directory, Pure-FTPd when it stopped early.
    if reply.mentions(b"failed to open") {
        return Err(FetchError::Refused { said: reply.said() });
    }
    if let Some(line) = reply.lines.iter().find(|line| {
        let line = line.to_ascii_lowercase();
        line.windows(9).any(|text| text == b"truncated")
    }) {
        let said = remark(line);
        return Err(FetchError::Broken { said });
    }
    Ok(())
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
    fn a_success_that_is_none_is_told() {
        for (code, text, is_good) in [
            (226, "Directory send OK.", true),
            (250, "done", true),
            (226, "Transfer done (but failed to open directory).", false),
            (226, "Output truncated to 10000 matches", false),
            (426, "Connection closed; transfer aborted", false),
        ] {
            assert_eq!(check_end(&reply(code, text)).is_ok(), is_good, "{text}");
        }
    }
}
