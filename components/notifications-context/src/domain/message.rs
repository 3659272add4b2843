//! One message on its way to a provider: what is known of it, and what may be tried next.
//!
//! ```text
//! held ─▶ digested     queued ──▶ sending ──▶ sent ──▶ bounced
//!                         ▲  │        │ ├────▶ failed   (refused for good, or taken by nobody in all rounds)
//!                         │  ▼        │ └────▶ unknown  (the answer was lost; see below)
//!                         │ skipped   │
//!                         └───────────┘ not taken: by the next provider at once, or in another round
//! ```
//!
//! **At a provider that keeps idempotency keys** a lost answer is asked for again, by the same key at the same provider,
//! as often as rounds are left: it is delivered once. **At one that keeps none** it is repeated at most once: whoever
//! gets it gets it at most twice, and only where an answer was lost or somebody died between the call and its note.

use crate::domain::{Befell, Channel, Journal, Kind};
use ambient::Timestamp;
use core::time::Duration;
use ids::{NotificationId, UserId};

/// How long to wait after the first, second, … round that did not end it; after the last there is no other.
///
/// **Invariant** their sum (10 h 36 m) stays below the 24 h for which providers remember an idempotency key.
pub const RETRY_DELAYS: [Duration; 5] = [
    Duration::from_secs(60),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 60 * 60),
    Duration::from_secs(8 * 60 * 60),
];

/// The most tries whose outcome nobody knows, at providers that keep no keys.
const MOST_UNCERTAIN: u8 = 2;

/// What is known of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageState {
    /// To be sent; nothing that went out before was accepted.
    Queued,
    /// A call to the provider is under way, or was when somebody died.
    Sending,
    /// The provider has taken it.
    Sent {
        /// When.
        at: Timestamp,
        /// The provider's name for it.
        provider_id: Option<String>,
    },
    /// It will not be sent.
    Failed {
        /// When that became clear.
        at: Timestamp,
        /// Why; no personal data.
        reason: String,
    },
    /// The provider's answer was lost: it may have been sent.
    Unknown {
        /// Since when.
        since: Timestamp,
        /// What happened; no personal data.
        reason: String,
    },
    /// Nobody was asked to send it: its person or its address does not want it.
    Skipped {
        /// When that became clear.
        at: Timestamp,
        /// Why; no personal data.
        reason: String,
    },
    /// It waits for the next summary.
    Held,
    /// It went into a summary.
    Digested {
        /// When.
        at: Timestamp,
        /// Into which message.
        into: NotificationId,
    },
    /// It was sent and came back.
    Bounced {
        /// When that was told.
        at: Timestamp,
        /// What the provider calls it; no personal data.
        reason: String,
    },
}

impl MessageState {
    /// The word on the wire and in stored shapes.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Sent { .. } => "sent",
            Self::Failed { .. } => "failed",
            Self::Unknown { .. } => "unknown",
            Self::Skipped { .. } => "skipped",
            Self::Held => "held",
            Self::Digested { .. } => "digested",
            Self::Bounced { .. } => "bounced",
        }
    }
}

/// What a provider's answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendOutcome {
    /// Taken, now or by an earlier call with the same key.
    Accepted {
        /// The provider's name for it.
        provider_id: Option<String>,
    },
    /// It will never be taken: the address or the content is at fault.
    Rejected {
        /// Why; no personal data.
        reason: String,
        /// Whether the provider says that nothing can reach this address.
        address_is_dead: bool,
    },
    /// Not taken this time, for certain: no connection, too many, closed.
    NotTaken {
        /// Why; no personal data.
        reason: String,
    },
    /// The answer was lost; it may have been taken.
    Lost {
        /// What happened; no personal data.
        reason: String,
    },
}

/// A provider that may be asked for a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its name in the table.
    pub name: String,
    /// Whether it delivers one message a key, however often it is asked.
    pub keeps_keys: bool,
    /// Whether it is worth asking now.
    pub is_available: bool,
}

