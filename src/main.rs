//! The program `wgrad`. Everything it does is in `wgrad::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    wgrad::program()
}
