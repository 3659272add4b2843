//! The program behind `cargo xtask`; everything it does lives in the library, where tests reach it.
use std::process::ExitCode;

fn main() -> ExitCode {
    xtask::cli::main()
}
