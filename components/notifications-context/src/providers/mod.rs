//! Ports: e-mail and short messages, and whoever carries them, each behind a breaker, chosen by a table.
//!
//! What lives here: the ports, their adapters (`generic`, `postmark`, `twilio`) and the set-up from variables (`setup`).
//! What does not: what follows from an answer (`domain::message`), and when somebody is asked (`app::deliver`).

mod generic;
mod postmark;
mod setup;
mod twilio;

pub use generic::GenericProvider;
pub use postmark::Postmark;
pub use setup::{ProviderSettings, SetupError, providers};
pub use twilio::{Twilio, twilio_signature};

use crate::domain::{Candidate, Channel, RouteTable, SendOutcome};
use ::http::{Method, Request, Response, header};
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use circuit_breaker::Breaker;
use core::time::Duration;
use futures::future::join_all;
use http_client::{HttpClient, HttpError};
use std::sync::Arc;

/// One e-mail, complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Letter<'a> {
    /// Who writes, such as `Spindrift <no-reply@spindrift.example>`.
    pub from: &'a str,
    /// The address.
    pub to: &'a str,
    /// One line.
    pub subject: &'a str,
    /// Plain text.
    pub text: &'a str,
    /// The same as HTML, where there is any.
    pub html: Option<&'a str>,
    /// Where one click turns letters of this kind off (RFC 8058); none for what nobody may turn off.
    pub unsubscribe: Option<&'a str>,
    /// The same for each try of one message.
    pub idempotency_key: &'a str,
    /// The trace of what caused it: 32 hexadecimal digits.
    pub trace: &'a str,
}

impl Letter<'_> {
    /// The header lines of the way out. **Source** RFC 2369 and RFC 8058.
    fn list_headers(&self) -> Vec<(&'static str, String)> {
        self.unsubscribe.map_or_else(Vec::new, |url| {
            vec![
                ("List-Unsubscribe", format!("<{url}>")),
                ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()),
            ]
        })
    }
}

/// One short message, complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShortMessage<'a> {
    /// Who writes: a number or a name.
    pub from: &'a str,
    /// The number (E.164).
    pub to: &'a str,
    /// The text.
    pub text: &'a str,
    /// Where the provider tells what became of it.
    pub notices: &'a str,
    /// The same for each try of one message.
    pub idempotency_key: &'a str,
    /// The trace of what caused it: 32 hexadecimal digits.
    pub trace: &'a str,
}

/// A provider of e-mail.
#[async_trait]
pub trait Mail: Send + Sync {
    /// Hands over one letter within `timeout`; every failure is an outcome.
    async fn send(&self, letter: &Letter<'_>, timeout: Duration) -> SendOutcome;

    /// Whether it delivers one letter a key, however often it is asked, for at least a day: a try whose end nobody knows
    /// may then be repeated.
    fn keeps_keys(&self) -> bool {
        false
    }

    /// Whether it has a letter of this key, asked where it keeps no keys and the answer to a try was lost.
    async fn find(&self, idempotency_key: &str, timeout: Duration) -> Found {
        let _ = (idempotency_key, timeout);
        Found::CannotTell
    }

    /// Whether it can delete what it was given.
    fn deletes(&self) -> bool {
        false
    }

    /// Deletes a letter that was handed over under this key, where the provider can: its owner was erased.
    async fn take_back(&self, idempotency_key: &str, timeout: Duration) -> TakenBack {
        let _ = (idempotency_key, timeout);
        TakenBack::Never
    }
}

/// A provider of short messages; each function as in [`Mail`].
#[async_trait]
pub trait Sms: Send + Sync {
    /// Hands over one message within `timeout`; every failure is an outcome.
    async fn send(&self, message: &ShortMessage<'_>, timeout: Duration) -> SendOutcome;

    /// Whether it delivers one message a key.
    fn keeps_keys(&self) -> bool {
        false
    }

    /// Whether it can delete what it was given.
    fn deletes(&self) -> bool {
        false
    }

    /// Deletes a message that was handed over under this key.
    async fn take_back(&self, idempotency_key: &str, timeout: Duration) -> TakenBack {
        let _ = (idempotency_key, timeout);
        TakenBack::Never
    }
}

/// Whether a provider has what it was asked to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It has it.
    Taken {
        /// Its name for it.
        provider_id: Option<String>,
    },
    /// It does not know of it.
    NotThere,
    /// It has no answer now.
    NotNow,
    /// It can never tell.
    CannotTell,
}

/// What became of a letter that was to be deleted at its provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakenBack {
    /// It is gone there, or was never there.
    Gone,
    /// The provider keeps what it was given.
    Never,
    /// It has no answer now.
    Later,
}

