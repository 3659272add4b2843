//! Notifications: what happened to a person becomes a message in their inbox and on its way to them.
//!
//! What lives here: the nouns (`domain`), the use cases (`app`), stored and public shapes (`wire`), the texts
//! (`templates`), the ports to providers and their adapters (`providers`), event dispatch (`consume`), the worker's rounds
//! (`work`) and the routes (`http`). What does not: the platform, the streams' mechanics and the edge.
//!
//! **Once.** A message is named by the event, the template, the channel and the recipient, and created only if absent:
//! a repeated event finds it. A try to send is noted before the call and carries that name as the provider's
//! idempotency key, so that a try after a crash or a lost answer delivers nothing twice; at a provider that keeps no keys
//! it is repeated at most once (`domain::message`).

pub mod app;
mod consume;
pub mod domain;
#[cfg(test)]
mod fixtures;
pub mod http;
mod keys;
pub mod live;
mod plain_text;
mod policies;
mod providers;
mod seals;
mod templates;
pub mod wire;
mod work;

pub use consume::{GROUP, HEARS, Notifier};
pub use http::{NoticeSecrets, Notifications};
pub use keys::GATHERED;
pub use policies::{KEY_SCOPES, POLICIES};
pub use providers::{
    Found, Letter, Mail, ProviderSettings, Providers, SetupError, ShortMessage, Sms, TakenBack, providers,
    twilio_signature,
};
pub use seals::Seals;
pub use templates::{DEFAULT_LOCALE, Rendered, TemplateError, render};
pub use work::{Drained, Round, RoundError, Work};

/// The kinds of problem that are this context's own: none, the shared ones say everything.
pub const PROBLEMS: &[problem::Kind] = &[];
