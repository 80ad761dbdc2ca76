//! Tests that measure time run alone.

use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

static QUIET: RwLock<()> = RwLock::new(());

/// Held by a stage as long as it lives.
pub enum Turn {
    /// Beside others.
    Shared(#[allow(dead_code, reason = "held")] RwLockReadGuard<'static, ()>),
    /// While no other stage is up.
    Alone(#[allow(dead_code, reason = "held")] RwLockWriteGuard<'static, ()>),
}

/// Waits for a turn beside other tests.
pub fn shared() -> Turn {
    Turn::Shared(
        QUIET
            .read()
            .unwrap_or_else(|poisoned| poisoned.into_inner()),
    )
}

/// Waits until no other test is on stage.
pub fn alone() -> Turn {
    Turn::Alone(
        QUIET
            .write()
            .unwrap_or_else(|poisoned| poisoned.into_inner()),
    )
}
