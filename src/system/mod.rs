//! Functions of the operating system that the standard library lacks: files that other users cannot
//! read, looks with the rights of another user, free space on a disk, facts about a process, a
//! pause of one, the holder of a lock, the flag that ends the program, and the service manager.

mod host;
mod local_user;
mod manager;
mod pause;
mod private;
mod process;
mod record_lock;
mod room;
mod stop;

pub use host::host_name;
pub use local_user::{LocalUser, group_name, owner_name};
pub use manager::{
    MANAGER_DESCRIPTORS_MAX, ManagerState, has_manager, send_to_manager, tell_manager,
    watchdog_timeout,
};
pub use pause::{PausedProcess, listening_process};
pub use private::{create_private, create_private_folder, make_private, make_private_folder};
pub use process::{ProcessFacts, process_facts};
pub use record_lock::record_lock_holder;
pub use room::free_bytes;
pub use stop::{is_stopping, process_stop_flag};