/// By which way a provider carries.
#[derive(Clone)]
pub enum Carrier {
    /// Letters.
    Mail(Arc<dyn Mail>),
    /// Short messages.
    Sms(Arc<dyn Sms>),
}

/// One provider of one channel.
#[derive(Clone)]
pub struct Provider {
    /// Its name in the table.
    pub name: String,
    /// What it carries.
    pub carrier: Carrier,
    /// What its calls came to, over all instances.
    pub breaker: Arc<dyn Breaker>,
}

impl Provider {
    /// Whose messages it carries.
    pub const fn channel(&self) -> Channel {
        match &self.carrier {
            Carrier::Mail(_) => Channel::Email,
            Carrier::Sms(_) => Channel::Sms,
        }
    }

    /// Whether it delivers one message a key.
    pub fn keeps_keys(&self) -> bool {
        match &self.carrier {
            Carrier::Mail(mail) => mail.keeps_keys(),
            Carrier::Sms(sms) => sms.keeps_keys(),
        }
    }

    /// Whether it can delete what it was given.
    pub fn deletes(&self) -> bool {
        match &self.carrier {
            Carrier::Mail(mail) => mail.deletes(),
            Carrier::Sms(sms) => sms.deletes(),
        }
    }

    /// See [`Mail::take_back`].
    pub async fn take_back(&self, idempotency_key: &str, timeout: Duration) -> TakenBack {
        match &self.carrier {
            Carrier::Mail(mail) => mail.take_back(idempotency_key, timeout).await,
            Carrier::Sms(sms) => sms.take_back(idempotency_key, timeout).await,
        }
    }
}

/// A table that names a provider that is not set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the table names `{name}` for {channel}, which is not set up")]
pub struct UnknownProvider {
    /// Which channel.
    pub channel: &'static str,
    /// Which name.
    pub name: String,
}

/// Everybody who may be asked, and the table that says who is.
#[derive(Clone, Default)]
pub struct Providers {
    all: Vec<Provider>,
    table: RouteTable,
}

impl Providers {
    /// The providers of a deployment.
    ///
    /// # Errors
    /// [`UnknownProvider`].
    pub fn new(all: Vec<Provider>, table: RouteTable) -> Result<Self, UnknownProvider> {
        let providers = Self { all, table };
        for (channel, name) in providers.table.providers() {
            if providers.named(channel, name).is_none() {
                return Err(UnknownProvider { channel: channel.word(), name: name.to_owned() });
            }
        }
        Ok(providers)
    }

    /// The provider of a name.
    pub fn named(&self, channel: Channel, name: &str) -> Option<&Provider> {
        self.all.iter().find(|provider| provider.channel() == channel && provider.name == name)
    }

    /// Everybody who can delete what they were given.
    pub fn deleting(&self) -> impl Iterator<Item = &Provider> {
        self.all.iter().filter(|provider| provider.deletes())
    }

    /// Who may be asked for a message to this address, in order of preference, and whether each is worth asking now.
    pub async fn candidates(&self, channel: Channel, to: &str) -> Vec<Candidate> {
        let named = self.table.of(channel, to).iter().filter_map(|name| self.named(channel, name));
        join_all(named.map(|provider| async move {
            Candidate {
                name: provider.name.clone(),
                keeps_keys: provider.keeps_keys(),
                is_available: provider.breaker.is_closed().await,
            }
        }))
        .await
    }
}

/// A request that cannot be made is our mistake, and certainly nothing was taken.
fn unusable() -> SendOutcome {
    SendOutcome::NotTaken { reason: "the address or key of the provider is not usable".to_owned() }
}

/// Sends a request; what a call without an answer says is the same for every provider.
async fn exchange(
    http: &dyn HttpClient,
    request: Request<Bytes>,
    timeout: Duration,
) -> Result<Response<Bytes>, SendOutcome> {
    http.send(request, timeout).await.map_err(|error| match error {
        HttpError::NotSent(_) => SendOutcome::NotTaken { reason: "the provider cannot be reached".to_owned() },
        HttpError::Lost(_) | HttpError::TooLarge { .. } => {
            SendOutcome::Lost { reason: "the answer was lost".to_owned() }
        }
    })
}

/// A POST of a body.
fn post(url: &str, kind: &'static str, headers: &[(&str, &str)], body: Vec<u8>) -> Option<Request<Bytes>> {
    let request = Request::builder().method(Method::POST).uri(url).header(header::CONTENT_TYPE, kind);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(Bytes::from(body)).ok()
}

/// The value of `Authorization` by name and password (RFC 7617).
fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}
