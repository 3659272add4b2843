//! Assertions that return instead of panicking: inside a component a panic would hide the message.

use core::fmt;
use key_value::KeyValueError;
use records::RecordsError;
use redis_client::RedisError;

/// What a case found instead of what it wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure(pub String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

impl From<RecordsError> for Failure {
    fn from(error: RecordsError) -> Self {
        Self(error.to_string())
    }
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        Self(error.to_string())
    }
}

impl From<KeyValueError> for Failure {
    fn from(error: KeyValueError) -> Self {
        Self(error.to_string())
    }
}

/// Ends the case unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err($crate::Failure(format!($($message)+)));
        }
    };
}

/// Ends the case unless both are equal.
macro_rules! ensure_eq {
    ($found:expr, $wanted:expr, $what:literal) => {
        match (&$found, &$wanted) {
            (found, wanted) => ensure!(found == wanted, "{}: found {:?}, wanted {:?}", $what, found, wanted),
        }
    };
}

/// The table of a file's cases: each function's name is its sentence.
macro_rules! table {
    ($($name:ident),+ $(,)?) => {
        /// The cases of this file.
        pub(crate) fn cases() -> Vec<$crate::Case> {
            vec![$($crate::Case { name: stringify!($name), run: |fixture| Box::pin($name(fixture)) }),+]
        }
    };
}
