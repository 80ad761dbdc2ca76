//! Reads a whole tree in parallel: every regular file with its version.
//!
//! The unit of work is a directory. Threads take directories from one shared stack, read their
//! names, `stat` every name that may be a file, and push the subdirectories. The result is a
//! [`TreeListing`], which returns the files in the order of path bytes.
//!
//! Requests are resolved before they are looked up, so only real paths matter: symlinks are neither
//! files nor followed, even if a directory becomes one during the walk (`openat2` refuses them).
//! Only names and versions are read, never a file's content or permissions: the web server decides
//! who may open a file. A file or directory that vanishes during the walk counts as if it had
//! vanished before.
//!
//! # Errors
//! A place that cannot be read is listed in [`TreeListing::unreadable`] and marked in the order of
//! paths, so that the files below it are not taken for vanished.
//!
//! # Limits
//! A path has at most [`PATH_BYTES_MAX`](crate::domain::path::PATH_BYTES_MAX) bytes. Loops are
//! impossible: links are not followed, and a directory that is mounted below itself does not
//! contain the mount again.

use std::ffi::OsStr;
use std::io;
use std::num::NonZeroUsize;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::Errno;

use super::directory::{DirectoryReader, Filter, ReadDirectory};
use super::listing::{DirectoryListing, TreeListing, UnreadablePlace};
use super::problem::is_missing;
use crate::domain::pattern::Pattern;

/// Largest number of threads per walk; more would only wait for each other in the kernel and for
/// the disk.
const THREADS_MAX: usize = 64;

/// Time between two reports of progress.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// Largest number of unreadable places that are kept by name; all others are only counted.
pub const UNREADABLE_LISTED_MAX: usize = 100;

/// The directory that the tree's path led to when it was opened. Here alone a link is followed.
#[derive(Debug)]
pub struct Root {
    pub(super) directory: OwnedFd,
    /// Whether the kernel can refuse links in the path (Linux 5.6; some containers forbid the
    /// system call).
    pub(super) refuses_links: bool,
}

/// Options of a walk.
#[derive(Debug, Clone, Copy)]
pub struct WalkOptions<'a> {
    /// Number of threads; 0: twice the number of cores, because threads wait for the disk.
    pub threads: usize,
    /// Patterns of names of files and directories that are treated as if they did not exist.
    pub exclude: &'a [Pattern],
    /// Ends the walk as soon as it is set.
    pub stop: &'a AtomicBool,
}

/// Why a walk has no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WalkError {
    /// The tree or subtree cannot be opened or read.
    #[error("cannot read the directory {path}; is its disk mounted?")]
    Root {
        /// Its path.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// No thread could be started.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
    /// [`WalkOptions::stop`] was set.
    #[error("stopped by a signal")]
    Stopped,
}

