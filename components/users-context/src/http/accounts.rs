//! Accounts: register, look at oneself, prove or change the address, change or reset the password.

use super::NO_STORE;
use super::document::{OwnAccount, Password};
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

/// Opens an account
///
/// The answer is the same whether or not the address has an account already. A letter goes there with a code that proves
/// it.
#[utoipa::path(
    post, path = "/v1/users", operation_id = "register", tag = "accounts",
    request_body(
        content = RegisterRequest,
        example = json!({ "email": "anna@example.org", "password": "correct horse", "display_name": "Anna", "locale": "en" }),
    ),
    responses(
        (status = 202, description = "The address has exactly one account, this one or the one that was there", body = RegisterAnswer),
        (status = 409, description = "`conflict`: the address changed hands at the same time, too often to go on"),
        Password,
    ),
)]
pub(super) async fn post_user(
    State(users): State<Users>,
    scope: Asked,
    Json(request): Json<RegisterRequest>,
) -> Result<impl IntoResponse, Problem> {
    register(&users, &scope, request).await?;
    Ok((StatusCode::ACCEPTED, NO_STORE, Json(RegisterAnswer { status: "accepted" })))
}

/// The caller's profile
#[utoipa::path(
    get, path = "/v1/users/me", operation_id = "get_me", tag = "accounts",
    security(("bearer" = ["profile"])),
    responses(
        (status = 200, description = "The profile", body = ProfileAnswer),
        (status = 404, description = "`not-found`: the account is gone since the token was issued"),
    ),
)]
pub(super) async fn get_me(State(users): State<Users>, principal: Principal) -> Result<impl IntoResponse, Problem> {
    let profile: ProfileAnswer = me(&users, &principal).await?;
    Ok((NO_STORE, Json(profile)))
}

/// Changes name and language
///
/// What is missing stays as it is.
#[utoipa::path(
    patch, path = "/v1/users/me", operation_id = "update_profile", tag = "accounts",
    security(("bearer" = ["profile"])),
    request_body(content = UpdateProfileRequest, example = json!({ "display_name": "Anna K.", "locale": "de" })),
    responses(
        (status = 200, description = "The profile as it is now", body = ProfileAnswer),
        OwnAccount,
    ),
)]
pub(super) async fn patch_me(
    State(users): State<Users>,
    scope: Asked,
    principal: Principal,
    Json(request): Json<UpdateProfileRequest>,
) -> Result<impl IntoResponse, Problem> {
    let profile: ProfileAnswer = update_profile(&users, &scope, &principal, request).await?;
    Ok((NO_STORE, Json(profile)))
}

/// Changes the password
///
/// Every session ends but the calling one, which goes on with the tokens of the answer.
#[utoipa::path(
    post, path = "/v1/users/me/password", operation_id = "change_password", tag = "accounts",
    security(("bearer" = ["profile"])),
    request_body(
        content = ChangePasswordRequest,
        example = json!({ "current_password": "correct horse", "new_password": "battery staple" }),
    ),
    responses(
        (status = 200, description = "It is changed", body = TokensAnswer),
        (status = 401, description = "`session-ended`: it is changed, and the calling session was over before; or the token does not hold"),
        OwnAccount,
        Password,
    ),
)]
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

/// Sends another code to the caller's address
///
/// Nothing is sent where the address is proven already.
#[utoipa::path(
    post, path = "/v1/users/me/email/verification", operation_id = "send_verification", tag = "accounts",
    security(("bearer" = ["profile"])),
    responses(
        (status = 202, description = "A letter may be on its way", body = AcceptedAnswer),
        OwnAccount,
    ),
)]
pub(super) async fn post_verification(
    State(users): State<Users>,
    scope: Asked,
    principal: Principal,
) -> Result<impl IntoResponse, Problem> {
    send_verification(&users, &scope, &principal).await?;
    Ok(accepted())
}

