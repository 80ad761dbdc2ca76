//! Threads that hash: one reads large files, all others digest.
//!
//! A small file is one thread's work from beginning to end. Of a large one the reader makes
//! chunks, and each lane of it is given its next chunk by whichever thread is free, the lane that
//! is farthest behind first. So one large file keeps as many cores busy as it has lanes, and many
//! files as many as there are.
//!
//! No file holds up the others: the reader leaves a file after [`SLICE_BYTES`] for the next one
//! that waits and comes back to it later, and small files have their turns among the chunks.
//!
//! # Limits
//! Chunks live in [`CHUNKS`] buffers that are used over and over; the reader waits for one to
//! become free. The next file is read while the last chunks of the one before are digested.
//! [`BEGUN_MAX`] files are left in the middle at a time; they keep what their lanes have.
//!
//! # Locking
//! One mutex over the state, held for moments only; nobody reads or digests under it. A thread
//! that panics stops all others.

use std::collections::VecDeque;
use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::flow::{Flow, LaneTask};
use super::job::{Job, Trouble};
use crate::domain::hash::HashRecord;
use crate::tree::{OpenFile, Root};

/// Bytes of a chunk: digesting takes 0.1 ms and more, against a microsecond to share it out, and
/// the chunks that lanes are at together fit a core's cache.
pub const CHUNK_BYTES: usize = 256 * 1024;

/// Buffers: 6 MB, so that no lane waits for the reader, or for the slowest lane.
pub const CHUNKS: usize = 24;

/// Larger files are read by the reader in chunks.
const SMALL_BYTES_MAX: u64 = CHUNK_BYTES as u64;

/// Bytes of a file that are read before others have their turn: some seconds of work.
const SLICE_BYTES: u64 = 1024 * 1024 * 1024;

/// Files that are left in the middle; each may have 50 MB of pieces, layers and sums.
const BEGUN_MAX: usize = 8;

/// Of so many turns of a thread small files have one at least.
const TURNS_PER_SMALL: u64 = 4;

/// A file that is read in chunks, and how far it is.
struct Large {
    job: Job,
    begun: Option<Begun>,
}

struct Begun {
    open: OpenFile,
    /// Of its flow.
    number: u64,
    read: u64,
}

impl Large {
    /// Whether it comes to its end in one turn.
    fn is_short(&self) -> bool {
        self.begun.is_none() && self.job.version.size <= SLICE_BYTES
    }
}

/// How a turn of the reader ended.
enum Turn {
    Whole,
    /// Others have theirs.
    Paused(Large),
    /// With the number of its flow, once there is one.
    Failed(Job, Option<u64>, Trouble),
}

/// A file's end.
pub struct FileEnd {
    /// What was to be done.
    pub job: Job,
    /// What came of it.
    pub result: Result<HashRecord, Trouble>,
}

/// What the threads share.
pub struct Pool<'a> {
    root: &'a Root,
    state: Mutex<PoolState>,
    /// Digesting threads wait here for something to do.
    work: Condvar,
    /// The reader waits here for a file or a free buffer.
    read: Condvar,
    bytes: AtomicU64,
}

#[derive(Default)]
struct PoolState {
    small: VecDeque<Job>,
    large: VecDeque<Large>,
    turn: u64,
    flows: Vec<Flow>,
    free: Vec<Vec<u8>>,
    buffers: usize,
    next_flow: u64,
    is_reading: bool,
    /// No more files will come.
    is_closed: bool,
    /// Everybody ends as soon as possible.
    is_stopped: bool,
}

/// What a thread found to do.
enum PoolWork {
    Whole(Job),
    Part(LaneTask),
    End,
}

impl<'a> Pool<'a> {
    /// For files below `root`.
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

    /// Bytes read so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Files that wait.
    pub fn waiting(&self) -> usize {
        let state = self.state();
        state.small.len() + state.large.len()
    }

    /// Adds a file.
    pub fn add(&self, job: Job) {
        let mut state = self.state();
        if job.version.size > SMALL_BYTES_MAX && !job.kinds.is_empty() {
            state.large.push_back(Large { job, begun: None });
            self.read.notify_one();
        } else {
            state.small.push_back(job);
            self.work.notify_one();
        }
    }

