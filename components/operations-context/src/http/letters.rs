//! Handlers of dead letters.

use super::document::{Acted, Key, Named, Paged};
use super::streams::{Queried, asked};
use super::{READ, WRITE, admin};
use crate::Operations;
use crate::app::{self, Asked, Reply};
use crate::wire::act::ActAnswer;
use crate::wire::letter::{DepthsAnswer, LetterAnswer, LetterPage};
use crate::wire::request::{EditRequest, LettersQuery, ManyRequest, PurgeRequest, ReplayRequest};
use ::http::request::Parts;
use ::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::body::Bytes;
use axum::extract::{FromRequestParts, Path, State};
use axum::response::{IntoResponse, Response};
use principal::{Client, Idempotency, Principal, RequestScope};
use problem::{Json, Problem};

/// Tells an answer that was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

impl IntoResponse for Reply {
    /// Status and body as they are stored, byte for byte.
    fn into_response(self) -> Response {
        let mut response = Response::new(self.answer.body.into());
        *response.status_mut() = StatusCode::from_u16(self.answer.status).unwrap_or(StatusCode::OK);
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.replayed {
            response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}

/// Who asks for an act: an administrator whose token has the scope, with a key.
impl FromRequestParts<Operations> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &Operations) -> Result<Self, Problem> {
        let principal = Principal::from_request_parts(parts, state).await?;
        admin(&principal, WRITE)?;
        let idempotency = <Idempotency as FromRequestParts<_>>::from_request_parts(parts, state).await?;
        let scope = RequestScope::from_request_parts(parts, state).await.unwrap_or_else(|never| match never {});
        let client = Client::from_request_parts(parts, state).await.unwrap_or_else(|never| match never {});
        Ok(Self { subject: principal.subject, idempotency, scope, client })
    }
}

/// How many dead letters each context has
#[utoipa::path(
    get, path = "/v1/operations/dead-letters", operation_id = "list_dead_letter_depths", tag = "operations",
    security(("bearer" = ["admin", "operations:read"])),
    responses((status = 200, description = "The contexts", body = DepthsAnswer)),
)]
pub async fn depths(State(house): State<Operations>, principal: Principal) -> Result<Json<DepthsAnswer>, Problem> {
    admin(&principal, READ)?;
    Ok(Json(app::depths(&house).await?))
}

/// A context's dead letters, newest first
#[utoipa::path(
    get, path = "/v1/operations/dead-letters/{context}", operation_id = "list_dead_letters", tag = "operations",
    security(("bearer" = ["admin", "operations:read"])),
    params(("context" = String, Path, description = "Whose groups gave them up", example = "notifications"), LettersQuery),
    responses((status = 200, description = "A page", body = LetterPage), Named, Paged),
)]
pub async fn list(
    State(house): State<Operations>,
    Path(context): Path<String>,
    principal: Principal,
    query: Queried<LettersQuery>,
) -> Result<Json<LetterPage>, Problem> {
    admin(&principal, READ)?;
    Ok(Json(app::letters(&house, &context, asked(query)?).await?))
}

/// One dead letter
///
/// With its cause, its trace, the event without its personal part, and the replay that is under way.
#[utoipa::path(
    get, path = "/v1/operations/dead-letters/{context}/{letter}", operation_id = "get_dead_letter", tag = "operations",
    security(("bearer" = ["admin", "operations:read"])),
    params(
        ("context" = String, Path, description = "Whose group gave it up", example = "notifications"),
        ("letter" = String, Path, description = "Which letter", example = "1767225600000-0"),
    ),
    responses((status = 200, description = "The letter", body = LetterAnswer), Named),
)]
pub async fn show(
    State(house): State<Operations>,
    Path((context, letter)): Path<(String, String)>,
    principal: Principal,
) -> Result<Json<LetterAnswer>, Problem> {
    admin(&principal, READ)?;
    Ok(Json(app::letter(&house, &context, &letter).await?))
}

/// Hands a dead letter to its group once more
///
/// As it is, and to no other group. It stays among the dead letters until the group has handled it; where it fails again,
/// a new letter with the new cause takes its place.
#[utoipa::path(
    post, path = "/v1/operations/dead-letters/{context}/{letter}/replay", operation_id = "replay_dead_letter", tag = "operations",
    security(("bearer" = ["admin", "operations:write"])),
    params(
        ("context" = String, Path, description = "Whose group gave it up", example = "notifications"),
        ("letter" = String, Path, description = "Which letter", example = "1767225600000-0"),
        Key,
    ),
    request_body(content = Option<ReplayRequest>, example = json!({ "reason": "The template is there now" })),
    responses((status = 200, description = "It is asked for", body = ActAnswer), Acted),
)]
pub async fn replay(
    State(house): State<Operations>,
    Path((context, letter)): Path<(String, String)>,
    asked: Asked,
    bytes: Bytes,
) -> Result<Reply, Problem> {
    let Json(request) = if bytes.is_empty() { Json::default() } else { Json::<ReplayRequest>::from_bytes(&bytes)? };
    Ok(app::replay(&house, &asked, &context, &letter, request).await?)
}

