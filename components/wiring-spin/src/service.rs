//! The edge of an HTTP function, as the application's variables configure it.

use crate::Ground;
use access_token::Verifier;
use ambient::SystemClock;
use api_key::ApiKeys;
use axum::Router;
use edge::{EdgeConfig, LimitTable, TokenKeys};
use edge_spin::{Front, StartError};
use event_history::Histories;
use limiter_redis::RedisLimiter;
use platform_spin::{SpinHttp, variable};
use request_metrics::RedisMetrics;
use route_policy::KeyScopes;
use service_token::ServiceTokens;
use std::sync::Arc;

/// An edge in the making: limits, origins, trusted hops and counts are there, tokens if [`Service::bearer`] was asked.
pub struct Service {
    /// What guards the internal routes of this service and opens those of others.
    pub tokens: ServiceTokens,
    pub(crate) context: &'static str,
    function: &'static str,
    pub(crate) clock: Arc<SystemClock>,
    config: EdgeConfig,
    metrics: Arc<RedisMetrics>,
}

impl Service {
    /// Reads `service_token_key`, `cors_origins`, `trusted_hops` and `rate_limits`. All functions of a context count as
    /// one service and share its limits.
    ///
    /// # Errors
    /// When one of them is missing or has another form.
    pub(crate) async fn of(ground: &Ground, function: &'static str) -> Result<Self, StartError> {
        let secret = variable("service_token_key").await?;
        let metrics = Arc::new(RedisMetrics::new(ground.context, ground.redis.clone()));
        let limits = LimitTable::parse(&variable("rate_limits").await?)?;
        let limiter = Arc::new(RedisLimiter::new(ground.context, secret.as_bytes(), ground.redis.clone()));
        let config = EdgeConfig::new(function, ground.clock.clone(), ground.random.clone(), ground.sleep.clone())
            .cors_origins(&variable("cors_origins").await?)
            .trusted_hops(variable("trusted_hops").await?.parse()?)
            .limits(limiter, limits)
            .sheds_by(ground.latency.clone())
            .metrics(metrics.clone());
        let tokens = ServiceTokens::new(secret.as_bytes());
        Ok(Self { tokens, context: ground.context, function, clock: ground.clock.clone(), config, metrics })
    }

    /// Verifies access tokens with the keys that `users` shows. Reads `token_issuer`, `token_audience` and `users_url`.
    ///
    /// # Errors
    /// When one of them is missing.
    pub async fn bearer(self) -> Result<Self, StartError> {
        let keys = TokenKeys::fetched(Arc::new(SpinHttp), &variable("users_url").await?, self.clock.clone());
        let verifier = Verifier::new(variable("token_issuer").await?, variable("token_audience").await?);
        Ok(self.edge(|config| config.bearer(verifier, keys)))
    }

    /// Believes API keys as far as the context's scopes go, and asks `users` about them. Reads `users_url`.
    ///
    /// # Errors
    /// When it is missing.
    pub async fn keys(self, scopes: KeyScopes) -> Result<Self, StartError> {
        let users_url = variable("users_url").await?;
        let keys = ApiKeys::asked(Arc::new(SpinHttp), &users_url, self.tokens.clone(), self.clock.clone());
        Ok(self.edge(|config| config.api_keys(Arc::new(keys), scopes)))
    }

    /// What only this function says of its edge, such as the policies of its routes.
    #[must_use]
    pub fn edge(mut self, say: impl FnOnce(EdgeConfig) -> EdgeConfig) -> Self {
        self.config = say(self.config);
        self
    }

    /// Routes for other services of the house only.
    pub fn internal(&self, routes: Router) -> Router {
        edge::internal(routes, self.context, self.tokens.clone(), self.clock.clone())
    }

    /// What the context told, for other services: of each of its partitions.
    pub fn history(&self, partitions: Histories) -> Router {
        self.internal(event_history::routes(self.context, partitions))
    }

    /// The routes in their layers, ready for the export.
    pub fn front(self, routes: Router) -> Front {
        Front::new(self.function, edge::public(routes, self.config)).metrics(self.metrics)
    }
}