    /// Whether nothing waits and nothing is read.
    pub fn is_idle(&self) -> bool {
        let state = self.state();
        let is_empty = state.small.is_empty() && state.large.is_empty();
        is_empty && state.flows.is_empty() && !state.is_reading
    }

    /// Says that no more files will come.
    pub fn close(&self) {
        self.state().is_closed = true;
        self.work.notify_all();
        self.read.notify_all();
    }

    /// Ends everything; what is not done stays undone.
    pub fn stop(&self) {
        self.state().is_stopped = true;
        self.work.notify_all();
        self.read.notify_all();
    }

    /// The work of a digesting thread.
    pub fn digest(&self, done: &SyncSender<FileEnd>) {
        let _alarm = Alarm(self);
        let mut buffer = Vec::new();
        loop {
            let end = match self.find() {
                PoolWork::End => return,
                PoolWork::Whole(job) => Some(self.whole(job, &mut buffer)),
                PoolWork::Part(task) => self.part(task),
            };
            // The other side is gone only after `stop`.
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

    /// A small file from beginning to end.
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

    /// One lane's next chunk.
    fn part(&self, mut task: LaneTask) -> Option<FileEnd> {
        task.lane.update(&task.chunk);
        let mut state = self.state();
        let Some(place) = state.flows.iter().position(|flow| flow.number == task.flow) else {
            // The file was given up meanwhile.
            state.free.extend(Arc::into_inner(task.chunk));
            self.read.notify_one();
            return None;
        };
        let free = state.flows[place].put_back(task);
        if !free.is_empty() {
            state.free.extend(free);
            self.read.notify_one();
        }
        if !state.flows[place].is_finished() {
            // The lane may be what another thread waits for.
            self.work.notify_one();
            return None;
        }
        let flow = state.flows.remove(place);
        drop(state);
        // Whoever waits for the last flow to end may end too.
        self.work.notify_all();
        let (job, lanes) = flow.into_parts();
        let result = Ok(job.finish(self.root, lanes));
        Some(FileEnd { job, result })
    }

    /// The work of the reading thread.
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
            if let Some(place) = state
                .flows
                .iter()
                .position(|flow| Some(flow.number) == number)
            {
                let free = state.flows.remove(place).give_up();
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

    fn next_large(&self) -> Option<Large> {
        let mut state = self.state();
        loop {
            if state.is_stopped {
                return None;
            }
            let begun = state.large.iter().filter(|large| large.begun.is_some());
            let has_room = begun.count() < BEGUN_MAX;
            let may = |large: &Large| has_room || large.begun.is_some() || large.is_short();
            let place = state.large.iter().position(may);
            if let Some(large) = place.and_then(|place| state.large.remove(place)) {
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

    fn read_turn(&self, large: Large) -> Turn {
        let Large { job, begun } = large;
        let mut begun = match begun {
            Some(begun) => begun,
            None => match self.begin(&job) {
                Ok(begun) => begun,
                Err(trouble) => return Turn::Failed(job, None, trouble),
            },
        };
        match self.read_chunks(&job, &mut begun) {
            Ok(()) if begun.read < job.version.size => Turn::Paused(Large {
                job,
                begun: Some(begun),
            }),
            Ok(()) => Turn::Whole,
            Err(trouble) => Turn::Failed(job, Some(begun.number), trouble),
        }
    }

    fn begin(&self, job: &Job) -> Result<Begun, Trouble> {
        let open = job.open(self.root)?;
        open.expect_sequential_reading();
        let mut state = self.state();
        state.next_flow += 1;
        let number = state.next_flow;
        state.flows.push(Flow::new(number, job.clone()));
        Ok(Begun {
            open,
            number,
            read: 0,
        })
    }

    /// Reads until the file ends, or others wait for their turn. Each chunk is shared out only
    /// after the file was found unchanged, so that a flow that comes to its end is one to be
    /// believed, and one that changes ends soon.
    fn read_chunks(&self, job: &Job, begun: &mut Begun) -> Result<(), Trouble> {
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

    /// `None` when everything is to end.
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

/// Stops the others when its thread panics; else they would wait for it for ever.
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
