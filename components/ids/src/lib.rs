//! Identifiers: prefixed, time-ordered or derived, one type per noun.
//!
//! What lives here: the text form, its parser and the types. What does not: clocks and randomness (`ambient`),
//! and any knowledge of the things that are named.

mod partition;

pub use partition::{InvalidPartitions, MOST_PARTITIONS, Partition, Partitions};

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Alphabet of Crockford's base32, lower case: no `i`, `l`, `o`, `u`.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Characters that hold 128 bits.
const DIGITS: usize = 26;

/// Why a text is not an identifier of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// The prefix names another kind of thing, or none.
    #[error("an identifier starting with `{wanted}_` is expected")]
    Prefix {
        /// The prefix of the wanted kind, such as `pay`.
        wanted: &'static str,
    },
    /// The part after the prefix is not two hexadecimal digits and 26 base32 characters.
    #[error("`{wanted}_` must be followed by 2 hexadecimal and 26 base32 characters")]
    Shape {
        /// The prefix of the wanted kind, such as `pay`.
        wanted: &'static str,
    },
}

/// A UUIDv8 (RFC 9562) from the SHA-256 of its causes, so that the same cause always gives the same identifier.
///
/// Each part is preceded by its length, so that `("ab", "c")` and `("a", "bc")` differ.
pub fn derived_uuid(cause: &[&[u8]]) -> Uuid {
    let mut hash = Sha256::new();
    for part in cause {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let digest = hash.finalize();
    let mut bytes = [0u8; 16];
    for (to, from) in bytes.iter_mut().zip(digest.iter()) {
        *to = *from;
    }
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// Writes an identifier's text: `pay_00` and 26 base32 characters, most significant first.
#[doc(hidden)]
pub fn write(f: &mut core::fmt::Formatter<'_>, prefix: &str, partition: Partition, uuid: Uuid) -> core::fmt::Result {
    write!(f, "{prefix}_{partition:02x}")?;
    let value = uuid.as_u128();
    for place in (0..DIGITS).rev() {
        let digit = ((value >> (5 * place)) & 31) as usize;
        let character = ALPHABET.get(digit).copied().unwrap_or(b'0');
        f.write_str(char::from(character).encode_utf8(&mut [0; 4]))?;
    }
    Ok(())
}

/// Reads what [`write`] wrote; only the canonical lower-case form is accepted.
#[doc(hidden)]
pub fn parse(text: &str, prefix: &'static str) -> Result<(Partition, Uuid), InvalidId> {
    let rest = text
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'))
        .ok_or(InvalidId::Prefix { wanted: prefix })?;
    parse_rest(rest).ok_or(InvalidId::Shape { wanted: prefix })
}

/// Reads an identifier of whatever kind: its partition and its UUID.
pub(crate) fn parse_any(text: &str) -> Option<(Partition, Uuid)> {
    let (prefix, rest) = text.split_once('_')?;
    let fits = prefix.len() == 3 && prefix.bytes().all(|b| b.is_ascii_lowercase());
    if fits { parse_rest(rest) } else { None }
}

/// Reads what stands behind the underscore.
fn parse_rest(rest: &str) -> Option<(Partition, Uuid)> {
    if rest.len() != 2 + DIGITS || !rest.is_ascii() || rest.bytes().any(|b| b.is_ascii_uppercase()) {
        return None;
    }
    let (partition, digits) = rest.split_at(2);
    if !partition.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let partition = u8::from_str_radix(partition, 16).ok()?;
    let mut value: u128 = 0;
    for (place, character) in digits.bytes().enumerate() {
        let digit = ALPHABET.iter().position(|&a| a == character)?;
        // 26 characters hold 130 bits: the first may use only three of its five.
        if place == 0 && digit > 7 {
            return None;
        }
        value = (value << 5) | digit as u128;
    }
    Some((partition, Uuid::from_u128(value)))
}

/// How the API's document describes identifiers with this prefix.
#[doc(hidden)]
pub fn schema(prefix: &str) -> reexport::SchemaOrReference {
    let pattern = format!("^{prefix}_[0-9a-f]{{2}}[0-7][0-9a-hjkmnp-tv-z]{{25}}$");
    utoipa::openapi::ObjectBuilder::new()
        .schema_type(utoipa::openapi::Type::String)
        .pattern(Some(pattern))
        .examples([format!("{prefix}_0001hf9a7zj0e8vr5c2b4k6m8n9p")])
        .into()
}

/// Declares one identifier type: its documentation, its name and its prefix.
#[macro_export]
macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[doc = concat!("\n\n**Shape** `", $prefix, "_` + partition (2 hexadecimal digits) + 26 base32 characters, such as `", $prefix, "_0001hf9a7zj0e8vr5c2b4k6m8n9p`.")]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name {
            partition: $crate::Partition,
            uuid: $crate::reexport::Uuid,
        }

        impl $name {
            /// The text before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// Names a new thing by a UUID that the caller made (UUIDv7, so that names sort by time).
            pub const fn new(partition: $crate::Partition, uuid: $crate::reexport::Uuid) -> Self {
                Self { partition, uuid }
            }

            /// Names a thing by its cause: the same cause gives the same name, for ever.
            pub fn derived(partition: $crate::Partition, cause: &[&[u8]]) -> Self {
                Self { partition, uuid: $crate::derived_uuid(cause) }
            }

            /// The partition in which the record lives.
            pub const fn partition(&self) -> $crate::Partition {
                self.partition
            }

            /// The 128 bits behind the text.
            pub const fn uuid(&self) -> $crate::reexport::Uuid {
                self.uuid
            }
        }

        impl ::core::fmt::Display for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                $crate::write(f, $prefix, self.partition, self.uuid)
            }
        }

        impl ::core::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Display::fmt(self, f)
            }
        }

        impl ::core::str::FromStr for $name {
            type Err = $crate::InvalidId;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let (partition, uuid) = $crate::parse(text, $prefix)?;
                Ok(Self { partition, uuid })
            }
        }

        impl $crate::reexport::Serialize for $name {
            fn serialize<S: $crate::reexport::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> $crate::reexport::Deserialize<'de> for $name {
            fn deserialize<D: $crate::reexport::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = <::std::borrow::Cow<'de, str> as $crate::reexport::Deserialize>::deserialize(from)?;
                text.parse().map_err(<D::Error as $crate::reexport::DeError>::custom)
            }
        }

        impl $crate::reexport::PartialSchema for $name {
            fn schema() -> $crate::reexport::SchemaOrReference {
                $crate::schema($prefix)
            }
        }

        impl $crate::reexport::ToSchema for $name {
            fn name() -> ::std::borrow::Cow<'static, str> {
                ::std::borrow::Cow::Borrowed(stringify!($name))
            }
        }
    };
}

