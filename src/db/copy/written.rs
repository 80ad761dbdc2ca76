//! Tells when a database was last written, or brought as a copy that keeps its time.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, UNIX_EPOCH};

use crate::domain::time::Timestamp;

/// Time for which an answer of the file system is used: ages of an hour are judged by it.
const KEPT: Duration = Duration::from_secs(1);

/// The time of the last write into a database file or its WAL.
#[derive(Debug)]
pub struct WrittenTime {
    files: [PathBuf; 2],
    kept: Option<(Instant, Option<Timestamp>)>,
}

impl WrittenTime {
    /// Looks at the file at its first use.
    pub fn new(database: &Path) -> WrittenTime {
        let mut wal = OsString::from(database);
        wal.push("-wal");
        WrittenTime {
            files: [database.to_owned(), PathBuf::from(wal)],
            kept: None,
        }
    }

    /// The time, at most a second old; `None` if there is no such file.
    pub fn get(&mut self) -> Option<Timestamp> {
        if let Some((at, found)) = self.kept
            && at.elapsed() < KEPT
        {
            return found;
        }
        let found = self.files.iter().filter_map(|file| written_at(file)).max();
        self.kept = Some((Instant::now(), found));
        found
    }
}

fn written_at(file: &Path) -> Option<Timestamp> {
    let modified = std::fs::metadata(file).ok()?.modified().ok()?;
    let since = modified.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok().map(Timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_later_of_both_files_counts() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("a.sqlite");
        assert_eq!(WrittenTime::new(&database).get(), None);
        for (name, seconds) in [("a.sqlite", 1_000), ("a.sqlite-wal", 2_000)] {
            let file = std::fs::File::create(folder.path().join(name)).expect("a file");
            let time = UNIX_EPOCH + Duration::from_secs(seconds);
            file.set_modified(time).expect("its time");
            let found = WrittenTime::new(&database).get();
            assert_eq!(found, Some(Timestamp(seconds as i64)), "{name}");
        }
    }
}
