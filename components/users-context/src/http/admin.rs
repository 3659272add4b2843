//! Accounts of others, for operators.

use super::NO_STORE;
use crate::Users;
use crate::app::Invalid;
use crate::app::administer::{Act, FindBy, administer, find_account};
use crate::asked::Asked;
use crate::domain::User;
use crate::wire::admin::{AccountAnswer, RolesRequest};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse;
use principal::Principal;
use problem::{Json, MALFORMED, Problem};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(super) struct FindQuery {
    email: Option<String>,
}

fn shown(users: &Users, user: User) -> impl IntoResponse + use<> {
    let roles = users.roles_of(&user);
    (NO_STORE, Json(AccountAnswer::new(user, roles)))
}

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

pub(super) async fn post_lock(
    State(users): State<Users>,
    scope: Asked,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    done(users, scope, principal, id, Act::Lock).await
}

pub(super) async fn post_unlock(
    State(users): State<Users>,
    scope: Asked,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    done(users, scope, principal, id, Act::Unlock).await
}

pub(super) async fn post_force_reset(
    State(users): State<Users>,
    scope: Asked,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    done(users, scope, principal, id, Act::ForceReset).await
}

pub(super) async fn delete_sessions(
    State(users): State<Users>,
    scope: Asked,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    done(users, scope, principal, id, Act::RevokeSessions).await
}

pub(super) async fn put_roles(
    State(users): State<Users>,
    scope: Asked,
    principal: Principal,
    Path(id): Path<String>,
    Json(RolesRequest { roles }): Json<RolesRequest>,
) -> Result<impl IntoResponse, Problem> {
    done(users, scope, principal, id, Act::SetRoles(roles)).await
}