/// What the [`id!`] macro needs in the crate that calls it.
#[doc(hidden)]
pub mod reexport {
    pub use serde::de::Error as DeError;
    pub use serde::{Deserialize, Deserializer, Serialize, Serializer};
    pub use utoipa::openapi::RefOr;
    pub use utoipa::{PartialSchema, ToSchema};
    pub use uuid::Uuid;

    /// How the API's document describes a type.
    pub type SchemaOrReference = RefOr<utoipa::openapi::schema::Schema>;
}

id!(
    /// A person's account.
    UserId, "usr"
);
id!(
    /// One login of one person on one device: a family of refresh tokens.
    SessionId, "ses"
);
id!(
    /// A payment from its creation to its last refund.
    PaymentId, "pay"
);
id!(
    /// One message in one person's inbox.
    NotificationId, "ntf"
);
id!(
    /// The erasure of a person. Nobody can foresee it: whoever has it may read the receipt, which says nothing of the
    /// person.
    ErasureId, "ers"
);
id!(
    /// The export of a person's data, for its owner alone.
    ExportId, "exp"
);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_identifier_reads_back(partition: u8, value: u128) {
            let id = PaymentId::new(partition, Uuid::from_u128(value));
            prop_assert_eq!(id.to_string().parse::<PaymentId>(), Ok(id));
        }

        #[test]
        fn text_sorts_as_the_value_does(a: u128, b: u128) {
            let (x, y) = (PaymentId::new(0, Uuid::from_u128(a)), PaymentId::new(0, Uuid::from_u128(b)));
            prop_assert_eq!(a.cmp(&b), x.to_string().cmp(&y.to_string()));
        }

        #[test]
        fn garbage_is_refused_without_a_panic(text in ".{0,40}") {
            if let Ok(id) = text.parse::<PaymentId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }

    #[test]
    fn refuses_another_kind_and_a_second_spelling() {
        let user = UserId::new(0, Uuid::from_u128(u128::MAX)).to_string();
        assert_eq!(user, "usr_007zzzzzzzzzzzzzzzzzzzzzzzzz");
        assert_eq!(user.parse::<PaymentId>(), Err(InvalidId::Prefix { wanted: "pay" }));
        let shape = Err(InvalidId::Shape { wanted: "usr" });
        for other in ["usr_007ZZZZZZZZZZZZZZZZZZZZZZZZZ", "usr_008zzzzzzzzzzzzzzzzzzzzzzzzz", "usr_007zz", "usr_"] {
            assert_eq!(other.parse::<UserId>(), shape, "{other}");
        }
    }

    #[test]
    fn a_cause_names_the_same_thing_twice_and_another_cause_another() {
        assert_eq!(PaymentId::derived(0, &[b"ab", b"c"]), PaymentId::derived(0, &[b"ab", b"c"]));
        assert_ne!(PaymentId::derived(0, &[b"ab", b"c"]), PaymentId::derived(0, &[b"a", b"bc"]));
    }
}
