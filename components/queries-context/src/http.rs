//! The route table, and the one place with status codes.

use crate::app::{self, Freshness, OverviewError};
use crate::wire::OverviewAnswer;
use ::http::StatusCode;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use events::EventsError;
use ids::UserId;
use principal::Principal;
use problem::{FORBIDDEN, INTERNAL, Json, Problem, UNAVAILABLE};
use records::{Records, RecordsError};
use std::sync::Arc;

/// What the routes need.
#[derive(Clone)]
pub struct Queries {
    /// Where the read models lie.
    pub records: Arc<dyn Records>,
    /// How fresh they are.
    pub freshness: Freshness,
}

/// Routes for people.
pub fn public(state: Queries) -> Router {
    Router::new().route("/v1/overview", get(overview)).with_state(state)
}

/// Routes for other services; the edge checks their token.
pub fn internal(state: Queries) -> Router {
    Router::new().route("/internal/queries/readyz", get(ready)).with_state(state)
}

/// An overview repeats what payments and notifications would tell, so that it needs the scopes of both.
const SCOPES: [&str; 2] = ["payments:read", "notifications:read"];

#[derive(utoipa::OpenApi)]
#[openapi(paths(overview), tags((name = "overview", description = "A person's payments and inbox in numbers, built from events alone")))]
struct Api;

/// This context's part of the API's document.
pub fn api() -> utoipa::openapi::OpenApi {
    <Api as utoipa::OpenApi>::openapi()
}

/// The caller's overview
///
/// Built from events; `as_of` says up to when they are in it. Somebody of whom nothing was heard yet has an empty one.
#[utoipa::path(
    get, path = "/v1/overview", operation_id = "get_overview", tag = "overview",
    security(("bearer" = ["payments:read", "notifications:read"])),
    responses((status = 200, description = "The overview", body = OverviewAnswer)),
)]
async fn overview(State(state): State<Queries>, principal: Principal) -> Result<Json<OverviewAnswer>, Problem> {
    let user_id = person(&principal)?;
    match app::overview(&*state.records, &state.freshness, user_id).await {
        Ok(answer) => Ok(Json(answer)),
        Err(OverviewError::Records(error)) => Err(store(&error)),
        Err(OverviewError::Events(error)) => Err(log(&error)),
    }
}

async fn ready(State(state): State<Queries>) -> Result<StatusCode, Problem> {
    state.records.ready().await.map(|()| StatusCode::NO_CONTENT).map_err(|error| store(&error))
}

/// The account of a caller who may do this; only people have an overview.
fn person(principal: &Principal) -> Result<UserId, Problem> {
    SCOPES.iter().try_for_each(|scope| principal.require_scope(scope))?;
    principal.subject.parse().map_err(|_| Problem::new(FORBIDDEN).detail("only a person has an overview"))
}

fn store(error: &RecordsError) -> Problem {
    match error {
        RecordsError::Unavailable(_) | RecordsError::RolledBack { .. } | RecordsError::Layout(_) => {
            Problem::new(UNAVAILABLE).retry_after_s(1).caused_by(error)
        }
        RecordsError::Corrupt { .. } | RecordsError::Invalid(_) => Problem::new(INTERNAL).caused_by(error),
    }
}

fn log(error: &EventsError) -> Problem {
    match error {
        EventsError::Unavailable(_) => Problem::new(UNAVAILABLE).retry_after_s(1).caused_by(error),
        EventsError::NotSubscribed { .. } | EventsError::Unexpected(_) => Problem::new(INTERNAL).caused_by(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{House, NOW, ada, bob, notification_event, payment_event, user_event};
    use ::http::Request;
    use axum::body::Body;
    use futures::executor::block_on;
    use http_body_util::BodyExt;
    use payments_wire::PaymentStatus;
    use serde_json::Value;
    use tower::ServiceExt;

    fn ask(house: &House, caller: Option<(UserId, &[&str])>) -> (u16, Value) {
        let state = Queries { records: Arc::new(house.records.clone()), freshness: house.freshness.clone() };
        let mut request = Request::builder().uri("/v1/overview").body(Body::empty()).unwrap();
        if let Some((user_id, scopes)) = caller {
            request.extensions_mut().insert(Principal {
                subject: user_id.to_string(),
                session: None,
                scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
                roles: vec!["user".into()],
                assurance: 1,
                expires_at: NOW.parse().unwrap(),
            });
        }
        block_on(async {
            let response = public(state).oneshot(request).await.unwrap();
            let status = response.status().as_u16();
            let body = response.into_body().collect().await.unwrap().to_bytes();
            (status, serde_json::from_slice(&body).unwrap())
        })
    }

    #[test]
    fn an_overview_looks_like_this() {
        let house = House::new();
        house.hear(&user_event(users_wire::USER_REGISTERED, ada(), 1, "en"));
        house.hear(&payment_event(ada(), 1, 4, PaymentStatus::Captured, 900, "EUR"));
        house.hear(&payment_event(ada(), 2, 2, PaymentStatus::Failed, 0, "JPY"));
        house.hear(&notification_event(ada(), 1, true));
        house.hear(&notification_event(ada(), 2, false));
        let (status, overview) = ask(&house, Some((ada(), &SCOPES)));
        assert_eq!(status, 200);
        insta::assert_json_snapshot!(overview);
    }

    #[test]
    fn somebody_of_whom_nothing_was_heard_has_an_empty_overview() {
        let house = House::new();
        house.hear(&payment_event(ada(), 1, 4, PaymentStatus::Captured, 900, "EUR"));
        let (status, overview) = ask(&house, Some((bob(), &SCOPES)));
        assert_eq!(status, 200);
        assert_eq!(overview["profile"], Value::Null);
        assert_eq!(overview["payments"]["total"], 0);
        assert_eq!(overview["payments"]["captured"], serde_json::json!({}));
    }

    #[test]
    fn the_document_and_the_routes_agree() {
        let house = House::new();
        house.hear(&user_event(users_wire::USER_REGISTERED, ada(), 1, "en"));
        let state = Queries { records: Arc::new(house.records.clone()), freshness: house.freshness.clone() };
        let caller = Principal {
            subject: ada().to_string(),
            session: None,
            scopes: SCOPES.map(str::to_owned).into(),
            roles: Vec::new(),
            assurance: 1,
            expires_at: NOW.parse().unwrap(),
        };
        let scene = api_document::Scene::new(public(state))
            .by(move |request| drop(request.extensions_mut().insert(caller.clone())));
        let check = api_document::Agreement::new(scene, api(), &[include_str!("http.rs")]);
        let found = block_on(check.complaints());
        assert!(found.is_empty(), "{found:#?}");
    }

    #[test]
    fn nobody_gets_in_without_a_token_or_both_scopes() {
        let house = House::new();
        assert_eq!(ask(&house, None).0, 401);
        for missing in [&SCOPES[..1], &SCOPES[1..]] {
            assert_eq!(ask(&house, Some((ada(), missing))).0, 403, "{missing:?}");
        }
    }

    #[test]
    fn a_store_that_is_gone_is_503() {
        let house = House::new();
        house.hear(&user_event(users_wire::USER_REGISTERED, ada(), 1, "en"));
        house.records.lose_everything();
        let (status, problem) = ask(&house, Some((ada(), &SCOPES)));
        assert_eq!((status, problem["type"].as_str()), (503, Some("/problems/unavailable")));
    }
}
