//! Accounts of others, for operators.

use super::NO_STORE;
use super::document::Administered;
use crate::Users;
use crate::app::Invalid;
use crate::app::administer::{Act, FindBy, administer, find_account};
use crate::asked::Asked;
use crate::domain::User;
use crate::wire::admin::{AccountAnswer, RolesRequest};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse;
use ids::UserId;
use principal::Principal;
use problem::{Json, MALFORMED, Problem};
use serde::Deserialize;
use utoipa::IntoParams;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct FindQuery {
    /// The address that it has now.
    #[param(value_type = String, example = "anna@example.org")]
    email: Option<String>,
}

fn shown(users: &Users, user: User) -> impl IntoResponse + use<> {
    let roles = users.roles_of(&user);
    (NO_STORE, Json(AccountAnswer::new(user, roles)))
}

/// Finds an account by its address
#[utoipa::path(
    get, path = "/v1/users", operation_id = "find_account", tag = "operators",
    security(("bearer" = ["operator"])),
    params(FindQuery),
    responses(
        (status = 200, description = "The account", body = AccountAnswer),
        (status = 404, description = "`not-found`: no account has this address"),
        (status = 422, description = "`invalid`: there is no address"),
    ),
)]
pub(super) async fn get_by_email(
    State(users): State<Users>,
    principal: Principal,
    query: Result<Query<FindQuery>, QueryRejection>,
) -> Result<impl IntoResponse, Problem> {
    let Query(FindQuery { email }) =
        query.map_err(|_| Problem::new(MALFORMED).detail("the query cannot be read: email is a text"))?;
    let email = email.ok_or(Invalid { field: "email", why: "the address of the account is needed".to_owned() })?;
    let user = find_account(&users, &principal, FindBy::Email(&email)).await?;
    Ok(shown(&users, user))
}

/// One account
#[utoipa::path(
    get, path = "/v1/users/{id}", operation_id = "get_account", tag = "operators",
    security(("bearer" = ["operator"])),
    params(("id" = UserId, Path, description = "Which account")),
    responses(
        (status = 200, description = "The account", body = AccountAnswer),
        (status = 404, description = "`not-found`: there is no such account"),
    ),
)]
pub(super) async fn get_by_id(
    State(users): State<Users>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let user = find_account(&users, &principal, FindBy::Id(&id)).await?;
    Ok(shown(&users, user))
}

async fn done(
    users: Users,
    scope: Asked,
    principal: Principal,
    id: String,
    act: Act,
) -> Result<impl IntoResponse, Problem> {
    let user = administer(&users, &scope, &principal, &id, &act).await?;
    Ok(shown(&users, user))
}

/// Locks an account
///
/// It may not be used until it is unlocked; its sessions end.
#[utoipa::path(
    post, path = "/v1/users/{id}/lock", operation_id = "lock_account", tag = "operators",
    security(("bearer" = ["operator"])),
    params(("id" = UserId, Path, description = "Which account")),
    responses((status = 200, description = "The account as it is now", body = AccountAnswer), Administered),
)]
pub(super) async fn post_lock(
    State(users): State<Users>,
    scope: Asked,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    done(users, scope, principal, id, Act::Lock).await
}

/// Unlocks an account
#[utoipa::path(
    post, path = "/v1/users/{id}/unlock", operation_id = "unlock_account", tag = "operators",
    security(("bearer" = ["operator"])),
    params(("id" = UserId, Path, description = "Which account")),
    responses((status = 200, description = "The account as it is now", body = AccountAnswer), Administered),
)]
pub(super) async fn post_unlock(
    State(users): State<Users>,
    scope: Asked,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    done(users, scope, principal, id, Act::Unlock).await
}

/// Makes a password worthless
///
/// Until another is set by a code, which is sent; sessions end.
#[utoipa::path(
    post, path = "/v1/users/{id}/force-reset", operation_id = "force_password_reset", tag = "operators",
    security(("bearer" = ["operator"])),
    params(("id" = UserId, Path, description = "Which account")),
    responses((status = 200, description = "The account as it is now", body = AccountAnswer), Administered),
)]
pub(super) async fn post_force_reset(
    State(users): State<Users>,
    scope: Asked,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    done(users, scope, principal, id, Act::ForceReset).await
}

/// Ends all sessions of an account
#[utoipa::path(
    delete, path = "/v1/users/{id}/sessions", operation_id = "end_sessions_of_account", tag = "operators",
    security(("bearer" = ["operator"])),
    params(("id" = UserId, Path, description = "Which account")),
    responses((status = 200, description = "The account as it is now", body = AccountAnswer), Administered),
)]
pub(super) async fn delete_sessions(
    State(users): State<Users>,
    scope: Asked,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    done(users, scope, principal, id, Act::RevokeSessions).await
}

/// Gives roles
///
/// The account has these from now on; `user` is always among them.
#[utoipa::path(
    put, path = "/v1/users/{id}/roles", operation_id = "set_roles", tag = "operators",
    security(("bearer" = ["admin"])),
    params(("id" = UserId, Path, description = "Which account")),
    request_body(content = RolesRequest, example = json!({ "roles": ["operator", "plan:pro"] })),
    responses((status = 200, description = "The account as it is now", body = AccountAnswer), Administered),
)]
pub(super) async fn put_roles(
    State(users): State<Users>,
    scope: Asked,
    principal: Principal,
    Path(id): Path<String>,
    Json(RolesRequest { roles }): Json<RolesRequest>,
) -> Result<impl IntoResponse, Problem> {
    done(users, scope, principal, id, Act::SetRoles(roles)).await
}
