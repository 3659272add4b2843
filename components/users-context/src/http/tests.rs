//! The routes as a caller sees them: status, headers, documents.

use super::*;
use crate::testing::{House, SEED, logged_in, principal, registered};
use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use http::StatusCode;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

pub(super) async fn ask(house: &House, request: Request<Body>) -> Response {
    let (accounts, sessions) = (accounts(house.users.clone()), sessions(house.users.clone()));
    let own = access(house.access()).merge(privacy(house.privacy()));
    let services = privacy_desk(house.users.clone()).merge(internal(house.users.clone()));
    let router = accounts.merge(sessions).merge(own).merge(services);
    router.oneshot(request).await.unwrap()
}

pub(super) async fn document(response: Response) -> Value {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice(&bytes).unwrap()
}

pub(super) fn post_json(house: &House, path: &str, body: Value) -> Request<Body> {
    let request = Request::post(path).header("user-agent", "Laptop/1.0").extension(house.scope.scope);
    request.extension(house.client.clone()).body(Body::from(body.to_string())).unwrap()
}

fn anna() -> Value {
    json!({ "email": "anna@example.org", "password": "correct horse", "display_name": "Anna" })
}

#[tokio::test]
async fn registering_answers_alike_for_a_new_and_a_known_address() {
    let house = House::new();
    let mut answers = Vec::new();
    for _ in 0..2 {
        let response = ask(&house, post_json(&house, "/v1/users", anna())).await;
        let head = (response.status(), response.headers().clone());
        answers.push((head, document(response).await));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0].0.0, StatusCode::ACCEPTED);
    insta::assert_json_snapshot!(answers[0].1, @r#"
    {
      "status": "accepted"
    }
    "#);
}

