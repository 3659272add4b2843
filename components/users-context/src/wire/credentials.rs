//! Requests that change how a person proves who they are.

use hasher_wire::Plain;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Body of `POST /v1/users/me/email/verification/confirm`.
#[derive(Deserialize, ToSchema)]
pub struct CodeRequest {
    /// The six digits of the letter.
    #[schema(examples("123456"))]
    pub code: String,
}

/// Body of `POST /v1/users/password-reset`.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ForgotPasswordRequest {
    /// The address of the account.
    #[schema(examples("anna@example.org"))]
    pub email: String,
}

/// Body of `POST /v1/users/password-reset/confirm`.
#[derive(Deserialize, ToSchema)]
pub struct ResetPasswordRequest {
    /// The address of the account.
    #[schema(format = Email, max_length = 254, examples("anna@example.org"))]
    pub email: String,
    /// The six digits of the letter.
    #[schema(examples("123456"))]
    pub code: String,
    /// The password from now on, 8 to 256 characters.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 256, examples("battery staple"))]
    pub new_password: Plain,
}

/// Body of `POST /v1/users/me/email`.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ChangeEmailRequest {
    /// The address that is to be.
    #[schema(format = Email, max_length = 254, examples("anna.new@example.org"))]
    pub new_email: String,
    /// The present password.
    #[schema(value_type = String, format = Password, examples("correct horse"))]
    pub password: Plain,
}

/// Body of `POST /v1/users/me/email/confirm`.
#[derive(Deserialize, ToSchema)]
pub struct ConfirmEmailRequest {
    /// The six digits of the letter to the present address.
    #[schema(examples("123456"))]
    pub code: String,
    /// The six digits of the letter to the new one.
    #[schema(examples("654321"))]
    pub new_code: String,
}

/// Answer where a letter may have been sent. **Shape** `{"status":"accepted"}`.
#[derive(Debug, Serialize, ToSchema)]
pub struct AcceptedAnswer {
    /// Always `accepted`.
    #[schema(pattern = "^accepted$", examples("accepted"))]
    pub status: &'static str,
}

/// Body of `POST /v1/users/me/password`.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ChangePasswordRequest {
    /// The present password.
    #[schema(value_type = String, format = Password, examples("correct horse"))]
    pub current_password: Plain,
    /// The one from now on, 8 to 256 characters.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 256, examples("battery staple"))]
    pub new_password: Plain,
}
