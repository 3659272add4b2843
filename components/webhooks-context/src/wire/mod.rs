//! JSON: what lies in bodies and summaries, what callers send and get.

mod answers;
mod requests;
mod stored;

pub use answers::{
    AttemptAnswer, AttemptLine, AttemptsPage, EndpointAnswer, EndpointsPage, MessageAnswer, MessageLine, MessagesPage,
    NewEndpointAnswer, RecoveryAnswer, SecretAnswer,
};
pub use requests::{ChangeEndpointRequest, CreateEndpointRequest, RecoverRequest, RotateSecretRequest};
pub use stored::{
    AttemptSummary, MessageSummary, StoredEndpoint, StoredMessage, StoredQueue, StoredRecovery, payload, read, write,
};
