//! Any bytes as the trace that a mirror left: read or refused, never a panic, within its bounds.
#![no_main]

use heliostat::domain::time::Timestamp;
use heliostat::domain::trace::{TRACE_BYTES_MAX, Trace};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let now = Timestamp(1_795_000_000);
    let Ok(trace) = Trace::parse(data, now) else {
        return;
    };
    assert!(data.len() as u64 <= TRACE_BYTES_MAX);
    assert!(trace.synced_at.is_none_or(|at| at.0 <= now.0 + 3600));
    assert!(trace.connections != Some(0));
    assert_eq!(Trace::schemes_of(&trace.schemes_text()), trace.schemes);
});
