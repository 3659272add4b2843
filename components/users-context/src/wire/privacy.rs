//! Export and erasure: bodies of their records, requests and answers.

use crate::domain::{Erasure, ErasureStanding, Export, HandedIn};
use crate::wire::keys::KeyAnswer;
use crate::wire::trail::TrailAnswer;
use ambient::Timestamp;
use hasher_wire::Plain;
use ids::{ErasureId, ExportId, SessionId, UserId};
use privacy::{Erased, ErasurePart, InFlight, Kept, Service};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Body of `POST /v1/users/me/erasure` and `POST /v1/users/me/export`: the caller proves once more who they are.
#[derive(Deserialize, ToSchema)]
pub struct ConfirmRequest {
    /// The present password.
    #[schema(value_type = String, format = Password, examples("correct horse"))]
    pub password: Plain,
    /// What the telephone shows, where the account has a second factor.
    #[schema(examples("123456"))]
    #[serde(default)]
    pub code: Option<String>,
    /// A recovery code instead.
    #[schema(examples("ABCDE-FGHIJ-KLMNO"))]
    #[serde(default)]
    pub recovery_code: Option<String>,
}

/// Body of `erasure:<id>`. Nothing in it is personal once the claims are given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureBody {
    id: ErasureId,
    user_id: UserId,
    requested_at: Timestamp,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    login_names: Vec<String>,
    #[serde(default)]
    parts: BTreeMap<String, ErasurePart>,
}

impl From<&Erasure> for ErasureBody {
    fn from(erasure: &Erasure) -> Self {
        let Erasure { id, user, requested_at, login_names, parts } = erasure.clone();
        Self { id, user_id: user, requested_at, login_names, parts }
    }
}

impl From<ErasureBody> for Erasure {
    fn from(body: ErasureBody) -> Self {
        let ErasureBody { id, user_id, requested_at, login_names, parts } = body;
        Self { id, user: user_id, requested_at, login_names, parts }
    }
}

/// The receipt of an erasure.
///
/// **Shape** `{"id":"ers_00…","status":"pending","requested_at":"…Z","services":[{"service":"users","status":"done",…}]}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ErasureAnswer {
    /// Its name, which is all that is needed to read it again.
    pub id: ErasureId,
    /// `pending`, `waiting`, `done`, or `final` after the second look.
    #[schema(pattern = "^(pending|waiting|done|final)$", examples("pending"))]
    pub status: &'static str,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// A line a service.
    #[schema(min_items = 5, max_items = 5)]
    pub services: Vec<ServiceAnswer>,
}

/// What one service did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ErasureServiceAnswer)]
pub struct ServiceAnswer {
    /// Which.
    pub service: Service,
    /// `pending`, `waiting`, `done` or `final`.
    #[schema(pattern = "^(pending|waiting|done|final)$", examples("done"))]
    pub status: &'static str,
    /// When it answered last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// What is gone.
    pub erased: Vec<Erased>,
    /// What stays, and why.
    pub kept: Vec<Kept>,
    /// What has to end first.
    pub waiting: Vec<InFlight>,
}

impl From<&Erasure> for ErasureAnswer {
    fn from(erasure: &Erasure) -> Self {
        let status = match erasure.standing() {
            ErasureStanding::Pending => "pending",
            ErasureStanding::Waiting => "waiting",
            ErasureStanding::Done => "done",
            ErasureStanding::Final => "final",
        };
        let line = |service: Service| match erasure.part(service).cloned() {
            None => {
                let (erased, kept, waiting) = (Vec::new(), Vec::new(), Vec::new());
                ServiceAnswer { service, status: "pending", at: None, erased, kept, waiting }
            }
            Some(ErasurePart { look, at, erased, kept, waiting }) => {
                let status = match (waiting.is_empty(), look) {
                    (false, _) => "waiting",
                    (true, 2..) => "final",
                    (true, _) => "done",
                };
                ServiceAnswer { service, status, at: Some(at), erased, kept, waiting }
            }
        };
        let services = Service::ALL.into_iter().map(line).collect();
        Self { id: erasure.id, status, requested_at: erasure.requested_at, services }
    }
}

/// Body of `export:<account>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportBody {
    id: ExportId,
    user_id: UserId,
    requested_at: Timestamp,
    #[serde(default)]
    parts: BTreeMap<String, HandedInBody>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct HandedInBody {
    pages: u32,
    #[serde(default)]
    truncated: bool,
}

impl From<&Export> for ExportBody {
    fn from(export: &Export) -> Self {
        let part = |(service, part): (&String, &HandedIn)| {
            (service.clone(), HandedInBody { pages: part.pages, truncated: part.truncated })
        };
        let Export { id, user, requested_at, parts } = export;
        Self { id: *id, user_id: *user, requested_at: *requested_at, parts: parts.iter().map(part).collect() }
    }
}

