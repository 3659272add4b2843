//! The providers of a deployment, from its variables.

use super::{Carrier, GenericProvider, Postmark, Provider, Providers, Twilio, UnknownProvider};
use crate::domain::InvalidRouteTable;
use circuit_breaker::Breaker;
use http_client::HttpClient;
use std::sync::Arc;

/// The provider with the API that the sandbox plays, whoever it is in production.
const GENERIC: &str = "generic";

/// The values of the variables.
#[derive(Debug, Clone, Default)]
pub struct ProviderSettings {
    /// Where letters go by the generic API.
    pub mail_url: String,
    /// Where short messages go by it.
    pub sms_url: String,
    /// The bearer key of both.
    pub mail_key: String,
    /// Where Postmark is.
    pub postmark_url: String,
    /// The token of its server; empty: there is no Postmark.
    pub postmark_token: String,
    /// Where Twilio is.
    pub twilio_url: String,
    /// The name of the account; empty: there is no Twilio.
    pub twilio_account: String,
    /// Its token.
    pub twilio_token: String,
    /// Who is asked for which message, see [`crate::domain::RouteTable`].
    pub routes: String,
}

/// Variables that make no sense.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The table.
    #[error(transparent)]
    Routes(#[from] InvalidRouteTable),
    /// A provider in the table that is not set up.
    #[error(transparent)]
    Unknown(#[from] UnknownProvider),
}

/// Sets the providers up, each behind the breaker that `breaker_of` makes for its name.
///
/// # Errors
/// [`SetupError`]: the component does not start.
pub fn providers(
    settings: &ProviderSettings,
    http: &Arc<dyn HttpClient>,
    breaker_of: impl Fn(&str) -> Arc<dyn Breaker>,
) -> Result<Providers, SetupError> {
    let provider =
        |name: &str, breaker: &str, carrier| Provider { name: name.to_owned(), carrier, breaker: breaker_of(breaker) };
    let mail = GenericProvider::mail(http.clone(), &settings.mail_url, &settings.mail_key);
    let sms = GenericProvider::sms(http.clone(), &settings.sms_url, &settings.mail_key);
    let mut all = vec![
        provider(GENERIC, "mail-generic", Carrier::Mail(Arc::new(mail))),
        provider(GENERIC, "sms-generic", Carrier::Sms(Arc::new(sms))),
    ];
    if !settings.postmark_token.is_empty() {
        let postmark = Postmark::new(http.clone(), &settings.postmark_url, &settings.postmark_token);
        all.push(provider("postmark", "mail-postmark", Carrier::Mail(Arc::new(postmark))));
    }
    if !settings.twilio_account.is_empty() {
        let (account, token) = (&settings.twilio_account, &settings.twilio_token);
        let twilio = Twilio::new(http.clone(), &settings.twilio_url, account, token);
        all.push(provider("twilio", "sms-twilio", Carrier::Sms(Arc::new(twilio))));
    }
    Ok(Providers::new(all, settings.routes.parse()?)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Channel;
    use crate::fixtures::Closed;
    use futures::executor::block_on;
    use http_client::{HttpError, ScriptedHttp};

    fn set_up(postmark_token: &str, routes: &str) -> Result<Providers, SetupError> {
        let settings = ProviderSettings {
            postmark_token: postmark_token.to_owned(),
            routes: routes.to_owned(),
            ..ProviderSettings::default()
        };
        let http: Arc<dyn HttpClient> = Arc::new(ScriptedHttp::new(|_| Err(HttpError::NotSent("nobody".to_owned()))));
        providers(&settings, &http, |_| Arc::new(Closed::default()))
    }

    #[test]
    fn who_has_a_key_may_be_asked_in_the_order_of_the_table() {
        let both = set_up("token", "email=postmark+generic sms=generic").unwrap();
        let asked = block_on(both.candidates(Channel::Email, "ada@example.com"));
        let names: Vec<_> = asked.iter().map(|candidate| (candidate.name.as_str(), candidate.keeps_keys)).collect();
        assert_eq!(names, [("postmark", false), ("generic", true)]);
    }

    #[test]
    fn a_table_without_its_providers_starts_nothing() {
        assert!(matches!(set_up("", "email=postmark sms=generic"), Err(SetupError::Unknown(_))));
        assert!(matches!(set_up("token", "email=generic sms=postmark"), Err(SetupError::Unknown(_))));
        assert!(matches!(set_up("token", "email"), Err(SetupError::Routes(_))));
    }
}
