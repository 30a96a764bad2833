//! The program `goatherd`. Everything it does is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    goatherd::cli::run()
}
