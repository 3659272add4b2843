//! Builds the list of passwords that nobody may choose from lists of one password a line.
//!
//! ```console
//! cargo run -p users-context --example breached_list -- components/users-context/breached-passwords.bin LIST…
//! ```
//!
//! What people make of a season, a month or a common word and a year is added to whatever the lists hold. Passwords that
//! the length rule refuses anyway are left out. With a list of a million passwords the file has 4 MB and
//! one password in 4 000 is refused by chance; take that into account before taking a longer one.

use std::collections::BTreeSet;
use std::process::ExitCode;
use unicode_normalization::UnicodeNormalization;
use users_context::domain::{PREFIX_BYTES, prefix};

/// Shorter ones are refused by their length.
const MIN_CHARS: usize = 8;
/// Words to which people add a year or a few digits.
const WORDS: &str = "spring summer autumn winter fall frühling fruehling sommer herbst primavera verano otoño invierno \
    estate autunno inverno printemps été automne hiver january february march april may june july august september \
    october november december januar februar märz mai juni juli oktober dezember monday tuesday wednesday thursday \
    friday saturday sunday password passwort kennwort welcome willkommen bienvenue hello hallo secret geheim changeme \
    letmein admin administrator login master test office company firma qwerty qwertz dragon football soccer baseball \
    monkey sunshine princess superman batman pokemon starwars iloveyou spindrift";
/// The years that they take.
const YEARS: std::ops::RangeInclusive<u16> = 2015..=2030;
/// What they put behind a year.
const AFTER_A_YEAR: [&str; 5] = ["", "!", ".", "$", "#"];
/// What they put before one.
const BEFORE_A_YEAR: [&str; 4] = ["", "@", "_", "-"];
/// What they add instead of a year.
const ENDINGS: [&str; 22] = [
    "", "!", "1", "1!", "12", "123", "123!", "@123", "1234", "1234!", "12345", "123456", "#1", "00", "01", "007", "11",
    "69", "77", "88", "99", "!!",
];

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
    for word in WORDS.split_whitespace() {
        ENDINGS.iter().for_each(|ending| add(&format!("{word}{ending}")));
        for year in YEARS {
            BEFORE_A_YEAR.iter().for_each(|before| add(&format!("{word}{before}{year}")));
            AFTER_A_YEAR.iter().for_each(|after| add(&format!("{word}{year}{after}")));
        }
    }
    std::fs::write(output, entries.iter().flatten().copied().collect::<Vec<u8>>())?;
    Ok(entries.len())
}
