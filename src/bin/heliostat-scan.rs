//! Learns which mirror has which file; see `heliostat::scan`.

use std::process::ExitCode;

fn main() -> ExitCode {
    heliostat::scan::main()
}
