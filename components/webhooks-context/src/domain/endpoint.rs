//! An endpoint: where somebody wants to hear of what.

use super::signing::Secret;
use crate::catalogue;
use ambient::Timestamp;
use core::time::Duration;
use ids::UserId;
use webhooks_wire::{DisabledReason, EndpointId};

/// How long the secret of before a rotation goes on signing beside the next one.
pub const OVERLAP: Duration = Duration::from_secs(24 * 3600);
/// The most requests a second that an owner may ask for.
pub const MAX_RATE: u32 = 100;
/// The most characters of a description.
const MAX_DESCRIPTION_CHARS: usize = 200;
/// The most types that a filter names.
const MAX_FILTER: usize = 64;

/// Why an endpoint cannot be like this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEndpoint {
    /// The text about it.
    #[error("a description has at most {MAX_DESCRIPTION_CHARS} characters and no control characters")]
    Description,
    /// A type of event that there is not.
    #[error("`{0}` is no type of event that this endpoint can hear of; GET /v1/webhooks/event-types lists them")]
    EventType(String),
    /// Too many types.
    #[error("a filter names at most {MAX_FILTER} types; an empty one lets all through")]
    TooMany,
    /// A pace that is none.
    #[error("a rate is 1 to {MAX_RATE} requests a second")]
    Rate,
}

/// Whose things an endpoint hears of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Its owner's own.
    Own,
    /// Everybody's, and the house's: for administrators.
    All,
}

/// Which types of events pass; an empty one lets all through.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter(Vec<String>);

impl Filter {
    /// Reads a list: each type once, in order.
    ///
    /// # Errors
    /// [`InvalidEndpoint::EventType`], [`InvalidEndpoint::TooMany`].
    pub fn new(types: Vec<String>, audience: Audience) -> Result<Self, InvalidEndpoint> {
        let mut types = types;
        types.sort_unstable();
        types.dedup();
        if types.len() > MAX_FILTER {
            return Err(InvalidEndpoint::TooMany);
        }
        if let Some(unknown) = types.iter().find(|kind| !catalogue::is_heard(kind, audience)) {
            return Err(InvalidEndpoint::EventType(unknown.chars().take(100).collect()));
        }
        Ok(Self(types))
    }

    /// As it was stored: a type that is offered no longer stays, and lets nothing through.
    pub fn stored(types: Vec<String>) -> Self {
        Self(types)
    }

    /// The types.
    pub fn types(&self) -> &[String] {
        &self.0
    }

    /// Whether a type passes.
    pub fn passes(&self, kind: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|wanted| wanted == kind)
    }
}

/// Whether an endpoint is sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointStatus {
    /// It is.
    Enabled,
    /// It is not.
    Disabled {
        /// Why.
        reason: DisabledReason,
        /// Since when.
        at: Timestamp,
    },
}

/// The secrets of an endpoint: the present one, and after a rotation the one before for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretPair {
    /// The present one.
    pub current: Secret,
    /// The one before, and until when it signs too.
    pub previous: Option<(Secret, Timestamp)>,
}

impl SecretPair {
    /// Those that sign at a moment, the present one first.
    pub fn signing(&self, now: Timestamp) -> impl Iterator<Item = &Secret> {
        let previous = self.previous.iter().filter(move |(_, until)| now < *until).map(|(secret, _)| secret);
        core::iter::once(&self.current).chain(previous)
    }

    /// Another secret takes over; the present one goes on beside it for [`OVERLAP`]. One that was on its way out before
    /// ends now: two signatures are the most.
    #[must_use]
    pub fn rotated(self, next: Secret, now: Timestamp) -> Self {
        Self { current: next, previous: Some((self.current, now.plus(OVERLAP))) }
    }
}

