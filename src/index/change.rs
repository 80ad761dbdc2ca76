//! The list of changes to the catalogue: compact in memory, and read in the order of paths.
//!
//! A first run adds every file, so the list is made for millions of them: each path is written as
//! the number of bytes that it shares with the previous one, and the rest; some 40 bytes per file.

use crate::domain::file::{FileId, FileVersion};
use crate::domain::varint;

const ADD: u8 = 0;
const REPLACE: u8 = 1;
const ADOPT: u8 = 2;
const REMOVE: u8 = 3;

/// One change at one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexChange {
    /// A file that the catalogue does not have.
    Add(FileVersion),
    /// A new version of a file; the old version's id is not used again.
    Replace(FileId, FileVersion),
    /// The first version of an imported entry, which keeps its id.
    Adopt(FileId, FileVersion),
    /// The file is gone.
    Remove(FileId),
}

/// Changes in the order of path bytes.
#[derive(Debug, Default)]
pub struct ChangeList {
    bytes: Vec<u8>,
    /// The path that was added last.
    last: Vec<u8>,
    /// Number of changes of each kind.
    pub counts: ChangeCounts,
}

/// Number of changes by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChangeCounts {
    /// [`IndexChange::Add`].
    pub added: u64,
    /// [`IndexChange::Replace`].
    pub changed: u64,
    /// [`IndexChange::Adopt`].
    pub adopted: u64,
    /// [`IndexChange::Remove`].
    pub removed: u64,
}

impl ChangeCounts {
    /// Number of all changes.
    pub fn total(&self) -> u64 {
        self.added + self.changed + self.adopted + self.removed
    }
}

impl ChangeList {
    /// Appends the change of a path; paths must come in order.
    pub fn push(&mut self, path: &[u8], change: IndexChange) {
        let shared = std::iter::zip(&self.last, path)
            .take_while(|(a, b)| a == b)
            .count();
        let (tag, count) = match change {
            IndexChange::Add(_) => (ADD, &mut self.counts.added),
            IndexChange::Replace(..) => (REPLACE, &mut self.counts.changed),
            IndexChange::Adopt(..) => (ADOPT, &mut self.counts.adopted),
            IndexChange::Remove(_) => (REMOVE, &mut self.counts.removed),
        };
        *count += 1;
        let out = &mut self.bytes;
        out.push(tag);
        varint::put(out, shared as u64);
        varint::put(out, (path.len() - shared) as u64);
        out.extend_from_slice(&path[shared..]);
        match change {
            IndexChange::Add(version) => put_version(out, version),
            IndexChange::Replace(id, version) | IndexChange::Adopt(id, version) => {
                varint::put(out, id.0.into());
                put_version(out, version);
            }
            IndexChange::Remove(id) => varint::put(out, id.0.into()),
        }
        self.last.truncate(shared);
        self.last.extend_from_slice(&path[shared..]);
    }

    /// Calls `give` with each change in order, up to the first error.
    ///
    /// # Errors
    /// Returns the error of `give`.
    pub fn for_each<E>(
        &self,
        mut give: impl FnMut(&[u8], IndexChange) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut path = Vec::new();
        let mut rest = &self.bytes[..];
        while let Some((&tag, after)) = rest.split_first() {
            rest = after;
            path.truncate(number(&mut rest) as usize);
            let length = number(&mut rest) as usize;
            let (suffix, after) = rest.split_at(length);
            path.extend_from_slice(suffix);
            rest = after;
            let change = match tag {
                ADD => IndexChange::Add(version(&mut rest)),
                REPLACE => IndexChange::Replace(id(&mut rest), version(&mut rest)),
                ADOPT => IndexChange::Adopt(id(&mut rest), version(&mut rest)),
                _ => IndexChange::Remove(id(&mut rest)),
            };
            give(&path, change)?;
        }
        Ok(())
    }
}

fn put_version(out: &mut Vec<u8>, version: FileVersion) {
    varint::put(out, version.size);
    varint::put_signed(out, version.mtime);
}

const OURS: &str = "a list of changes is read as it was written";

fn number(bytes: &mut &[u8]) -> u64 {
    varint::take(bytes).expect(OURS)
}

fn id(bytes: &mut &[u8]) -> FileId {
    FileId(u32::try_from(number(bytes)).expect(OURS))
}

fn version(bytes: &mut &[u8]) -> FileVersion {
    FileVersion {
        size: number(bytes),
        mtime: varint::take_signed(bytes).expect(OURS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_change() -> impl Strategy<Value = IndexChange> {
        let version =
            || (any::<u64>(), any::<i64>()).prop_map(|(size, mtime)| FileVersion { size, mtime });
        let id = || any::<u32>().prop_map(FileId);
        prop_oneof![
            version().prop_map(IndexChange::Add),
            (id(), version()).prop_map(|(id, version)| IndexChange::Replace(id, version)),
            (id(), version()).prop_map(|(id, version)| IndexChange::Adopt(id, version)),
            id().prop_map(IndexChange::Remove),
        ]
    }

    proptest! {
        #[test]
        fn changes_come_back_as_they_were_pushed(changes in prop::collection::btree_map(
            prop::collection::vec(prop_oneof![Just(b'a'), Just(b'/'), any::<u8>()], 0..12),
            any_change(), 0..40)) {
            let mut list = ChangeList::default();
            for (path, change) in &changes {
                list.push(path, *change);
            }
            prop_assert_eq!(list.counts.total(), changes.len() as u64);
            let mut back = Vec::new();
            list.for_each(|path, change| {
                back.push((path.to_vec(), change));
                Ok::<(), ()>(())
            }).expect("no error");
            prop_assert_eq!(back, changes.into_iter().collect::<Vec<_>>());
        }
    }
}
