//! A session: one login on one device, a family of refresh tokens of which one number is good.

use ambient::Timestamp;
use core::time::Duration;
use ids::{SessionId, UserId};

/// The longest life of a session, however much it is used.
const LIFE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How long a session may go without a refresh.
const IDLE: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How long the number before the current one is answered as if it were current: two tabs, a lost answer.
const GRACE: Duration = Duration::from_secs(10);

/// What an account says about its sessions at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credentials {
    /// Whether the account may be used.
    pub active: bool,
    /// Its credential epoch.
    pub epoch: u32,
}

/// Why a session was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// The person logged out.
    LoggedOut,
    /// A token that was already used up came back: somebody has a copy, so nobody may go on.
    TokenReused,
    /// Its owner ended it from another session.
    Revoked,
    /// The account has more sessions than it may: the oldest went.
    TooMany,
}

/// From where and with what a session was used last; told to its owner, and nothing is decided by it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Device {
    /// What the client says it is.
    pub agent: Option<String>,
    /// The address, such as `203.0.113.7`.
    pub address: Option<String>,
}

/// The end of a session; there is no way back from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: EndReason,
}

/// One session.
///
/// **Invariant** `number` only grows, one at a time; an ended session never changes again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its name.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// The number of the token that is good, from 1.
    pub number: u32,
    /// When that number became good; also the session's last use.
    pub rotated_at: Timestamp,
    /// The account's credential epoch at login.
    pub credential_epoch: u32,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends however much it is used.
    pub expires_at: Timestamp,
    /// Its end, if it was ended.
    pub ended: Option<End>,
    /// Where it was used last.
    pub device: Device,
}

/// How a session goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refreshed {
    /// The next number is good from now on: commit this state, then hand it out.
    Rotated(Session),
    /// A twin has just rotated: hand out the number that is good already, and change nothing.
    Repeated,
}

/// Why a session does not go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It was ended before.
    #[error("the session was ended")]
    Ended,
    /// It is older than any session may be.
    #[error("the session is older than 30 days")]
    Expired,
    /// It was not used for too long.
    #[error("the session was not used for 7 days")]
    Idle,
    /// The account was closed, or its credentials changed since login.
    #[error("the account ended its sessions")]
    CredentialsChanged,
    /// The token is not the current one: the family ends. Commit this state, then refuse.
    #[error("a used refresh token came back: the session is ended")]
    Reused(Box<Session>),
}

impl Session {
    /// Begins a session of an account.
    pub fn start(id: SessionId, user: UserId, credential_epoch: u32, at: Timestamp) -> Self {
        Self {
            id,
            user,
            number: 1,
            rotated_at: at,
            credential_epoch,
            created_at: at,
            expires_at: at.plus(LIFE),
            ended: None,
            device: Device::default(),
        }
    }

    /// The session as it is used from a device.
    #[must_use]
    pub fn seen_from(self, device: Device) -> Self {
        Self { device, ..self }
    }

    /// Why it does not go on, whatever token is shown.
    fn over(&self, account: Credentials, now: Timestamp) -> Option<Refusal> {
        if self.ended.is_some() {
            return Some(Refusal::Ended);
        }
        if now >= self.expires_at {
            return Some(Refusal::Expired);
        }
        if now.since(self.rotated_at) >= IDLE {
            return Some(Refusal::Idle);
        }
        let agrees = account.active && account.epoch == self.credential_epoch;
        (!agrees).then_some(Refusal::CredentialsChanged)
    }

    /// Whether it could be continued.
    pub fn is_live(&self, account: Credentials, now: Timestamp) -> bool {
        self.over(account, now).is_none()
    }

    /// The session under a new credential epoch: the one from which its owner changed the password goes on, with a new
    /// token. `None` where it is over, or was not part of the epoch before.
    pub fn renewed(&self, account: Credentials, now: Timestamp) -> Option<Self> {
        let before = Credentials { epoch: account.epoch.checked_sub(1)?, ..account };
        self.is_live(before, now).then(|| Self {
            number: self.number.saturating_add(1),
            rotated_at: now,
            credential_epoch: account.epoch,
            ..self.clone()
        })
    }

