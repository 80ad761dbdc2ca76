//! A large file on its way through the lanes.

use std::collections::VecDeque;
use std::sync::Arc;

use super::job::Job;
use super::lane::Lane;

/// One file that is being read and digested.
pub struct Flow {
    /// Identifies the flow.
    pub number: u64,
    job: Job,
    slots: Vec<LaneSlot>,
    /// Chunks that a lane still needs, in order.
    chunks: VecDeque<Chunk>,
    /// Number of chunks that all lanes have taken.
    passed: u64,
    /// Whether the last chunk has been added.
    is_whole: bool,
}

/// A lane, or an empty slot while a thread has the lane.
struct LaneSlot {
    lane: Option<Lane>,
    /// Number of the chunk that the lane takes next.
    next: u64,
}

struct Chunk {
    bytes: Arc<Vec<u8>>,
    /// Number of lanes that still need it.
    lanes: usize,
}

/// A lane and its next chunk, for one thread.
pub struct LaneTask {
    /// Number of the flow.
    pub flow: u64,
    /// The lane.
    pub lane: Lane,
    /// The chunk that the lane must take.
    pub chunk: Arc<Vec<u8>>,
    slot_index: usize,
}

impl Flow {
    /// A file of which no byte is read yet.
    pub fn new(number: u64, job: Job) -> Flow {
        let slot = |lane| LaneSlot {
            lane: Some(lane),
            next: 0,
        };
        Flow {
            number,
            slots: job.lanes().into_iter().map(slot).collect(),
            job,
            chunks: VecDeque::new(),
            passed: 0,
            is_whole: false,
        }
    }

    /// Adds the next chunk of the file.
    pub fn push(&mut self, bytes: Vec<u8>, is_last: bool) {
        self.chunks.push_back(Chunk {
            bytes: Arc::new(bytes),
            lanes: self.slots.len(),
        });
        self.is_whole = is_last;
    }

    /// Takes out the lane that is farthest behind, if one is free and has a chunk to take.
    pub fn take(&mut self) -> Option<LaneTask> {
        let read = self.passed + self.chunks.len() as u64;
        let slots = self.slots.iter_mut().enumerate();
        let (slot_index, slot) = slots
            .filter(|(_, slot)| slot.lane.is_some() && slot.next < read)
            .min_by_key(|(_, slot)| slot.next)?;
        let chunk = self.chunks.get((slot.next - self.passed) as usize)?;
        Some(LaneTask {
            flow: self.number,
            lane: slot.lane.take()?,
            chunk: Arc::clone(&chunk.bytes),
            slot_index,
        })
    }

    /// Puts back a lane that has taken its chunk; returns the buffers that are no longer needed.
    pub fn put_back(&mut self, task: LaneTask) -> Vec<Vec<u8>> {
        let LaneTask {
            lane,
            chunk,
            slot_index,
            ..
        } = task;
        drop(chunk);
        let slot = &mut self.slots[slot_index];
        slot.lane = Some(lane);
        if let Some(chunk) = self.chunks.get_mut((slot.next - self.passed) as usize) {
            chunk.lanes -= 1;
        }
        slot.next += 1;
        let mut free = Vec::new();
        while self.chunks.front().is_some_and(|chunk| chunk.lanes == 0) {
            self.passed += 1;
            let chunk = self.chunks.pop_front();
            free.extend(chunk.and_then(|chunk| Arc::into_inner(chunk.bytes)));
        }
        free
    }

    /// Whether all lanes have taken the whole file.
    pub fn is_finished(&self) -> bool {
        self.is_whole && self.chunks.is_empty()
    }

    /// The file and its lanes, which are complete once the flow is finished.
    pub fn into_parts(self) -> (Job, impl Iterator<Item = Lane>) {
        let lanes = self.slots.into_iter().filter_map(|slot| slot.lane);
        (self.job, lanes)
    }

    /// Abandons the file; returns the buffers that no thread is using.
    pub fn give_up(self) -> impl Iterator<Item = Vec<u8>> {
        self.chunks
            .into_iter()
            .filter_map(|chunk| Arc::into_inner(chunk.bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::file::{FileId, FileVersion};
    use crate::domain::hash::{HashKinds, HashRecord};
    use md5::{Digest, Md5};

    fn flow(size: u64) -> Flow {
        let job = Job {
            path: b"file".to_vec(),
            id: FileId(1),
            version: FileVersion { size, mtime: 1 },
            kinds: HashKinds {
                md5: true,
                sha1: true,
                ..HashKinds::default()
            },
            piece_size: 262_144,
            signature: super::super::job::Signature::Keep,
        };
        Flow::new(7, job)
    }

    #[test]
    fn each_lane_takes_each_chunk_once_and_the_one_behind_goes_first() {
        let mut flow = flow(5);
        flow.push(b"123".to_vec(), false);
        let mut first = flow.take().expect("a lane");
        let mut second = flow.take().expect("the other lane");
        assert!(flow.take().is_none(), "both are in hands");
        first.lane.update(&first.chunk);
        assert!(
            flow.put_back(first).is_empty(),
            "the other lane needs it still"
        );
        assert!(flow.take().is_none(), "nothing more is read");
        flow.push(b"45".to_vec(), true);
        second.lane.update(&second.chunk);
        assert_eq!(flow.put_back(second), [b"123".to_vec()]);
        assert!(!flow.is_finished());
        let mut freed = Vec::new();
        while let Some(mut task) = flow.take() {
            task.lane.update(&task.chunk);
            freed.extend(flow.put_back(task));
        }
        assert!(flow.is_finished() && freed == [b"45".to_vec()]);
        let mut record = HashRecord::default();
        flow.into_parts()
            .1
            .for_each(|lane| lane.finish(&mut record));
        assert_eq!(
            record.digests.md5.as_deref(),
            Some(&Md5::digest(b"12345")[..])
        );
    }

    #[test]
    fn a_file_that_is_given_up_loses_no_buffer() {
        let mut flow = flow(6);
        flow.push(b"123".to_vec(), false);
        flow.push(b"456".to_vec(), true);
        let task = flow.take().expect("a lane");
        let free: Vec<Vec<u8>> = flow.give_up().collect();
        assert_eq!(free, [b"456".to_vec()], "the other one is in hands");
        assert_eq!(Arc::into_inner(task.chunk), Some(b"123".to_vec()));
    }
}
