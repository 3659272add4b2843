//! What is done about many dead letters: those that are named, or the next hundred of those that are described.
//!
//! The letters are chosen when the act is written down, so that its repetition means the same ones. A walk by cursor ends:
//! letters that come back because their replay failed again are younger than where it began.

use super::carry_out::{Asked, Chosen, Plan, carry_out};
use super::letters::{Found, select};
use super::one::reason;
use super::{OperationsError, Reply, entry, page, service};
use crate::Operations;
use crate::domain::{Act, Selection};
use crate::wire::request::ManyRequest;
use events::EntryId;
use records::MAX_PAGE;
use std::collections::BTreeSet;

/// Hands letters to their groups once more, as they are.
///
/// # Errors
/// [`OperationsError`].
pub async fn replay_many(
    house: &Operations,
    asked: &Asked,
    context: &str,
    request: ManyRequest,
) -> Result<Reply, OperationsError> {
    carry_out_on(house, asked, Act::Replay, context, request).await
}

/// Forgets letters.
///
/// # Errors
/// [`OperationsError`].
pub async fn purge_many(
    house: &Operations,
    asked: &Asked,
    context: &str,
    request: ManyRequest,
) -> Result<Reply, OperationsError> {
    if request.reason.is_none() {
        return Err(OperationsError::invalid("reason", "a purge needs one"));
    }
    carry_out_on(house, asked, Act::Purge, context, request).await
}

async fn carry_out_on(
    house: &Operations,
    asked: &Asked,
    act: Act,
    context: &str,
    request: ManyRequest,
) -> Result<Reply, OperationsError> {
    let reason = request.reason.as_deref().map(reason).transpose()?;
    let wanted = Wanted::of(request)?;
    let choose = async {
        Ok(match wanted {
            Wanted::These(letters) => Chosen { letters, ..Chosen::default() },
            Wanted::Described { selection, after, limit } => {
                let Found { letters, next } = select(service(house, context)?, &selection, after, limit).await?;
                Chosen { letters: letters.iter().map(|letter| letter.id).collect(), next, ..Chosen::default() }
            }
        })
    };
    carry_out(house, asked, Plan { act, context, reason }, choose).await
}

/// Which letters are meant.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    These(Vec<EntryId>),
    Described { selection: Selection, after: Option<EntryId>, limit: u32 },
}

impl Wanted {
    fn of(request: ManyRequest) -> Result<Self, OperationsError> {
        let ManyRequest { letters, group, since, until, all, cursor, limit, reason: _ } = request;
        let described = group.is_some() || since.is_some() || until.is_some();
        if let Some(names) = letters {
            if described || all || cursor.is_some() || limit.is_some() {
                return Err(OperationsError::invalid("letters", "named or described, not both"));
            }
            if !(1..=MAX_PAGE as usize).contains(&names.len()) {
                let why = format!("one request takes 1 to {MAX_PAGE} letters");
                return Err(OperationsError::invalid("letters", &why));
            }
            let letters: Vec<_> = names.iter().map(|name| entry("letters", name)).collect::<Result<_, _>>()?;
            if letters.iter().collect::<BTreeSet<_>>().len() < letters.len() {
                return Err(OperationsError::invalid("letters", "each is named once"));
            }
            return Ok(Self::These(letters));
        }
        if described == all {
            let why =
                if all { "all of them, or some: not both" } else { "say which: letters, group, since, until or all" };
            return Err(OperationsError::invalid("all", why));
        }
        let after = cursor.as_deref().map(|cursor| entry("cursor", cursor)).transpose()?;
        let selection = Selection { group, since, until };
        Ok(Self::Described { selection, after, limit: page(limit, MAX_PAGE)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_means_all_letters_by_saying_nothing() {
        let request = |text: &str| Wanted::of(serde_json::from_str(text).unwrap());
        for (text, field) in [
            ("{}", "all"),
            (r#"{"all":false}"#, "all"),
            (r#"{"all":true,"group":"queries-worker"}"#, "all"),
            (r#"{"letters":[]}"#, "letters"),
            (r#"{"letters":["1-0","1-0"]}"#, "letters"),
            (r#"{"letters":["1-0"],"all":true}"#, "letters"),
            (r#"{"letters":["x"]}"#, "letters"),
            (r#"{"all":true,"limit":101}"#, "limit"),
            (r#"{"all":true,"cursor":"x"}"#, "cursor"),
        ] {
            let refused = request(text);
            assert!(
                matches!(&refused, Err(OperationsError::Invalid { field: f, .. }) if *f == field),
                "{text}: {refused:?}"
            );
        }
        assert!(request(r#"{"all":true}"#).is_ok());
        assert!(request(r#"{"since":"2026-01-01T00:00:00Z","limit":3}"#).is_ok());
        assert_eq!(request(r#"{"letters":["1-0"]}"#).unwrap(), Wanted::These(vec![EntryId { unix_ms: 1, place: 0 }]));
    }
}
