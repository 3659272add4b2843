//! What providers tell of messages, each in its own words, believed by its own proof.
//!
//! **Source** <https://postmarkapp.com/developer/webhooks/webhooks-overview>,
//! <https://www.twilio.com/docs/messaging/guides/track-outbound-message-status>.

use super::{NoticeSecrets, Notifications, meta, store};
use crate::app::{self, Told};
use crate::providers::twilio_signature;
use crate::seals::same;
use ::http::{HeaderMap, StatusCode, Uri, header};
use axum::body::Bytes;
use axum::extract::{Path, State};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ids::NotificationId;
use principal::RequestScope;
use problem::{MALFORMED, NOT_FOUND, Problem, UNAUTHENTICATED};
use serde::Deserialize;

/// The name beside the password (RFC 7617).
const USER: &str = "spindrift";

/// A notice of the generic API.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GenericNotice {
    /// Our name of the message: its idempotency key.
    message: String,
    /// `delivered`, `bounced` or `complained`.
    what: String,
    /// Of what came back: whether nothing will ever arrive there.
    #[serde(default)]
    for_good: bool,
}

/// A notice of Postmark's, as far as we read it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PostmarkNotice {
    record_type: String,
    #[serde(default)]
    r#type: Option<String>,
    /// Whether Postmark sends nothing there any more.
    #[serde(default)]
    inactive: bool,
    #[serde(default)]
    metadata: Option<PostmarkMetadata>,
}

#[derive(Debug, Deserialize)]
struct PostmarkMetadata {
    message: Option<String>,
}

/// Takes a provider's notice
///
/// `generic` and `postmark` prove themselves by name and password (`spindrift`, and the variable
/// `provider_notice_password`), `twilio` by its signature over a form. Sent again, it changes nothing.
#[utoipa::path(
    post, path = "/v1/notifications/providers/{provider}/notices", operation_id = "take_message_notice", tag = "providers",
    params(
        ("provider" = String, Path, description = "Which provider", example = "generic"),
        ("X-Twilio-Signature" = Option<String>, Header, description = "Of Twilio: HMAC-SHA-1 over the address and the sorted form"),
    ),
    request_body(
        content = GenericNotice,
        example = json!({ "message": "ntf_0001hf9a7zj0e8vr5c2b4k6m8n9p", "what": "bounced", "for_good": true }),
    ),
    responses(
        (status = 204, description = "It need not be sent again"),
        (status = 401, description = "`unauthenticated`: the password or the signature does not hold"),
        (status = 404, description = "`not-found`: there is no such provider"),
    ),
)]
pub(super) async fn hear(
    State(state): State<Notifications>,
    Path(provider): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    scope: RequestScope,
    bytes: Bytes,
) -> Result<StatusCode, Problem> {
    let secrets = &*state.notices;
    let found = match provider.as_str() {
        "generic" => {
            require_password(&headers, secrets)?;
            generic(&bytes)?
        }
        "postmark" => {
            require_password(&headers, secrets)?;
            postmark(&bytes)?
        }
        "twilio" => {
            let form: Vec<(String, String)> = form_urlencoded::parse(&bytes).into_owned().collect();
            let path = uri.path_and_query().map_or("", |path| path.as_str());
            require_signature(&headers, secrets, path, &form)?;
            twilio(uri.query().unwrap_or_default(), &form)
        }
        _ => return Err(Problem::new(NOT_FOUND)),
    };
    if let Some((id, told)) = found {
        let meta = meta(&state, None, scope);
        let heard = app::hear_notice(&*state.records, &state.seals, &provider, id, &told, &meta).await;
        heard.map_err(|error| store(&error))?;
    }
    Ok(StatusCode::NO_CONTENT)
}

fn refused() -> Problem {
    Problem::new(UNAUTHENTICATED).challenge("Basic realm=\"notices\"")
}

/// Exactly one header of that name, else none.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

fn require_password(headers: &HeaderMap, secrets: &NoticeSecrets) -> Result<(), Problem> {
    let given = only(headers, header::AUTHORIZATION.as_str())
        .and_then(|value| value.strip_prefix("Basic "))
        .and_then(|encoded| STANDARD.decode(encoded).ok())
        .unwrap_or_default();
    let wanted = format!("{USER}:{}", secrets.password);
    if same(&given, wanted.as_bytes()) && !secrets.password.is_empty() { Ok(()) } else { Err(refused()) }
}

fn require_signature(
    headers: &HeaderMap,
    secrets: &NoticeSecrets,
    path: &str,
    form: &[(String, String)],
) -> Result<(), Problem> {
    let given = only(headers, "x-twilio-signature").unwrap_or_default();
    let wanted = twilio_signature(&secrets.twilio_token, &format!("{}{path}", secrets.public_url), form);
    if same(given.as_bytes(), wanted.as_bytes()) && !secrets.twilio_token.is_empty() { Ok(()) } else { Err(refused()) }
}

type Found = Option<(NotificationId, Told)>;

/// What names no message of ours is nothing to us: another system may share the provider's account.
fn about(message: Option<&str>, told: Told) -> Found {
    message.and_then(|id| id.parse().ok()).map(|id| (id, told))
}

fn generic(bytes: &[u8]) -> Result<Found, Problem> {
    let malformed = || Problem::new(MALFORMED).detail("the notice cannot be read");
    let GenericNotice { message, what, for_good } = serde_json::from_slice(bytes).map_err(|_| malformed())?;
    let told = match what.as_str() {
        "delivered" => Told::Delivered,
        "bounced" => Told::Bounced { for_good, why: if for_good { "for good" } else { "for now" }.to_owned() },
        "complained" => Told::Complained,
        _ => return Err(malformed()),
    };
    Ok(about(Some(&message), told))
}

fn postmark(bytes: &[u8]) -> Result<Found, Problem> {
    let notice: PostmarkNotice =
        serde_json::from_slice(bytes).map_err(|_| Problem::new(MALFORMED).detail("the notice cannot be read"))?;
    let kind = notice.r#type.unwrap_or_default();
    let told = match (notice.record_type.as_str(), kind.as_str()) {
        ("Delivery", _) => Told::Delivered,
        ("SpamComplaint", _) | ("Bounce", "SpamComplaint") => Told::Complained,
        // It tries on by itself, or somebody's program answered.
        ("Bounce", "Transient" | "AutoResponder" | "AddressChange" | "Subscribe" | "ChallengeVerification") => {
            return Ok(None);
        }
        ("Bounce", kind) => Told::Bounced { for_good: notice.inactive || kind == "HardBounce", why: bounded(kind) },
        // Opens, clicks and what else there is.
        _ => return Ok(None),
    };
    Ok(about(notice.metadata.and_then(|metadata| metadata.message).as_deref(), told))
}

fn twilio(query: &str, form: &[(String, String)]) -> Found {
    let member = |name: &str| form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let code = member("ErrorCode").unwrap_or_default();
    let told = match member("MessageStatus").or_else(|| member("SmsStatus")) {
        Some("delivered") => Told::Delivered,
        // 30003 unreachable and 30007 filtered may pass; 30004 blocked, 30005 unknown, 30006 no telephone for messages.
        Some("undelivered" | "failed") => {
            Told::Bounced { for_good: matches!(code, "21610" | "30004" | "30005" | "30006"), why: bounded(code) }
        }
        _ => return None,
    };
    let message = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "message");
    about(message.map(|(_, value)| value.into_owned()).as_deref(), told)
}

/// A provider's word for something: short, and only what words are made of.
fn bounded(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).take(40).collect()
}
