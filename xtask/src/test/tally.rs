//! Counting what `cargo test` printed.

/// Tests that passed and failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Tally {
    /// How many passed.
    pub passed: u64,
    /// How many failed; a program of tests that could not be built or did not end counts as one.
    pub failed: u64,
}

impl Tally {
    /// Adds another count.
    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }

    /// Reads the output of `cargo test --no-fail-fast`.
    ///
    /// **Shape** of the lines that count: `test result: ok. 12 passed; 0 failed; 0 ignored; …`.
    ///
    /// A call that ended badly without a failed test (it did not compile, a test ended the process) counts as one
    /// failure, and so does an ignored test: a test that does not run is none.
    pub fn read(output: &str, ended_well: bool) -> Self {
        let mut tally = Self::default();
        for line in output.lines().filter_map(|line| line.trim_start().strip_prefix("test result: ")) {
            for part in line.split(';') {
                let words: Vec<&str> = part.split_whitespace().collect();
                let [.., count, what] = words.as_slice() else {
                    continue;
                };
                let count: u64 = count.parse().unwrap_or(0);
                match *what {
                    "passed" => tally.passed += count,
                    "failed" | "ignored" => tally.failed += count,
                    _ => {}
                }
            }
        }
        if !ended_well && tally.failed == 0 {
            tally.failed = 1;
        }
        tally
    }
}

/// The lines that say what went wrong: failed tests and errors of the compiler.
pub fn complaints(output: &str) -> Vec<&str> {
    output
        .lines()
        .filter(|line| {
            (line.starts_with("test ") && line.ends_with("... FAILED"))
                || line.starts_with("error")
                || line.contains("panicked at")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "running 3 tests\ntest a ... ok\ntest b ... FAILED\n\n\
        test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
        test result: ok. 40 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s\n";

    #[test]
    fn adds_up_all_programs_of_tests() {
        assert_eq!(Tally::read(OUTPUT, false), Tally { passed: 42, failed: 1 });
    }

    #[test]
    fn a_call_that_ended_badly_is_never_green() {
        assert_eq!(Tally::read("error: could not compile `money`\n", false), Tally { passed: 0, failed: 1 });
    }

    #[test]
    fn an_ignored_test_is_a_failed_one() {
        let output = "test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out\n";
        assert_eq!(Tally::read(output, true), Tally { passed: 2, failed: 1 });
    }

    #[test]
    fn names_what_failed() {
        assert_eq!(complaints(OUTPUT), ["test b ... FAILED"]);
    }
}
