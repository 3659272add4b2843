//! Builds the list of passwords that nobody may choose from lists of one password a line.
//!
//! ```console
//! cargo run -p users-context --example breached_list -- components/users-context/breached-passwords.bin LIST…
//! ```
//!
//! Passwords that the length rule refuses anyway are left out. With a list of a million passwords the file has 4 MB and
//! one password in 4 000 is refused by chance; take that into account before taking a longer one.

use std::collections::BTreeSet;
use std::process::ExitCode;
use unicode_normalization::UnicodeNormalization;
use users_context::domain::{PREFIX_BYTES, prefix};

/// Shorter ones are refused by their length.
const MIN_CHARS: usize = 8;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(output) = arguments.next() else {
        eprintln!("usage: breached_list OUTPUT LIST…");
        return ExitCode::FAILURE;
    };
    match build(&output, arguments) {
        Ok(entries) => {
            println!("{entries} passwords, {} bytes", entries * PREFIX_BYTES);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn build(output: &str, lists: impl Iterator<Item = String>) -> std::io::Result<usize> {
    let mut entries = BTreeSet::new();
    let mut add = |password: &str| {
        let folded = password.nfc().collect::<String>().to_lowercase();
        if folded.chars().count() >= MIN_CHARS {
            entries.insert(prefix(&folded));
        }
    };
    for list in lists {
        std::fs::read_to_string(list)?.lines().for_each(&mut add);
    }
    std::fs::write(output, entries.iter().flatten().copied().collect::<Vec<u8>>())?;
    Ok(entries.len())
}
