//! The admin's command line, also as `mb`; see `heliostat::admin`.

use std::process::ExitCode;

fn main() -> ExitCode {
    heliostat::admin::main()
}