/// Hands a dead letter to its group once more, with other data
///
/// The event keeps its id and everything but its `data`. Whatever its group did under this id before is not done again.
/// The letter itself stays as it was until the group has handled it.
#[utoipa::path(
    post, path = "/v1/operations/dead-letters/{context}/{letter}/edit", operation_id = "edit_dead_letter", tag = "operations",
    security(("bearer" = ["admin", "operations:write"])),
    params(
        ("context" = String, Path, description = "Whose group gave it up", example = "notifications"),
        ("letter" = String, Path, description = "Which letter", example = "1767225600000-0"),
        Key,
    ),
    request_body(
        content = EditRequest,
        example = json!({ "data": { "number": 7 }, "reason": "The amount was written in words" }),
    ),
    responses(
        (status = 200, description = "It is asked for", body = ActAnswer),
        (status = 404, description = "`not-found`: there is no such context or no such letter"),
        (
            status = 409,
            description = "`dead-letter-unreadable`: what lies there is no event; `conflict`: the same act was written at \
                           the same time",
        ),
        (
            status = 422,
            description = "`invalid`: also where the data is what it was, or too large; `idempotency-key-reused`: with \
                           another request",
        ),
    ),
)]
pub async fn edit(
    State(house): State<Operations>,
    Path((context, letter)): Path<(String, String)>,
    asked: Asked,
    Json(request): Json<EditRequest>,
) -> Result<Reply, Problem> {
    Ok(app::edit(&house, &asked, &context, &letter, request).await?)
}

/// Forgets a dead letter
///
/// The event stays in its stream; this group never handles it.
#[utoipa::path(
    post, path = "/v1/operations/dead-letters/{context}/{letter}/purge", operation_id = "purge_dead_letter", tag = "operations",
    security(("bearer" = ["admin", "operations:write"])),
    params(
        ("context" = String, Path, description = "Whose group gave it up", example = "notifications"),
        ("letter" = String, Path, description = "Which letter", example = "1767225600000-0"),
        Key,
    ),
    request_body(content = PurgeRequest, example = json!({ "reason": "A test of last year" })),
    responses((status = 200, description = "It is forgotten", body = ActAnswer), Acted),
)]
pub async fn purge(
    State(house): State<Operations>,
    Path((context, letter)): Path<(String, String)>,
    asked: Asked,
    Json(request): Json<PurgeRequest>,
) -> Result<Reply, Problem> {
    Ok(app::purge(&house, &asked, &context, &letter, request).await?)
}

/// Hands many dead letters to their groups once more
///
/// Those that are named, or the next hundred of those that are described, newest first; `next_cursor` goes on, with another
/// key.
#[utoipa::path(
    post, path = "/v1/operations/dead-letters/{context}/replay", operation_id = "replay_dead_letters", tag = "operations",
    security(("bearer" = ["admin", "operations:write"])),
    params(("context" = String, Path, description = "Whose groups gave them up", example = "notifications"), Key),
    request_body(
        content = ManyRequest,
        example = json!({ "group": "notifications-worker", "since": "2026-01-01T00:00:00Z", "reason": "The provider is back" }),
    ),
    responses((status = 200, description = "They are asked for", body = ActAnswer), Acted),
)]
pub async fn replay_many(
    State(house): State<Operations>,
    Path(context): Path<String>,
    asked: Asked,
    Json(request): Json<ManyRequest>,
) -> Result<Reply, Problem> {
    Ok(app::replay_many(&house, &asked, &context, request).await?)
}

/// Forgets many dead letters
///
/// Chosen as for a replay; it needs a reason.
#[utoipa::path(
    post, path = "/v1/operations/dead-letters/{context}/purge", operation_id = "purge_dead_letters", tag = "operations",
    security(("bearer" = ["admin", "operations:write"])),
    params(("context" = String, Path, description = "Whose groups gave them up", example = "notifications"), Key),
    request_body(
        content = ManyRequest,
        example = json!({ "until": "2026-01-01T00:00:00Z", "reason": "Handled by hand last year" }),
    ),
    responses((status = 200, description = "They are forgotten", body = ActAnswer), Acted),
)]
pub async fn purge_many(
    State(house): State<Operations>,
    Path(context): Path<String>,
    asked: Asked,
    Json(request): Json<ManyRequest>,
) -> Result<Reply, Problem> {
    Ok(app::purge_many(&house, &asked, &context, request).await?)
}
