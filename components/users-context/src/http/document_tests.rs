//! The document and the routes say the same: each operation's example is sent in a house where it succeeds.

use super::tests::{ask, post_json};
use super::{accounts, api, sessions};
use crate::testing::{House, logged_in, principal, registered};
use crate::wire::api::TokensAnswer;
use api_document::{Agreement, Scene};
use axum::body::Body;
use axum::http::Request;
use principal::Principal;
use serde_json::{Value, json};

/// A house, asked by its owner, by an operator, or by nobody.
fn scene(house: &House, caller: Option<Principal>) -> Scene {
    let scene = Scene::new(accounts(house.users.clone()).merge(sessions(house.users.clone())));
    let client = house.client.clone();
    scene.by(move |request| {
        request.extensions_mut().insert(client.clone());
        if let Some(caller) = &caller {
            request.extensions_mut().insert(caller.clone());
        }
    })
}

async fn post(house: &House, caller: &Principal, path: &str, body: Value) {
    let request = Request::post(path).extension(caller.clone()).body(Body::from(body.to_string())).unwrap();
    assert!(ask(house, request).await.status().is_success(), "{path}");
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
