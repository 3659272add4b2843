//! Log in: a password for a session.

use super::tokens;
use crate::Users;
use crate::domain::{EmailAddress, Password, Session, Status, User};
use crate::hashing::HashingError;
use crate::state::{Written, content, meta, session_key, user_key};
use crate::wire::api::{LogInRequest, TokensAnswer};
use crate::wire::body::{SessionBody, UserBody};
use crate::wire::event;
use principal::RequestScope;
use records::{Change, RecordsError, Version};

/// Why nobody was logged in.
#[derive(Debug, thiserror::Error)]
pub enum LogInError {
    /// No such account, another password, or an account that may not be used: all answer alike.
    #[error("the e-mail address or the password is wrong")]
    Credentials,
    /// The password could not be compared.
    #[error(transparent)]
    Hashing(#[from] HashingError),
    /// A store is gone.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// The name of the new session was taken.
    #[error("the name of the session was taken")]
    Contended,
}

/// Logs in, and begins a session.
///
/// An address without an account costs the same two loads and the same hash as one with. What remains is the reading of
/// two bodies (about 0.4 ms beside a hash of 40 to 60 ms).
///
/// # Errors
/// [`LogInError`].
pub async fn log_in(users: &Users, scope: &RequestScope, request: LogInRequest) -> Result<TokensAnswer, LogInError> {
    let account = find(users, &request.email).await?;
    let password = Password::attempt(&request.password);
    let phc = account.as_ref().map(|(_, user)| user.password_phc.as_str());
    let verified = users.hashing.verify(password.as_ref(), phc, scope).await?;

    let (Some((version, user)), Some(password), true) = (account, password, verified.matches) else {
        return Err(LogInError::Credentials);
    };
    if user.status != Status::Active {
        return Err(LogInError::Credentials);
    }
    let now = users.now();
    let session = Session::start(users.new_session_id(), user.id, user.credential_epoch, now);
    let change =
        Change::new(session_key(session.id)?, None, content(&SessionBody::from(&session))?, meta(scope, user.id, now))
            .with_event(event::session_started(&session)?);
    if users.commit(change).await? == Written::Conflict {
        return Err(LogInError::Contended);
    }
    let answer = tokens(users, &user, &session, now);
    if verified.needs_rehash {
        // Best effort: whoever fails here is logged in all the same, and the next login tries again.
        let _ = rehash(users, scope, version, user, &password).await;
    }
    Ok(answer)
}

/// The account of an address, in two loads whatever there is.
async fn find(users: &Users, email: &str) -> Result<Option<(Version, User)>, RecordsError> {
    let name = match EmailAddress::parse(email) {
        Ok(email) => users.email_index_key.name(&email),
        Err(_) => users.email_index_key.name_of_nobody(email),
    };
    let claimed = users.load_login(&name).await?.and_then(|(_, body)| body);
    users.load_user(claimed.map_or_else(|| users.nobody(), |body| body.user_id)).await
}

/// Stores the same password under today's parameters. Whoever changed the account in between wins.
async fn rehash(
    users: &Users,
    scope: &RequestScope,
    version: Version,
    user: User,
    password: &Password,
) -> Result<(), LogInError> {
    let phc = users.hashing.hash(password, scope).await?;
    let user = user.rehashed(phc);
    let change = Change::new(
        user_key(user.id)?,
        Some(version),
        content(&UserBody::from(&user))?,
        meta(scope, user.id, users.now()),
    );
    users.commit(change).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::RefreshToken;
    use crate::testing::{PHC_PREFIX, STALE_PHC_PREFIX, registered};
    use access_token::Verifier;
    use hasher_wire::Plain;
    use records::Records;
    use users_wire::{SESSION_STARTED, SessionSnapshot};

    fn login(email: &str, password: &str) -> LogInRequest {
        LogInRequest { email: email.to_owned(), password: Plain::new(password) }
    }

    #[tokio::test]
    async fn the_right_password_begins_a_session() {
        let house = registered().await;
        let answer = log_in(&house.users, &house.scope, login(" Anna@Example.org", "correct horse")).await.unwrap();

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
            let refused = log_in(&house.users, &house.scope, request).await;
            assert!(matches!(refused, Err(LogInError::Credentials)), "attempt {place}");
            assert_eq!(house.take_calls(), ["load", "load"], "attempt {place}");
            assert_eq!(house.http.asked().len(), asked + place + 1, "one comparison an attempt");
        }
        assert_eq!(house.memory.events().len(), 1, "nothing but the registration");
    }

    #[tokio::test]
    async fn a_suspended_account_cannot_log_in() {
        let house = registered().await;
        house.change_user(|user| user.status = Status::Suspended).await;
        let refused = log_in(&house.users, &house.scope, login("anna@example.org", "correct horse")).await;
        assert!(matches!(refused, Err(LogInError::Credentials)));
    }

    #[tokio::test]
    async fn a_hash_of_older_parameters_is_replaced_on_the_way() {
        let house = registered().await;
        house.change_user(|user| user.password_phc = format!("{STALE_PHC_PREFIX}correct horse")).await;
        log_in(&house.users, &house.scope, login("anna@example.org", "correct horse")).await.unwrap();
        assert_eq!(house.only_user().await.password_phc, format!("{PHC_PREFIX}correct horse"));
        log_in(&house.users, &house.scope, login("anna@example.org", "correct horse")).await.unwrap();
    }

    #[tokio::test]
    async fn a_rehash_that_fails_does_not_keep_anybody_out() {
        let house = registered().await;
        house.change_user(|user| user.password_phc = format!("{STALE_PHC_PREFIX}correct horse")).await;
        house.fail_commit_after_next();
        assert!(log_in(&house.users, &house.scope, login("anna@example.org", "correct horse")).await.is_ok());
        assert_eq!(house.only_user().await.password_phc, format!("{STALE_PHC_PREFIX}correct horse"));
    }

    #[tokio::test]
    async fn a_busy_hasher_is_not_a_wrong_password() {
        let house = registered().await;
        house.hasher_busy();
        let refused = log_in(&house.users, &house.scope, login("anna@example.org", "correct horse")).await;
        assert!(matches!(refused, Err(LogInError::Hashing(HashingError::Busy { .. }))));
    }

    #[tokio::test]
    async fn no_key_name_holds_an_address() {
        let house = registered().await;
        log_in(&house.users, &house.scope, login("anna@example.org", "correct horse")).await.unwrap();
        let name = house.users.email_index_key.name(&EmailAddress::parse("anna@example.org").unwrap());
        let key = crate::state::login_key(&name).unwrap();
        assert!(!key.as_str().contains("anna"));
        assert!(house.memory.load(&key).await.unwrap().is_some());
    }
}