/// What follows from an outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The message afterwards.
    pub message: Message,
    /// When to try again; `None` where it has ended.
    pub again_at: Option<Timestamp>,
}

/// What may be done with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Commit this, then call the provider that it names.
    Try {
        /// The message with the try noted.
        message: Message,
        /// Who is to be asked.
        provider: String,
    },
    /// Commit this; nobody can be asked now.
    Wait(Attempt),
    /// Commit this; nothing may be tried any more.
    GiveUp(Message),
    /// Nothing: it has ended, or waits for something else.
    Ended,
}

/// Which text it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextRef {
    /// The template.
    pub template: String,
    /// Its version.
    pub version: u16,
    /// The language that was found.
    pub locale: String,
}

/// A message to one address by one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Which one; also the idempotency key at the provider.
    pub id: NotificationId,
    /// Who gets it.
    pub user_id: UserId,
    /// By which way.
    pub channel: Channel,
    /// What it is about.
    pub kind: Kind,
    /// Which text it is; messages of before texts were remembered have none.
    pub text_ref: Option<TextRef>,
    /// The address, taken from the contact when the message was made, so that each try is the same request.
    pub to: String,
    /// The subject line.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The same as HTML, without a frame.
    pub html: Option<String>,
    /// The trace of what caused it: 32 hexadecimal digits.
    pub trace: String,
    /// When it was made; its place in the log of its person.
    pub created_at: Option<Timestamp>,
    /// What is known of it.
    pub state: MessageState,
    /// How many rounds were begun: in one round each provider is asked at most once.
    pub attempts: u32,
    /// Who was asked last.
    pub provider: Option<String>,
    /// Who did not take it in this round.
    pub passed_over: Vec<String>,
    /// How many tries ended without anybody knowing how, at providers that keep no keys.
    pub uncertain: u8,
    /// The provider that keeps keys and may have it since a try whose end nobody knows: nobody else is asked any more.
    pub may_lie_at: Option<String>,
    /// What befell it.
    pub journal: Journal,
}

impl Message {
    /// What may be done with it now, with these providers in order of preference.
    pub fn next(&self, now: Timestamp, candidates: &[Candidate]) -> Next {
        match &self.state {
            MessageState::Queued => self.choose(now, candidates),
            MessageState::Sending => {
                let provider = self.provider.as_deref();
                let journal = self.journal.clone().with(now, Befell::Interrupted, provider, None);
                let reason = "no try was left after an interrupted one".to_owned();
                let state = MessageState::Unknown { since: now, reason };
                Self { state, journal, ..self.clone() }.counted(candidates).resume(now, candidates)
            }
            MessageState::Unknown { .. } => self.resume(now, candidates),
            MessageState::Sent { .. }
            | MessageState::Failed { .. }
            | MessageState::Skipped { .. }
            | MessageState::Held
            | MessageState::Digested { .. }
            | MessageState::Bounced { .. } => Next::Ended,
        }
    }

    /// After a try whose end nobody knows.
    fn counted(self, candidates: &[Candidate]) -> Self {
        let asked = candidates.iter().find(|candidate| Some(&candidate.name) == self.provider.as_ref());
        if asked.is_some_and(|asked| asked.keeps_keys) {
            return Self { may_lie_at: self.provider.clone(), ..self };
        }
        Self { uncertain: self.uncertain.saturating_add(1), ..self }
    }