impl From<ExportBody> for Export {
    fn from(body: ExportBody) -> Self {
        let part = |(service, part): (String, HandedInBody)| {
            (service, HandedIn { pages: part.pages, truncated: part.truncated })
        };
        let ExportBody { id, user_id, requested_at, parts } = body;
        Self { id, user: user_id, requested_at, parts: parts.into_iter().map(part).collect() }
    }
}

/// How far an export is.
///
/// **Shape** `{"id":"exp_00…","status":"ready","requested_at":"…Z","expires_at":"…Z","services":[…]}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ExportAnswer {
    /// Its name.
    pub id: ExportId,
    /// `pending` or `ready`.
    #[schema(pattern = "^(pending|ready)$", examples("ready"))]
    pub status: &'static str,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When it is deleted.
    pub expires_at: Timestamp,
    /// A line a service that hands in.
    #[schema(min_items = 4, max_items = 4)]
    pub services: Vec<ExportServiceAnswer>,
}

/// What one service handed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ExportServiceAnswer {
    /// Which.
    pub service: Service,
    /// `pending` or `ready`.
    #[schema(pattern = "^(pending|ready)$", examples("ready"))]
    pub status: &'static str,
    /// Whether there was more than an export holds.
    pub truncated: bool,
}

impl From<&Export> for ExportAnswer {
    fn from(export: &Export) -> Self {
        let word = |ready| if ready { "ready" } else { "pending" };
        let line = |service: Service| {
            let part = export.parts.get(service.word());
            let truncated = part.is_some_and(|part| part.truncated);
            ExportServiceAnswer { service, status: word(part.is_some()), truncated }
        };
        Self {
            id: export.id,
            status: word(export.is_ready()),
            requested_at: export.requested_at,
            expires_at: export.expires_at(),
            services: Export::FROM.into_iter().map(line).collect(),
        }
    }
}

// As `app::privacy::export_document` puts it together.
/// An export as one document.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is looked at")]
pub(crate) struct ExportDocument {
    /// Name and version of this form.
    #[schema(pattern = r"^spindrift\.export\.v1$", examples("spindrift.export.v1"))]
    format: String,
    /// When it was asked for.
    requested_at: Timestamp,
    /// When it was put together.
    assembled_at: Timestamp,
    /// Which services had more than an export holds.
    truncated: Vec<Service>,
    /// The account.
    account: ExportedAccount,
    /// Where the person is logged in.
    sessions: Vec<ExportedSession>,
    /// The person's API keys.
    api_keys: Vec<KeyAnswer>,
    /// What happened to the account, newest first, at most a thousand entries.
    #[schema(max_items = 1000)]
    activity: Vec<TrailAnswer>,
    /// What payments handed in: each section's items, whose form is that service's own.
    payments: BTreeMap<String, Vec<Value>>,
    /// What notifications handed in.
    notifications: BTreeMap<String, Vec<Value>>,
    /// What the overviews handed in.
    queries: BTreeMap<String, Vec<Value>>,
    /// What webhooks handed in.
    webhooks: BTreeMap<String, Vec<Value>>,
}

/// The account in an export.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is looked at")]
struct ExportedAccount {
    /// Which account.
    id: UserId,
    /// Where messages go.
    email: String,
    /// How the person wants to be called.
    display_name: String,
    /// The language for messages.
    locale: String,
    /// What the person may do.
    #[schema(min_items = 1)]
    roles: Vec<String>,
    /// When the account was opened.
    created_at: Timestamp,
    /// Since when the address is known to be the person's.
    #[schema(required)]
    email_verified_at: Option<Timestamp>,
    /// The address that it is about to move to.
    #[schema(required)]
    moving_to_email: Option<String>,
    /// Since when it has a second factor.
    #[schema(required)]
    second_factor_since: Option<Timestamp>,
}

/// A session in an export.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is looked at")]
struct ExportedSession {
    /// Which one.
    id: SessionId,
    /// When the person logged in.
    created_at: Timestamp,
    /// When it was logged in or refreshed last.
    last_used_at: Timestamp,
    /// When it ends however much it is used.
    expires_at: Timestamp,
    /// What the client said it was when the session was used last.
    #[schema(required)]
    agent: Option<String>,
    /// From where it was used last.
    #[schema(required)]
    address: Option<String>,
}

/// Answer of `GET /internal/users/privacy/keys/{id}`.
#[derive(Serialize)]
pub struct SubjectKeyAnswer {
    /// **Shape** 32 bytes as base64url.
    pub key: String,
}
