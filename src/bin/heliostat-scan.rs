//! Which mirror has which file: shell over `heliostat::scan`.

fn main() -> std::process::ExitCode {
    heliostat::scan::run_program().into()
}