    /// Goes on after an outcome that nobody knows.
    fn resume(&self, now: Timestamp, candidates: &[Candidate]) -> Next {
        let afresh = Self { passed_over: Vec::new(), ..self.clone() };
        if self.attempts > 0 && self.delay().is_none() {
            return afresh.give_up(now);
        }
        match candidates.iter().find(|candidate| Some(&candidate.name) == self.may_lie_at.as_ref()) {
            // The same key at the same provider.
            Some(holder) if holder.is_available => afresh.begin(now, holder),
            Some(holder) => afresh.wait(now, &holder.name),
            // It was taken out of the table: nobody can be asked any more whether it has it.
            None if self.may_lie_at.is_some() => afresh.give_up(now),
            None if self.uncertain >= MOST_UNCERTAIN => afresh.give_up(now),
            None => afresh.choose(now, candidates),
        }
    }

    /// Takes the first provider that is worth asking.
    fn choose(&self, now: Timestamp, candidates: &[Candidate]) -> Next {
        if self.passed_over.is_empty() && self.attempts > 0 && self.delay().is_none() {
            return self.clone().give_up(now);
        }
        let mut left = candidates.iter().filter(|candidate| !self.passed_over.contains(&candidate.name));
        match left.clone().find(|candidate| candidate.is_available) {
            Some(candidate) => self.begin(now, candidate),
            None => self.wait(now, left.next().map_or("", |candidate| candidate.name.as_str())),
        }
    }

    fn begin(&self, now: Timestamp, candidate: &Candidate) -> Next {
        let begins_a_round = self.passed_over.is_empty();
        let message = Self {
            state: MessageState::Sending,
            attempts: self.attempts.saturating_add(u32::from(begins_a_round)),
            provider: Some(candidate.name.clone()),
            journal: self.journal.clone().with(now, Befell::Asked, Some(&candidate.name), None),
            ..self.clone()
        };
        Next::Try { message, provider: candidate.name.clone() }
    }

    /// A round in which nobody could be asked counts, so that waiting has an end.
    fn wait(&self, now: Timestamp, provider: &str) -> Next {
        let begun = Self {
            attempts: self.attempts.saturating_add(u32::from(self.passed_over.is_empty())),
            passed_over: Vec::new(),
            ..self.clone()
        };
        let why = Some("it fails too often to be asked now".to_owned());
        let provider = (!provider.is_empty()).then_some(provider);
        let journal = begun.journal.clone().with(now, Befell::NotTaken, provider, why);
        match begun.delay() {
            Some(delay) => Next::Wait(Attempt { message: Self { journal, ..begun }, again_at: Some(now.plus(delay)) }),
            None => Self { journal, ..begun }.give_up(now),
        }
    }

    fn give_up(self, now: Timestamp) -> Next {
        let journal = self.journal.clone().with(now, Befell::GivenUp, self.provider.as_deref(), None);
        let reason = "no provider took it".to_owned();
        let state = match self.state {
            MessageState::Queued if self.uncertain > 0 => MessageState::Unknown { since: now, reason },
            MessageState::Queued => MessageState::Failed { at: now, reason },
            MessageState::Sending => MessageState::Unknown { since: now, reason },
            state => state,
        };
        Next::GiveUp(Self { state, journal, ..self })
    }

