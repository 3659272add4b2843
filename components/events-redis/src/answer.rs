//! Reading answers: flat lists of texts and numbers.

use core::str::FromStr;
use events::{EventsError, StreamName};
use redis_client::{RedisError, Reply};

/// The elements of one answer, in order.
pub(crate) struct Answer(std::vec::IntoIter<Reply>);

impl Answer {
    pub fn new(replies: Vec<Reply>) -> Self {
        Self(replies.into_iter())
    }

    pub fn is_empty(&self) -> bool {
        self.0.as_slice().is_empty()
    }

    pub fn bytes(&mut self) -> Result<Vec<u8>, EventsError> {
        match self.0.next() {
            Some(Reply::Bytes(bytes)) => Ok(bytes),
            Some(Reply::Status(text)) => Ok(text.into_bytes()),
            Some(Reply::Integer(number)) => Ok(number.to_string().into_bytes()),
            Some(Reply::Nil) => Ok(Vec::new()),
            None => Err(EventsError::Unexpected("less than was asked for".to_owned())),
        }
    }

    pub fn text(&mut self) -> Result<String, EventsError> {
        String::from_utf8(self.bytes()?).map_err(|_| EventsError::Unexpected("a name that is not UTF-8".to_owned()))
    }

    pub fn parsed<T: FromStr>(&mut self) -> Result<T, EventsError> {
        let text = self.text()?;
        text.parse().map_err(|_| EventsError::Unexpected(format!("`{text}`")))
    }

    /// What a script says with 1 for yes.
    pub fn flag(&mut self) -> Result<bool, EventsError> {
        Ok(self.parsed::<u32>()? == 1)
    }
}

/// Whether an error says that the group or its stream is not there.
pub(crate) fn is_missing_group(error: &RedisError) -> bool {
    matches!(error, RedisError::Refused(message) if message.contains("NOGROUP"))
}

/// An error of a call that needs no group.
pub(crate) fn failed(error: RedisError) -> EventsError {
    match error {
        RedisError::Unavailable(why) => EventsError::Unavailable(why),
        // The server cannot write, or is still loading or a replica: it will mend without us.
        RedisError::Refused(why)
            if ["MISCONF", "OOM", "LOADING", "READONLY", "BUSY", "MASTERDOWN"]
                .iter()
                .any(|word| why.contains(word)) =>
        {
            EventsError::Unavailable(why)
        }
        RedisError::Refused(why) => EventsError::Unexpected(why),
    }
}

/// An error of a call that needs the group.
pub(crate) fn failed_for(group: &str, stream: &StreamName, error: RedisError) -> EventsError {
    if is_missing_group(&error) {
        return EventsError::NotSubscribed { group: group.to_owned(), stream: stream.clone() };
    }
    failed(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_or_loading_server_is_unavailable_and_a_refused_right_is_not() {
        let refused = |why: &str| failed(RedisError::Refused(why.to_owned()));
        assert!(matches!(refused("MISCONF Errors writing to the AOF file"), EventsError::Unavailable(_)));
        assert!(matches!(refused("LOADING Redis is loading"), EventsError::Unavailable(_)));
        assert!(matches!(refused("NOPERM this user has no permissions"), EventsError::Unexpected(_)));
    }

    #[test]
    fn an_answer_that_ends_too_soon_is_an_error() {
        let mut answer = Answer::new(vec![Reply::Bytes(b"7".to_vec())]);
        assert_eq!(answer.parsed::<u32>(), Ok(7));
        assert!(answer.parsed::<u32>().is_err());
        assert!(Answer::new(vec![Reply::Bytes(vec![0xff])]).text().is_err());
    }
}
