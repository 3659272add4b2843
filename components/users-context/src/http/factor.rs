//! The second factor, and stepping up within a session.

use super::NO_STORE;
use super::document::{OwnFactor, Password};
use crate::Users;
use crate::app::Invalid;
use crate::app::second_factor::{confirm, enrol, step_up, take_away};
use crate::asked::Asked;
use crate::wire::api::TokensAnswer;
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

/// Begins to enrol a telephone
///
/// Nothing is asked for until `POST /v1/users/me/totp/confirm` has shown that the telephone has the secret. Beginning
/// again makes another secret.
#[utoipa::path(
    post, path = "/v1/users/me/totp", operation_id = "enrol_second_factor", tag = "second factor",
    security(("bearer" = ["profile"])),
    request_body(content = EnrolFactorRequest, example = json!({ "password": "correct horse" })),
    responses(
        (status = 200, description = "The secret, shown this once", body = EnrolFactorAnswer),
        OwnFactor,
        Password,
    ),
)]
pub(super) async fn post_totp(
    State(users): State<Users>,
    scope: Asked,
    principal: Principal,
    Json(request): Json<EnrolFactorRequest>,
) -> Result<impl IntoResponse, Problem> {
    let (user, secret) = enrol(&users, &scope, &principal, &request.password).await?;
    Ok((NO_STORE, Json(EnrolFactorAnswer::new(users.issuer.name(), &user, &secret))))
}

/// Confirms the telephone
///
/// From now on logging in asks for it. The recovery codes are shown this once.
#[utoipa::path(
    post, path = "/v1/users/me/totp/confirm", operation_id = "confirm_second_factor", tag = "second factor",
    security(("bearer" = ["profile"])),
    request_body(content = ConfirmFactorRequest, example = json!({ "code": "123456" })),
    responses(
        (status = 200, description = "Recovery codes", body = ConfirmFactorAnswer),
        (status = 422, description = "`second-factor-refused`: the code does not hold; `invalid`"),
        OwnFactor,
    ),
)]
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

/// Takes the second factor away
///
/// For whoever knows the password and shows the factor once more, by `code` or by `recovery_code`.
#[utoipa::path(
    post, path = "/v1/users/me/totp/remove", operation_id = "remove_second_factor", tag = "second factor",
    security(("bearer" = ["profile"])),
    request_body(content = TakeAwayFactorRequest, example = json!({ "password": "correct horse", "code": "123456" })),
    responses(
        (status = 204, description = "The account has none"),
        (status = 422, description = "`second-factor-refused`: what was shown does not hold; `invalid`"),
        OwnFactor,
        Password,
    ),
)]
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

/// Proves the second factor within the session
///
/// The new token is good for what asked for it (`step-up-required`).
#[utoipa::path(
    post, path = "/v1/sessions/step-up", operation_id = "step_up", tag = "second factor",
    security(("bearer" = ["profile"])),
    request_body(content = StepUpRequest, example = json!({ "code": "123456" })),
    responses(
        (status = 200, description = "Tokens that prove more", body = TokensAnswer),
        (status = 401, description = "`session-ended`: the calling session is over; or the token does not hold"),
        (status = 422, description = "`second-factor-refused`: what was shown does not hold; `invalid`"),
        OwnFactor,
    ),
)]
pub(super) async fn post_step_up(
    State(users): State<Users>,
    scope: Asked,
    principal: Principal,
    Json(request): Json<StepUpRequest>,
) -> Result<impl IntoResponse, Problem> {
    let shown = shown(request.code, request.recovery_code).ok_or_else(missing)?;
    let tokens: TokensAnswer = step_up(&users, &scope, &principal, &shown).await?;
    Ok((NO_STORE, Json(tokens)))
}
