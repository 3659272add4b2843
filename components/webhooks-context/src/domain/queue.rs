//! What waits for one endpoint, as a whole: when somebody looks next, and how the endpoint has done lately.
//!
//! The queue's timer is the lease of its endpoint: whoever claimed it is alone in sending there. The messages themselves
//! lie in indexes.

use ambient::Timestamp;
use core::time::Duration;
use webhooks_wire::EndpointId;

/// After how long of failures alone an endpoint is given up.
pub const GIVE_UP_AFTER: Duration = Duration::from_secs(120 * 3600);
/// How long an answer may take before the endpoint counts as slow.
pub const SLOW_AFTER: Duration = Duration::from_secs(3);
/// How soon a queue is looked at once more after it was found empty, or waiting: whoever put something in at the same
/// moment may have taken the queue for armed.
const SECOND_LOOK: Duration = Duration::from_secs(60);

/// On which side of the road an endpoint drives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// It answers.
    Quick,
    /// It kept somebody waiting the last time: one request at a time, and never in the way of the others.
    Slow,
}

/// What is known of an endpoint's queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// Whose.
    pub endpoint: EndpointId,
    /// When somebody looks next; nothing where nobody needs to.
    pub armed_for: Option<Timestamp>,
    /// Whether a second look has confirmed that.
    pub confirmed: bool,
    /// How the endpoint answers.
    pub lane: Lane,
    /// Since when every try failed.
    pub failing_since: Option<Timestamp>,
    /// The state of the endpoint's rate.
    pub paid_until_us: i64,
}

impl Queue {
    /// A queue that nothing was ever put in.
    pub const fn new(endpoint: EndpointId) -> Self {
        Self { endpoint, armed_for: None, confirmed: true, lane: Lane::Quick, failing_since: None, paid_until_us: 0 }
    }

    /// Whether somebody will look by then.
    pub fn is_armed_for(&self, wanted: Timestamp) -> bool {
        self.armed_for.is_some_and(|armed| armed <= wanted)
    }

    /// Somebody is to look by then.
    #[must_use]
    pub fn armed(&self, wanted: Timestamp) -> Self {
        Self { armed_for: Some(wanted), confirmed: false, ..self.clone() }
    }

    /// Takes the outcome of one try in.
    pub fn note(&mut self, delivered: bool, prompt: bool, now: Timestamp) {
        self.lane = if prompt { Lane::Quick } else { Lane::Slow };
        if delivered {
            self.failing_since = None;
        } else if self.failing_since.is_none() {
            self.failing_since = Some(now);
        }
    }

    /// Since when it fails, where that is too long.
    pub fn given_up(&self, now: Timestamp) -> Option<Timestamp> {
        self.failing_since.filter(|since| now.since(*since) >= GIVE_UP_AFTER)
    }

    /// After a look: `next` is when the next message is due, if there is one. The timer rings then, and a minute from now
    /// at the latest where this is not yet confirmed.
    #[must_use]
    pub fn looked_at(&self, next: Option<Timestamp>, now: Timestamp) -> (Self, Option<Timestamp>) {
        let due_now = next.is_some_and(|next| next <= now);
        // A look that finds what an earlier one found has seen everything that was put in before that.
        let confirmed = !due_now && self.armed_for == next && !self.confirmed;
        let confirmed = confirmed || (self.confirmed && self.armed_for == next);
        let queue = Self { armed_for: next, confirmed, ..self.clone() };
        let ring = if confirmed {
            next
        } else {
            Some(next.map_or(now.plus(SECOND_LOOK), |next| next.min(now.plus(SECOND_LOOK))))
        };
        (queue, ring)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: u64) -> Timestamp {
        Timestamp::from_unix_ms(0).plus(Duration::from_secs(s))
    }

    fn queue() -> Queue {
        Queue::new(EndpointId::derived(0, &[b"e"]))
    }

    #[test]
    fn an_empty_queue_is_looked_at_twice_before_it_is_left_alone() {
        let armed = queue().armed(at(0));
        assert!(armed.is_armed_for(at(0)) && !queue().is_armed_for(at(0)));
        let (once, ring) = armed.looked_at(None, at(1));
        assert_eq!((once.armed_for, once.confirmed, ring), (None, false, Some(at(61))));
        let (twice, ring) = once.looked_at(None, at(61));
        assert_eq!((twice.armed_for, twice.confirmed, ring), (None, true, None));
    }

    #[test]
    fn a_queue_that_waits_for_hours_is_looked_at_once_more_within_a_minute() {
        let (once, ring) = queue().armed(at(0)).looked_at(Some(at(7200)), at(1));
        assert_eq!((once.armed_for, ring), (Some(at(7200)), Some(at(61))));
        let (twice, ring) = once.looked_at(Some(at(7200)), at(61));
        assert_eq!((twice.armed_for, ring), (Some(at(7200)), Some(at(7200))));
        assert!(twice.is_armed_for(at(7200)) && !twice.is_armed_for(at(7199)));
        let (third, ring) = twice.looked_at(Some(at(7201)), at(7200));
        assert_eq!((third.confirmed, ring), (false, Some(at(7201))));
    }

    #[test]
    fn five_days_of_failures_alone_are_the_end() {
        let mut queue = queue();
        queue.note(false, true, at(0));
        queue.note(false, false, at(1000));
        assert_eq!((queue.failing_since, queue.lane), (Some(at(0)), Lane::Slow));
        assert_eq!(queue.given_up(at(120 * 3600 - 1)), None);
        assert_eq!(queue.given_up(at(120 * 3600)), Some(at(0)));
        queue.note(true, true, at(2000));
        assert_eq!(
            (queue.failing_since, queue.lane, queue.given_up(at(u64::from(u32::MAX)))),
            (None, Lane::Quick, None)
        );
    }
}
