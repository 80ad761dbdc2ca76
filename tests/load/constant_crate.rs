//! A responder that decides nothing, on the crate `fastcgi`: what our own module must be better
//! than, for `scripts/bench`.
//!
//! Usage: `fcgi-constant-crate SOCKET`. It has a thread per connection and no end: the crate has no
//! other way. The crate panics for each kept connection that ends; that is not shown.

mod constant_answer;

use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixListener;

use constant_answer::ANSWER;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let socket = std::env::args()
        .nth(1)
        .ok_or("usage: fcgi-constant-crate SOCKET")?;
    let listener = UnixListener::bind(socket)?;
    std::panic::set_hook(Box::new(|_| {}));
    let answer = |mut request: fastcgi::Request| {
        // A web server that is gone needs no answer.
        let _ = request.stdout().write_all(ANSWER.as_bytes());
    };
    fastcgi::run_raw(answer, listener.as_raw_fd());
    Ok(())
}
