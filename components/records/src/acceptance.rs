//! What can be judged of a change without a store: its sizes, the sum of its postings, and its events as they will be
//! written. Every implementation of the port asks here first, so that they refuse alike.

use crate::{
    Change, Content, IndexStep, MAX_BODY_BYTES, MAX_EXACT_MINOR, MAX_SORT_BYTES, MAX_STEPS, MAX_SUMMARY_BYTES,
    OnceStep, RecordKey, RecordsError, Refusal, TimerStep, Version,
};
use events::{Envelope, EventId};
use std::collections::BTreeMap;
use uuid::Uuid;

/// An event completed by the commit, with its bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct WrittenEvent {
    /// What consumers will read.
    pub envelope: Envelope,
    /// The same as JSON, at most [`Envelope::MAX_BYTES`].
    pub json: String,
}

impl Change {
    /// Checks the limits that the port states.
    ///
    /// # Errors
    /// [`RecordsError::Invalid`] with the limit that is broken: a mistake of the caller's code, never of a user.
    pub fn check_limits(&self) -> Result<(), RecordsError> {
        let invalid = |why: String| Err(RecordsError::Invalid(why));
        if let Content::Body(body) = &self.content
            && body.len() > MAX_BODY_BYTES
        {
            return invalid(format!("a body has at most {MAX_BODY_BYTES} bytes, this one has {}", body.len()));
        }
        let most = [self.postings.len(), self.events.len(), self.index.len(), self.timers.len(), self.trail.len()];
        if most.iter().any(|&steps| steps > MAX_STEPS) {
            return invalid(format!("a change has at most {MAX_STEPS} steps of a kind"));
        }
        if let Some(once) = &self.once
            && let OnceStep::Finish { answer, .. } = &once.step
            && answer.body.len() > MAX_BODY_BYTES
        {
            return invalid(format!("an answer has at most {MAX_BODY_BYTES} bytes"));
        }
        self.index.iter().try_for_each(check_index_step)?;
        self.timers.iter().try_for_each(check_timer_step)?;
        self.trail.iter().try_for_each(crate::TrailEntry::check_limits)?;
        for posting in &self.postings {
            if posting.currency.len() != 3 || !posting.currency.bytes().all(|b| b.is_ascii_uppercase()) {
                return invalid("a currency is three capital letters".into());
            }
            if posting.floor_minor.is_some_and(|floor| floor.unsigned_abs() > MAX_EXACT_MINOR.unsigned_abs()) {
                return invalid("a floor lies within the exact range".into());
            }
        }
        Ok(())
    }

    /// The rule that the postings break whatever the balances are: an amount out of range, or a currency whose posted
    /// amounts do not sum to zero. Decided before the once-row and the version are looked at.
    pub fn posting_refusal(&self) -> Option<Refusal> {
        let exact = -MAX_EXACT_MINOR..=MAX_EXACT_MINOR;
        if let Some(wild) =
            self.postings.iter().find(|p| !exact.contains(&p.posted_minor) || !exact.contains(&p.held_minor))
        {
            return Some(Refusal::OutOfRange { account: wild.account.to_string() });
        }
        let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
        for posting in &self.postings {
            // At most 64 amounts below 2^53 each: no overflow.
            let sum = sums.entry(&posting.currency).or_default();
            *sum = sum.saturating_add(posting.posted_minor);
        }
        let (currency, &sum_minor) = sums.iter().find(|&(_, &sum)| sum != 0)?;
        Some(Refusal::Unbalanced { currency: (*currency).to_owned(), sum_minor })
    }

