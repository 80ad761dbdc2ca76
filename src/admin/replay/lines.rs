//! Reads requests out of lines. The format is named, or found by trying.

use super::format::LogFormat;
use super::line::{LogLineReader, LoggedRequest};
use crate::admin::error::{AdminError, ArgumentError};

/// Reads line by line, by the format of the last one or by the first that fits.
#[derive(Debug, Clone)]
pub(in crate::admin) struct LogLines {
    formats: Vec<LogFormat>,
    /// The format of the last line.
    usual: usize,
    reader: LogLineReader,
}

impl LogLines {
    /// Lines of the usual formats, or of the one that is named or written.
    ///
    /// # Errors
    /// Returns [`AdminError::Value`] if the format cannot be read.
    pub(in crate::admin) fn new(format: Option<&str>) -> Result<LogLines, AdminError> {
        let formats = match format {
            None => LogFormat::usual(),
            Some(text) => LogFormat::named(text).map_err(|problem| AdminError::Value {
                key: "--format".to_owned(),
                problem: ArgumentError::LogFormat(problem),
            })?,
        };
        Ok(LogLines {
            formats,
            usual: 0,
            reader: LogLineReader::default(),
        })
    }

    /// Reads the request of a line. Absent if it has another format.
    pub(in crate::admin) fn read(&mut self, line: &[u8]) -> Option<&LoggedRequest> {
        let usual = self.usual;
        let others = (0..self.formats.len()).filter(|place| *place != usual);
        for place in [usual].into_iter().chain(others) {
            if let Some(values) = self.formats[place].values(line)
                && self.reader.read(&values).is_some()
            {
                self.usual = place;
                return Some(&self.reader.request);
            }
        }
        None
    }

    /// The request of the last line that was read.
    pub(super) fn last(&self) -> &LoggedRequest {
        &self.reader.request
    }
}
