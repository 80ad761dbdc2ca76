//! Sums up one listing: ids of current and outdated copies, and counts of everything else.

use roaring::RoaringBitmap;

use super::directory::DirectoryFacts;
use super::earlier::EarlierCopies;
use super::zone::{Difference, Zone};
use crate::db::content::Content;
use crate::domain::file::{CatalogueFile, CopyState, FileVersion};
use crate::domain::listing::rsync::RsyncLine;
use crate::domain::listing::{ListedFile, ListedTime};
use crate::domain::trace::is_ours;
use crate::snapshot::{Cursor, KnownFiles};

/// Seconds of a minute: the step of most index pages.
const MINUTE_S: i64 = 60;

/// How much a date without a time may differ: a time zone to either side, and the time of day.
const DAY_SLACK_S: i64 = 2 * 86_400;

/// Compares the entries of a listing with the catalogue as they come.
#[derive(Debug)]
pub struct Tally<'a> {
    known: &'a KnownFiles,
    earlier: Option<&'a EarlierCopies>,
    /// Ids of earlier versions that the mirror has.
    behind: RoaringBitmap,
    cursor: Cursor,
    current: RoaringBitmap,
    outdated: RoaringBitmap,
    /// Ids of copies with the right size and a time in a zone that is not known yet.
    timed: Vec<(u32, Difference)>,
    files: u64,
    unknown: u64,
    private: u64,
    zone: ZoneFrom,
}

/// The source of the times' zone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ZoneFrom {
    /// The zone on which most of the listed times agree.
    #[default]
    Listing,
    /// The zone of the last whole listing, in minutes ahead of UTC: the few files of single
    /// directories could agree on any zone.
    Before(i32),
    /// There is no source: a copy whose time has an unknown zone counts as not listed.
    Nothing,
}

/// The sum of a listing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observations {
    /// The ids of the catalogue's files that the mirror has.
    pub content: Content,
    /// Files that everybody may read.
    pub files: u64,
    /// Those of these files that the catalogue does not have.
    pub unknown: u64,
    /// Files that not everybody may read, and that a web server would therefore refuse.
    pub private: u64,
    /// Minutes by which the listing's times are ahead of UTC.
    pub shift_min: i32,
}

impl Observations {
    /// Adds another listing of the same mirror.
    pub fn add(&mut self, other: Observations) {
        self.content.current |= other.content.current;
        self.content.outdated |= other.content.outdated;
        // A file that is listed both as current and as outdated counts as outdated.
        self.content.current -= &self.content.outdated;
        self.files += other.files;
        self.unknown += other.unknown;
        self.private += other.private;
    }
}

impl<'a> Tally<'a> {
    /// Starts without entries.
    pub fn new(known: &'a KnownFiles) -> Tally<'a> {
        Tally {
            known,
            earlier: None,
            behind: RoaringBitmap::new(),
            cursor: Cursor::default(),
            current: RoaringBitmap::new(),
            outdated: RoaringBitmap::new(),
            timed: Vec::new(),
            files: 0,
            unknown: 0,
            private: 0,
            zone: ZoneFrom::default(),
        }
    }

    /// Sets the source of the zone.
    pub fn with_zone(self, zone: ZoneFrom) -> Tally<'a> {
        Tally { zone, ..self }
    }

    /// Recognises earlier versions, too.
    pub fn with_earlier(self, earlier: &'a EarlierCopies) -> Tally<'a> {
        Tally {
            earlier: Some(earlier),
            ..self
        }
    }

    /// Adds an entry of rsync.
    pub fn see(&mut self, entry: RsyncLine, path: &[u8]) {
        let version = match entry {
            RsyncLine::File(version) => version,
            RsyncLine::Private => {
                self.private += 1;
                return;
            }
            _ => return,
        };
        let Some(file) = self.known.find(path, &mut self.cursor) else {
            self.see_unknown(u64::from(!is_ours(path)));
            return;
        };
        self.files += 1;
        let copy = file.judge(version);
        if copy == CopyState::Outdated {
            let found = self
                .earlier
                .and_then(|earlier| earlier.find(file.id, version));
            self.behind.extend(found);
        }
        self.keep(file, copy);
    }

    /// Adds a file of the catalogue from a listing that may lack exact size or time.
    pub fn see_listed(&mut self, file: CatalogueFile, listed: ListedFile) {
        self.files += 1;
        let Some(version) = file.version else {
            // A file without a version in the catalogue accepts any copy.
            self.keep(file, CopyState::Current);
            return;
        };
        match (listed.size.admits(version.size), listed.time) {
            (false, _) => {
                let found = self
                    .earlier
                    .and_then(|earlier| earlier.find_listed(file.id, listed));
                self.behind.extend(found);
                self.keep(file, CopyState::Outdated);
            }
            (true, None) => self.keep(file, CopyState::Current),
            (true, Some(time)) => self.see_time(file, version, time),
        }
    }

    fn see_time(&mut self, file: CatalogueFile, version: FileVersion, time: ListedTime) {
        let step = i64::from(time.step_s);
        if time.is_utc || step > MINUTE_S {
            let slack = if step > MINUTE_S { DAY_SLACK_S } else { 0 };
            let is_older = time.seconds + slack < version.mtime.div_euclid(step) * step;
            self.keep(
                file,
                if is_older {
                    CopyState::Outdated
                } else {
                    CopyState::Current
                },
            );
            return;
        }
        let difference = Difference::new(time.seconds, version.mtime);
        self.timed.push((file.id.0, difference));
    }

    /// Counts listed files that the catalogue does not have.
    pub fn see_unknown(&mut self, files: u64) {
        self.files += files;
        self.unknown += files;
    }

    /// Counts files that not everybody may read.
    pub fn see_private(&mut self, files: u64) {
        self.private += files;
    }

    /// Adds the files of a directory that has not changed, in their state before.
    pub fn see_again(&mut self, directory: &DirectoryFacts, before: &Content) {
        if let Some(earlier) = self.earlier {
            earlier.again(directory, before, &mut self.behind);
        }
        for range in &directory.ranges {
            for id in range.clone() {
                if before.current.contains(id) {
                    self.files += 1;
                    self.current.insert(id);
                } else if before.outdated.contains(id) {
                    self.files += 1;
                    self.outdated.insert(id);
                }
            }
        }
    }

    fn keep(&mut self, file: CatalogueFile, copy: CopyState) {
        match copy {
            CopyState::Current => self.current.insert(file.id.0),
            CopyState::Outdated => self.outdated.insert(file.id.0),
        };
    }

    /// Number of files so far.
    pub fn files(&self) -> u64 {
        self.files
    }

    /// The sum.
    pub fn finish(mut self) -> Observations {
        let zone = match self.zone {
            ZoneFrom::Listing => Zone::of(self.timed.iter().map(|(_, difference)| *difference)),
            ZoneFrom::Before(shift_min) => Zone::known(shift_min),
            ZoneFrom::Nothing => {
                self.timed.clear();
                Zone::default()
            }
        };
        for (id, difference) in self.timed {
            if zone.is_older(difference) {
                self.outdated.insert(id);
            } else {
                self.current.insert(id);
            }
        }
        // A file that is listed both as current and as outdated counts as outdated.
        self.current -= &self.outdated;
        self.current |= &self.behind;
        Observations {
            content: Content {
                current: self.current,
                outdated: self.outdated,
            },
            files: self.files,
            unknown: self.unknown,
            private: self.private,
            shift_min: zone.shift_min,
        }
    }
}
