//! A request as use cases see it: its frame, and who is at the other end, for the audit trail.

use axum::extract::FromRequestParts;
use core::convert::Infallible;
use core::ops::Deref;
use http::request::Parts;
use principal::{Client, RequestScope};

/// A request: what travels with it, and from where it came.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its trace and its deadline.
    pub scope: RequestScope,
    /// The other end.
    pub client: Client,
}

impl Deref for Asked {
    type Target = RequestScope;

    fn deref(&self) -> &RequestScope {
        &self.scope
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    /// Takes what the edge found.
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let scope = RequestScope::from_request_parts(parts, state).await?;
        Ok(Self { scope, client: Client::from_request_parts(parts, state).await? })
    }
}
