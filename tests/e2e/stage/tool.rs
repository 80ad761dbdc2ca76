//! Programs of others, run to their end.

use std::path::Path;
use std::process::Command;

/// A program that takes longer has failed.
const SECONDS_MAX: &str = "60";

/// Runs a program in a folder, without any proxy; returns whether it succeeded, and what it said.
pub fn tool(folder: &Path, program: &str, arguments: &[&str]) -> (bool, String) {
    let output = Command::new("timeout")
        .args(["-k", "5", SECONDS_MAX, program])
        .args(arguments)
        .current_dir(folder)
        .env("HOME", folder)
        // wget2 locks its database by a file in TMPDIR and leaves it there.
        .env("TMPDIR", folder)
        .env("no_proxy", "127.0.0.1")
        .env_remove("http_proxy")
        .env_remove("HTTP_PROXY")
        .env_remove("https_proxy")
        .output()
        .expect("timeout is everywhere");
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert_ne!(
        output.status.code(),
        Some(127),
        "{program} is not there; `scripts/test` installs what the tests need"
    );
    (output.status.success(), text)
}
