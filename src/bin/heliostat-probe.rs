//! Finds out which mirrors answer; see `heliostat::probe`.

use std::process::ExitCode;

fn main() -> ExitCode {
    heliostat::probe::main()
}
