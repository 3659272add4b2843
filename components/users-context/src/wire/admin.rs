//! Requests and answers of the routes for operators.

use crate::domain::{SecondFactor, User};
use crate::wire::api::status_word;
use ambient::Timestamp;
use ids::UserId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An account as an operator sees it: enough to help, nothing that opens it.
#[derive(Debug, Serialize, ToSchema)]
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
    #[schema(min_items = 1, examples(json!(["user"])))]
    pub roles: Vec<String>,
    /// `active` or `suspended`.
    #[schema(pattern = "^(active|suspended)$", examples("active"))]
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
#[derive(Debug, Deserialize, ToSchema)]
pub struct RolesRequest {
    /// The roles from now on, such as `["operator","plan:pro"]`; `user` need not be named. An account has at most eight.
    #[schema(value_type = Vec<RoleName>, examples(json!(["operator", "plan:pro"])))]
    pub roles: Vec<String>,
}

/// A role. **Shape** `user`, `operator`, `admin`, or `plan:` and a name of 1 to 32 characters out of `a-z`, `0-9` and `-`.
#[derive(ToSchema)]
#[schema(pattern = "^(user|operator|admin|plan:[a-z0-9-]{1,32})$")]
#[expect(dead_code, reason = "only its schema is looked at")]
struct RoleName(String);