impl Root {
    /// Opens the tree.
    ///
    /// # Errors
    /// Returns [`WalkError::Root`] if the directory cannot be opened.
    pub fn open(path: &Path) -> Result<Root, WalkError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory =
            openat(CWD, path, flags, Mode::empty()).map_err(|errno| WalkError::Root {
                path: path.to_owned(),
                source: errno.into(),
            })?;
        let mut root = Root {
            directory,
            refuses_links: true,
        };
        let tried = root.open_directory(b"");
        root.refuses_links = can_refuse_links(tried).map_err(|errno| WalkError::Root {
            path: path.to_owned(),
            source: errno.into(),
        })?;
        Ok(root)
    }

    fn open_directory(&self, path: &[u8]) -> Result<OwnedFd, Errno> {
        let path = if path.is_empty() { b"." } else { path };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        if self.refuses_links {
            let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
            openat2(&self.directory, path, flags, Mode::empty(), resolve)
        } else {
            openat(&self.directory, path, flags, Mode::empty())
        }
    }

    /// Whether a path below the tree is a directory, without following links.
    ///
    /// # Errors
    /// Returns [`WalkError::Root`] if the file system gives no answer.
    pub fn has_directory(&self, path: &[u8]) -> Result<bool, WalkError> {
        match self.open_directory(path) {
            Ok(_) => Ok(true),
            Err(errno) if is_missing(errno) => Ok(false),
            Err(errno) => Err(WalkError::Root {
                path: PathBuf::from(OsStr::from_bytes(path)),
                source: errno.into(),
            }),
        }
    }

    /// Walks over the directory `below`, "" for the whole tree; a missing directory has no files.
    /// `progress` is called with the number of files from time to time.
    ///
    /// # Errors
    /// Returns [`WalkError`] if the walk as a whole fails. Unreadable places below `below` are no
    /// error.
    pub fn walk(
        &self,
        below: &[u8],
        walk: WalkOptions<'_>,
        progress: &dyn Fn(u64),
    ) -> Result<TreeListing, WalkError> {
        let shared = WalkShared {
            root: self,
            walk,
            stack: Mutex::new(Stack {
                tasks: vec![WalkTask {
                    number: 0,
                    path: below.to_owned(),
                }],
                unfinished: 1,
                directories: 1,
            }),
            wake: Condvar::new(),
            finished: Condvar::new(),
            files: AtomicU64::new(0),
            unreadable: Mutex::new((Vec::new(), 0)),
        };
        let listings = run_threads(&shared, progress)?;
        if walk.stop.load(Ordering::Relaxed) {
            return Err(WalkError::Stopped);
        }
        let (mut unreadable, unreadable_total) = shared
            .unreadable
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        unreadable.sort();
        let directories = shared.stack.into_inner();
        let directories = directories.map_or(0, |stack| stack.directories);
        let mut walked = TreeListing::new(below, directories);
        for (number, listing) in listings {
            walked.put(number, listing);
        }
        walked.unreadable = unreadable;
        walked.unreadable_total = unreadable_total;
        Ok(walked)
    }
}

/// Whether the kernel can refuse links, after a try with the tree's own directory. Only an unknown
/// or forbidden system call means that it cannot.
fn can_refuse_links<T>(tried: Result<T, Errno>) -> Result<bool, Errno> {
    match tried {
        Ok(_) => Ok(true),
        Err(Errno::NOSYS | Errno::PERM) => Ok(false),
        Err(errno) => Err(errno),
    }
}

/// A directory to be read.
struct WalkTask {
    /// Its index in the result.
    number: usize,
    /// Its path relative to the tree.
    path: Vec<u8>,
}

struct Stack {
    /// Last in, first out: a walk that goes down first has few directories waiting.
    tasks: Vec<WalkTask>,
    /// Number of directories that are waiting or being read.
    unfinished: usize,
    /// Number of directories that have a number.
    directories: usize,
}

struct WalkShared<'a> {
    root: &'a Root,
    walk: WalkOptions<'a>,
    stack: Mutex<Stack>,
    /// Signals that there is a task, or that there will be no more.
    wake: Condvar,
    /// Signals that there will be no more tasks.
    finished: Condvar,
    files: AtomicU64,
    unreadable: Mutex<(Vec<UnreadablePlace>, u64)>,
}

type Listings = Vec<(usize, DirectoryListing)>;

