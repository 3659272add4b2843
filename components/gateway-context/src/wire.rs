//! The shapes on the wire.

use serde::Serialize;
use utoipa::ToSchema;

/// `GET /`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Index {
    /// Always `spindrift`.
    pub name: &'static str,
    /// The version of the components, such as `0.1.0`.
    pub version: &'static str,
    /// Where to go.
    pub links: Vec<Link>,
}

/// One place to go.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Link {
    /// What it is, such as `readiness`.
    pub rel: &'static str,
    /// Where it is.
    pub href: &'static str,
    /// One sentence for people.
    pub title: &'static str,
}

/// `GET /livez`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Liveness {
    /// Always `alive`.
    #[schema(examples("alive"))]
    pub status: &'static str,
}

/// `GET /readyz`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Readiness {
    /// Always `ready`; what is not ready is a problem.
    pub status: &'static str,
    /// Each service.
    pub dependencies: Vec<Dependency>,
}

/// One service, as it was found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Dependency {
    /// Its context.
    pub name: &'static str,
    /// `ready`, `not_ready` or `unreachable`.
    pub status: &'static str,
    /// How long the answer took.
    pub duration_ms: u64,
}
