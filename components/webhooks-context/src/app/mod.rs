//! Use cases, one a file: what owners do with their endpoints, what events become, what is sent.

mod arm;
mod change_endpoint;
mod create_endpoint;
mod disable;
mod dispatch;
mod erase;
mod error;
mod export;
mod list;
mod recover;
mod resend;
mod secrets;
mod send;
mod send_test;
mod step;
mod store;
mod tidy_up;

pub use arm::{arm, arm_afresh};
pub use change_endpoint::{Wanted, change_endpoint, delete_endpoint, switch_endpoint};
pub use create_endpoint::{MOST_ENDPOINTS, create_endpoint};
pub use disable::{disable, disable_those_of};
pub use dispatch::{DispatchError, dispatch};
pub use erase::{EraseError, erase};
pub use error::CommandError;
pub use export::export;
pub use list::{list_attempts, list_endpoints, list_messages, show_endpoint, show_message};
pub use recover::{go_on_recovering, recover};
pub use resend::resend;
pub use secrets::{rotate_secret, show_secret};
pub use send::{PassReport, Report, Sender, TryReport};
pub use send_test::send_test;
pub use tidy_up::{clear, expire};

use ids::UserId;
use records::{Answer, Fingerprint, Meta, Once, OnceKey, OnceStep};

/// The role that may hear of everybody's things.
pub const ROLE_ADMIN: &str = "admin";

/// Who asks, and for which request.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Whose account.
    pub user: UserId,
    /// Whether they are an administrator.
    pub admin: bool,
    /// Who and why, for changes.
    pub meta: Meta,
}

/// A request that is carried out once.
#[derive(Debug, Clone)]
pub struct OnceRequest {
    /// The caller's key.
    pub key: String,
    /// What was asked.
    pub fingerprint: [u8; 32],
}

impl OnceRequest {
    /// The row that makes it so. The answer is made from the state, so that no secret lies in Redis.
    fn row(&self, user: UserId) -> Once {
        Once {
            key: OnceKey { kind: "request", who: user.to_string(), key: self.key.clone() },
            fingerprint: Fingerprint(self.fingerprint),
            step: OnceStep::Finish { attempt: None, answer: Answer { status: 200, body: String::new() } },
        }
    }
}

#[cfg(test)]
pub(crate) async fn load_message_for_tests(
    webhooks: &crate::Webhooks,
    endpoint: webhooks_wire::EndpointId,
    id: webhooks_wire::MessageId,
) -> Option<crate::domain::Message> {
    store::load_message(&*webhooks.records, endpoint, id).await.unwrap().map(|(_, message)| message)
}

#[cfg(test)]
mod send_tests;
