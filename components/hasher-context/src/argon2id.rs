//! Argon2id (RFC 9106) with the parameters of today, and recognition of older ones.
//!
//! What does not live here: which passwords are acceptable, and HTTP.

use ambient::Random;
use argon2::password_hash::{self, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use hasher_wire::{Plain, Verified};

/// Memory of one hash. **Units** KiB. **Source** OWASP Password Storage Cheat Sheet: 19 MiB, 2 passes, 1 lane.
const MEMORY_KIB: u32 = 19_456;
/// Passes over the memory.
const PASSES: u32 = 2;
/// Lanes: one, because a component has one thread.
const LANES: u32 = 1;
/// Length of the salt. **Units** bytes. **Source** RFC 9106, 3.1.
const SALT_BYTES: usize = 16;
/// Length of the tag. **Units** bytes.
const TAG_BYTES: usize = 32;
/// The most that a stored string may ask for, as a multiple of today's memory or passes: it decides how long we work.
const COSTLIEST: u32 = 4;

/// Hashed in the place of an account that does not exist; made from random bytes that nobody kept.
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$uOGDRJSywsKszG5r1W45eg$G/ZoBSkWKqRZBVbTyPDIRaZCL50FovoIwz5E0eg8KA4";

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// What should be a PHC string of argon2id is none, or asks for more work than anybody stored.
    #[error("the stored hash is no argon2id string of acceptable cost")]
    NotArgon2id,
    /// The computation itself failed: out of memory.
    #[error("the hash cannot be computed: {0}")]
    Failed(password_hash::Error),
}

/// Today's argon2id.
fn today() -> Result<Argon2<'static>, HashError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(TAG_BYTES))
        .map_err(|_| HashError::Failed(password_hash::Error::ParamsInvalid))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Hashes a password with a new salt. About 40 to 60 ms in a component, none of which can be interrupted.
///
/// # Errors
/// [`HashError::Failed`] when memory is short.
pub fn hash(password: &Plain, random: &dyn Random) -> Result<String, HashError> {
    let mut salt = [0u8; SALT_BYTES];
    random.fill(&mut salt);
    let hash = today()?.hash_password_with_salt(password.expose().as_bytes(), &salt).map_err(HashError::Failed)?;
    Ok(hash.to_string())
}

/// Compares a password with a stored string, in the same time whether or not there is one.
///
/// # Errors
/// [`HashError::NotArgon2id`] when the string cannot have come from us, [`HashError::Failed`] when memory is short.
pub fn verify(password: &Plain, stored: Option<&str>) -> Result<Verified, HashError> {
    let phc = PasswordHash::new(stored.unwrap_or(DECOY)).map_err(|_| HashError::NotArgon2id)?;
    if phc.algorithm != argon2::ARGON2ID_IDENT {
        return Err(HashError::NotArgon2id);
    }
    let cost = Params::try_from(&phc).map_err(|_| HashError::NotArgon2id)?;
    if cost.m_cost() > COSTLIEST * MEMORY_KIB || cost.t_cost() > COSTLIEST * PASSES || cost.p_cost() > COSTLIEST * LANES
    {
        return Err(HashError::NotArgon2id);
    }
    let same = match today()?.verify_password(password.expose().as_bytes(), &phc) {
        Ok(()) => true,
        Err(password_hash::Error::PasswordInvalid) => false,
        Err(error) => return Err(HashError::Failed(error)),
    };
    let current = cost.m_cost() == MEMORY_KIB
        && cost.t_cost() == PASSES
        && cost.p_cost() == LANES
        && phc.version == Some(Version::V0x13.into())
        && phc.salt.as_ref().is_some_and(|salt| salt.len() == SALT_BYTES)
        && phc.hash.as_ref().is_some_and(|tag| tag.len() == TAG_BYTES);
    let matches = same && stored.is_some();
    Ok(Verified { matches, needs_rehash: matches && !current })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ambient::CountedRandom;

    fn older(password: &str) -> String {
        let params = Params::new(8_192, 1, 1, Some(TAG_BYTES)).unwrap();
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon2.hash_password_with_salt(password.as_bytes(), b"sixteen bytes !!").unwrap().to_string()
    }

    #[test]
    fn a_hash_names_the_parameters_of_today_and_has_a_salt_of_its_own() {
        let (password, random) = (Plain::new("correct horse"), CountedRandom::default());
        let first = hash(&password, &random).unwrap();
        assert!(first.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{first}");
        assert_ne!(first, hash(&password, &random).unwrap());
    }

    #[test]
    fn only_the_password_itself_matches() {
        let phc = hash(&Plain::new("correct horse"), &CountedRandom::default()).unwrap();
        assert_eq!(
            verify(&Plain::new("correct horse"), Some(&phc)),
            Ok(Verified { matches: true, needs_rehash: false })
        );
        assert_eq!(
            verify(&Plain::new("correct horsf"), Some(&phc)),
            Ok(Verified { matches: false, needs_rehash: false })
        );
    }

    #[test]
    fn an_account_that_does_not_exist_costs_a_hash_of_todays_parameters_and_never_matches() {
        let decoy = PasswordHash::new(DECOY).unwrap();
        let cost = Params::try_from(&decoy).unwrap();
        assert_eq!((cost.m_cost(), cost.t_cost(), cost.p_cost()), (MEMORY_KIB, PASSES, LANES));
        assert_eq!(decoy.hash.unwrap().len(), TAG_BYTES);
        assert_eq!(decoy.salt.unwrap().len(), SALT_BYTES);
        assert_eq!(verify(&Plain::new(""), None), Ok(Verified { matches: false, needs_rehash: false }));
    }

    #[test]
    fn a_hash_of_older_parameters_matches_and_asks_to_be_replaced() {
        let phc = older("correct horse");
        assert_eq!(
            verify(&Plain::new("correct horse"), Some(&phc)),
            Ok(Verified { matches: true, needs_rehash: true })
        );
        assert_eq!(verify(&Plain::new("wrong"), Some(&phc)), Ok(Verified { matches: false, needs_rehash: false }));
    }

    #[test]
    fn refuses_strings_that_are_not_ours_or_would_cost_too_much() {
        for bad in [
            "",
            "plain",
            "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
            "$argon2i$v=19$m=19456,t=2,p=1$c2l4dGVlbiBieXRlcyAhIQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=1048576,t=2,p=1$c2l4dGVlbiBieXRlcyAhIQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=19456,t=900,p=1$c2l4dGVlbiBieXRlcyAhIQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ] {
            assert_eq!(verify(&Plain::new("x"), Some(bad)), Err(HashError::NotArgon2id), "{bad}");
        }
    }
}
