//! Walks through the tree once, and asks for every directory and file whether each user may read
//! it.
//!
//! Each user has a thread with the rights of that user, for the whole walk. Directories arrive
//! there already open, so that a closed directory hides no closed one below it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use rustix::fs::{Access, AtFlags, accessat};

use super::examination::Examiner;
use super::links::{OddLink, TreeLinks};
use super::opening::{Rights, Wish};
use crate::domain::order::ShortList;
use crate::domain::pattern::Pattern;

/// Names that one walk looks at; a tree of some millions takes about a minute.
const ENTRIES_MAX: u64 = 5_000_000;

/// Paths that are kept by name for each user; all others are counted.
const LISTED_MAX: usize = 1000;

/// Directories that wait for a user's thread; each is an open descriptor.
const BATCHES_MAX: usize = 32;

/// Paths that a user may not read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ClosedPlaces {
    pub directories: Vec<(PathBuf, Rights)>,
    pub files: Vec<(PathBuf, Rights)>,
    pub directories_total: u64,
    pub files_total: u64,
}

/// Result of a walk.
#[derive(Debug, Default)]
pub(super) struct TreeAccess {
    pub directories: u64,
    pub files: u64,
    /// In the order of the users; an error where the system does not let us be that user.
    pub closed: Vec<Result<ClosedPlaces, String>>,
    pub links: Vec<OddLink>,
    /// Directories that not even this process can read.
    pub unread: Vec<PathBuf>,
    /// Whether the tree has more names than a walk looks at.
    pub is_cut: bool,
}

/// A directory with its files.
struct UserBatch {
    path: PathBuf,
    open: File,
    rights: Rights,
    files: Vec<(OsString, Rights)>,
}

/// Walks through `tree`, without the places that the index leaves out.
pub(super) fn walk(tree: &Path, exclude: &[String], examiners: &[Examiner]) -> TreeAccess {
    let exclude: Vec<Pattern> = exclude.iter().map(|text| Pattern::new(text)).collect();
    std::thread::scope(|scope| {
        let (mut senders, mut threads) = (Vec::new(), Vec::new());
        for examiner in examiners {
            let (sender, receiver) = sync_channel::<Arc<UserBatch>>(BATCHES_MAX);
            senders.push(sender);
            threads.push(scope.spawn(move || {
                let asked = examiner
                    .user
                    .look(|| closed_places(examiner, receiver, tree));
                asked.map_err(|error| error.to_string())
            }));
        }
        let mut seen = look_through(tree, &exclude, &senders);
        drop(senders);
        seen.closed = threads
            .into_iter()
            .map(|thread| {
                let ended = thread.join();
                ended.unwrap_or_else(|_| Err("the look ended early".to_owned()))
            })
            .collect();
        seen
    })
}

/// Reads directory after directory, and hands each to the users' threads.
fn look_through(
    tree: &Path,
    exclude: &[Pattern],
    senders: &[SyncSender<Arc<UserBatch>>],
) -> TreeAccess {
    let mut seen = TreeAccess::default();
    let mut links = TreeLinks::of(tree);
    let mut waiting = vec![tree.to_owned()];
    let mut entries = 0;
    while let Some(path) = waiting.pop() {
        let opened = File::open(&path).and_then(|open| Ok((open.metadata()?, open)));
        let (Ok((found, open)), Ok(names)) = (opened, fs::read_dir(&path)) else {
            seen.unread.push(path);
            continue;
        };
        seen.directories += 1;
        let mut files = Vec::new();
        for entry in names.flatten() {
            entries += 1;
            let name = entry.file_name();
            if exclude.iter().any(|one| one.matches(name.as_bytes())) {
                continue;
            }
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => waiting.push(entry.path()),
                Ok(kind) if kind.is_symlink() => links.look(&entry.path()),
                Ok(kind) if kind.is_file() => {
                    seen.files += 1;
                    files.extend(entry.metadata().ok().map(|file| (name, Rights::of(&file))));
                }
                _ => {}
            }
        }
        let rights = Rights::of(&found);
        let batch = Arc::new(UserBatch {
            path,
            open,
            rights,
            files,
        });
        for sender in senders {
            // A thread that could not become its user takes nothing.
            let _ = sender.send(Arc::clone(&batch));
        }
        if entries > ENTRIES_MAX {
            seen.is_cut = true;
            break;
        }
    }
    seen.links = links.odd;
    seen
}

/// Finds paths that the user of this thread may not read.
fn closed_places(
    examiner: &Examiner,
    batches: Receiver<Arc<UserBatch>>,
    tree: &Path,
) -> ClosedPlaces {
    let user = &examiner.user;
    let mut closed = ClosedPlaces::default();
    for batch in batches {
        let access = Access::READ_OK | Access::EXEC_OK;
        let is_open = accessat(&batch.open, ".", access, AtFlags::empty()).is_ok();
        // The way to the tree, which is checked separately, ends with the tree itself.
        if !is_open && batch.path != tree {
            closed.directories_total += 1;
            if closed.directories.len() < LISTED_MAX {
                let place = (batch.path.clone(), batch.rights);
                closed.directories.push(place);
            }
        }
        for (name, rights) in &batch.files {
            // Behind a closed directory only the mode can tell.
            let may_read = match is_open {
                true => accessat(&batch.open, name, Access::READ_OK, AtFlags::empty()).is_ok(),
                false => rights.allow(user, Wish::Read),
            };
            if !may_read {
                closed.files_total += 1;
                if closed.files.len() < LISTED_MAX {
                    closed.files.push((batch.path.join(name), *rights));
                }
            }
        }
    }
    closed.directories.order_by(|a, b| a.0.cmp(&b.0));
    closed.files.order_by(|a, b| a.0.cmp(&b.0));
    closed
}
