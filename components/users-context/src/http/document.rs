//! This context's part of the API's document: which operations there are, and the refusals that many of them share.
//!
//! What does not live here: each operation's description, which stands above its handler, and what the edge answers
//! everywhere (`api-document` adds it).

use super::{access, accounts, admin, factor, keys, privacy, sessions};
use utoipa::{IntoResponses, OpenApi};

#[derive(OpenApi)]
#[openapi(
    paths(
        accounts::post_user,
        accounts::get_me,
        accounts::patch_me,
        accounts::post_password,
        accounts::post_email,
        accounts::post_email_codes,
        accounts::post_verification,
        accounts::post_verification_code,
        accounts::post_forgot_password,
        accounts::post_reset_password,
        sessions::post_session,
        sessions::get_sessions,
        sessions::delete_sessions,
        sessions::post_refresh,
        sessions::delete_current_session,
        sessions::delete_session,
        factor::post_totp,
        factor::post_totp_code,
        factor::post_totp_removal,
        factor::post_step_up,
        admin::get_by_email,
        admin::get_by_id,
        admin::post_lock,
        admin::post_unlock,
        admin::post_force_reset,
        admin::delete_sessions,
        admin::put_roles,
        access::get_audit,
        access::get_verify,
        access::get_activity,
        keys::post_key,
        keys::get_keys,
        keys::post_rotation,
        keys::delete_key,
        privacy::post_erasure,
        privacy::get_erasure,
        privacy::post_export,
        privacy::get_export,
        privacy::get_document,
        super::get_keys,
    ),
    tags(
        (name = "accounts", description = "Opening an account, its password and its address"),
        (name = "sessions", description = "Logging in, staying logged in, logging out, and the keys that verify tokens"),
        (name = "second factor", description = "A telephone beside the password, and proving it for money"),
        (name = "API keys", description = "What an account's programs prove themselves with"),
        (name = "privacy", description = "Taking one's data along, and taking them away"),
        (name = "audit", description = "What happened to an account, and whether the record of it holds"),
        (name = "operators", description = "Accounts of others, for whoever has the role `operator` or `admin`"),
    ),
)]
struct Api;

/// This context's part of the API's document.
pub fn api() -> utoipa::openapi::OpenApi {
    Api::openapi()
}

/// What every operation on the caller's own account may answer.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its descriptions are looked at")]
pub(super) enum OwnAccount {
    #[response(status = 404, description = "`not-found`: the account is gone since the token was issued")]
    Gone,
    #[response(status = 409, description = "`conflict`: it changed at the same time, too often to go on")]
    Contended,
}

/// What every operation that hashes or compares a password may answer.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its descriptions are looked at")]
pub(super) enum Password {
    #[response(status = 502, description = "`bad-upstream`: the hasher gave no usable answer")]
    Nonsense,
}

/// What every operation of an operator on an account may answer.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its descriptions are looked at")]
pub(super) enum Administered {
    #[response(
        status = 403,
        description = "`forbidden`: the role is missing, or an API key was shown, or it is one's own account, or that of an \
                       administrator"
    )]
    Forbidden,
    #[response(status = 404, description = "`not-found`: there is no such account")]
    NotFound,
    #[response(status = 409, description = "`conflict`: it changed at the same time, too often to go on")]
    Contended,
}

/// What every operation on the caller's second factor may answer.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its descriptions are looked at")]
pub(super) enum OwnFactor {
    #[response(status = 404, description = "`not-found`: the account is gone since the token was issued")]
    Gone,
    #[response(
        status = 409,
        description = "`second-factor-state`: the account has none, or has one already; `conflict`: it changed at the same time"
    )]
    State,
}

/// What every proof that it is the caller who takes data along or away may answer besides its success.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its descriptions are looked at")]
pub(super) enum Confirmed {
    #[response(
        status = 401,
        description = "`second-factor-needed`: send it again with `code` or `recovery_code`; or the token does not hold"
    )]
    FactorNeeded,
    #[response(status = 404, description = "`not-found`: the account is gone since the token was issued")]
    Gone,
    #[response(
        status = 409,
        description = "`second-factor-state`: the second factor was removed at the same time; `conflict`: the account \
                       changed at the same time, too often to go on"
    )]
    State,
    #[response(
        status = 422,
        description = "`invalid`: also where the password is not the present one; `second-factor-refused`: the code does \
                       not hold"
    )]
    Refused,
}
