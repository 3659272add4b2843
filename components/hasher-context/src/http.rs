//! The routes of the hasher. All are internal: the function wraps them in the check of the service token.

use crate::{HashError, Hasher, hash, verify};
use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use hasher_wire::{Hash, Hashed, Verified, Verify};
use problem::{INTERNAL, INVALID, Json, Problem};

/// The kinds of problem that only the hasher has: none.
pub const PROBLEMS: &[problem::Kind] = &[];

/// `POST /internal/hasher/hash`, `POST /internal/hasher/verify`, `GET /internal/hasher/readyz`.
pub fn internal(hasher: Hasher) -> Router {
    Router::new()
        .route("/internal/hasher/hash", post(hash_password))
        .route("/internal/hasher/verify", post(verify_password))
        .route("/internal/hasher/readyz", get(ready))
        .with_state(hasher)
}

async fn hash_password(State(hasher): State<Hasher>, Json(asked): Json<Hash>) -> Result<Json<Hashed>, Problem> {
    let phc = hash(&asked.password, hasher.random.as_ref()).map_err(problem)?;
    Ok(Json(Hashed { phc }))
}

async fn verify_password(Json(asked): Json<Verify>) -> Result<Json<Verified>, Problem> {
    verify(&asked.password, asked.phc.as_deref()).map(Json).map_err(problem)
}

/// Nothing behind it can be missing, so whoever answers is ready.
async fn ready() -> Json<Ready> {
    Json(Ready { status: "ready" })
}

/// Answer of the readiness route.
#[derive(serde::Serialize)]
struct Ready {
    status: &'static str,
}

fn problem(error: HashError) -> Problem {
    match error {
        HashError::NotArgon2id => Problem::new(INVALID).member("field", "phc").member("why", error.to_string()),
        HashError::Failed(_) => Problem::new(INTERNAL).caused_by(&error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ambient::CountedRandom;
    use axum::body::Body;
    use axum::http::{Request, StatusCode};
    use http_body_util::BodyExt;
    use serde_json::{Value, json};
    use std::sync::Arc;
    use tower::ServiceExt;

    async fn post(path: &str, body: Value) -> (StatusCode, Value) {
        let router = internal(Hasher { random: Arc::new(CountedRandom::default()) });
        let request = Request::post(path).body(Body::from(body.to_string())).unwrap();
        let response = router.oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap())
    }

    #[tokio::test]
    async fn what_hash_answers_verify_accepts() {
        let (status, hashed) = post("/internal/hasher/hash", json!({ "password": "correct horse" })).await;
        assert_eq!(status, StatusCode::OK);
        let asked = json!({ "password": "correct horse", "phc": hashed["phc"] });
        let answer = post("/internal/hasher/verify", asked).await;
        assert_eq!(answer, (StatusCode::OK, json!({ "matches": true, "needs_rehash": false })));
    }

    #[tokio::test]
    async fn no_account_is_an_ordinary_answer() {
        let answer = post("/internal/hasher/verify", json!({ "password": "correct horse", "phc": null })).await;
        assert_eq!(answer, (StatusCode::OK, json!({ "matches": false, "needs_rehash": false })));
    }

    #[tokio::test]
    async fn a_string_that_is_no_hash_is_named() {
        let (status, document) = post("/internal/hasher/verify", json!({ "password": "x", "phc": "plain" })).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        insta::assert_json_snapshot!(document, @r#"
        {
          "field": "phc",
          "status": 422,
          "title": "A value is not acceptable.",
          "type": "/problems/invalid",
          "why": "the stored hash is no argon2id string of acceptable cost"
        }
        "#);
    }
}
