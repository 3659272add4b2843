//! API keys on the wire and in their records.

use crate::domain::{KeySecret, ProgramKey};
use ambient::Timestamp;
use api_key::KeyId;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hasher_wire::Plain;
use ids::UserId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Body of `POST /v1/api-keys`.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CreateKeyRequest {
    /// The present password: a stolen access token must not become a key that lives for months.
    #[schema(value_type = String, format = Password, examples("correct horse"))]
    pub password: Plain,
    /// What its owner calls it, 1 to 60 characters.
    #[schema(min_length = 1, max_length = 60, examples("Nightly export"))]
    pub name: String,
    /// What it may do: some of `payments:read`, `payments:write`, `notifications:read`, `notifications:write`, `webhooks:read`,
    /// `webhooks:write`.
    #[schema(value_type = Vec<KeyScope>, min_items = 1, examples(json!(["payments:read"])))]
    pub scopes: Vec<String>,
    /// How long it lives, 1 to 365; 90 where it is missing.
    #[schema(minimum = 1, maximum = 365, examples(90))]
    #[serde(default)]
    pub expires_in_days: Option<u32>,
}

/// Body of `POST /v1/api-keys/{id}/rotate`.
#[derive(Debug, Deserialize, ToSchema)]
pub struct RotateKeyRequest {
    /// The present password.
    #[schema(value_type = String, format = Password, examples("correct horse"))]
    pub password: Plain,
    /// How long the secret before goes on, 0 to 168; 24 where it is missing.
    #[schema(minimum = 0, maximum = 168, examples(24))]
    #[serde(default)]
    pub overlap_hours: Option<u32>,
    /// How long the key lives from now on, 1 to 365; 90 where it is missing.
    #[schema(minimum = 1, maximum = 365, examples(90))]
    #[serde(default)]
    pub expires_in_days: Option<u32>,
}

/// One of the caller's keys.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiKeyAnswer)]
pub struct KeyAnswer {
    /// Which one: what rotating and revoking take.
    pub id: KeyId,
    /// What its owner calls it.
    pub name: String,
    /// What every key begins with.
    #[schema(pattern = "^sdft_$", examples("sdft_"))]
    pub prefix: &'static str,
    /// What its text ends with.
    #[schema(pattern = "^[0-9a-f]{4}$", examples("9a2b"))]
    pub last_four: String,
    /// What the text of the secret before ends with, while that goes on.
    #[schema(pattern = "^[0-9a-f]{4}$")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_last_four: Option<String>,
    /// Until when that goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_ends_at: Option<Timestamp>,
    /// What it may do.
    #[schema(value_type = Vec<KeyScope>, min_items = 1)]
    pub scopes: Vec<String>,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when.
    pub expires_at: Timestamp,
}

impl KeyAnswer {
    /// What is told of a key.
    pub(crate) fn of(key: ProgramKey, now: Timestamp) -> Self {
        let mut secrets = key.secrets.into_iter();
        let last_four = secrets.next().map(|secret| secret.last_four).unwrap_or_default();
        let previous = secrets.next().filter(|secret| secret.ends_at.is_some_and(|end| now < end));
        let previous_ends_at = previous.as_ref().and_then(|secret| secret.ends_at);
        Self {
            id: key.id,
            name: key.name,
            prefix: api_key::PREFIX,
            last_four,
            previous_last_four: previous.map(|secret| secret.last_four),
            previous_ends_at,
            scopes: key.scopes,
            created_at: key.created_at,
            expires_at: key.expires_at,
        }
    }
}

/// Answer to a creation and a rotation: the only time that the key is shown.
#[derive(Serialize, ToSchema)]
#[schema(as = NewApiKeyAnswer)]
pub struct NewKeyAnswer {
    /// The text to send as `Authorization: Bearer <key>`; kept nowhere.
    #[schema(pattern = "^sdft_[0-9a-f]{2}[0-7][0-9a-hjkmnp-tv-z]{25}_[0-9a-f]{72}$")]
    pub key: String,
    /// What is kept.
    #[serde(flatten)]
    pub about: KeyAnswer,
}

/// Answer of `GET /v1/api-keys`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiKeysPage)]
pub struct KeysPage {
    /// Newest first; all of them, since there are few.
    pub items: Vec<KeyAnswer>,
}

/// What a key may be allowed to do.
#[derive(ToSchema)]
#[schema(as = ApiKeyScope, pattern = "^(payments|notifications|webhooks):(read|write)$", examples("payments:read"))]
#[expect(dead_code, reason = "only its schema is looked at")]
struct KeyScope(String);

/// Body of `key:<id>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyBody {
    id: KeyId,
    user_id: UserId,
    name: String,
    scopes: Vec<String>,
    secrets: Vec<SecretBody>,
    created_at: Timestamp,
    expires_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revoked_at: Option<Timestamp>,
}

/// One secret of a key: its digest, never itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SecretBody {
    sha256: String,
    last_four: String,
    created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ends_at: Option<Timestamp>,
}

impl From<&ProgramKey> for KeyBody {
    fn from(key: &ProgramKey) -> Self {
        let secret = |secret: &KeySecret| SecretBody {
            sha256: URL_SAFE_NO_PAD.encode(secret.digest),
            last_four: secret.last_four.clone(),
            created_at: secret.created_at,
            ends_at: secret.ends_at,
        };
        Self {
            id: key.id,
            user_id: key.user,
            name: key.name.clone(),
            scopes: key.scopes.clone(),
            secrets: key.secrets.iter().map(secret).collect(),
            created_at: key.created_at,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
        }
    }
}

impl From<KeyBody> for ProgramKey {
    /// A digest that is none opens nothing: it is left out.
    fn from(body: KeyBody) -> Self {
        let secret = |secret: SecretBody| {
            let digest = URL_SAFE_NO_PAD.decode(&secret.sha256).ok()?.try_into().ok()?;
            let SecretBody { last_four, created_at, ends_at, .. } = secret;
            Some(KeySecret { digest, last_four, created_at, ends_at })
        };
        Self {
            id: body.id,
            user: body.user_id,
            name: body.name,
            scopes: body.scopes,
            secrets: body.secrets.into_iter().filter_map(secret).collect(),
            created_at: body.created_at,
            expires_at: body.expires_at,
            revoked_at: body.revoked_at,
        }
    }
}