    /// The message after the provider's answer to the try under way. Whoever else may be asked is asked at once.
    pub fn settle(&self, outcome: SendOutcome, at: Timestamp, candidates: &[Candidate]) -> Attempt {
        let provider = self.provider.as_deref();
        let noted = |befell, why: Option<String>| self.journal.clone().with(at, befell, provider, why);
        let again_at = self.delay().map(|delay| at.plus(delay));
        match outcome {
            SendOutcome::Accepted { provider_id } => {
                let journal = noted(Befell::Taken, provider_id.clone());
                let state = MessageState::Sent { at, provider_id };
                Attempt { message: Self { state, journal, ..self.clone() }, again_at: None }
            }
            SendOutcome::Rejected { reason, .. } => {
                let journal = noted(Befell::Refused, Some(reason.clone()));
                let state = MessageState::Failed { at, reason };
                Attempt { message: Self { state, journal, ..self.clone() }, again_at: None }
            }
            // That this try was not taken says nothing of an earlier one.
            SendOutcome::NotTaken { reason } if self.may_lie_at.is_some() => {
                let journal = noted(Befell::NotTaken, Some(reason.clone()));
                let state = MessageState::Unknown { since: at, reason };
                Attempt { message: Self { state, journal, ..self.clone() }, again_at }
            }
            SendOutcome::NotTaken { reason } => {
                let journal = noted(Befell::NotTaken, Some(reason.clone()));
                let mut passed_over = self.passed_over.clone();
                passed_over.extend(self.provider.clone());
                let is_left = |candidate: &Candidate| candidate.is_available && !passed_over.contains(&candidate.name);
                let (state, again_at, passed_over) = match (candidates.iter().any(is_left), again_at) {
                    (true, _) => (MessageState::Queued, Some(at), passed_over),
                    (false, Some(again_at)) => (MessageState::Queued, Some(again_at), Vec::new()),
                    (false, None) if self.uncertain > 0 => {
                        (MessageState::Unknown { since: at, reason }, None, Vec::new())
                    }
                    (false, None) => (MessageState::Failed { at, reason }, None, Vec::new()),
                };
                Attempt { message: Self { state, journal, passed_over, ..self.clone() }, again_at }
            }
            SendOutcome::Lost { reason } => {
                let journal = noted(Befell::AnswerLost, Some(reason.clone()));
                let state = MessageState::Unknown { since: at, reason };
                let lost = Self { state, journal, ..self.clone() }.counted(candidates);
                let is_over = lost.may_lie_at.is_none() && lost.uncertain >= MOST_UNCERTAIN;
                Attempt { message: lost, again_at: again_at.filter(|_| !is_over) }
            }
        }
    }

    /// What is to be done while the provider that was asked last cannot say whether it has it.
    pub fn put_off(&self, now: Timestamp) -> Next {
        let provider = self.provider.clone().unwrap_or_default();
        Self { passed_over: Vec::new(), ..self.clone() }.wait(now, &provider)
    }

    /// Whether it may lie at the provider that was asked last without anybody knowing.
    pub const fn is_uncertain(&self) -> bool {
        matches!(self.state, MessageState::Sending | MessageState::Unknown { .. })
    }

    /// Whether a provider ever may have had it.
    pub const fn may_have_gone_out(&self) -> bool {
        self.attempts > 0
    }

