//! The binary `sanfang`: arguments in, exit codes out, nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    sanfang::run()
}
