//! Answers requests of the web server; see `heliostat::respond`.

use std::process::ExitCode;

fn main() -> ExitCode {
    heliostat::respond::main()
}
