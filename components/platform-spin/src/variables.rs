//! Application variables that the manifest grants to the component.

use spin_sdk::variables::Error;

/// A variable that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VariableError {
    /// The manifest does not grant it, or nobody has set it.
    #[error("the variable `{name}` is not set")]
    Missing {
        /// Its name.
        name: String,
    },
    /// The host has no answer.
    #[error("the variable `{name}` cannot be read: {reason}")]
    Unavailable {
        /// Its name.
        name: String,
        /// What the host says.
        reason: String,
    },
}

/// Reads one variable: a call to the host, so once an instance, not once a request.
///
/// # Errors
/// [`VariableError::Missing`] when it is not granted or not set, [`VariableError::Unavailable`] when the provider fails.
pub async fn variable(name: &str) -> Result<String, VariableError> {
    spin_sdk::variables::get(name).await.map_err(|error| {
        let name = name.to_owned();
        match error {
            Error::Undefined(_) => VariableError::Missing { name },
            other => VariableError::Unavailable { name, reason: other.to_string() },
        }
    })
}
