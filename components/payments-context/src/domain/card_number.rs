//! Recognises card numbers, so that none is ever stored or logged.
//!
//! A false alarm (one in ten of other numbers of that length passes the check digit) costs the caller another spelling;
//! a miss would cost the whole system its freedom from card data, so separated digits are joined in every way that
//! keeps groups whole.

/// The fewest digits of a card number (ISO/IEC 7812-1).
const MIN_DIGITS: usize = 12;
/// The most.
const MAX_DIGITS: usize = 19;

/// Whether somewhere in the text stand 12 to 19 digits that pass the Luhn check, alone or in groups that single
/// spaces, dots or dashes separate.
pub fn holds_card_number(text: &str) -> bool {
    let mut run: Vec<Vec<u8>> = Vec::new();
    let mut separated = true;
    // A character that is neither digit nor separator ends the run; so does the end of the text.
    for character in text.chars().chain(core::iter::once('\n')) {
        match (character.to_digit(10), character) {
            (Some(digit), _) => {
                let digit = u8::try_from(digit).unwrap_or(0);
                match run.last_mut() {
                    Some(group) if !separated => group.push(digit),
                    _ => run.push(vec![digit]),
                }
                separated = false;
            }
            (None, ' ' | '-' | '.' | '\u{a0}') if !separated => separated = true,
            _ => {
                if any_span_passes(&run) {
                    return true;
                }
                run.clear();
                separated = true;
            }
        }
    }
    false
}

/// Whether some consecutive groups together have the length of a card number and pass.
fn any_span_passes(groups: &[Vec<u8>]) -> bool {
    (0..groups.len()).any(|start| {
        let mut digits = Vec::with_capacity(MAX_DIGITS);
        groups.iter().skip(start).any(|group| {
            digits.extend_from_slice(group);
            (MIN_DIGITS..=MAX_DIGITS).contains(&digits.len()) && passes_luhn(&digits)
        })
    })
}

/// The check digit of ISO/IEC 7812-1, annex B. A row of zeros passes the sum and is no card number.
fn passes_luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, &digit)| match (place % 2, u32::from(digit)) {
            (0, digit) => digit,
            (_, digit) if digit > 4 => 2 * digit - 9,
            (_, digit) => 2 * digit,
        })
        .sum();
    sum.is_multiple_of(10) && digits.iter().any(|&digit| digit != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn finds_card_numbers_in_every_usual_spelling() {
        for card in [
            "4242424242424242",
            "4242 4242 4242 4242",
            "4242-4242-4242-4242",
            "my card is 4242.4242.4242.4242, thanks",
            "3782 822463 10005",
            "4242 4242 4242 4242 123",
            "12 4242 4242 4242 4242",
            "order 17: 5555555555554444",
            "6304000000000000",
        ] {
            assert!(holds_card_number(card), "{card}");
        }
    }

    #[test]
    fn leaves_other_numbers_alone() {
        for text in ["", "tok_visa", "4242424242424241", "1099", "2026-01-01T00:00:00.000Z", "000000000000", "42424242"]
        {
            assert!(!holds_card_number(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_check_digit_makes_any_number_of_that_length_a_card_number(digits in prop::collection::vec(0u8..10, 11..=18)) {
            prop_assume!(digits.iter().any(|&digit| digit != 0));
            let passing: Vec<_> = (0u8..10)
                .map(|check| digits.iter().chain([&check]).map(|digit| char::from(b'0' + digit)).collect::<String>())
                .filter(|number| holds_card_number(number))
                .collect();
            prop_assert_eq!(passing.len(), 1);
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in ".{0,80}") {
            let _ = holds_card_number(&text);
        }
    }
}
