//! Requests and answers of the routes for operators.

use crate::domain::{SecondFactor, User};
use crate::wire::api::status_word;
use ambient::Timestamp;
use ids::UserId;
use serde::{Deserialize, Serialize};

/// An account as an operator sees it: enough to help, nothing that opens it.
#[derive(Debug, Serialize)]
pub struct AccountAnswer {
    /// Which account.
    pub id: UserId,
    /// Where messages go.
    pub email: String,
    /// Whether the address is known to be the person's.
    pub email_verified: bool,
    /// How the person wants to be called.
    pub display_name: String,
    /// The language for messages.
    pub locale: String,
    /// What the person may do.
    pub roles: Vec<String>,
    /// `active` or `suspended`.
    pub status: &'static str,
    /// Whether the password is worth nothing until another is set by a code.
    pub must_reset: bool,
    /// Whether logging in asks for a second factor.
    pub second_factor: bool,
    /// When the account was opened.
    pub created_at: Timestamp,
}

impl AccountAnswer {
    /// An account with the roles that it has at present.
    pub fn new(user: User, roles: Vec<String>) -> Self {
        Self {
            id: user.id,
            email: user.email.as_str().to_owned(),
            email_verified: user.email_verified_at.is_some(),
            display_name: user.display_name.as_str().to_owned(),
            locale: user.locale.as_str().to_owned(),
            roles,
            status: status_word(user.status),
            must_reset: user.must_reset,
            second_factor: user.second_factor.as_ref().is_some_and(SecondFactor::is_confirmed),
            created_at: user.created_at,
        }
    }
}

/// Body of `PUT /v1/users/{id}/roles`.
#[derive(Debug, Deserialize)]
pub struct RolesRequest {
    /// The roles from now on, such as `["operator","plan:pro"]`; `user` need not be named.
    pub roles: Vec<String>,
}
