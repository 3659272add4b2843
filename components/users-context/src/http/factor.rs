//! The second factor, and stepping up within a session.

use super::NO_STORE;
use crate::Users;
use crate::app::Invalid;
use crate::app::second_factor::{confirm, enrol, step_up, take_away};
use crate::asked::Asked;
use crate::wire::factor::{
    ConfirmFactorAnswer, ConfirmFactorRequest, EnrolFactorAnswer, EnrolFactorRequest, StepUpRequest,
    TakeAwayFactorRequest, shown,
};
use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use principal::Principal;
use problem::{Json, Problem};

/// Neither a code nor a recovery code was sent.
fn missing() -> Invalid {
    Invalid { field: "code", why: "a code or a recovery_code is needed".to_owned() }
}

pub(super) async fn post_totp(
    State(users): State<Users>,
    scope: Asked,
    principal: Principal,
    Json(request): Json<EnrolFactorRequest>,
) -> Result<impl IntoResponse, Problem> {
    let (user, secret) = enrol(&users, &scope, &principal, &request.password).await?;
    Ok((NO_STORE, Json(EnrolFactorAnswer::new(users.issuer.name(), &user, &secret))))
}

pub(super) async fn post_totp_code(
    State(users): State<Users>,
    scope: Asked,
    principal: Principal,
    Json(request): Json<ConfirmFactorRequest>,
) -> Result<impl IntoResponse, Problem> {
    let codes = confirm(&users, &scope, &principal, &request.code).await?;
    let recovery_codes = codes.iter().map(crate::domain::RecoveryCode::expose).collect();
    Ok((NO_STORE, Json(ConfirmFactorAnswer { recovery_codes })))
}

pub(super) async fn post_totp_removal(
    State(users): State<Users>,
    scope: Asked,
    principal: Principal,
    Json(request): Json<TakeAwayFactorRequest>,
) -> Result<StatusCode, Problem> {
    let shown = shown(request.code, request.recovery_code).ok_or_else(missing)?;
    take_away(&users, &scope, &principal, &request.password, &shown).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn post_step_up(
    State(users): State<Users>,
    scope: Asked,
    principal: Principal,
    Json(request): Json<StepUpRequest>,
) -> Result<impl IntoResponse, Problem> {
    let shown = shown(request.code, request.recovery_code).ok_or_else(missing)?;
    let tokens = step_up(&users, &scope, &principal, &shown).await?;
    Ok((NO_STORE, Json(tokens)))
}