fn run_threads(shared: &WalkShared<'_>, progress: &dyn Fn(u64)) -> Result<Listings, WalkError> {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let threads = match shared.walk.threads {
        0 => cores * 2,
        some => some,
    };
    std::thread::scope(|scope| {
        let mut workers = Vec::new();
        for _ in 0..threads.min(THREADS_MAX) {
            let worker = std::thread::Builder::new()
                .name("walk".to_owned())
                .spawn_scoped(scope, || work(shared));
            match worker {
                Ok(worker) => workers.push(worker),
                Err(error) if workers.is_empty() => return Err(WalkError::Thread(error)),
                Err(error) => {
                    log::debug!("fewer threads walk: threads={} {error}", workers.len());
                    break;
                }
            }
        }
        shared.wait_until_finished(progress);
        let mut listings = Vec::new();
        for worker in workers {
            match worker.join() {
                Ok(more) => listings.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(listings)
    })
}

fn work(shared: &WalkShared<'_>) -> Listings {
    // A worker that panics must not leave the others waiting for its directory.
    let _end_on_panic = EndOnPanic(shared);
    let mut reader = DirectoryReader::new();
    let mut listings = Vec::new();
    while let Some(task) = shared.take() {
        let read = shared.read(&mut reader, &task.path);
        shared
            .files
            .fetch_add(read.listing.files, Ordering::Relaxed);
        let first = shared.give(&task.path, read.subdirectories);
        listings.push((task.number, read.listing.end(first)));
    }
    listings
}

struct EndOnPanic<'a, 'b>(&'a WalkShared<'b>);

impl Drop for EndOnPanic<'_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.end(&mut self.0.lock());
        }
    }
}

