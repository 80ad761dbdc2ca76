//! Brings the catalogue up to date with the file tree; see `heliostat::index`.

use std::process::ExitCode;

fn main() -> ExitCode {
    heliostat::index::main()
}