    /// Decides on a genuine token with this number.
    ///
    /// A number from the future was issued by a state that is lost (a rolled-back store); whether it was used since
    /// nobody knows, so it counts as reused.
    ///
    /// # Errors
    /// [`Refusal`]; only [`Refusal::Reused`] brings a state to commit.
    pub fn refresh(&self, number: u32, account: Credentials, now: Timestamp) -> Result<Refreshed, Refusal> {
        if let Some(refusal) = self.over(account, now) {
            return Err(refusal);
        }
        if number == self.number {
            return Ok(Refreshed::Rotated(Self {
                number: self.number.saturating_add(1),
                rotated_at: now,
                ..self.clone()
            }));
        }
        if number.checked_add(1) == Some(self.number) && now.since(self.rotated_at) <= GRACE {
            return Ok(Refreshed::Repeated);
        }
        Err(Refusal::Reused(Box::new(self.ended(EndReason::TokenReused, now))))
    }

    /// Ends the session; `None` where it has ended already.
    pub fn end(&self, reason: EndReason, now: Timestamp) -> Option<Self> {
        self.ended.is_none().then(|| self.ended(reason, now))
    }

    fn ended(&self, reason: EndReason, at: Timestamp) -> Self {
        // Where it was used from is nobody's business any more.
        Self { ended: Some(End { at, reason }), device: Device::default(), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    const ACCOUNT: Credentials = Credentials { active: true, epoch: 1 };
    const SECOND: i64 = 1_000;
    const DAY: i64 = 86_400 * SECOND;

    fn at(unix_ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(unix_ms)
    }

    fn started() -> Session {
        Session::start(SessionId::new(0, Uuid::from_u128(1)), UserId::new(0, Uuid::from_u128(2)), 1, at(0))
    }

    fn rotated(session: &Session, now: Timestamp) -> Session {
        match session.refresh(session.number, ACCOUNT, now) {
            Ok(Refreshed::Rotated(next)) => next,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_current_number_rotates() {
        let next = rotated(&started(), at(DAY));
        assert_eq!((next.number, next.rotated_at), (2, at(DAY)));
        assert_eq!(next.expires_at, started().expires_at, "a refresh does not lengthen the life");
    }

    #[test]
    fn the_number_before_is_repeated_for_ten_seconds() {
        let session = rotated(&started(), at(DAY));
        assert_eq!(session.refresh(1, ACCOUNT, at(DAY)), Ok(Refreshed::Repeated));
        assert_eq!(session.refresh(1, ACCOUNT, at(DAY + 10 * SECOND)), Ok(Refreshed::Repeated));
    }

    #[test]
    fn after_ten_seconds_it_ends_the_family() {
        let session = rotated(&started(), at(DAY));
        let now = at(DAY + 10 * SECOND + 1);
        let Err(Refusal::Reused(ended)) = session.refresh(1, ACCOUNT, now) else { panic!("must be refused") };
        assert_eq!(ended.ended, Some(End { at: now, reason: EndReason::TokenReused }));
        assert_eq!(ended.refresh(2, ACCOUNT, now), Err(Refusal::Ended), "the good token is worth nothing either");
    }

    #[test]
    fn two_steps_back_end_the_family_even_within_the_grace() {
        let session = rotated(&rotated(&started(), at(0)), at(0));
        assert!(matches!(session.refresh(1, ACCOUNT, at(1)), Err(Refusal::Reused(_))));
    }

    #[test]
    fn a_number_from_a_lost_future_ends_the_family() {
        assert!(matches!(started().refresh(2, ACCOUNT, at(1)), Err(Refusal::Reused(_))));
        assert!(matches!(started().refresh(u32::MAX, ACCOUNT, at(1)), Err(Refusal::Reused(_))));
    }

    #[test]
    fn a_session_ends_by_idleness_and_by_age() {
        assert_eq!(started().refresh(1, ACCOUNT, at(7 * DAY)), Err(Refusal::Idle));
        let mut session = started();
        for day in 1..30 {
            session = rotated(&session, at(day * DAY));
        }
        assert!(session.refresh(session.number, ACCOUNT, at(30 * DAY - 1)).is_ok());
        assert_eq!(session.refresh(session.number, ACCOUNT, at(30 * DAY)), Err(Refusal::Expired));
    }

    #[test]
    fn an_account_that_changed_its_credentials_or_was_closed_ends_its_sessions() {
        for account in [Credentials { active: true, epoch: 2 }, Credentials { active: false, epoch: 1 }] {
            assert_eq!(started().refresh(1, account, at(1)), Err(Refusal::CredentialsChanged));
        }
    }

    #[test]
    fn logging_out_twice_is_once() {
        let ended = started().end(EndReason::LoggedOut, at(5)).unwrap();
        assert_eq!(ended.ended, Some(End { at: at(5), reason: EndReason::LoggedOut }));
        assert_eq!(ended.end(EndReason::Revoked, at(6)), None);
        assert_eq!(ended.refresh(1, ACCOUNT, at(6)), Err(Refusal::Ended));
    }

    #[test]
    fn the_session_that_changes_the_password_goes_on_and_no_other() {
        let session = rotated(&started(), at(DAY));
        let account = Credentials { epoch: 2, ..ACCOUNT };
        let renewed = session.renewed(account, at(DAY)).unwrap();
        assert_eq!((renewed.number, renewed.credential_epoch), (3, 2));
        assert!(renewed.is_live(account, at(DAY)) && !session.is_live(account, at(DAY)));
        assert_eq!(renewed.renewed(account, at(DAY)), None, "once an epoch");
        assert_eq!(started().renewed(Credentials { epoch: 3, ..ACCOUNT }, at(1)), None, "two changes ago");
        assert_eq!(session.renewed(Credentials { active: false, epoch: 2 }, at(DAY)), None);
        assert_eq!(session.end(EndReason::LoggedOut, at(DAY)).unwrap().renewed(account, at(DAY)), None);
        assert_eq!(started().renewed(Credentials { epoch: 0, ..ACCOUNT }, at(1)), None);
    }

    #[derive(Debug, Clone)]
    enum Act {
        Present(u32),
        End(EndReason),
        ChangeCredentials,
        Renew,
        Wait(i64),
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            6 => (0u32..12).prop_map(Act::Present),
            1 => prop_oneof![Just(EndReason::LoggedOut), Just(EndReason::Revoked)].prop_map(Act::End),
            1 => Just(Act::ChangeCredentials),
            1 => Just(Act::Renew),
            4 => (0i64..25_000).prop_map(Act::Wait),
            1 => (0i64..8 * DAY).prop_map(Act::Wait),
        ]
    }

    proptest! {
        #[test]
        fn any_order_of_acts_leaves_a_legal_family(acts in prop::collection::vec(act(), 0..40)) {
            let (mut session, mut now, mut seen, mut account) = (started(), 0, 1, ACCOUNT);
            for act in acts {
                let before = session.clone();
                match act {
                    Act::Wait(ms) => now += ms,
                    Act::End(reason) => {
                        if let Some(next) = session.end(reason, at(now)) {
                            session = next;
                        }
                    }
                    Act::ChangeCredentials => account.epoch += 1,
                    Act::Renew => {
                        if let Some(next) = session.renewed(account, at(now)) {
                            prop_assert_eq!(before.credential_epoch + 1, account.epoch, "no older family comes back");
                            prop_assert_eq!(next.number, before.number + 1);
                            session = next;
                        }
                    }
                    Act::Present(number) => match session.refresh(number, account, at(now)) {
                        Ok(Refreshed::Rotated(next)) => {
                            prop_assert_eq!(number, before.number, "only the current number rotates");
                            prop_assert_eq!(before.credential_epoch, account.epoch, "never past a credential epoch");
                            prop_assert_eq!(next.number, before.number + 1);
                            session = next;
                        }
                        Ok(Refreshed::Repeated) => {
                            prop_assert_eq!(number + 1, before.number);
                            prop_assert!(now - before.rotated_at.unix_ms() <= 10 * SECOND);
                        }
                        Err(Refusal::Reused(next)) => {
                            prop_assert_ne!(number, before.number, "the good token is never called reused");
                            prop_assert!(next.ended.is_some());
                            session = *next;
                        }
                        Err(_) => {}
                    },
                }
                prop_assert!(session.number >= seen, "a number never falls");
                seen = session.number;
                if before.ended.is_some() {
                    prop_assert_eq!(&session, &before, "an ended session never changes");
                }
                prop_assert!(session.expires_at == started().expires_at);
            }
        }
    }
}
