//! Codes, throttles, second factors and operators as a caller sees them: status, headers, documents.

use super::tests::{ask, document, post_json};
use crate::app::register::register;
use crate::testing::{House, logged_in, principal, registered, registration};
use crate::wire::api::TokensAnswer;
use axum::body::Body;
use axum::http::Request;
use http::StatusCode;
use principal::Principal;
use serde_json::{Value, json};

fn with(house: &House, caller: &Principal, method: &str, path: &str, body: Value) -> Request<Body> {
    let request = Request::builder().method(method).uri(path).extension(house.scope.scope).extension(caller.clone());
    request.body(Body::from(if body.is_null() { String::new() } else { body.to_string() })).unwrap()
}

#[tokio::test]
async fn a_forgotten_password_is_one_answer_for_every_address() {
    let house = registered().await;
    let mut answers = Vec::new();
    for email in ["anna@example.org", "berta@example.org", "nonsense"] {
        let response = ask(&house, post_json(&house, "/v1/users/password-reset", json!({ "email": email }))).await;
        answers.push((response.status(), response.headers().clone(), document(response).await));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(answers[0].0, StatusCode::ACCEPTED);
    assert_eq!(answers[0].1["cache-control"], "no-store");
}

#[tokio::test]
async fn a_code_that_does_not_hold_is_one_document_whatever_is_wrong_with_it() {
    let house = registered().await;
    ask(&house, post_json(&house, "/v1/users/password-reset", json!({ "email": "anna@example.org" }))).await;
    let reset = |email: &str, code: &str| {
        let body = json!({ "email": email, "code": code, "new_password": "battery staple" });
        post_json(&house, "/v1/users/password-reset/confirm", body)
    };
    let mut answers = Vec::new();
    for (email, code) in [("anna@example.org", "999999"), ("berta@example.org", "999999"), ("anna@example.org", "")] {
        let response = ask(&house, reset(email, code)).await;
        answers.push((response.status(), document(response).await));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    insta::assert_json_snapshot!(answers[0].1, @r#"
    {
      "status": 422,
      "title": "The code does not hold.",
      "type": "/problems/code-refused"
    }
    "#);
    let right = house.last_code("anna@example.org");
    assert_eq!(ask(&house, reset("anna@example.org", &right)).await.status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn too_many_failures_are_a_429_that_says_when_to_come_back_for_known_and_unknown_alike() {
    let mut answers = Vec::new();
    for email in ["anna@example.org", "berta@example.org"] {
        let house = registered().await;
        let login = || post_json(&house, "/v1/sessions", json!({ "email": email, "password": "wrong horse" }));
        for _ in 0..5 {
            assert_eq!(ask(&house, login()).await.status(), StatusCode::UNAUTHORIZED);
        }
        let response = ask(&house, login()).await;
        assert_eq!(
            (response.status(), &response.headers()["retry-after"]),
            (StatusCode::TOO_MANY_REQUESTS, &"1".parse().unwrap())
        );
        answers.push(document(response).await);
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn proving_and_changing_an_address_takes_the_codes_of_the_letters() {
    let (house, tokens) = logged_in().await;
    let caller = principal(&tokens);
    let post = async |path: &str, body: Value| ask(&house, with(&house, &caller, "POST", path, body)).await;
    let early = post("/v1/users/me/email/verification", Value::Null).await;
    assert_eq!((early.status().as_u16(), &early.headers()["retry-after"]), (429, &"60".parse().unwrap()));
    let code = json!({ "code": house.last_code("anna@example.org") });
    assert_eq!(post("/v1/users/me/email/verification/confirm", code).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(post("/v1/users/me/email/verification", Value::Null).await.status(), StatusCode::ACCEPTED);

    let change = json!({ "new_email": "berta@example.org", "password": "correct horse" });
    assert_eq!(post("/v1/users/me/email", change).await.status(), StatusCode::ACCEPTED);
    let codes =
        json!({ "code": house.last_code("anna@example.org"), "new_code": house.last_code("berta@example.org") });
    assert_eq!(post("/v1/users/me/email/confirm", codes).await.status(), StatusCode::NO_CONTENT);
    let me = document(ask(&house, with(&house, &caller, "GET", "/v1/users/me", Value::Null)).await).await;
    assert_eq!((&me["email"], &me["email_verified"]), (&"berta@example.org".into(), &true.into()));
}

#[tokio::test]
async fn a_second_factor_is_enrolled_asked_for_and_stepped_up_with() {
    let (house, tokens) = logged_in().await;
    let caller = principal(&tokens);
    let post = async |path: &str, body: Value| ask(&house, with(&house, &caller, "POST", path, body)).await;
    let code = async || {
        let user = house.only_user().await;
        user.second_factor.unwrap().code_now(&house.users.factor_key, user.id, house.users.now())
    };
    let missing = post("/v1/sessions/step-up", json!({ "code": "000000" })).await;
    assert_eq!(
        (missing.status().as_u16(), document(missing).await["detail"].as_str()),
        (409, Some("the account has none"))
    );
    assert_eq!(post("/v1/sessions/step-up", json!({})).await.status(), StatusCode::UNPROCESSABLE_ENTITY);

    let enrolled = post("/v1/users/me/totp", json!({ "password": "correct horse" })).await;
    assert_eq!(enrolled.headers()["cache-control"], "no-store");
    let enrolled = document(enrolled).await;
    assert!(enrolled["uri"].as_str().unwrap().contains(enrolled["secret"].as_str().unwrap()));
    let confirmed = post("/v1/users/me/totp/confirm", json!({ "code": code().await })).await;
    assert_eq!(document(confirmed).await["recovery_codes"].as_array().unwrap().len(), 10);

    house.clock.advance_ms(30_000);
    let login = json!({ "email": "anna@example.org", "password": "correct horse" });
    let needed = ask(&house, post_json(&house, "/v1/sessions", login.clone())).await;
    assert_eq!(
        (needed.status(), &needed.headers()["www-authenticate"]),
        (StatusCode::UNAUTHORIZED, &"Bearer".parse().unwrap())
    );
    assert_eq!(document(needed).await["type"], "/problems/second-factor-needed");
    let wrong_password = json!({ "email": "anna@example.org", "password": "wrong horse" });
    let hidden = ask(&house, post_json(&house, "/v1/sessions", wrong_password)).await;
    assert_eq!(document(hidden).await["type"], "/problems/credentials", "told only after the right password");
    let mut with_code = login;
    with_code["code"] = "000000".into();
    assert_eq!(ask(&house, post_json(&house, "/v1/sessions", with_code)).await.status().as_u16(), 422);

    let stronger = post("/v1/sessions/step-up", json!({ "code": code().await })).await;
    assert_eq!(stronger.status(), StatusCode::OK);
    house.clock.advance_ms(30_000);
    let removal = json!({ "password": "correct horse", "code": code().await });
    assert_eq!(post("/v1/users/me/totp/remove", removal).await.status(), StatusCode::NO_CONTENT);
}

fn operator(tokens: &TokensAnswer, house: &House, role: &str) -> Principal {
    let roles = vec!["user".to_owned(), role.to_owned()];
    Principal { subject: house.users.new_user_id().to_string(), roles, ..principal(tokens) }
}

#[tokio::test]
async fn operators_see_enough_to_help_and_others_see_nothing() {
    let (house, tokens) = logged_in().await;
    let olga = operator(&tokens, &house, "operator");
    let path = format!("/v1/users/{}", tokens.user_id);
    for path in [path.as_str(), "/v1/users?email=anna@example.org"] {
        let refused = ask(&house, with(&house, &principal(&tokens), "GET", path, Value::Null)).await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{path}");
        let mut shown = document(ask(&house, with(&house, &olga, "GET", path, Value::Null)).await).await;
        assert_eq!(shown["id"], tokens.user_id.to_string());
        shown["id"] = "usr_".into();
        insta::allow_duplicates! {
            insta::assert_json_snapshot!(shown, @r#"
            {
              "created_at": "2026-01-01T00:00:00.000Z",
              "display_name": "Anna",
              "email": "anna@example.org",
              "email_verified": false,
              "id": "usr_",
              "locale": "en",
              "must_reset": false,
              "roles": [
                "user"
              ],
              "second_factor": false,
              "status": "active"
            }
            "#);
        }
    }
    for (path, status) in [("/v1/users", 422), ("/v1/users?email=nobody@example.org", 404), ("/v1/users/usr_x", 404)] {
        let response = ask(&house, with(&house, &olga, "GET", path, Value::Null)).await;
        assert_eq!(response.status().as_u16(), status, "{path}");
    }
}

#[tokio::test]
async fn what_operators_do_answers_the_account_as_it_is_then() {
    let (house, tokens) = logged_in().await;
    let (olga, adam) = (operator(&tokens, &house, "operator"), operator(&tokens, &house, "admin"));
    let path = |act: &str| format!("/v1/users/{}{act}", tokens.user_id);
    let act = async |who: &Principal, method: &str, act: &str, body: Value| {
        let response = ask(&house, with(&house, who, method, &path(act), body)).await;
        (response.status().as_u16(), document(response).await)
    };
    for (method, verb) in [("POST", "/lock"), ("POST", "/unlock"), ("POST", "/force-reset"), ("DELETE", "/sessions")] {
        let (status, _) = act(&principal(&tokens), method, verb, Value::Null).await;
        assert_eq!(status, 403, "{verb} by somebody without the role");
    }
    assert_eq!(act(&olga, "POST", "/lock", Value::Null).await.1["status"], "suspended");
    assert_eq!(act(&olga, "POST", "/unlock", Value::Null).await.1["status"], "active");
    assert_eq!(act(&olga, "POST", "/force-reset", Value::Null).await.1["must_reset"], true);
    assert_eq!(act(&olga, "DELETE", "/sessions", Value::Null).await.0, 200);

    let roles = json!({ "roles": ["operator"] });
    assert_eq!(act(&olga, "PUT", "/roles", roles.clone()).await.0, 403);
    assert_eq!(act(&adam, "PUT", "/roles", roles).await.1["roles"], json!(["user", "operator"]));
    assert_eq!(act(&adam, "PUT", "/roles", json!({ "roles": ["root"] })).await.1["field"], "roles");
}

#[tokio::test]
async fn the_first_administrator_is_whoever_proves_the_address_that_the_deployment_names() {
    let (mut house, tokens) = logged_in().await;
    house.users.first_admins = crate::domain::FirstAdmins::parse("anna@example.org").unwrap();
    let roles = async |house: &House| {
        let me = ask(house, with(house, &principal(&tokens), "GET", "/v1/users/me", Value::Null)).await;
        document(me).await["roles"].clone()
    };
    assert_eq!(roles(&house).await, json!(["user"]), "registering an address proves nothing");
    house.change_user(|user| user.email_verified_at = Some(user.created_at)).await;
    assert_eq!(roles(&house).await, json!(["user", "admin", "operator"]));
    register(&house.users, &house.scope, registration("berta@example.org")).await.unwrap();
    house.users.first_admins = crate::domain::FirstAdmins::default();
    assert_eq!(roles(&house).await, json!(["user"]), "and only as long as it names it");
}
