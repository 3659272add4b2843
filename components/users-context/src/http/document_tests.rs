//! The document and the routes say the same: each operation's example is sent in a house where it succeeds.

use super::tests::{ask, document, post_json};
use super::{access, accounts, api, privacy, sessions};
use crate::testing::{House, logged_in, principal, registered};
use crate::wire::api::TokensAnswer;
use api_document::{Agreement, Scene};
use axum::body::Body;
use axum::http::Request;
use http::StatusCode;
use ids::UserId;
use principal::Principal;
use serde_json::{Value, json};

/// A house, asked by its owner, by an operator, or by nobody.
fn scene(house: &House, caller: Option<Principal>) -> Scene {
    let own = accounts(house.users.clone()).merge(sessions(house.users.clone()));
    let scene = Scene::new(own.merge(access(house.access())).merge(privacy(house.privacy())));
    let client = house.client.clone();
    scene.by(move |request| {
        request.extensions_mut().insert(client.clone());
        if let Some(caller) = &caller {
            request.extensions_mut().insert(caller.clone());
        }
    })
}

async fn post(house: &House, caller: &Principal, path: &str, body: Value) -> Value {
    let request = Request::post(path).extension(caller.clone()).body(Body::from(body.to_string())).unwrap();
    let response = ask(house, request).await;
    assert!(response.status().is_success(), "{path}");
    if response.status() == StatusCode::NO_CONTENT { Value::Null } else { document(response).await }
}

/// Every other service hands its part of an export in.
async fn collected(house: &House, owner: UserId, export: &Value) {
    for service in ["payments", "notifications", "queries", "webhooks"] {
        let path = format!("/internal/users/privacy/exports/{owner}/{}/{service}", export["id"].as_str().unwrap());
        let page = json!({
            "page": { "number": 0, "last": true }, "truncated": false, "items": [["things", { "id": 1 }]],
        });
        let request = Request::put(&path).body(Body::from(page.to_string())).unwrap();
        assert_eq!(ask(house, request).await.status(), StatusCode::NO_CONTENT, "{path}");
    }
}

/// A key of Anna's.
async fn key_of(house: &House, anna: &Principal) -> Value {
    let wanted = json!({ "password": "correct horse", "name": "Nightly export", "scopes": ["payments:read"] });
    post(house, anna, "/v1/api-keys", wanted).await
}

/// What the telephone shows now.
async fn shown(house: &House) -> String {
    let user = house.only_user().await;
    user.second_factor.unwrap().code_now(&house.users.factor_key, user.id, house.users.now())
}

/// An operator, or an administrator.
fn operator(house: &House, tokens: &TokensAnswer, role: &str) -> Principal {
    let roles = vec!["user".to_owned(), role.to_owned()];
    Principal { subject: house.users.new_user_id().to_string(), roles, ..principal(tokens) }
}

/// Anna with a token that may read payments: a key is allowed no more than whoever makes it.
fn may_use_payments(mut anna: Principal) -> Principal {
    anna.scopes.push("payments:read".to_owned());
    anna
}

/// What an operation needs to succeed.
async fn before(operation: String) -> Scene {
    let password = || json!({ "password": "correct horse" });
    match operation.as_str() {
        "register" => return scene(&House::new(), None),
        "log_in" | "forget_password" | "get_keys" => return scene(&registered().await, None),
        "reset_password" => {
            let house = registered().await;
            let forgot = post_json(&house, "/v1/users/password-reset", json!({ "email": "anna@example.org" }));
            ask(&house, forgot).await;
            return scene(&house, None).knowing("code", house.last_code("anna@example.org"));
        }
        _ => {}
    }
    let (house, tokens) = logged_in().await;
    let anna = principal(&tokens);
    match operation.as_str() {
        "refresh_session" => scene(&house, None).knowing("refresh_token", tokens.refresh_token.clone()),
        "end_session" => scene(&house, Some(anna)).knowing("id", tokens.session_id.to_string()),
        "send_verification" => {
            house.clock.advance_ms(61_000);
            scene(&house, Some(anna))
        }
        "verify_email" => scene(&house, Some(anna)).knowing("code", house.last_code("anna@example.org")),
        "confirm_email_change" => {
            let change = json!({ "new_email": "anna.new@example.org", "password": "correct horse" });
            post(&house, &anna, "/v1/users/me/email", change).await;
            let new_code = house.last_code("anna.new@example.org");
            scene(&house, Some(anna)).knowing("code", house.last_code("anna@example.org")).knowing("new_code", new_code)
        }
        "confirm_second_factor" => {
            post(&house, &anna, "/v1/users/me/totp", password()).await;
            scene(&house, Some(anna)).knowing("code", shown(&house).await)
        }
        "remove_second_factor" | "step_up" => {
            post(&house, &anna, "/v1/users/me/totp", password()).await;
            post(&house, &anna, "/v1/users/me/totp/confirm", json!({ "code": shown(&house).await })).await;
            house.clock.advance_ms(30_000);
            scene(&house, Some(anna)).knowing("code", shown(&house).await)
        }
        "create_api_key" => scene(&house, Some(may_use_payments(anna))),
        "list_api_keys" | "rotate_api_key" | "revoke_api_key" => {
            let anna = may_use_payments(anna);
            let key = key_of(&house, &anna).await;
            scene(&house, Some(anna)).knowing("id", key["id"].clone())
        }
        "get_erasure" => {
            let receipt = post(&house, &anna, "/v1/users/me/erasure", password()).await;
            scene(&house, None).knowing("id", receipt["id"].clone())
        }
        "get_export" | "get_export_document" => {
            key_of(&house, &may_use_payments(anna.clone())).await;
            let export = post(&house, &anna, "/v1/users/me/export", password()).await;
            collected(&house, tokens.user_id, &export).await;
            scene(&house, Some(anna)).knowing("id", export["id"].clone())
        }
        "list_audit" | "verify_audit" => scene(&house, Some(operator(&house, &tokens, "operator"))),
        "find_account"
        | "get_account"
        | "lock_account"
        | "unlock_account"
        | "force_password_reset"
        | "end_sessions_of_account" => {
            let olga = operator(&house, &tokens, "operator");
            scene(&house, Some(olga)).knowing("id", tokens.user_id.to_string())
        }
        "set_roles" => {
            let adam = operator(&house, &tokens, "admin");
            scene(&house, Some(adam)).knowing("id", tokens.user_id.to_string())
        }
        _ => scene(&house, Some(anna)),
    }
}

#[tokio::test]
async fn the_document_and_the_routes_agree() {
    let check = Agreement::afresh(before, api(), &[include_str!("../http.rs")]);
    assert_eq!(check.complaints().await, Vec::<String>::new());
}
