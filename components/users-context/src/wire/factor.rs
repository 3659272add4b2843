//! Requests and answers about the second factor.

use crate::domain::{FactorSecret, RECOVERY_BYTES, RecoveryCode, SecondFactor, Shown, User};
use crate::wire::codes::Mac;
use ambient::Timestamp;
use hasher_wire::Plain;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Body of `POST /v1/users/me/totp`.
#[derive(Debug, Deserialize, ToSchema)]
pub struct EnrolFactorRequest {
    /// The present password.
    #[schema(value_type = String, format = Password, examples("correct horse"))]
    pub password: Plain,
}

/// Answer of `POST /v1/users/me/totp`: the secret, shown this once.
#[derive(Serialize, ToSchema)]
pub struct EnrolFactorAnswer {
    /// **Shape** 32 letters of base32.
    #[schema(pattern = "^[A-Z2-7]{32}$")]
    pub secret: String,
    /// What the telephone reads from a square. **Shape** `otpauth://totp/…?secret=…&issuer=…`.
    #[schema(pattern = "^otpauth://totp/")]
    pub uri: String,
}

impl EnrolFactorAnswer {
    /// The secret of an account at an issuer such as `https://id.example`.
    pub fn new(issuer: &str, user: &User, secret: &FactorSecret) -> Self {
        let issuer = escaped(issuer.split_once("://").map_or(issuer, |(_, host)| host));
        let (secret, account) = (secret.base32(), escaped(user.email.as_str()));
        let uri = format!(
            "otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits=6&period=30"
        );
        Self { secret, uri }
    }
}

/// A text inside a URI: everything but unreserved characters as percent codes (RFC 3986, 2.1).
fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// Body of `POST /v1/users/me/totp/confirm`.
#[derive(Deserialize, ToSchema)]
pub struct ConfirmFactorRequest {
    /// What the telephone shows.
    #[schema(examples("123456"))]
    pub code: String,
}

/// Answer of `POST /v1/users/me/totp/confirm`.
#[derive(Serialize, ToSchema)]
pub struct ConfirmFactorAnswer {
    /// Each opens the account once without the telephone; shown this once.
    #[schema(min_items = 10, max_items = 10, value_type = Vec<RecoveryCodeText>)]
    pub recovery_codes: Vec<String>,
}

/// A recovery code. **Shape** `ABCDE-FGHIJ-KLMNO`.
#[derive(ToSchema)]
#[schema(pattern = "^[A-Z2-7]{5}-[A-Z2-7]{5}-[A-Z2-7]{5}$")]
#[expect(dead_code, reason = "only its schema is looked at")]
struct RecoveryCodeText(String);

/// Body of `POST /v1/users/me/totp/remove`.
#[derive(Deserialize, ToSchema)]
pub struct TakeAwayFactorRequest {
    /// The present password.
    #[schema(value_type = String, format = Password, examples("correct horse"))]
    pub password: Plain,
    /// What the telephone shows.
    #[schema(examples("123456"))]
    #[serde(default)]
    pub code: Option<String>,
    /// A recovery code instead.
    #[schema(examples("ABCDE-FGHIJ-KLMNO"))]
    #[serde(default)]
    pub recovery_code: Option<String>,
}

/// Body of `POST /v1/sessions/step-up`.
#[derive(Deserialize, ToSchema)]
pub struct StepUpRequest {
    /// What the telephone shows.
    #[schema(examples("123456"))]
    #[serde(default)]
    pub code: Option<String>,
    /// A recovery code instead.
    #[schema(examples("ABCDE-FGHIJ-KLMNO"))]
    #[serde(default)]
    pub recovery_code: Option<String>,
}

/// What a request shows as a second factor, if it shows one; a code goes before a recovery code.
pub fn shown(code: Option<String>, recovery_code: Option<String>) -> Option<Shown> {
    code.map(Shown::Code).or_else(|| recovery_code.map(|text| Shown::Recovery(RecoveryCode::typed(&text))))
}

/// The second factor as it lies in an account's body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactorBody {
    /// What makes its secret another than the one before. **Shape** 32 hexadecimal digits.
    #[serde(with = "hexadecimal")]
    pub nonce: Uuid,
    /// Since when it is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_at: Option<Timestamp>,
    /// The step of the last code that was taken.
    pub last_step: i64,
    /// The recovery codes that are left, as HMACs.
    pub recovery: Vec<Mac>,
}

/// A UUID as 32 hexadecimal digits.
mod hexadecimal {
    use serde::{Deserialize, Deserializer, Serializer};
    use uuid::Uuid;

    pub(super) fn serialize<S: Serializer>(uuid: &Uuid, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&uuid.simple())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Uuid, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        Uuid::try_parse(&text).map_err(serde::de::Error::custom)
    }
}

const _: () = assert!(RECOVERY_BYTES == crate::domain::MAC_BYTES);

impl From<&SecondFactor> for FactorBody {
    fn from(factor: &SecondFactor) -> Self {
        let recovery = factor.recovery.iter().copied().map(Mac).collect();
        Self { nonce: factor.nonce, confirmed_at: factor.confirmed_at, last_step: factor.last_step, recovery }
    }
}

impl From<FactorBody> for SecondFactor {
    fn from(body: FactorBody) -> Self {
        let recovery = body.recovery.into_iter().map(|mac| mac.0).collect();
        Self { nonce: body.nonce, confirmed_at: body.confirmed_at, last_step: body.last_step, recovery }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{FactorKey, SecretKey};
    use crate::testing::anna;

    #[test]
    fn a_telephone_reads_issuer_and_account() {
        let key = FactorKey::new(&SecretKey::new(&[1; 32]).unwrap());
        let secret = key.secret(anna().id, Uuid::nil());
        let answer = EnrolFactorAnswer::new("https://id.example/a b", &anna(), &secret);
        let expected = format!(
            "otpauth://totp/id.example%2Fa%20b:anna%40example.org?secret={}&issuer=id.example%2Fa%20b\
             &algorithm=SHA1&digits=6&period=30",
            secret.base32()
        );
        assert_eq!(answer.uri, expected);
        assert_eq!(answer.secret.len(), 32);
    }
}
