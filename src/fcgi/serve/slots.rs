//! A worker's connections, found by the number that epoll returns.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::connection::Connection;
use crate::fcgi::Stats;

/// Connections by slot. A slot is reused with another generation, so that an event of a connection
/// that was just closed never reaches its successor.
///
/// The slots update the numbers of open connections, the worker's and the server's: a connection
/// that ends here is no longer counted.
pub(in crate::fcgi) struct Slots<'a> {
    slots: Vec<ConnectionSlot>,
    free: Vec<u32>,
    load: &'a AtomicUsize,
    stats: &'a Stats,
}

struct ConnectionSlot {
    generation: u32,
    connection: Option<Connection>,
}

/// Identifies a connection: slot in the low half, generation in the high half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::fcgi) struct SlotKey(pub u64);

impl SlotKey {
    fn new(slot: u32, generation: u32) -> SlotKey {
        SlotKey(u64::from(generation) << 32 | u64::from(slot))
    }

    fn slot(self) -> usize {
        (self.0 & u64::from(u32::MAX)) as usize
    }

    fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

impl<'a> Slots<'a> {
    /// `load` counts the worker's connections, including those still on their way to it.
    pub fn new(load: &'a AtomicUsize, stats: &'a Stats) -> Slots<'a> {
        Slots {
            slots: Vec::new(),
            free: Vec::new(),
            load,
            stats,
        }
    }

    /// Stores a connection that was counted when it was accepted.
    pub fn insert(&mut self, connection: Connection) -> SlotKey {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(ConnectionSlot {
                generation: 0,
                connection: None,
            });
            u32::try_from(self.slots.len() - 1).expect("descriptors are numbered in 31 bits")
        });
        let entry = &mut self.slots[slot as usize];
        entry.connection = Some(connection);
        SlotKey::new(slot, entry.generation)
    }

    pub fn get_mut(&mut self, key: SlotKey) -> Option<&mut Connection> {
        let slot = self.slots.get_mut(key.slot())?;
        slot.connection
            .as_mut()
            .filter(|_| slot.generation == key.generation())
    }

    /// Removes the connection and uncounts it. The caller closes or hands over its socket.
    pub fn remove(&mut self, key: SlotKey) -> Option<Connection> {
        let slot = self.slots.get_mut(key.slot())?;
        if slot.generation != key.generation() {
            return None;
        }
        let connection = slot.connection.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(key.slot() as u32);
        self.count_off();
        Some(connection)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = (SlotKey, &Connection)> {
        self.slots.iter().enumerate().filter_map(|(index, slot)| {
            let key = SlotKey::new(index as u32, slot.generation);
            slot.connection.as_ref().map(|connection| (key, connection))
        })
    }

    fn count_off(&self) {
        self.load.fetch_sub(1, Relaxed);
        self.stats.connections.fetch_sub(1, Relaxed);
    }
}

impl Drop for Slots<'_> {
    fn drop(&mut self) {
        for _ in 0..self.len() {
            self.count_off();
        }
    }
}