    /// The events as they will lie in the stream, for the body with this UUID at this version.
    ///
    /// # Errors
    /// [`RecordsError::Invalid`] where an event is larger than [`Envelope::MAX_BYTES`].
    pub fn written_events(
        &self,
        context: &str,
        version: Version,
        body: Uuid,
    ) -> Result<Vec<WrittenEvent>, RecordsError> {
        let complete = |(place, event): (usize, &events::NewEvent)| {
            let envelope = Envelope {
                specversion: "1.0".into(),
                id: EventId::new(body, place),
                source: format!("/{context}"),
                kind: event.kind.into(),
                time: self.meta.at,
                subject: event.subject.clone(),
                datacontenttype: "application/json".into(),
                dataschema: format!("/asyncapi.json#{}", event.kind),
                version,
                traceid: self.meta.trace.clone(),
                causationid: self.meta.cause.clone(),
                actor: self.meta.actor.clone(),
                data: event.data.clone(),
                personal: event.personal.clone(),
            };
            let json = serde_json::to_string(&envelope).map_err(|error| RecordsError::Invalid(error.to_string()))?;
            if json.len() > Envelope::MAX_BYTES {
                let found = json.len();
                return Err(RecordsError::Invalid(format!(
                    "an event has at most {} bytes, this one has {found}",
                    Envelope::MAX_BYTES
                )));
            }
            Ok(WrittenEvent { envelope, json })
        };
        self.events.iter().enumerate().map(complete).collect()
    }
}

/// Sizes of a summary and of a sort key, which must leave room for the separator.
fn check_index_step(step: &IndexStep) -> Result<(), RecordsError> {
    let (sort, summary) = match step {
        IndexStep::Put { sort, summary, .. } => (sort, summary.as_str()),
        IndexStep::Remove { sort, .. } => (sort, ""),
    };
    if summary.len() > MAX_SUMMARY_BYTES {
        let found = summary.len();
        return Err(RecordsError::Invalid(format!(
            "a summary has at most {MAX_SUMMARY_BYTES} bytes, this one has {found}"
        )));
    }
    if sort.len() > MAX_SORT_BYTES || sort.contains('\0') {
        return Err(RecordsError::Invalid(format!("a sort key has at most {MAX_SORT_BYTES} bytes and no NUL")));
    }
    Ok(())
}

/// The alphabet of a timer's name and the range of its moment.
fn check_timer_step(step: &TimerStep) -> Result<(), RecordsError> {
    let (name, due_ms) = match step {
        TimerStep::Set { name, due } => (*name, due.unix_ms()),
        TimerStep::Clear { name } => (*name, 0),
    };
    // The alphabet of names has no `@`, which parts the name from the record.
    if RecordKey::new(name).is_err() {
        return Err(RecordsError::Invalid(format!("`{name}` is not a timer's name")));
    }
    if !(0..=MAX_EXACT_MINOR).contains(&due_ms) {
        return Err(RecordsError::Invalid("a timer is due after 1970 and within the exact range".into()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AccountKey, Meta, Posting};
    use ambient::Timestamp;

    fn change() -> Change {
        let meta = Meta { at: Timestamp::from_unix_ms(0), trace: "0".repeat(32), cause: None, actor: None };
        Change::new(RecordKey::new("r").unwrap(), None, Content::Tombstone, meta)
    }

    fn leg(account: &str, posted_minor: i64) -> Posting {
        let account = AccountKey::new(account).unwrap();
        Posting { account, currency: "EUR".into(), posted_minor, held_minor: 0, floor_minor: None }
    }

    #[test]
    fn sums_are_exact_where_doubles_are_not() {
        let odd = [leg("a", MAX_EXACT_MINOR), leg("b", 2), leg("c", -MAX_EXACT_MINOR), leg("d", -2)];
        assert_eq!(change().with_postings(odd).posting_refusal(), None);
        let off = [leg("a", MAX_EXACT_MINOR), leg("b", 2), leg("c", -MAX_EXACT_MINOR), leg("d", -1)];
        let refusal = Refusal::Unbalanced { currency: "EUR".into(), sum_minor: 1 };
        assert_eq!(change().with_postings(off).posting_refusal(), Some(refusal));
    }

    #[test]
    fn an_amount_beyond_the_exact_range_is_refused_even_where_it_balances() {
        let wild = [leg("a", i64::MIN), leg("b", i64::MAX), leg("b", 1)];
        let refusal = Refusal::OutOfRange { account: "a".into() };
        assert_eq!(change().with_postings(wild).posting_refusal(), Some(refusal));
    }

    #[test]
    fn a_timer_cannot_smuggle_a_second_separator() {
        let smuggled = change().with_timer(TimerStep::Clear { name: "a@b" });
        assert!(matches!(smuggled.check_limits(), Err(RecordsError::Invalid(_))));
    }
}
