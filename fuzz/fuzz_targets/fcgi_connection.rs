//! Any bytes in any pieces into the state of a FastCGI connection.
//!
//! The first byte says how many bytes after it are sizes of pieces; the rest is what the web
//! server says. `tests/it/fcgi/model.rs` says what must hold.
#![no_main]

#[path = "../../tests/it/fcgi/model.rs"]
#[allow(dead_code)]
mod model;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&count, rest)) = data.split_first() else {
        return;
    };
    let (sizes, input) = rest.split_at(usize::from(count % 16).min(rest.len()));
    model::check(input, sizes);
});
