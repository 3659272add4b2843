//! One read, bare and in the edge's layers: what the layers cost. `cargo xtask bench edge` runs it.
//!
//! What lives here: the handler that both components share, and the tokens that callers of the second one send. The key
//! that signs them is public: nothing but this benchmark trusts it. Natively the crate is empty.

#![cfg(target_family = "wasm")]

use access_token::{Claims, SigningKey};
use ambient::{Clock as _, Timestamp};
use edge_spin::StartError;
use problem::{Json, NOT_FOUND, Problem, UNAVAILABLE};
use records::{Change, Content, Meta, RecordKey, Records};
use serde_json::{Value, json};
use std::sync::Arc;
use wiring_spin::Ground;

/// Who issued the tokens.
pub const ISSUER: &str = "https://bench.invalid";
/// For whom they are.
pub const AUDIENCE: &str = "bench";

/// The key of every token here.
pub fn signing_key() -> SigningKey {
    SigningKey::from_seed(&[7; 32])
}

/// A token that no instance has seen: its name is `number`.
pub fn token(number: u32, now: Timestamp) -> String {
    let issued_s = now.unix_s();
    signing_key().sign(&Claims {
        iss: ISSUER.to_owned(),
        sub: "usr_0000000000000000000000000000".to_owned(),
        aud: AUDIENCE.to_owned(),
        exp: issued_s.saturating_add(600),
        nbf: issued_s,
        iat: issued_s,
        jti: format!("{number}-{issued_s}"),
        sid: Some("ses_0000000000000000000000000000".to_owned()),
        scope: "payments:read payments:write notifications:read notifications:write".to_owned(),
        roles: Vec::new(),
        acr: "1".to_owned(),
    })
}

/// The thing that is read.
#[derive(Clone)]
pub struct Bench {
    records: Arc<dyn Records>,
    key: RecordKey,
}

impl Bench {
    /// Creates the thing where it is not there yet.
    ///
    /// # Errors
    /// When the store refuses it.
    pub async fn start(ground: &Ground) -> Result<Self, StartError> {
        let bench = Self { records: ground.records(), key: RecordKey::new("thing:1")? };
        // About the size of a payment.
        let thing = json!({ "id": "thing:1", "note": "x".repeat(300), "numbers": (0..60).collect::<Vec<u32>>() });
        let meta = Meta { at: ground.clock.now(), trace: "0".repeat(32), cause: None, actor: None };
        let content = Content::Body(thing.to_string().into());
        bench.records.commit(Change::new(bench.key.clone(), None, content, meta)).await?;
        Ok(bench)
    }

    /// One head and one body, parsed and printed: what a small read does.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn read(&self) -> Result<Json<Value>, Problem> {
        let record = self.records.load(&self.key).await.map_err(|error| Problem::new(UNAVAILABLE).caused_by(&error))?;
        let content = record.and_then(|record| record.content).ok_or_else(|| Problem::new(NOT_FOUND))?;
        serde_json::from_slice(&content).map(Json).map_err(|error| Problem::new(UNAVAILABLE).caused_by(&error))
    }
}
