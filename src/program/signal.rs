//! Handles the signals that end a program.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM};

use super::exit::Exit;
use crate::system::process_stop_flag;

/// Returns a flag that SIGINT and SIGTERM set. A second signal ends the program at once, with the
/// exit code of a failure.
///
/// # Errors
/// Returns an error if the system refuses a handler.
pub fn stop_flag() -> io::Result<Arc<AtomicBool>> {
    let stop = process_stop_flag();
    for signal in [SIGINT, SIGTERM] {
        // Handlers run in the order of registration, so the first signal finds the flag unset.
        signal_hook::flag::register_conditional_shutdown(
            signal,
            Exit::Failed as i32,
            Arc::clone(&stop),
        )?;
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    Ok(stop)
}
