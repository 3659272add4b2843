//! The check finds each planted fault.

use super::*;
use axum::Json;
use axum::routing::{get, post};

#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "only its schema is looked at")]
struct Tea {
    cups: u32,
}

/// A cup
#[utoipa::path(get, path = "/tea/{id}", params(("id" = String, Path, example = "t1")), responses((status = 200, description = "It", body = Tea)))]
#[expect(dead_code, reason = "only its description is looked at")]
fn show() {}

/// A new cup
#[utoipa::path(post, path = "/tea", request_body(content = Tea, example = json!({ "cups": 2 })), responses((status = 201, description = "Made")))]
#[expect(dead_code, reason = "only its description is looked at")]
fn make() {}

#[derive(utoipa::OpenApi)]
#[openapi(paths(show, make))]
struct Api;

fn api() -> OpenApi {
    <Api as utoipa::OpenApi>::openapi()
}

const TABLE: &str = r#".route("/tea/{id}", get(show_it)).route("/tea", post(make)).route("/internal/tea", get(x))"#;

fn sound() -> Router {
    Router::new()
        .route("/tea/{id}", get(async || Json(json!({ "cups": 1 }))))
        .route("/tea", post(async |Json(_): Json<Value>| StatusCode::CREATED))
}

async fn complaints(router: Router, table: &'static str) -> Vec<String> {
    Agreement::new(Scene::new(router), api(), &[table]).complaints().await
}

#[tokio::test]
async fn what_agrees_is_let_pass() {
    assert_eq!(complaints(sound(), TABLE).await, Vec::<String>::new());
}

#[tokio::test]
async fn each_way_to_disagree_is_found() {
    let mut extra = TABLE.to_owned();
    extra.push_str(".route(\"/coffee\", get(coffee).delete(no_coffee))");
    let found = complaints(sound(), extra.leak()).await;
    assert_eq!(found, ["delete /coffee is routed and not documented", "get /coffee is routed and not documented"]);

    let found = complaints(sound(), r#".route("/tea", post(make))"#).await;
    assert_eq!(found, ["get /tea/{id} is documented and in no route table"]);

    for (router, expected) in [
        (Router::new().route("/tea", post(async || StatusCode::CREATED)), "get /tea/{id}: there is no such route"),
        (sound_but(get(async || Json(json!({ "cups": "many" })))), "is not as documented"),
        (sound_but(get(async || StatusCode::NO_CONTENT)), "the answer is not one that is documented: 204"),
        (sound_but(get(async || "one cup")), "`text/plain` is not documented for 200"),
        (sound_but(get(async || StatusCode::BAD_REQUEST)), "its own example is refused"),
    ] {
        let found = complaints(router, TABLE).await;
        assert!(found.len() == 1 && found[0].contains(expected), "{expected}: {found:?}");
    }
}

fn sound_but(show: axum::routing::MethodRouter) -> Router {
    Router::new().route("/tea", post(async || StatusCode::CREATED)).route("/tea/{id}", show)
}
