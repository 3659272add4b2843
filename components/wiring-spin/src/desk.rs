//! The desk of the users context, as a worker reaches it.

use crate::Ground;
use edge_spin::StartError;
use platform_spin::{SpinHttp, variable};
use privacy::HttpDesk;
use service_token::ServiceTokens;
use std::sync::Arc;

impl Ground {
    /// Keys of sealed data, parts of exports and erasures. Reads `users_url` and `service_token_key`.
    ///
    /// # Errors
    /// When one of them is missing.
    pub async fn desk(&self) -> Result<Arc<HttpDesk>, StartError> {
        let tokens = ServiceTokens::new(variable("service_token_key").await?.as_bytes());
        let url = variable("users_url").await?;
        Ok(Arc::new(HttpDesk::new(&url, Arc::new(SpinHttp), tokens, self.clock.clone())))
    }
}
