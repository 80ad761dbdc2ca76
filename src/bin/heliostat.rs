//! The admin's command line, and every program in one file: its name says which. So the package has
//! one file with links to it.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let called = std::env::args_os().next().unwrap_or_default();
    match Path::new(&called)
        .file_name()
        .and_then(|name| name.to_str())
    {
        Some("heliostat-fcgi") => heliostat::respond::main(),
        Some("heliostat-index") => heliostat::index::main(),
        Some("heliostat-scan") => heliostat::scan::main(),
        Some("heliostat-probe" | "mirrorprobe") => heliostat::probe::main(),
        _ => heliostat::admin::main(),
    }
}
