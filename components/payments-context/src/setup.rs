//! The providers of a deployment, from its variables: the same for the function and for its worker.

use crate::acquirer::{Acquirer, GuardedAcquirer, SandboxAcquirer, StripeAcquirer};
use crate::domain::{InvalidProvider, InvalidRoutes};
use crate::notices::Dialect;
use crate::{Provider, Providers, UnknownProvider};
use ambient::{Clock, Random, Sleep};
use circuit_breaker::Breaker;
use http_client::HttpClient;
use std::sync::Arc;

/// The provider with the API that the sandbox plays, whoever it is in production.
const ACQUIRER: &str = "acquirer";

/// The values of the variables.
#[derive(Debug, Clone, Default)]
pub struct ProviderSettings {
    /// Where the acquirer with the sandbox's API is.
    pub acquirer_url: String,
    /// Its bearer key, which signs its notices too.
    pub acquirer_key: String,
    /// Where Stripe is.
    pub stripe_url: String,
    /// Its secret key; empty: there is no Stripe.
    pub stripe_key: String,
    /// The secrets of its webhook endpoints, space-separated: the present one, and one that is being exchanged.
    pub stripe_notice_secrets: String,
    /// Which provider is asked for which payment, see [`crate::domain::Routes`].
    pub routes: String,
}

/// What calls to providers go through.
#[derive(Clone)]
pub struct Means {
    /// The way out.
    pub http: Arc<dyn HttpClient>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Pauses between tries.
    pub sleep: Arc<dyn Sleep>,
    /// How long they are.
    pub random: Arc<dyn Random>,
}

/// Variables that make no sense.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The table.
    #[error(transparent)]
    Routes(#[from] InvalidRoutes),
    /// A provider in the table that is not set up.
    #[error(transparent)]
    Unknown(#[from] UnknownProvider),
    /// A name of ours; does not happen.
    #[error(transparent)]
    Name(#[from] InvalidProvider),
}

/// Sets the providers up, each behind the breaker that `breaker_of` makes for its name.
///
/// # Errors
/// [`SetupError`]: the function does not start.
pub fn providers(
    settings: &ProviderSettings,
    means: &Means,
    breaker_of: impl Fn(&str) -> Arc<dyn Breaker>,
) -> Result<Providers, SetupError> {
    let guarded = |name: &str, inner: Arc<dyn Acquirer>| {
        Arc::new(GuardedAcquirer {
            inner,
            breaker: breaker_of(name),
            clock: means.clock.clone(),
            sleep: means.sleep.clone(),
            random: means.random.clone(),
        })
    };
    let sandbox = SandboxAcquirer::new(means.http.clone(), &settings.acquirer_url, &settings.acquirer_key);
    let mut all = vec![Provider {
        name: ACQUIRER.parse()?,
        acquirer: guarded(ACQUIRER, Arc::new(sandbox)),
        dialect: Dialect::Sandbox,
        notice_secrets: vec![settings.acquirer_key.clone()],
    }];
    if !settings.stripe_key.is_empty() {
        let stripe = StripeAcquirer::new(means.http.clone(), &settings.stripe_url, &settings.stripe_key);
        all.push(Provider {
            name: "stripe".parse()?,
            acquirer: guarded("stripe", Arc::new(stripe)),
            dialect: Dialect::Stripe,
            notice_secrets: settings.stripe_notice_secrets.split_whitespace().map(str::to_owned).collect(),
        });
    }
    Ok(Providers::new(all, settings.routes.parse()?)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ambient::{CountedRandom, FixedClock};
    use async_trait::async_trait;
    use circuit_breaker::{Admission, Health};
    use core::time::Duration;
    use http_client::{HttpError, ScriptedHttp};

    struct Closed;

    #[async_trait]
    impl Breaker for Closed {
        async fn admit(&self) -> Admission {
            Admission::Call
        }
        async fn report(&self, _: Admission, _: Health) {}
        async fn may_retry(&self) -> bool {
            false
        }
        async fn is_closed(&self) -> bool {
            true
        }
    }

    #[async_trait]
    impl Sleep for Closed {
        async fn sleep(&self, _: Duration) {}
    }

    fn set_up(stripe_key: &str, routes: &str) -> Result<Providers, SetupError> {
        let settings = ProviderSettings {
            acquirer_url: "http://sandbox.test".to_owned(),
            acquirer_key: "acquirer".to_owned(),
            stripe_url: "https://api.stripe.test".to_owned(),
            stripe_key: stripe_key.to_owned(),
            stripe_notice_secrets: "whsec_new whsec_old".to_owned(),
            routes: routes.to_owned(),
        };
        let means = Means {
            http: Arc::new(ScriptedHttp::new(|_| Err(HttpError::NotSent("nobody is there".to_owned())))),
            clock: Arc::new(FixedClock::at("2026-01-01T00:00:00.000Z")),
            sleep: Arc::new(Closed),
            random: Arc::new(CountedRandom::default()),
        };
        providers(&settings, &means, |_| Arc::new(Closed))
    }

    #[test]
    fn stripe_is_there_where_it_has_a_key() {
        let both = set_up("sk_test", "pm_=stripe *=acquirer").unwrap();
        assert_eq!(both.named("stripe").map(|stripe| stripe.notice_secrets.len()), Some(2));
        let one = set_up("", "*=acquirer").unwrap();
        assert!(one.named("stripe").is_none() && one.named("acquirer").is_some());
    }

    #[test]
    fn a_table_without_its_providers_starts_nothing() {
        assert!(matches!(set_up("", "*=stripe"), Err(SetupError::Unknown(_))));
        assert!(matches!(set_up("sk_test", "stripe"), Err(SetupError::Routes(_))));
    }
}