#[tokio::test]
async fn a_value_that_is_refused_is_named_without_being_repeated() {
    let house = House::new();
    let body = json!({ "email": "anna@example.org", "password": "anna", "display_name": "Anna" });
    let response = ask(&house, post_json(&house, "/v1/users", body)).await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    insta::assert_json_snapshot!(document(response).await, @r#"
    {
      "field": "password",
      "status": 422,
      "title": "A value is not acceptable.",
      "type": "/problems/invalid",
      "why": "a password has at least 8 characters"
    }
    "#);
}

#[tokio::test]
async fn logging_in_answers_both_tokens_and_stays_nowhere() {
    let house = registered().await;
    let body = json!({ "email": "anna@example.org", "password": "correct horse" });
    let response = ask(&house, post_json(&house, "/v1/sessions", body)).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["cache-control"], "no-store");
    let mut answer = document(response).await;
    for member in ["access_token", "refresh_token", "session_id", "user_id", "device_token"] {
        let text = answer[member].as_str().unwrap().to_owned();
        // Only the kind of each value: the rest is a signature or a foreseeable number of the doubles.
        answer[member] = text.chars().take(4).collect::<String>().into();
    }
    insta::assert_json_snapshot!(answer, @r#"
    {
      "access_token": "eyJh",
      "device_token": "dt1.",
      "expires_in": 600,
      "refresh_token": "rt1.",
      "session_id": "ses_",
      "token_type": "Bearer",
      "user_id": "usr_"
    }
    "#);
}

#[tokio::test]
async fn wrong_password_and_unknown_address_are_one_answer() {
    let house = registered().await;
    let mut answers = Vec::new();
    for (email, password) in [("anna@example.org", "wrong horse"), ("berta@example.org", "correct horse"), ("", "")] {
        let response =
            ask(&house, post_json(&house, "/v1/sessions", json!({ "email": email, "password": password }))).await;
        answers.push((response.status(), response.headers().clone(), document(response).await));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(answers[0].1["www-authenticate"], "Bearer");
    insta::assert_json_snapshot!(answers[0].2, @r#"
    {
      "status": 401,
      "title": "The e-mail address or the password is wrong.",
      "type": "/problems/credentials"
    }
    "#);
}

#[tokio::test]
async fn refreshing_continues_a_session_until_it_has_ended() {
    let (house, tokens) = logged_in().await;
    let again = json!({ "refresh_token": tokens.refresh_token });
    let response = ask(&house, post_json(&house, "/v1/sessions/refresh", again.clone())).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(document(response).await["session_id"], tokens.session_id.to_string());

    house.clock.advance_ms(10_001);
    let response = ask(&house, post_json(&house, "/v1/sessions/refresh", again)).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    insta::assert_json_snapshot!(document(response).await, @r#"
    {
      "status": 401,
      "title": "The session has ended: log in again.",
      "type": "/problems/session-ended"
    }
    "#);
}

#[tokio::test]
async fn logging_out_has_no_body_and_needs_a_caller() {
    let (house, tokens) = logged_in().await;
    let request = || Request::delete("/v1/sessions/current").extension(house.scope.scope);
    let response = ask(&house, request().extension(principal(&tokens)).body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    let response = ask(&house, request().body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_profile_is_the_callers_own() {
    let (house, tokens) = logged_in().await;
    let request = Request::get("/v1/users/me").extension(principal(&tokens)).body(Body::empty()).unwrap();
    let response = ask(&house, request).await;
    assert_eq!(response.headers()["cache-control"], "no-store");
    let mut profile = document(response).await;
    assert_eq!(profile["id"], tokens.user_id.to_string());
    profile["id"] = "usr_".into();
    insta::assert_json_snapshot!(profile, @r#"
    {
      "created_at": "2026-01-01T00:00:00.000Z",
      "display_name": "Anna",
      "email": "anna@example.org",
      "email_verified": false,
      "id": "usr_",
      "locale": "en",
      "roles": [
        "user"
      ],
      "second_factor": false,
      "status": "active"
    }
    "#);
    let anonymous = Request::get("/v1/users/me").body(Body::empty()).unwrap();
    assert_eq!(ask(&house, anonymous).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_keys_are_public_and_only_public() {
    let house = House::new();
    let response = ask(&house, Request::get("/.well-known/jwks.json").body(Body::empty()).unwrap()).await;
    assert_eq!(response.headers()["cache-control"], "public, max-age=300");
    let keys = document(response).await;
    assert!(!keys.to_string().contains(SEED), "the seed stays inside");
    insta::assert_json_snapshot!(keys, @r#"
    {
      "keys": [
        {
          "alg": "EdDSA",
          "crv": "Ed25519",
          "kid": "9ZP03Nu8GrXPAUkbKNxHOKBzxPX83SShgFkRNK-f2lw",
          "kty": "OKP",
          "use": "sig",
          "x": "O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik"
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn a_hasher_with_too_much_to_do_is_a_503_that_says_when_to_come_back() {
    let house = registered().await;
    house.hasher_busy();
    for (path, body) in [("/v1/users", anna()), ("/v1/sessions", json!({ "email": "a@example.org", "password": "x" }))]
    {
        let response = ask(&house, post_json(&house, path, body)).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(response.headers()["retry-after"], "1", "{path}");
    }
}

#[tokio::test]
async fn a_store_that_is_gone_is_a_503_without_its_cause() {
    let house = registered().await;
    house.lose_commit(0);
    let response = ask(&house, post_json(&house, "/v1/users", anna())).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let problem: Problem = response.extensions().get::<Problem>().cloned().unwrap();
    assert!(problem.cause().is_some(), "for the log");
    insta::assert_json_snapshot!(document(response).await, @r#"
    {
      "status": 503,
      "title": "The service cannot answer at the moment.",
      "type": "/problems/unavailable"
    }
    "#);
}

#[tokio::test]
async fn readiness_asks_the_store() {
    let house = House::new();
    let ready = || Request::get("/internal/users/readyz").body(Body::empty()).unwrap();
    assert_eq!(document(ask(&house, ready()).await).await, json!({ "status": "ready" }));
    house.store_gone();
    assert_eq!(ask(&house, ready()).await.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[test]
fn each_kind_of_problem_is_declared_once() {
    let shared = problem::SHARED.iter().map(|kind| kind.slug);
    let mut slugs: Vec<&str> = PROBLEMS.iter().map(|kind| kind.slug).chain(shared).collect();
    let all = slugs.len();
    slugs.sort_unstable();
    slugs.dedup();
    assert_eq!(slugs.len(), all);
}

#[tokio::test]
async fn the_list_of_sessions_shows_devices_and_ends_them() {
    let (house, tokens) = logged_in().await;
    let get = |query: &str| {
        Request::get(format!("/v1/sessions{query}")).extension(principal(&tokens)).body(Body::empty()).unwrap()
    };
    let response = ask(&house, get("?limit=10")).await;
    assert_eq!(response.headers()["cache-control"], "no-store");
    let mut page = document(response).await;
    assert_eq!(page["items"][0]["id"], tokens.session_id.to_string());
    page["items"][0]["id"] = "ses_".into();
    insta::assert_json_snapshot!(page, @r#"
    {
      "items": [
        {
          "address": "192.0.2.1",
          "agent": "Laptop/1.0",
          "created_at": "2026-01-01T00:00:00.000Z",
          "current": true,
          "expires_at": "2026-01-31T00:00:00.000Z",
          "id": "ses_",
          "last_used_at": "2026-01-01T00:00:00.000Z"
        }
      ]
    }
    "#);
    for (query, status) in [("?limit=0", 422), ("?limit=101", 422), ("?limit=x", 400), ("?cursor=%25", 422)] {
        assert_eq!(ask(&house, get(query)).await.status().as_u16(), status, "{query}");
    }
    let path = format!("/v1/sessions/{}", tokens.session_id);
    let end = || {
        Request::delete(&path).extension(principal(&tokens)).extension(house.scope.scope).body(Body::empty()).unwrap()
    };
    assert_eq!(ask(&house, end()).await.status(), StatusCode::NO_CONTENT);
    assert!(document(ask(&house, get("")).await).await["items"].as_array().unwrap().is_empty());
    let unknown = Request::delete("/v1/sessions/ses_x").extension(principal(&tokens)).body(Body::empty()).unwrap();
    assert_eq!(ask(&house, unknown).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn logging_out_everywhere_may_keep_the_session_that_asks() {
    let (house, tokens) = logged_in().await;
    let delete = |query: &str| {
        let request = Request::delete(format!("/v1/sessions{query}")).extension(principal(&tokens));
        request.extension(house.scope.scope).body(Body::empty()).unwrap()
    };
    assert_eq!(ask(&house, delete("?keep=all")).await.status(), StatusCode::BAD_REQUEST);
    let kept = ask(&house, delete("?keep=current")).await;
    assert_eq!((kept.status(), kept.headers()["cache-control"].to_str().unwrap()), (StatusCode::OK, "no-store"));
    let kept = document(kept).await;
    assert_eq!(kept["session_id"], tokens.session_id.to_string());
    assert_eq!(ask(&house, delete("")).await.status(), StatusCode::NO_CONTENT);
    let again = json!({ "refresh_token": kept["refresh_token"] });
    let over = ask(&house, post_json(&house, "/v1/sessions/refresh", again)).await;
    assert_eq!(over.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(ask(&house, delete("?keep=current")).await.status(), StatusCode::NO_CONTENT, "nothing is left to keep");
}

#[tokio::test]
async fn changing_the_password_names_the_value_that_is_wrong() {
    let (house, tokens) = logged_in().await;
    let change = |current: &str, new: &str| {
        let body = json!({ "current_password": current, "new_password": new }).to_string();
        let request = Request::post("/v1/users/me/password").extension(principal(&tokens));
        request.extension(house.scope.scope).body(Body::from(body)).unwrap()
    };
    for (current, new, field) in [
        ("wrong horse", "battery staple", "current_password"),
        ("correct horse", "password1", "new_password"),
        ("correct horse", "anna@example.org", "new_password"),
    ] {
        let response = ask(&house, change(current, new)).await;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(document(response).await["field"], field);
    }
    let response = ask(&house, change("correct horse", "battery staple")).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(document(response).await["session_id"], tokens.session_id.to_string());
}

#[tokio::test]
async fn a_key_that_nobody_has_is_an_answer_and_no_status() {
    let house = House::new();
    for digest in ["00".repeat(32), "nonsense".to_owned()] {
        let question = json!({ "id": "key_0000000000000000000000000001", "digest": digest });
        let answer = ask(&house, post_json(&house, "/internal/users/api-keys/verify", question)).await;
        assert_eq!((answer.status(), document(answer).await), (StatusCode::OK, Value::Null), "{digest}");
    }
}
