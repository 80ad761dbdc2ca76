//! The hashing threads: one reads large files, all others digest.
//!
//! A small file is one thread's work from start to end. The reader splits a large file into chunks,
//! and any free thread gives a lane its next chunk, starting with the lane that is farthest behind.
//! So one large file keeps as many cores busy as it has lanes, and many files keep all cores busy.
//!
//! No file delays the others: after [`SLICE_BYTES`] the reader leaves a file for the next waiting
//! one and continues it later, and small files are processed between the chunks.
//!
//! # Limits
//! Chunks are kept in [`CHUNKS`] buffers, which are reused; the reader waits until one is free. The
//! next file is read while the last chunks of the previous one are digested. At most [`BEGUN_MAX`]
//! files are incomplete at a time; their lanes keep their state.
//!
//! # Locking
//! One mutex protects the state, and is held only for moments; no thread reads or digests under it.
//! A thread that panics stops all others.

use std::collections::VecDeque;
use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::flow::{Flow, LaneTask};
use super::job::{Job, Trouble};
use crate::domain::hash::HashRecord;
use crate::tree::{OpenFile, Root};

/// Length of a chunk in bytes. Digesting it takes 0.1 ms and more, while passing it on takes a
/// microsecond, and the chunks in use by the lanes together fit a core's cache.
pub const CHUNK_BYTES: usize = 256 * 1024;

/// Number of buffers: 6 MB, so that no lane waits for the reader or for the slowest lane.
pub const CHUNKS: usize = 24;

/// Size in bytes above which the reader reads a file in chunks.
const SMALL_BYTES_MAX: u64 = CHUNK_BYTES as u64;

/// Number of bytes of a file that are read before others get their turn: some seconds of work.
const SLICE_BYTES: u64 = 1024 * 1024 * 1024;

/// Largest number of incomplete files; each may have 50 MB of pieces, layers and sums.
const BEGUN_MAX: usize = 8;

/// At least one of this many turns of a thread is for a small file.
const TURNS_PER_SMALL: u64 = 4;

/// A file that is read in chunks, and its progress.
struct LargeJob {
    job: Job,
    begun: Option<ReadProgress>,
}

struct ReadProgress {
    open: OpenFile,
    /// Number of its flow.
    number: u64,
    read: u64,
}

impl LargeJob {
    /// Whether it is completed in one turn.
    fn is_short(&self) -> bool {
        self.begun.is_none() && self.job.version.size <= SLICE_BYTES
    }
}

/// The result of a turn of the reader.
enum Turn {
    Whole,
    /// Other files get their turn.
    Paused(LargeJob),
    /// The file failed; with the number of its flow, if there is one.
    Failed(Job, Option<u64>, Trouble),
}

/// The result for one file.
pub struct FileEnd {
    /// The work that was to be done.
    pub job: Job,
    /// The record, or why the file was not hashed.
    pub result: Result<HashRecord, Trouble>,
}

/// The state that the threads share.
pub struct Pool<'a> {
    root: &'a Root,
    state: Mutex<PoolState>,
    /// Digesting threads wait here for work.
    work: Condvar,
    /// The reader waits here for a file or a free buffer.
    read: Condvar,
    bytes: AtomicU64,
}

#[derive(Default)]
struct PoolState {
    small: VecDeque<Job>,
    large: VecDeque<LargeJob>,
    turn: u64,
    flows: Vec<Flow>,
    free: Vec<Vec<u8>>,
    buffers: usize,
    next_flow: u64,
    is_reading: bool,
    /// No more files will be added.
    is_closed: bool,
    /// All threads must end as soon as possible.
    is_stopped: bool,
}

/// The next work for a thread.
enum PoolWork {
    Whole(Job),
    Part(LaneTask),
    End,
}