/// Proves the caller's address
///
/// With the code of the letter. Where it is proven already, any code will do.
#[utoipa::path(
    post, path = "/v1/users/me/email/verification/confirm", operation_id = "verify_email", tag = "accounts",
    security(("bearer" = ["profile"])),
    request_body(content = CodeRequest, example = json!({ "code": "123456" })),
    responses(
        (status = 204, description = "It is proven"),
        (status = 422, description = "`code-refused`: the code opens nothing; `invalid`"),
        OwnAccount,
    ),
)]
pub(super) async fn post_verification_code(
    State(users): State<Users>,
    scope: Asked,
    principal: Principal,
    Json(request): Json<CodeRequest>,
) -> Result<StatusCode, Problem> {
    verify_email(&users, &scope, &principal, request).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends a code to whoever forgot the password
///
/// The answer is the same whether or not the address has an account.
#[utoipa::path(
    post, path = "/v1/users/password-reset", operation_id = "forget_password", tag = "accounts",
    request_body(content = ForgotPasswordRequest, example = json!({ "email": "anna@example.org" })),
    responses(
        (status = 202, description = "A letter may be on its way", body = AcceptedAnswer),
        OwnAccount,
    ),
)]
pub(super) async fn post_forgot_password(
    State(users): State<Users>,
    scope: Asked,
    client: Client,
    Json(request): Json<ForgotPasswordRequest>,
) -> Result<impl IntoResponse, Problem> {
    forgot_password(&users, &scope, &client, request).await?;
    Ok(accepted())
}

/// Sets another password by the code of a letter
///
/// Every session of the account ends.
#[utoipa::path(
    post, path = "/v1/users/password-reset/confirm", operation_id = "reset_password", tag = "accounts",
    request_body(
        content = ResetPasswordRequest,
        example = json!({ "email": "anna@example.org", "code": "123456", "new_password": "battery staple" }),
    ),
    responses(
        (status = 204, description = "It is set"),
        (status = 422, description = "`code-refused`: the code opens nothing, or there is no such account; `invalid`"),
        OwnAccount,
        Password,
    ),
)]
pub(super) async fn post_reset_password(
    State(users): State<Users>,
    scope: Asked,
    client: Client,
    Json(request): Json<ResetPasswordRequest>,
) -> Result<StatusCode, Problem> {
    reset_password(&users, &scope, &client, request).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Begins to change the address
///
/// A code goes to the present address and another to the new one; `POST /v1/users/me/email/confirm` takes both.
#[utoipa::path(
    post, path = "/v1/users/me/email", operation_id = "change_email", tag = "accounts",
    security(("bearer" = ["profile"])),
    request_body(
        content = ChangeEmailRequest,
        example = json!({ "new_email": "anna.new@example.org", "password": "correct horse" }),
    ),
    responses(
        (status = 202, description = "Two letters are on their way", body = AcceptedAnswer),
        OwnAccount,
        Password,
    ),
)]
pub(super) async fn post_email(
    State(users): State<Users>,
    scope: Asked,
    principal: Principal,
    Json(request): Json<ChangeEmailRequest>,
) -> Result<impl IntoResponse, Problem> {
    change_email(&users, &scope, &principal, request).await?;
    Ok(accepted())
}

/// Changes the address
///
/// With the codes of both letters: both mailboxes agree.
#[utoipa::path(
    post, path = "/v1/users/me/email/confirm", operation_id = "confirm_email_change", tag = "accounts",
    security(("bearer" = ["profile"])),
    request_body(content = ConfirmEmailRequest, example = json!({ "code": "123456", "new_code": "654321" })),
    responses(
        (status = 204, description = "The account has the new address"),
        (status = 404, description = "`not-found`: the account is gone since the token was issued"),
        (status = 409, description = "`email-taken`: another account has the address; `conflict`: the account changed at the same time"),
        (status = 422, description = "`code-refused`: one of the codes opens nothing; `invalid`"),
    ),
)]
pub(super) async fn post_email_codes(
    State(users): State<Users>,
    scope: Asked,
    principal: Principal,
    Json(request): Json<ConfirmEmailRequest>,
) -> Result<StatusCode, Problem> {
    confirm_email_change(&users, &scope, &principal, request).await?;
    Ok(StatusCode::NO_CONTENT)
}
