//! A change that is wanted only if the object is still as it was read: `If-Match`. **Source** RFC 9110, 13.1.1.

use axum_core::extract::FromRequestParts;
use core::fmt::Display;
use http::HeaderValue;
use http::header::IF_MATCH;
use http::request::Parts;
use problem::{MALFORMED, Problem};

/// The strong tag of one version of one record. **Shape** `"1.3"`: what tells versions apart, in quotes.
///
/// A record's answer is made from its body alone, so that one version has one answer.
pub fn tag(version: impl Display) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("\"{version}\"")).ok()
}

/// What the caller says about the version that it read; an extractor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IfMatch {
    /// Nothing: change whatever is there.
    Unconditional,
    /// `*`: change it if it is there, which a change always needs.
    Anything,
    /// One of these tags, weak ones left out: they never match here.
    OneOf(Vec<String>),
}

impl IfMatch {
    /// Whether the version that is there may be changed; where not, the answer is 412.
    pub fn holds(&self, version: impl Display) -> bool {
        match self {
            Self::OneOf(tags) => tags.contains(&format!("\"{version}\"")),
            Self::Anything | Self::Unconditional => true,
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    /// Reads the header; 400 where it is no list of tags.
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        let malformed = || Problem::new(MALFORMED).detail("If-Match is a list of entity tags, or *");
        let mut tags = Vec::new();
        let mut lines = parts.headers.get_all(IF_MATCH).iter().peekable();
        if lines.peek().is_none() {
            return Ok(Self::Unconditional);
        }
        for line in lines {
            let line = line.to_str().map_err(|_| malformed())?.trim();
            if line == "*" {
                return Ok(Self::Anything);
            }
            for tag in line.split(',').map(str::trim) {
                let quoted = tag.strip_prefix("W/").unwrap_or(tag);
                if quoted.len() < 2 || !quoted.starts_with('"') || !quoted.ends_with('"') {
                    return Err(malformed());
                }
                if quoted == tag {
                    tags.push(tag.to_owned());
                }
            }
        }
        Ok(Self::OneOf(tags))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;

    fn read(lines: &[&str]) -> Result<IfMatch, u16> {
        let request = lines.iter().fold(http::Request::get("/"), |request, line| request.header("if-match", *line));
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        block_on(IfMatch::from_request_parts(&mut parts, &())).map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn only_the_version_that_was_read_may_be_changed() {
        let allows = |lines: &[&str]| read(lines).unwrap().holds("1.3");
        assert!(allows(&[]) && allows(&["*"]) && allows(&["\"1.3\""]) && allows(&["\"1.2\", \"1.3\""]));
        assert!(allows(&["\"1.2\"", "\"1.3\""]));
        assert!(!allows(&["\"1.2\""]) && !allows(&["W/\"1.3\""]), "a weak tag proves too little");
    }

    #[test]
    fn what_is_no_list_of_tags_is_malformed() {
        for bad in ["1.3", "\"1.3", "", ",", "\"", "\"1.3\", x"] {
            assert_eq!(read(&[bad]), Err(400), "{bad}");
        }
    }
}