impl<'a> Pool<'a> {
    /// Makes a pool for files below `root`.
    pub fn new(root: &'a Root) -> Pool<'a> {
        Pool {
            root,
            state: Mutex::default(),
            work: Condvar::new(),
            read: Condvar::new(),
            bytes: AtomicU64::new(0),
        }
    }

    fn state(&self) -> MutexGuard<'_, PoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Number of bytes read so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Number of waiting files.
    pub fn waiting(&self) -> usize {
        let state = self.state();
        state.small.len() + state.large.len()
    }

    /// Adds a file.
    pub fn add(&self, job: Job) {
        let mut state = self.state();
        if job.version.size > SMALL_BYTES_MAX && !job.kinds.is_empty() {
            state.large.push_back(LargeJob { job, begun: None });
            self.read.notify_one();
        } else {
            state.small.push_back(job);
            self.work.notify_one();
        }
    }

    /// Whether no file is waiting or being processed.
    pub fn is_idle(&self) -> bool {
        let state = self.state();
        let is_empty = state.small.is_empty() && state.large.is_empty();
        is_empty && state.flows.is_empty() && !state.is_reading
    }

    /// Announces that no more files will be added.
    pub fn close(&self) {
        self.state().is_closed = true;
        self.work.notify_all();
        self.read.notify_all();
    }

    /// Stops all threads; unfinished files stay undone.
    pub fn stop(&self) {
        self.state().is_stopped = true;
        self.work.notify_all();
        self.read.notify_all();
    }

    /// The loop of a digesting thread.
    pub fn digest(&self, done: &SyncSender<FileEnd>) {
        let _alarm = Alarm(self);
        let mut buffer = Vec::new();
        loop {
            let end = match self.find() {
                PoolWork::End => return,
                PoolWork::Whole(job) => Some(self.whole(job, &mut buffer)),
                PoolWork::Part(task) => self.part(task),
            };
            // The receiver is gone only after `stop`.
            if end.is_some_and(|end| done.send(end).is_err()) {
                return;
            }
        }
    }

    fn find(&self) -> PoolWork {
        let mut state = self.state();
        loop {
            if state.is_stopped {
                return PoolWork::End;
            }
            state.turn += 1;
            if state.turn.is_multiple_of(TURNS_PER_SMALL)
                && let Some(job) = state.small.pop_front()
            {
                return PoolWork::Whole(job);
            }
            if let Some(task) = state.flows.iter_mut().find_map(Flow::take) {
                return PoolWork::Part(task);
            }
            if let Some(job) = state.small.pop_front() {
                return PoolWork::Whole(job);
            }
            let is_over = state.large.is_empty() && state.flows.is_empty() && !state.is_reading;
            if state.is_closed && is_over {
                return PoolWork::End;
            }
            state = self
                .work
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Processes a small file from start to end.
    fn whole(&self, job: Job, buffer: &mut Vec<u8>) -> FileEnd {
        let result = self.whole_record(&job, buffer);
        FileEnd { job, result }
    }

    fn whole_record(&self, job: &Job, buffer: &mut Vec<u8>) -> Result<HashRecord, Trouble> {
        let mut lanes = job.lanes();
        if !lanes.is_empty() {
            let mut open = job.open(self.root)?;
            fill(&mut open, buffer, job.version.size as usize)?;
            job.check_end(&open, buffer.len() as u64)?;
            lanes.iter_mut().for_each(|lane| lane.update(buffer));
            self.bytes.fetch_add(buffer.len() as u64, Ordering::Relaxed);
        }
        Ok(job.finish(self.root, lanes))
    }

    /// Passes the next chunk to a lane.
    fn part(&self, mut task: LaneTask) -> Option<FileEnd> {
        task.lane.update(&task.chunk);
        let mut state = self.state();
        let Some(index) = state.flows.iter().position(|flow| flow.number == task.flow) else {
            // The file was abandoned meanwhile.
            state.free.extend(Arc::into_inner(task.chunk));
            self.read.notify_one();
            return None;
        };
        let free = state.flows[index].put_back(task);
        if !free.is_empty() {
            state.free.extend(free);
            self.read.notify_one();
        }
        if !state.flows[index].is_finished() {
            // Another thread may wait for this lane.
            self.work.notify_one();
            return None;
        }
        let flow = state.flows.remove(index);
        drop(state);
        // Threads that wait for the last flow may end now.
        self.work.notify_all();
        let (job, lanes) = flow.into_parts();
        let result = Ok(job.finish(self.root, lanes));
        Some(FileEnd { job, result })
    }

    /// The loop of the reading thread.
    pub fn read(&self, done: &SyncSender<FileEnd>) {
        let _alarm = Alarm(self);
        while let Some(large) = self.next_large() {
            let turn = self.read_turn(large);
            let mut state = self.state();
            state.is_reading = false;
            let (job, number, trouble) = match turn {
                Turn::Failed(job, number, trouble) => (job, number, trouble),
                Turn::Paused(large) => {
                    state.large.push_back(large);
                    continue;
                }
                Turn::Whole => {
                    drop(state);
                    self.work.notify_all();
                    continue;
                }
            };
            if let Some(index) = state
                .flows
                .iter()
                .position(|flow| Some(flow.number) == number)
            {
                let free = state.flows.remove(index).give_up();
                state.free.extend(free);
            }
            let is_stopped = state.is_stopped;
            drop(state);
            self.work.notify_all();
            let result = Err(trouble);
            if is_stopped || done.send(FileEnd { job, result }).is_err() {
                return;
            }
        }
    }

    fn next_large(&self) -> Option<LargeJob> {
        let mut state = self.state();
        loop {
            if state.is_stopped {
                return None;
            }
            let begun = state.large.iter().filter(|large| large.begun.is_some());
            let has_room = begun.count() < BEGUN_MAX;
            let may = |large: &LargeJob| has_room || large.begun.is_some() || large.is_short();
            let index = state.large.iter().position(may);
            if let Some(large) = index.and_then(|index| state.large.remove(index)) {
                state.is_reading = true;
                return Some(large);
            }
            if state.is_closed {
                return None;
            }
            state = self
                .read
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn read_turn(&self, large: LargeJob) -> Turn {
        let LargeJob { job, begun } = large;
        let mut begun = match begun {
            Some(begun) => begun,
            None => match self.begin(&job) {
                Ok(begun) => begun,
                Err(trouble) => return Turn::Failed(job, None, trouble),
            },
        };
        match self.read_chunks(&job, &mut begun) {
            Ok(()) if begun.read < job.version.size => Turn::Paused(LargeJob {
                job,
                begun: Some(begun),
            }),
            Ok(()) => Turn::Whole,
            Err(trouble) => Turn::Failed(job, Some(begun.number), trouble),
        }
    }

    fn begin(&self, job: &Job) -> Result<ReadProgress, Trouble> {
        let open = job.open(self.root)?;
        open.expect_sequential_reading();
        let mut state = self.state();
        state.next_flow += 1;
        let number = state.next_flow;
        state.flows.push(Flow::new(number, job.clone()));
        Ok(ReadProgress {
            open,
            number,
            read: 0,
        })
    }

    /// Reads until the end of the file, or until other files must get their turn. Each chunk is
    /// passed on only after the file was found unchanged. So a flow that reaches its end is
    /// correct, and one that changes ends soon.
    fn read_chunks(&self, job: &Job, begun: &mut ReadProgress) -> Result<(), Trouble> {
        let size = job.version.size;
        let turn_end = begun.read.saturating_add(SLICE_BYTES);
        while begun.read < size {
            if begun.read >= turn_end && !self.state().large.is_empty() {
                return Ok(());
            }
            let Some(mut buffer) = self.free_buffer() else {
                return Err(Trouble::Changed);
            };
            let length = (size - begun.read).min(CHUNK_BYTES as u64) as usize;
            let mut check = || {
                fill(&mut begun.open, &mut buffer, length)?;
                begun.read += buffer.len() as u64;
                if buffer.len() < length || !begun.open.is_same()? {
                    return Err(Trouble::Changed);
                }
                Ok(())
            };
            let checked = check();
            let mut state = self.state();
            if let Err(trouble) = checked {
                state.free.push(buffer);
                return Err(trouble);
            }
            self.bytes.fetch_add(buffer.len() as u64, Ordering::Relaxed);
            let number = begun.number;
            if let Some(flow) = state.flows.iter_mut().find(|flow| flow.number == number) {
                flow.push(buffer, begun.read == size);
            }
            drop(state);
            self.work.notify_all();
        }
        Ok(())
    }

    /// Returns a free buffer; `None` if all threads must end.
    fn free_buffer(&self) -> Option<Vec<u8>> {
        let mut state = self.state();
        loop {
            if state.is_stopped {
                return None;
            }
            if let Some(buffer) = state.free.pop() {
                return Some(buffer);
            }
            if state.buffers < CHUNKS {
                state.buffers += 1;
                return Some(Vec::with_capacity(CHUNK_BYTES));
            }
            state = self
                .read
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Stops the other threads if its thread panics; otherwise they would wait for ever.
struct Alarm<'a, 'b>(&'a Pool<'b>);

impl Drop for Alarm<'_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop();
        }
    }
}

/// Reads `length` bytes, or fewer at the end of the file.
fn fill(open: &mut OpenFile, buffer: &mut Vec<u8>, length: usize) -> std::io::Result<()> {
    buffer.resize(length, 0);
    let mut filled = 0;
    while filled < length {
        match open.file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(more) => filled += more,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => {
                buffer.truncate(filled);
                return Err(error);
            }
        }
    }
    buffer.truncate(filled);
    Ok(())
}
