//! What the operating system is asked beyond the standard library: files that others may not read,
//! room on a disk, what a process is doing, and who has a lock.

mod private;
mod process;
mod record_lock;
mod room;

pub use private::{create_private, make_private, make_private_folder};
pub use process::{ProcessFacts, process_facts};
pub use record_lock::record_lock_holder;
pub use room::free_bytes;