/// Where somebody wants to hear of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its name.
    pub id: EndpointId,
    /// Whose it is.
    pub owner: UserId,
    /// Where requests go, as the guard has taken it.
    pub url: String,
    /// What its owner says of it.
    pub description: Option<String>,
    /// Whose things.
    pub audience: Audience,
    /// Of which types.
    pub filter: Filter,
    /// The most requests a second; nothing where it takes all there are.
    pub rate_per_s: Option<u32>,
    /// Whether messages go one after the other, in the order of their events.
    pub ordered: bool,
    /// Whether it is sent to.
    pub status: EndpointStatus,
    /// What proves that a request is ours.
    pub secrets: SecretPair,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Endpoint {
    /// Whether it is sent to.
    pub const fn is_enabled(&self) -> bool {
        matches!(self.status, EndpointStatus::Enabled)
    }
}

/// Reads a description.
///
/// # Errors
/// [`InvalidEndpoint::Description`].
pub fn description(text: Option<String>) -> Result<Option<String>, InvalidEndpoint> {
    let Some(text) = text else { return Ok(None) };
    let text = text.trim();
    if text.chars().count() > MAX_DESCRIPTION_CHARS || text.chars().any(char::is_control) {
        return Err(InvalidEndpoint::Description);
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// Reads a rate; zero takes it away.
///
/// # Errors
/// [`InvalidEndpoint::Rate`].
pub fn rate_per_s(rate: Option<u32>) -> Result<Option<u32>, InvalidEndpoint> {
    match rate {
        None | Some(0) => Ok(None),
        Some(rate) if rate <= MAX_RATE => Ok(Some(rate)),
        Some(_) => Err(InvalidEndpoint::Rate),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ambient::CountedRandom;

    fn at(s: u64) -> Timestamp {
        Timestamp::from_unix_ms(0).plus(Duration::from_secs(s))
    }

    #[test]
    fn a_rotation_signs_twice_for_a_day_and_never_thrice() {
        let random = CountedRandom::default();
        let [first, second, third] = [(); 3].map(|()| Secret::make(&random));
        let pair = SecretPair { current: first.clone(), previous: None };
        assert_eq!(pair.signing(at(0)).collect::<Vec<_>>(), [&first]);
        let pair = pair.rotated(second.clone(), at(10));
        assert_eq!(pair.signing(at(10)).collect::<Vec<_>>(), [&second, &first]);
        assert_eq!(pair.signing(at(10 + 24 * 3600)).collect::<Vec<_>>(), [&second]);
        let pair = pair.rotated(third.clone(), at(20));
        assert_eq!(pair.signing(at(20)).collect::<Vec<_>>(), [&third, &second]);
    }

    #[test]
    fn a_filter_names_types_of_the_catalogue_that_the_audience_may_hear_of() {
        let types = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let captured = "payments.payment.captured.v1";
        let filter = Filter::new(types(&[captured, captured]), Audience::Own).unwrap();
        assert_eq!(filter.types(), [captured]);
        assert!(filter.passes(captured) && !filter.passes("payments.payment.failed.v1"));
        assert!(Filter::default().passes(captured));
        let house = "payments.payout.paid.v1";
        assert!(Filter::new(types(&[house]), Audience::All).is_ok());
        for (name, audience) in
            [(house, Audience::Own), ("payments.*", Audience::All), ("users.code.issued.v1", Audience::All)]
        {
            let refused = Filter::new(types(&[name]), audience);
            assert_eq!(refused, Err(InvalidEndpoint::EventType(name.to_owned())));
        }
    }

    #[test]
    fn descriptions_and_rates_have_bounds() {
        assert_eq!(description(Some("  shop ".into())), Ok(Some("shop".to_owned())));
        assert_eq!(description(Some(" ".into())), Ok(None));
        for bad in ["x".repeat(201), "a\nb".to_owned()] {
            assert_eq!(description(Some(bad)), Err(InvalidEndpoint::Description));
        }
        assert_eq!((rate_per_s(Some(0)), rate_per_s(Some(7))), (Ok(None), Ok(Some(7))));
        assert_eq!(rate_per_s(Some(101)), Err(InvalidEndpoint::Rate));
    }
}