impl WalkShared<'_> {
    fn lock(&self) -> MutexGuard<'_, Stack> {
        self.stack.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the next directory; waits while other threads may still find some. `None`: there are
    /// no more.
    fn take(&self) -> Option<WalkTask> {
        let mut stack = self.lock();
        loop {
            if self.walk.stop.load(Ordering::Relaxed) {
                self.end(&mut stack);
            }
            if let Some(task) = stack.tasks.pop() {
                return Some(task);
            }
            if stack.unfinished == 0 {
                return None;
            }
            stack = self
                .wake
                .wait(stack)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Ends a directory and adds its subdirectories; returns the number of the first one.
    fn give(&self, path: &[u8], names: Vec<Vec<u8>>) -> usize {
        let mut stack = self.lock();
        let first = stack.directories;
        stack.directories += names.len();
        stack.unfinished = (stack.unfinished + names.len()).saturating_sub(1);
        if stack.unfinished == 0 {
            self.end(&mut stack);
            return first;
        }
        for (index, name) in names.into_iter().enumerate().rev() {
            stack.tasks.push(WalkTask {
                number: first + index,
                path: join(path, &name),
            });
            self.wake.notify_one();
        }
        first
    }

    fn end(&self, stack: &mut Stack) {
        stack.tasks.clear();
        stack.unfinished = 0;
        self.wake.notify_all();
        self.finished.notify_all();
    }

    fn wait_until_finished(&self, progress: &dyn Fn(u64)) {
        let mut stack = self.lock();
        while stack.unfinished > 0 {
            (stack, _) = self
                .finished
                .wait_timeout(stack, PROGRESS_INTERVAL)
                .unwrap_or_else(PoisonError::into_inner);
            progress(self.files.load(Ordering::Relaxed));
            if self.walk.stop.load(Ordering::Relaxed) {
                self.end(&mut stack);
            }
        }
    }

    fn read(&self, reader: &mut DirectoryReader, path: &[u8]) -> ReadDirectory {
        let filter = Filter {
            exclude: self.walk.exclude,
            stop: self.walk.stop,
        };
        let unreadable = |name: &[u8], reason: &str| self.unreadable(join(path, name), reason);
        let read = self
            .root
            .open_directory(path)
            .and_then(|directory| reader.read(&directory, path.len(), filter, &unreadable));
        match read {
            Ok(read) => read,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => ReadDirectory::default(),
            Err(errno) => {
                self.unreadable(path.to_owned(), &io::Error::from(errno).to_string());
                let mut read = ReadDirectory::default();
                read.listing.unreadable_below(b"");
                read
            }
        }
    }

    fn unreadable(&self, path: Vec<u8>, reason: &str) {
        let mut unreadable = self
            .unreadable
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        unreadable.1 += 1;
        if unreadable.0.len() < UNREADABLE_LISTED_MAX {
            unreadable.0.push(UnreadablePlace {
                path,
                reason: reason.to_owned(),
            });
        }
    }
}

fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(directory.len() + 1 + name.len());
    path.extend_from_slice(directory);
    if !directory.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::PathEntry;
    use std::os::unix::fs::symlink;

    fn paths(root: &Root, below: &[u8], threads: usize, exclude: &[Pattern]) -> Vec<Vec<u8>> {
        let walk = WalkOptions {
            threads,
            exclude,
            stop: &AtomicBool::new(false),
        };
        let mut order = root
            .walk(below, walk, &|_| ())
            .expect("a walk")
            .into_order();
        let mut paths = Vec::new();
        while let Some((path, found)) = order.current() {
            assert!(matches!(found, PathEntry::File(_)), "{found:?}");
            paths.push(path.to_vec());
            order.advance();
        }
        paths
    }

    #[test]
    fn only_an_unknown_or_forbidden_call_means_that_links_cannot_be_refused() {
        let of = |tried: Result<(), Errno>| can_refuse_links(tried);
        assert_eq!(of(Ok(())), Ok(true));
        for errno in [Errno::NOSYS, Errno::PERM] {
            assert_eq!(of(Err(errno)), Ok(false));
        }
        for errno in [Errno::MFILE, Errno::ACCESS, Errno::IO, Errno::NOMEM] {
            assert_eq!(of(Err(errno)), Err(errno));
        }
    }

    #[test]
    fn only_regular_files_on_real_paths_are_found_in_order() {
        let folder = tempfile::tempdir().expect("folder");
        let tree = folder.path().join("tree");
        let expected = [
            &b"a b/x"[..],
            b"a-b",
            b"a/1",
            b"a/deep/er/2",
            b"a/new\nline",
            b"a/\xfc.iso",
            b"a0",
        ];
        for path in expected {
            let file = tree.join(OsStr::from_bytes(path));
            std::fs::create_dir_all(file.parent().expect("parent")).expect("directories");
            std::fs::write(file, b"x").expect("file");
        }
        std::fs::create_dir(tree.join("a/.~tmp~")).expect("directory");
        std::fs::write(tree.join("a/.~tmp~/x"), b"").expect("file");
        std::fs::write(tree.join("a/y.PART"), b"").expect("file");
        std::fs::create_dir(tree.join("empty")).expect("directory");
        symlink("a", tree.join("link")).expect("link");
        symlink("a/1", tree.join("a/latest")).expect("link");
        std::os::unix::net::UnixListener::bind(tree.join("socket")).expect("socket");
        symlink("tree", folder.path().join("docroot")).expect("link");

        let root = Root::open(&folder.path().join("docroot")).expect("root");
        let exclude = [Pattern::new(".~tmp~"), Pattern::new("*.part")];
        for threads in [1, 7] {
            assert_eq!(paths(&root, b"", threads, &exclude), expected);
        }
        assert_eq!(paths(&root, b"a/deep", 2, &exclude), [b"a/deep/er/2"]);
        assert!(paths(&root, b"link", 2, &exclude).is_empty());
        assert!(paths(&root, b"nothing", 2, &exclude).is_empty());
        assert!(matches!(root.has_directory(b"a/deep"), Ok(true)));
        assert!(matches!(root.has_directory(b"link"), Ok(false)));
    }

    #[test]
    fn a_tree_that_is_not_there_and_a_stop_are_errors() {
        let folder = tempfile::tempdir().expect("folder");
        let error = Root::open(&folder.path().join("nothing")).expect_err("no tree");
        assert!(matches!(error, WalkError::Root { .. }), "{error}");
        let walk = WalkOptions {
            threads: 2,
            exclude: &[],
            stop: &AtomicBool::new(true),
        };
        let root = Root::open(folder.path()).expect("root");
        let error = root.walk(b"", walk, &|_| ()).expect_err("stopped");
        assert!(matches!(error, WalkError::Stopped), "{error}");
    }
}
