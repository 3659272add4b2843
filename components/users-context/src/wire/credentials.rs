//! Requests that change how a person proves who they are.

use hasher_wire::Plain;
use serde::{Deserialize, Serialize};

/// Body of `POST /v1/users/me/email/verification/confirm`.
#[derive(Deserialize)]
pub struct CodeRequest {
    /// The six digits of the letter.
    pub code: String,
}

/// Body of `POST /v1/users/password-reset`.
#[derive(Debug, Deserialize)]
pub struct ForgotPasswordRequest {
    /// The address of the account.
    pub email: String,
}

/// Body of `POST /v1/users/password-reset/confirm`.
#[derive(Deserialize)]
pub struct ResetPasswordRequest {
    /// The address of the account.
    pub email: String,
    /// The six digits of the letter.
    pub code: String,
    /// The password from now on, 8 to 256 characters.
    pub new_password: Plain,
}

/// Body of `POST /v1/users/me/email`.
#[derive(Debug, Deserialize)]
pub struct ChangeEmailRequest {
    /// The address that is to be.
    pub new_email: String,
    /// The present password.
    pub password: Plain,
}

/// Body of `POST /v1/users/me/email/confirm`.
#[derive(Deserialize)]
pub struct ConfirmEmailRequest {
    /// The six digits of the letter to the present address.
    pub code: String,
    /// The six digits of the letter to the new one.
    pub new_code: String,
}

/// Answer where a letter may have been sent. **Shape** `{"status":"accepted"}`.
#[derive(Debug, Serialize)]
pub struct AcceptedAnswer {
    /// Always `accepted`.
    pub status: &'static str,
}

/// Body of `POST /v1/users/me/password`.
#[derive(Debug, Deserialize)]
pub struct ChangePasswordRequest {
    /// The present password.
    pub current_password: Plain,
    /// The one from now on, 8 to 256 characters.
    pub new_password: Plain,
}
