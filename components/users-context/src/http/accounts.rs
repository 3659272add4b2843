//! Accounts: register, look at oneself, prove or change the address, change or reset the password.

use super::NO_STORE;
use crate::Users;
use crate::app::change_email::{change_email, confirm_email_change};
use crate::app::change_password::change_password;
use crate::app::me::me;
use crate::app::register::register;
use crate::app::reset_password::{forgot_password, reset_password};
use crate::app::update_profile::update_profile;
use crate::app::verify_email::{send_verification, verify_email};
use crate::asked::Asked;
use crate::wire::api::{ProfileAnswer, RegisterAnswer, RegisterRequest, TokensAnswer, UpdateProfileRequest};
use crate::wire::credentials::{
    AcceptedAnswer, ChangeEmailRequest, ChangePasswordRequest, CodeRequest, ConfirmEmailRequest, ForgotPasswordRequest,
    ResetPasswordRequest,
};
use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use principal::{Client, Principal};
use problem::{Json, Problem};

pub(super) async fn post_user(
    State(users): State<Users>,
    scope: Asked,
    Json(request): Json<RegisterRequest>,
) -> Result<impl IntoResponse, Problem> {
    register(&users, &scope, request).await?;
    Ok((StatusCode::ACCEPTED, NO_STORE, Json(RegisterAnswer { status: "accepted" })))
}

pub(super) async fn get_me(State(users): State<Users>, principal: Principal) -> Result<impl IntoResponse, Problem> {
    let profile: ProfileAnswer = me(&users, &principal).await?;
    Ok((NO_STORE, Json(profile)))
}

pub(super) async fn patch_me(
    State(users): State<Users>,
    scope: Asked,
    principal: Principal,
    Json(request): Json<UpdateProfileRequest>,
) -> Result<impl IntoResponse, Problem> {
    let profile: ProfileAnswer = update_profile(&users, &scope, &principal, request).await?;
    Ok((NO_STORE, Json(profile)))
}

pub(super) async fn post_password(
    State(users): State<Users>,
    scope: Asked,
    principal: Principal,
    Json(request): Json<ChangePasswordRequest>,
) -> Result<impl IntoResponse, Problem> {
    let tokens: TokensAnswer = change_password(&users, &scope, &principal, request).await?;
    Ok((NO_STORE, Json(tokens)))
}

/// A letter may be on its way.
fn accepted() -> impl IntoResponse {
    (StatusCode::ACCEPTED, NO_STORE, Json(AcceptedAnswer { status: "accepted" }))
}

pub(super) async fn post_verification(
    State(users): State<Users>,
    scope: Asked,
    principal: Principal,
) -> Result<impl IntoResponse, Problem> {
    send_verification(&users, &scope, &principal).await?;
    Ok(accepted())
}

pub(super) async fn post_verification_code(
    State(users): State<Users>,
    scope: Asked,
    principal: Principal,
    Json(request): Json<CodeRequest>,
) -> Result<StatusCode, Problem> {
    verify_email(&users, &scope, &principal, request).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn post_forgot_password(
    State(users): State<Users>,
    scope: Asked,
    client: Client,
    Json(request): Json<ForgotPasswordRequest>,
) -> Result<impl IntoResponse, Problem> {
    forgot_password(&users, &scope, &client, request).await?;
    Ok(accepted())
}

pub(super) async fn post_reset_password(
    State(users): State<Users>,
    scope: Asked,
    client: Client,
    Json(request): Json<ResetPasswordRequest>,
) -> Result<StatusCode, Problem> {
    reset_password(&users, &scope, &client, request).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn post_email(
    State(users): State<Users>,
    scope: Asked,
    principal: Principal,
    Json(request): Json<ChangeEmailRequest>,
) -> Result<impl IntoResponse, Problem> {
    change_email(&users, &scope, &principal, request).await?;
    Ok(accepted())
}

pub(super) async fn post_email_codes(
    State(users): State<Users>,
    scope: Asked,
    principal: Principal,
    Json(request): Json<ConfirmEmailRequest>,
) -> Result<StatusCode, Problem> {
    confirm_email_change(&users, &scope, &principal, request).await?;
    Ok(StatusCode::NO_CONTENT)
}
