//! Randomness that a seed repeats.

/// A generator (SplitMix64): small, and the same everywhere.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The generator of a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Another generator for a part of the run, so that parts do not disturb each other's throws.
    pub fn of(seed: u64, part: u64) -> Self {
        let mut dice = Self(seed ^ part.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        dice.throw();
        dice
    }

    /// The next throw.
    pub fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from `least` to `most`, both included.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.throw() % (most.saturating_sub(least) + 1)
    }

    /// True in so many of a hundred throws.
    pub fn percent(&mut self, of_a_hundred: u64) -> bool {
        self.throw() % 100 < of_a_hundred
    }

    /// One of several, each as often as its weight says; the first where all weights are zero.
    pub fn pick<T: Copy>(&mut self, choices: &[(T, u64)], otherwise: T) -> T {
        let total: u64 = choices.iter().map(|(_, weight)| weight).sum();
        let mut thrown = self.throw() % total.max(1);
        for (choice, weight) in choices {
            if thrown < *weight {
                return *choice;
            }
            thrown -= weight;
        }
        otherwise
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_throws_and_parts_differ() {
        let throws = |mut dice: Dice| [dice.throw(), dice.throw(), dice.between(1, 6)];
        assert_eq!(throws(Dice::new(7)), throws(Dice::new(7)));
        assert_ne!(throws(Dice::of(7, 1)), throws(Dice::of(7, 2)));
    }

    #[test]
    fn weights_decide_and_bounds_hold() {
        let mut dice = Dice::new(1);
        let mut seen = [0; 2];
        for _ in 0..1000 {
            assert!((3..=5).contains(&dice.between(3, 5)));
            seen[dice.pick(&[(0, 90), (1, 10)], 0)] += 1;
        }
        assert!(seen[0] > 800 && seen[1] > 50, "{seen:?}");
        assert_eq!(dice.pick(&[(1, 0)], 9), 9);
    }
}
