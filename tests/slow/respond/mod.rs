//! Responders that wait for a disk.

mod blocked_disk;
