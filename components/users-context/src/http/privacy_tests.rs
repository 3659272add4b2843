//! Export and erasure as a caller and as another service see them: status, headers, documents.

use super::tests::{ask, document};
use crate::testing::{House, logged_in, principal};
use axum::body::Body;
use axum::http::Request;
use http::StatusCode;
use principal::Principal;
use serde_json::{Value, json};

fn asked(house: &House, caller: Option<&Principal>, method: &str, path: &str, body: Value) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path).extension(house.scope.scope);
    if let Some(caller) = caller {
        request = request.extension(caller.clone());
    }
    request.body(Body::from(if body.is_null() { String::new() } else { body.to_string() })).unwrap()
}

async fn send(house: &House, caller: Option<&Principal>, method: &str, path: &str, body: Value) -> (u16, Value) {
    let response = ask(house, asked(house, caller, method, path, body)).await;
    let status = response.status();
    (status.as_u16(), if status == StatusCode::NO_CONTENT { Value::Null } else { document(response).await })
}

#[tokio::test]
async fn an_erasure_is_accepted_and_its_receipt_can_be_read_without_an_account() {
    let (house, tokens) = logged_in().await;
    let caller = principal(&tokens);
    let proof = json!({ "password": "correct horse" });
    let response = ask(&house, asked(&house, Some(&caller), "POST", "/v1/users/me/erasure", proof.clone())).await;
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    assert_eq!(response.headers()["cache-control"], "no-store");
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let (status, receipt) = send(&house, None, "GET", &location, Value::Null).await;
    assert_eq!((status, &receipt["status"]), (200, &json!("pending")));
    assert_eq!(receipt["services"].as_array().map(Vec::len), Some(5));
    assert_eq!(receipt["services"][0]["kept"].as_array().map(Vec::is_empty), Some(false), "and says what stays");

    for service in ["payments", "notifications", "queries", "webhooks"] {
        let path = format!("/internal/users/privacy/erasures/{}/{service}", receipt["id"].as_str().unwrap());
        let part = json!({ "look": 1, "at": "2026-01-01T00:00:00.000Z", "erased": [], "kept": [] });
        assert_eq!(send(&house, None, "PUT", &path, part).await, (204, Value::Null));
    }
    assert_eq!(send(&house, None, "GET", &location, Value::Null).await.1["status"], "done");
    assert_eq!(send(&house, Some(&caller), "POST", "/v1/users/me/erasure", proof).await.0, 202, "once more is no harm");
    assert_eq!(send(&house, Some(&caller), "GET", "/v1/users/me", Value::Null).await.0, 404);
    assert_eq!(send(&house, None, "GET", "/v1/users/me/erasure/ers_nonsense", Value::Null).await.0, 404);
}

#[tokio::test]
async fn an_export_is_accepted_collected_and_shown() {
    let (house, tokens) = logged_in().await;
    let caller = principal(&tokens);
    let proof = json!({ "password": "correct horse" });
    let (status, export) = send(&house, Some(&caller), "POST", "/v1/users/me/export", proof).await;
    assert_eq!((status, &export["status"]), (202, &json!("pending")));
    let path = format!("/v1/users/me/export/{}", export["id"].as_str().unwrap());
    let document_path = format!("{path}/document");
    let (status, problem) = send(&house, Some(&caller), "GET", &document_path, Value::Null).await;
    assert_eq!((status, &problem["type"]), (409, &json!("/problems/export-not-ready")));
    let (user, id) = (tokens.user_id, export["id"].as_str().unwrap().to_owned());
    for service in ["payments", "notifications", "queries", "webhooks"] {
        let put = format!("/internal/users/privacy/exports/{user}/{id}/{service}");
        let page = json!({ "page": { "number": 0, "last": true }, "truncated": false, "items": [["things", 1]] });
        assert_eq!(send(&house, None, "PUT", &put, page).await.0, 204);
    }
    assert_eq!(send(&house, Some(&caller), "GET", &path, Value::Null).await.1["status"], "ready");
    let (status, whole) = send(&house, Some(&caller), "GET", &document_path, Value::Null).await;
    assert_eq!((status, &whole["queries"]["things"]), (200, &json!([1])));
    let without = ask(&house, asked(&house, None, "GET", &document_path, Value::Null)).await;
    assert_eq!(without.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_desk_gives_keys_of_whoever_is_there_and_says_gone_of_all_others() {
    let (house, tokens) = logged_in().await;
    let key = format!("/internal/users/privacy/keys/{}", tokens.user_id);
    let (status, answer) = send(&house, None, "GET", &key, Value::Null).await;
    assert_eq!((status, answer["key"].as_str().map(str::len)), (200, Some(43)));
    let proof = json!({ "password": "correct horse" });
    send(&house, Some(&principal(&tokens)), "POST", "/v1/users/me/erasure", proof).await;
    let (status, problem) = send(&house, None, "GET", &key, Value::Null).await;
    assert_eq!((status, &problem["type"]), (410, &json!("/problems/erased")));

    let part = json!({ "look": 1, "at": "2026-01-01T00:00:00.000Z", "erased": [], "kept": [] });
    for (path, status) in [
        ("erasures/ers_0000000000000000000000000001/queries", 410),
        ("erasures/ers_0000000000000000000000000001/users", 404),
        ("erasures/nonsense/queries", 404),
    ] {
        let path = format!("/internal/users/privacy/{path}");
        assert_eq!(send(&house, None, "PUT", &path, part.clone()).await.0, status, "{path}");
    }
}

#[tokio::test]
async fn what_a_service_hands_in_that_is_not_known_yet_is_put_off() {
    let (house, tokens) = logged_in().await;
    let caller = principal(&tokens);
    let proof = json!({ "password": "correct horse" });
    let (_, export) = send(&house, Some(&caller), "POST", "/v1/users/me/export", proof.clone()).await;
    let (_, erasure) = send(&house, Some(&caller), "POST", "/v1/users/me/erasure", proof).await;
    let part = json!({ "look": 1, "at": "2026-01-01T00:00:00.000Z", "erased": [], "kept": [] });
    let page = json!({ "page": { "number": 0, "last": true }, "truncated": false, "items": [] });
    let (erasure, export) = (erasure["id"].as_str().unwrap(), export["id"].as_str().unwrap());
    for (path, body) in
        [(format!("erasures/{erasure}/ledgers"), part), (format!("exports/{}/{export}/ledgers", tokens.user_id), page)]
    {
        let path = format!("/internal/users/privacy/{path}");
        let response = ask(&house, asked(&house, None, "PUT", &path, body)).await;
        // The desk over HTTP takes 503 for one that is gone: the event comes back and uses up no delivery.
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(response.headers()["retry-after"], "30");
        let problem = document(response).await;
        assert_eq!(problem["type"], "/problems/unavailable");
        assert_eq!(problem["detail"], "no service of this name is known here yet");
    }
}