    /// How long to wait after the round counted last; `None` after the last one.
    fn delay(&self) -> Option<Duration> {
        let tries = usize::try_from(self.attempts).unwrap_or(usize::MAX);
        RETRY_DELAYS.get(tries.saturating_sub(1)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_unix_ms(1_767_225_600_000);

    fn queued() -> Message {
        Message {
            id: NotificationId::derived(0, &[b"m"]),
            user_id: UserId::derived(0, &[b"ada"]),
            channel: Channel::Email,
            kind: Kind::Welcome,
            text_ref: None,
            to: "ada@example.com".into(),
            subject: "Welcome".into(),
            text: "Hello".into(),
            html: None,
            trace: "1".repeat(32),
            created_at: Some(NOW),
            state: MessageState::Queued,
            attempts: 0,
            provider: None,
            passed_over: Vec::new(),
            uncertain: 0,
            may_lie_at: None,
            journal: Journal::default(),
        }
    }

    fn candidate(name: &str, keeps_keys: bool, is_available: bool) -> Candidate {
        Candidate { name: name.into(), keeps_keys, is_available }
    }

    fn generic() -> Vec<Candidate> {
        vec![candidate("generic", true, true)]
    }

    fn not_taken() -> SendOutcome {
        SendOutcome::NotTaken { reason: "status 429".into() }
    }

    fn lost() -> SendOutcome {
        SendOutcome::Lost { reason: "no answer in time".into() }
    }

    fn rejected() -> SendOutcome {
        SendOutcome::Rejected { reason: "status 422".into(), address_is_dead: false }
    }

    /// The try that may be begun, if any.
    fn begun(message: &Message, candidates: &[Candidate]) -> Option<Message> {
        match message.next(NOW, candidates) {
            Next::Try { message, .. } => Some(message),
            Next::Wait(_) | Next::GiveUp(_) | Next::Ended => None,
        }
    }

    #[test]
    fn waits_longer_after_each_round_and_fails_after_the_last() {
        let mut message = queued();
        let mut waits = Vec::new();
        while let Some(begun) = begun(&message, &generic()) {
            let attempt = begun.settle(not_taken(), NOW, &generic());
            waits.extend(attempt.again_at.map(|at| at.since(NOW)));
            message = attempt.message;
        }
        assert_eq!(waits, RETRY_DELAYS);
        assert_eq!(message.attempts, 6);
        assert_eq!(message.state, MessageState::Failed { at: NOW, reason: "status 429".into() });
    }

    #[test]
    fn a_lost_answer_stays_unknown_when_no_try_is_left() {
        let mut message = queued();
        while let Some(begun) = begun(&message, &generic()) {
            message = begun.settle(lost(), NOW, &generic()).message;
        }
        assert!(matches!(message.state, MessageState::Unknown { .. }));
        assert_eq!(message.attempts, 6);
    }

    #[test]
    fn tries_that_nobody_survives_come_to_an_end_too() {
        let mut message = queued();
        while let Some(begun) = begun(&message, &generic()) {
            message = begun;
        }
        assert_eq!(message.attempts, 6);
        let Next::GiveUp(given_up) = message.next(NOW, &generic()) else { panic!("{message:?}") };
        assert!(matches!(given_up.state, MessageState::Unknown { .. }));
        assert!(matches!(given_up.next(NOW, &generic()), Next::GiveUp(_)), "and says so again");
    }

    #[test]
    fn a_refusal_for_good_ends_it_at_once() {
        let attempt = begun(&queued(), &generic()).unwrap().settle(rejected(), NOW, &generic());
        assert_eq!(attempt.again_at, None);
        assert_eq!(attempt.message.next(NOW, &generic()), Next::Ended);
    }

    #[test]
    fn who_does_not_take_it_is_followed_by_the_next_at_once_and_the_round_counts_once() {
        let both = [candidate("postmark", false, true), candidate("generic", true, true)];
        let first = begun(&queued(), &both).unwrap();
        assert_eq!((first.provider.as_deref(), first.attempts), (Some("postmark"), 1));
        let attempt = first.settle(not_taken(), NOW, &both);
        assert_eq!(attempt.again_at, Some(NOW));
        let second = begun(&attempt.message, &both).unwrap();
        assert_eq!((second.provider.as_deref(), second.attempts), (Some("generic"), 1));
        let attempt = second.settle(not_taken(), NOW, &both);
        assert_eq!(attempt.again_at, Some(NOW.plus(RETRY_DELAYS[0])));
        assert_eq!(begun(&attempt.message, &both).unwrap().provider.as_deref(), Some("postmark"), "a new round");
    }

    #[test]
    fn who_fails_too_often_is_left_alone_and_waiting_for_all_of_them_has_an_end() {
        let one_open = [candidate("postmark", false, false), candidate("generic", true, true)];
        assert_eq!(begun(&queued(), &one_open).unwrap().provider.as_deref(), Some("generic"));
        let all_open = [candidate("postmark", false, false), candidate("generic", true, false)];
        let (mut message, mut waits) = (queued(), 0);
        while let Next::Wait(attempt) = message.next(NOW, &all_open) {
            (message, waits) = (attempt.message, waits + 1);
        }
        assert_eq!(waits, RETRY_DELAYS.len());
        assert!(matches!(
            message.next(NOW, &all_open),
            Next::GiveUp(Message { state: MessageState::Failed { .. }, .. })
        ));
    }

    #[test]
    fn while_one_that_keeps_keys_may_have_it_nobody_else_is_asked() {
        let both = [candidate("generic", true, true), candidate("postmark", false, true)];
        let attempt = begun(&queued(), &both).unwrap().settle(lost(), NOW, &both);
        let down = [candidate("generic", true, false), candidate("postmark", false, true)];
        assert!(matches!(attempt.message.next(NOW, &down), Next::Wait(_)));
        assert_eq!(begun(&attempt.message, &both).unwrap().provider.as_deref(), Some("generic"));
    }

    #[test]
    fn where_no_keys_are_kept_a_lost_answer_is_repeated_once_and_no_more() {
        let one = [candidate("postmark", false, true)];
        let first = begun(&queued(), &one).unwrap().settle(lost(), NOW, &one);
        assert_eq!((first.message.uncertain, first.again_at), (1, Some(NOW.plus(RETRY_DELAYS[0]))));
        let second = begun(&first.message, &one).unwrap().settle(lost(), NOW, &one);
        assert_eq!((second.message.uncertain, second.again_at), (2, None));
        assert!(begun(&second.message, &one).is_none());
    }

    fn outcomes() -> impl Strategy<Value = Option<SendOutcome>> {
        // None: whoever had begun the try died before the answer.
        prop_oneof![
            Just(None),
            Just(Some(SendOutcome::Accepted { provider_id: None })),
            Just(Some(rejected())),
            Just(Some(not_taken())),
            Just(Some(lost())),
        ]
    }

    proptest! {
        #[test]
        fn what_was_sent_is_never_sent_again(story in prop::collection::vec(outcomes(), 0..20)) {
            let mut message = queued();
            let mut accepted = false;
            for outcome in story {
                let Some(begun) = begun(&message, &generic()) else {
                    prop_assert_ne!(&message.state, &MessageState::Queued);
                    break;
                };
                prop_assert!(!accepted);
                accepted |= matches!(outcome, Some(SendOutcome::Accepted { .. }));
                message = match outcome {
                    Some(outcome) => begun.settle(outcome, NOW, &generic()).message,
                    None => begun,
                };
            }
            prop_assert_eq!(accepted, matches!(message.state, MessageState::Sent { .. }));
        }

        /// Whatever happens, and whoever is down when: one that keeps keys is the only one that has it, or at most two
        /// copies may be about.
        #[test]
        fn nobody_gets_more_copies_than_promised(
            story in prop::collection::vec((outcomes(), any::<[bool; 3]>()), 0..40), keys in any::<[bool; 3]>(),
        ) {
            let names = ["one", "two", "three"];
            let mut message = queued();
            // Copies that may be about: at each one with keys one, at the others as many as calls without a certain no.
            let (mut keyed, mut loose) = (std::collections::BTreeSet::new(), 0);
            for (outcome, up) in story {
                let candidates: Vec<_> = (0..3).map(|n| candidate(names[n], keys[n], up[n])).collect();
                let begun = match message.next(NOW, &candidates) {
                    Next::Try { message, .. } => message,
                    Next::Wait(attempt) => { message = attempt.message; continue }
                    Next::GiveUp(_) | Next::Ended => break,
                };
                let name = begun.provider.clone().unwrap();
                let keeps = candidates.iter().any(|known| known.name == name && known.keeps_keys);
                let may_have = !matches!(outcome, Some(SendOutcome::NotTaken { .. } | SendOutcome::Rejected { .. }));
                if may_have && keeps { keyed.insert(name); } else if may_have { loose += 1; }
                message = match outcome {
                    Some(outcome) => begun.settle(outcome, NOW, &candidates).message,
                    None => begun,
                };
                prop_assert!(message.attempts <= 6);
            }
            prop_assert!(keyed.len() + loose <= 2, "{keyed:?} {loose}");
            prop_assert!(keyed.is_empty() || loose <= 1);
        }
    }
}
