//! Log in: a password for a session.

use super::account::{Next, by_email, change_account};
use super::end_session::end;
use super::second_factor::{FactorError, spend};
use super::throttling::{AttemptError, at_login, known_device};
use super::{AccountError, device, tokens_of};
use crate::Users;
use crate::asked::Asked;
use crate::domain::{Act, Deed, EndReason, Password, Session, Status, User, Why};
use crate::hashing::HashingError;
use crate::issuer::Assurance;
use crate::state::{Written, content, listed, meta, session_id_of, session_key, sessions_of};
use crate::wire::api::{LogInRequest, TokensAnswer};
use crate::wire::body::SessionBody;
use crate::wire::event;
use crate::wire::factor::shown;
use ids::UserId;
use principal::Client;
use records::{Change, MAX_PAGE, RecordsError};

/// The most sessions that an account has at once: more than anybody has devices.
const MOST_SESSIONS: u32 = 50;

/// Why nobody was logged in.
#[derive(Debug, thiserror::Error)]
pub enum LogInError {
    /// No such account, another password, or an account that may not be used: all answer alike.
    #[error("the e-mail address or the password is wrong")]
    Credentials,
    /// The password is right, and the account asks for a second factor.
    #[error("a second factor is needed")]
    SecondFactorNeeded,
    /// The password is right, the second factor is not.
    #[error("the second factor does not hold")]
    SecondFactorRefused,
    /// There were too many attempts, or they cannot be counted.
    #[error(transparent)]
    Attempt(#[from] AttemptError),
    /// The password could not be compared.
    #[error(transparent)]
    Hashing(#[from] HashingError),
    /// A store is gone.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// The account, or the name of the new session, changed hands in between.
    #[error("the account changed at the same time")]
    Contended,
}

impl From<FactorError> for LogInError {
    fn from(error: FactorError) -> Self {
        match error {
            FactorError::Account(AccountError::Records(error)) => Self::Records(error),
            FactorError::Attempt(error) => Self::Attempt(error),
            FactorError::Refused => Self::SecondFactorRefused,
            // The account changed between the password and the second factor: once more from the beginning.
            FactorError::None
            | FactorError::Present
            | FactorError::SessionEnded
            | FactorError::Invalid(_)
            | FactorError::Proof(_)
            | FactorError::Account(AccountError::Scope | AccountError::NoAccount | AccountError::Contended) => {
                Self::Contended
            }
        }
    }
}

/// Logs in, and begins a session.
///
/// An address without an account costs the same two loads and the same hash as one with. What remains is the reading of
/// two bodies (about 0.4 ms beside a hash of 40 to 60 ms).
///
/// # Errors
/// [`LogInError`].
pub async fn log_in(
    users: &Users,
    scope: &Asked,
    client: &Client,
    request: LogInRequest,
) -> Result<TokensAnswer, LogInError> {
    let account = by_email(users, &request.email).await?;
    let known = known_device(users, request.device_token.as_deref(), account.as_ref().map(|(_, user)| user));
    let attempt = at_login(users, client, &request.email, known.as_ref()).await?;
    let password = Password::attempt(&request.password);
    let phc = account.as_ref().map(|(_, user)| user.password_phc.as_str());
    let verified = match users.hashing.verify(password.as_ref(), phc, scope).await {
        Ok(verified) => verified,
        Err(error) => {
            attempt.undecided().await;
            return Err(error.into());
        }
    };

    let whom = account.as_ref().map(|(_, user)| user.id);
    let (Some((_, user)), Some(password), true) = (account, password, verified.matches) else {
        users.refused(scope, whom, None, Deed::refused(Act::LogIn, Why::Password)).await?;
        return Err(LogInError::Credentials);
    };
    if user.status != Status::Active || user.must_reset {
        users.refused(scope, whom, None, Deed::refused(Act::LogIn, Why::Account)).await?;
        return Err(LogInError::Credentials);
    }
    let (user, assurance) = match user.second_factor.as_ref().filter(|factor| factor.is_confirmed()) {
        None => (user, Assurance::Password),
        Some(_) => match shown(request.code, request.recovery_code) {
            Some(shown) => (spend(users, scope, user.id, &shown, Act::LogIn).await?, Assurance::SecondFactor),
            None => {
                // The password was right: nobody guessed.
                attempt.undecided().await;
                return Err(LogInError::SecondFactorNeeded);
            }
        },
    };
    attempt.succeeded().await;
    let now = users.now();
    let session = Session::start(users.new_session_id(), user.id, user.credential_epoch, now).seen_from(device(client));
    let change =
        Change::new(session_key(session.id)?, None, content(&SessionBody::from(&session))?, meta(scope, user.id, now))
            .with_event(event::session_started(&session)?)
            .with_index(listed(&session)?)
            .with_trail(users.told(scope, user.id, user.id, &Deed::done(Act::LogIn).about(session.id))?);
    if users.commit(change).await? == Written::Conflict {
        return Err(LogInError::Contended);
    }
    let device = known.unwrap_or_else(|| users.device_key.issue(user.id, users.new_uuid()));
    let answer =
        TokensAnswer { device_token: Some(device.to_string()), ..tokens_of(users, &user, &session, assurance, now) };
    // Best effort: what is left over goes at the next login.
    let _ = end_the_oldest(users, scope, user.id).await;
    if verified.needs_rehash {
        rehash(users, scope, &user, &password).await;
    }
    Ok(answer)
}

/// Ends what is beyond the most sessions of an account, the oldest first.
async fn end_the_oldest(users: &Users, scope: &Asked, owner: UserId) -> Result<(), RecordsError> {
    let index = sessions_of(owner)?;
    if users.records.count(&index).await? <= u64::from(MOST_SESSIONS) {
        return Ok(());
    }
    let page = users.records.list(&index, None, MAX_PAGE).await?;
    let kept = usize::try_from(MOST_SESSIONS).unwrap_or(usize::MAX);
    for id in page.entries.iter().skip(kept).filter_map(|entry| session_id_of(&entry.key)) {
        // One that cannot be ended now does not keep the others.
        let _ = end(users, scope, owner, id, EndReason::TooMany).await;
    }
    Ok(())
}

/// Stores the same password under today's parameters. Best effort: whoever changed the password in between wins, and
/// where it fails the next login tries again.
async fn rehash(users: &Users, scope: &Asked, user: &User, password: &Password) {
    let Ok(phc) = users.hashing.hash(password, scope).await else { return };
    let _ = change_account(users, scope, user.id, user.id, &mut |now| {
        let same = now.password_phc == user.password_phc;
        Ok::<_, AccountError>(same.then(|| Next { user: now.rehashed(phc.clone()), events: Vec::new(), deed: None }))
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{EmailAddress, RefreshToken};
    use crate::testing::{
        House, PHC_PREFIX, STALE_PHC_PREFIX, log_in_request as login, logged_in, registered, registration,
    };
    use access_token::Verifier;
    use records::Records;
    use users_wire::{SESSION_STARTED, SessionSnapshot};

    #[tokio::test]
    async fn the_right_password_begins_a_session() {
        let house = registered().await;
        let answer = log_in(&house.users, &house.scope, &house.client, login(" Anna@Example.org", "correct horse"))
            .await
            .unwrap();

        let (_, session) = house.users.load_session(answer.session_id).await.unwrap().unwrap();
        assert_eq!((session.number, session.user), (1, answer.user_id));
        let refresh: RefreshToken = answer.refresh_token.parse().unwrap();
        assert!(house.users.refresh_key.proves(&refresh, session.credential_epoch));
        let claims = Verifier::new("https://id.test", "spindrift")
            .verify(&answer.access_token, house.users.issuer.jwks(), house.users.now())
            .unwrap();
        assert_eq!(claims.sub, answer.user_id.to_string());

        let event = house.memory.events().pop().unwrap();
        assert_eq!((event.kind.as_str(), &event.personal), (SESSION_STARTED, &None));
        assert_eq!(event.data_as::<SessionSnapshot>().unwrap().id, answer.session_id);
    }

    #[tokio::test]
    async fn every_wrong_pair_is_the_same_refusal_at_the_same_price() {
        let house = registered().await;
        house.take_calls();
        let asked = house.http.asked().len();
        let wrong = [
            login("anna@example.org", "wrong horse"),
            login("berta@example.org", "correct horse"),
            login("not an address", "correct horse"),
            login("anna@example.org", ""),
            login("anna@example.org", &"x".repeat(5_000)),
        ];
        for (place, request) in wrong.into_iter().enumerate() {
            let refused = log_in(&house.users, &house.scope, &house.client, request).await;
            assert!(matches!(refused, Err(LogInError::Credentials)), "attempt {place}");
            assert_eq!(house.take_calls(), ["load", "load", "note"], "attempt {place}");
            assert_eq!(house.http.asked().len(), asked + place + 1, "one comparison an attempt");
        }
        assert!(house.events_of(SESSION_STARTED).is_empty());
    }

    async fn attempt(
        house: &House,
        email: &str,
        password: &str,
        mark: Option<&str>,
    ) -> Result<TokensAnswer, LogInError> {
        let request = LogInRequest { device_token: mark.map(str::to_owned), ..login(email, password) };
        log_in(&house.users, &house.scope, &house.client, request).await
    }

    fn must_wait(outcome: &Result<TokensAnswer, LogInError>) -> bool {
        matches!(outcome, Err(LogInError::Attempt(AttemptError::TooMany { .. })))
    }

    #[tokio::test]
    async fn after_five_failures_each_further_attempt_waits_longer_whether_or_not_there_is_an_account() {
        for email in ["anna@example.org", "berta@example.org"] {
            let house = registered().await;
            for _ in 0..5 {
                let refused = attempt(&house, email, "wrong horse", None).await;
                assert!(matches!(refused, Err(LogInError::Credentials)), "{email}");
            }
            for wait_s in [1, 2, 4, 8] {
                let early = attempt(&house, email, "correct horse", None).await;
                assert!(must_wait(&early), "{email}: not even the right password");
                house.clock.advance_ms(wait_s * 1_000);
                let refused = attempt(&house, &email.to_uppercase(), "wrong horse", None).await;
                assert!(matches!(refused, Err(LogInError::Credentials)), "{email}");
            }
        }
    }

    #[tokio::test]
    async fn a_stranger_keeps_nobody_out_who_was_in_before() {
        let (mut house, tokens) = logged_in().await;
        let mark = tokens.device_token.unwrap();
        house.client = crate::testing::client("203.0.113.66", "Stranger");
        for _ in 0..40 {
            let refused = attempt(&house, "anna@example.org", "wrong horse", None).await;
            assert!(refused.is_err());
        }
        assert!(must_wait(&attempt(&house, "anna@example.org", "correct horse", None).await));
        let again = attempt(&house, "anna@example.org", "correct horse", Some(&mark)).await.unwrap();
        assert_eq!(again.device_token.as_deref(), Some(mark.as_str()), "from the stranger's own network, too");
        let forged = format!("{}AAAA", &mark[..mark.len() - 4]);
        assert!(must_wait(&attempt(&house, "anna@example.org", "correct horse", Some(&forged)).await));
    }

    #[tokio::test]
    async fn the_mark_of_one_account_is_worth_nothing_at_another() {
        let (house, tokens) = logged_in().await;
        crate::app::register::register(&house.users, &house.scope, registration("berta@example.org")).await.unwrap();
        let mark = tokens.device_token.unwrap();
        for _ in 0..5 {
            assert!(attempt(&house, "berta@example.org", "wrong horse", Some(&mark)).await.is_err());
        }
        assert!(must_wait(&attempt(&house, "berta@example.org", "wrong horse", Some(&mark)).await));
        assert!(attempt(&house, "anna@example.org", "correct horse", Some(&mark)).await.is_ok());
    }

    #[tokio::test]
    async fn whoever_has_the_mark_may_not_guess_for_ever_either() {
        let (house, tokens) = logged_in().await;
        let mark = tokens.device_token.unwrap();
        for _ in 0..5 {
            assert!(attempt(&house, "anna@example.org", "wrong horse", Some(&mark)).await.is_err());
        }
        assert!(must_wait(&attempt(&house, "anna@example.org", "correct horse", Some(&mark)).await));
        assert!(attempt(&house, "anna@example.org", "correct horse", None).await.is_ok(), "the others are not slowed");
    }

    #[tokio::test]
    async fn a_network_that_fails_at_many_accounts_waits_and_successes_do_not_wipe_that_out() {
        let house = registered().await;
        for person in 0..29 {
            let email = format!("person{person}@example.org");
            assert!(matches!(attempt(&house, &email, "wrong horse", None).await, Err(LogInError::Credentials)));
        }
        house.log_in().await;
        assert!(matches!(attempt(&house, "x@example.org", "wrong", None).await, Err(LogInError::Credentials)));
        assert!(must_wait(&attempt(&house, "y@example.org", "wrong", None).await), "the thirtieth closed it");
        assert!(must_wait(&attempt(&house, "anna@example.org", "correct horse", None).await));
    }

    #[tokio::test]
    async fn of_guesses_at_once_no_more_than_five_are_compared() {
        let house = registered().await;
        let asked = house.http.asked().len();
        let all = (0..50).map(|_| attempt(&house, "anna@example.org", "wrong horse", None));
        let outcomes = futures::future::join_all(all).await;
        assert_eq!(house.http.asked().len() - asked, 5);
        assert_eq!(outcomes.iter().filter(|outcome| must_wait(outcome)).count(), 45);
    }

    #[tokio::test]
    async fn an_attempt_that_the_hasher_never_decided_does_not_count() {
        let house = registered().await;
        house.hasher_busy();
        for _ in 0..20 {
            let busy = attempt(&house, "anna@example.org", "correct horse", None).await;
            assert!(matches!(busy, Err(LogInError::Hashing(_))));
        }
    }

    #[tokio::test]
    async fn a_suspended_account_cannot_log_in() {
        let house = registered().await;
        house.change_user(|user| user.status = Status::Suspended).await;
        let refused =
            log_in(&house.users, &house.scope, &house.client, login("anna@example.org", "correct horse")).await;
        assert!(matches!(refused, Err(LogInError::Credentials)));
    }

    #[tokio::test]
    async fn a_hash_of_older_parameters_is_replaced_on_the_way() {
        let house = registered().await;
        house.change_user(|user| user.password_phc = format!("{STALE_PHC_PREFIX}correct horse")).await;
        log_in(&house.users, &house.scope, &house.client, login("anna@example.org", "correct horse")).await.unwrap();
        assert_eq!(house.only_user().await.password_phc, format!("{PHC_PREFIX}correct horse"));
        log_in(&house.users, &house.scope, &house.client, login("anna@example.org", "correct horse")).await.unwrap();
    }

    #[tokio::test]
    async fn a_rehash_that_fails_does_not_keep_anybody_out() {
        let house = registered().await;
        house.change_user(|user| user.password_phc = format!("{STALE_PHC_PREFIX}correct horse")).await;
        house.fail_commit_after_next();
        assert!(
            log_in(&house.users, &house.scope, &house.client, login("anna@example.org", "correct horse")).await.is_ok()
        );
        assert_eq!(house.only_user().await.password_phc, format!("{STALE_PHC_PREFIX}correct horse"));
    }

    #[tokio::test]
    async fn a_busy_hasher_is_not_a_wrong_password() {
        let house = registered().await;
        house.hasher_busy();
        let refused =
            log_in(&house.users, &house.scope, &house.client, login("anna@example.org", "correct horse")).await;
        assert!(matches!(refused, Err(LogInError::Hashing(HashingError::Busy { .. }))));
    }

    #[tokio::test]
    async fn the_oldest_session_makes_room() {
        let (house, first) = logged_in().await;
        let mut last = None;
        for _ in 0..MOST_SESSIONS {
            house.clock.advance_ms(1_000);
            last = Some(house.log_in().await);
        }
        let index = sessions_of(first.user_id).unwrap();
        assert_eq!(house.memory.count(&index).await.unwrap(), u64::from(MOST_SESSIONS));
        let (_, session) = house.users.load_session(first.session_id).await.unwrap().unwrap();
        assert_eq!(session.ended.map(|end| end.reason), Some(EndReason::TooMany));
        assert!(house.refresh(&last.unwrap()).await.is_ok());
    }

    #[tokio::test]
    async fn no_key_name_holds_an_address() {
        let house = registered().await;
        log_in(&house.users, &house.scope, &house.client, login("anna@example.org", "correct horse")).await.unwrap();
        let name = house.users.email_index_key.name(&EmailAddress::parse("anna@example.org").unwrap());
        let key = crate::state::login_key(&name).unwrap();
        assert!(!key.as_str().contains("anna"));
        assert!(house.memory.load(&key).await.unwrap().is_some());
    }
}
