//! Register: open an account for an address, once, without saying whether there was one.

use super::Invalid;
use super::claim::{ClaimError, claim};
use crate::Users;
use crate::asked::Asked;
use crate::domain::{Act, Codes, Deed, DisplayName, EmailAddress, Locale, Owner, Password, Purpose, User};
use crate::hashing::HashingError;
use crate::state::{content, meta, user_key};
use crate::wire::api::RegisterRequest;
use crate::wire::body::UserBody;
use crate::wire::event;
use ambient::Timestamp;
use events::NewEvent;
use records::{Change, RecordsError};

/// Why nothing was registered.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// A value of the request is not acceptable.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The password could not be hashed.
    #[error(transparent)]
    Hashing(#[from] HashingError),
    /// A store is gone.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// The address changed hands more often than we tried.
    #[error("the address is claimed and given up again and again")]
    Contended,
}

/// Registers: afterwards the address has exactly one account, this one or the one that was there.
///
/// Every path does the same work in the same order (hash, write the claim, read it, write the account), whether or not
/// the address is new, so that neither the answer nor a stopwatch tells. What loses is never read and is cleaned up
/// after a day. The claim comes first and names the account: where a crash left a claim without an account, the next
/// registration completes it under the claimed id.
///
/// # Errors
/// [`RegisterError`].
pub async fn register(users: &Users, scope: &Asked, request: RegisterRequest) -> Result<(), RegisterError> {
    let email = EmailAddress::parse(&request.email).map_err(|error| Invalid::at("email")(&error))?;
    let display_name =
        DisplayName::parse(&request.display_name).map_err(|error| Invalid::at("display_name")(&error))?;
    let owner = Owner { email: &email, display_name: Some(&display_name) };
    let password = Password::choose(&request.password, owner).map_err(|error| Invalid::at("password")(&error))?;
    let locale = match request.locale.as_deref() {
        Some(tag) => Locale::parse(tag).map_err(|error| Invalid::at("locale")(&error))?,
        None => Locale::default(),
    };

    let phc = users.hashing.hash(&password, scope).await?;
    let id = claim(users, scope, &email, users.new_user_id()).await?;
    let now = users.now();
    let user = User::register(id, email, display_name, locale, phc, now);
    let user = User { subject_key: Some(users.new_subject_key()), ..user };
    let (user, code) = with_first_code(users, user, now)?;
    let change = Change::new(user_key(id)?, None, content(&UserBody::from(&user))?, meta(scope, id, user.created_at))
        .with_event(users.sealed(&user, event::registered(&user)?)?)
        .with_event(users.sealed(&user, code)?)
        .with_trail(users.told(scope, id, id, &Deed::done(Act::Register))?);
    // A conflict is the account that was there: accepted all the same.
    users.commit(change).await?;
    Ok(())
}

/// The account with the code that proves its address, and the letter of it.
fn with_first_code(users: &Users, user: User, now: Timestamp) -> Result<(User, NewEvent), RecordsError> {
    let (digits, what) = (users.new_digits(), (Purpose::VerifyEmail, user.id));
    // The first code of an account is never too soon.
    let codes = Codes::issue(None, &users.code_key, what, &digits, now).ok();
    let letter = event::code_issued(&user, &user.email, Purpose::VerifyEmail, &digits, now)?;
    Ok((User { verify_codes: codes, ..user }, letter))
}

impl From<ClaimError> for RegisterError {
    fn from(error: ClaimError) -> Self {
        match error {
            ClaimError::Records(error) => Self::Records(error),
            ClaimError::Contended => Self::Contended,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::login_key;
    use crate::testing::{House, registration};
    use hasher_wire::Plain;
    use records::{Content, Records};
    use users_wire::{CODE_ISSUED, CodePersonal, USER_REGISTERED, UserPersonal, UserSnapshot};

    #[tokio::test]
    async fn an_account_is_opened_and_told_to_the_others() {
        let house = House::new();
        register(&house.users, &house.scope, registration("anna@example.org")).await.unwrap();

        let user = house.only_user().await;
        assert_eq!(user.email.as_str(), "anna@example.org");
        let events = house.memory.events();
        let [event, letter] = events.as_slice() else { panic!("two events, not {events:?}") };
        assert_eq!((event.kind.as_str(), event.subject.as_str()), (USER_REGISTERED, user.id.to_string().as_str()));
        assert_eq!((letter.kind.as_str(), user.email_verified_at), (CODE_ISSUED, None));
        let code: CodePersonal = house.personal(letter).unwrap();
        assert_eq!((code.email.as_str(), code.code.len()), ("anna@example.org", 6));
        assert!(!letter.data.to_string().contains(&code.code), "the code is in the personal member alone");
        assert_eq!(event.data_as::<UserSnapshot>().unwrap(), UserSnapshot { id: user.id, locale: "en".to_owned() });
        assert!(!serde_json::to_string(event).unwrap().contains("anna@"), "what is personal is sealed");
        let personal: UserPersonal = house.personal(event).unwrap();
        assert_eq!((personal.email.as_str(), personal.display_name.as_str()), ("anna@example.org", "Anna"));
        assert!(!event.data.to_string().contains("anna"), "nothing personal in the public snapshot");
    }

    #[tokio::test]
    async fn a_second_registration_changes_nothing_and_costs_the_same() {
        let house = House::new();
        register(&house.users, &house.scope, registration("anna@example.org")).await.unwrap();
        let first = house.take_calls();
        let before = house.only_user().await;
        house.take_calls();
        let again = RegisterRequest { password: Plain::new("another password"), ..registration("ANNA@example.org") };
        register(&house.users, &house.scope, again).await.unwrap();

        assert_eq!(house.take_calls(), first, "the same calls in the same order");
        assert_eq!(house.only_user().await, before);
        assert_eq!(house.events_of(USER_REGISTERED).len(), 1);
        assert_eq!(house.http.asked().len(), 2, "the password is hashed either way");
    }

    #[tokio::test]
    async fn a_crash_between_claim_and_account_is_completed_by_the_next_try_under_the_claimed_id() {
        let house = House::new();
        house.fail_commit_after_next();
        let crashed = register(&house.users, &house.scope, registration("anna@example.org")).await;
        assert!(matches!(crashed, Err(RegisterError::Records(RecordsError::Unavailable(_)))), "{crashed:?}");
        let claimed = house.claimed("anna@example.org").await.unwrap();
        assert_eq!(house.users.load_user(claimed).await.unwrap(), None);

        register(&house.users, &house.scope, registration("anna@example.org")).await.unwrap();
        assert_eq!(house.only_user().await.id, claimed);
        assert_eq!(house.events_of(USER_REGISTERED).len(), 1);
    }

    #[tokio::test]
    async fn a_writer_that_slept_is_not_told_that_the_account_is_there() {
        let house = House::new();
        house.sleep_in_commit_after_next();
        let slept = register(&house.users, &house.scope, registration("anna@example.org")).await;
        assert!(matches!(slept, Err(RegisterError::Records(RecordsError::Unavailable(_)))), "{slept:?}");
        register(&house.users, &house.scope, registration("anna@example.org")).await.unwrap();
        assert_eq!(house.only_user().await.email.as_str(), "anna@example.org");
    }

    #[tokio::test]
    async fn a_lost_answer_is_repeated_without_a_second_account() {
        for lost in [0, 1] {
            let house = House::new();
            house.lose_commit(lost);
            assert!(register(&house.users, &house.scope, registration("anna@example.org")).await.is_err());
            register(&house.users, &house.scope, registration("anna@example.org")).await.unwrap();
            assert_eq!(house.only_user().await.email.as_str(), "anna@example.org");
            assert_eq!(house.events_of(USER_REGISTERED).len(), 1);
        }
    }

    #[tokio::test]
    async fn of_many_at_once_exactly_one_account_remains() {
        let house = House::new();
        let all = (0..24).map(|_| register(&house.users, &house.scope, registration("anna@example.org")));
        for outcome in futures::future::join_all(all).await {
            outcome.unwrap();
        }
        house.only_user().await;
        assert_eq!(house.events_of(USER_REGISTERED).len(), 1);
        assert!(house.most_at_once() > 1, "they really ran at the same time");
    }

    #[tokio::test]
    async fn an_address_that_was_given_up_can_be_claimed_again() {
        let house = House::new();
        register(&house.users, &house.scope, registration("anna@example.org")).await.unwrap();
        let name = house.users.email_index_key.name(&EmailAddress::parse("anna@example.org").unwrap());
        let (version, body) = house.users.load_login(&name).await.unwrap().unwrap();
        let old = body.unwrap().user_id;
        let tombstone = Change::new(
            login_key(&name).unwrap(),
            Some(version),
            Content::Tombstone,
            meta(&house.scope, old, house.users.now()),
        );
        house.memory.commit(tombstone).await.unwrap();

        register(&house.users, &house.scope, registration("anna@example.org")).await.unwrap();
        assert_ne!(house.claimed("anna@example.org").await, Some(old));
        assert_eq!(house.events_of(USER_REGISTERED).len(), 2);
    }

    #[tokio::test]
    async fn what_is_refused_is_named() {
        let house = House::new();
        for (request, field) in [
            (registration("anna"), "email"),
            (RegisterRequest { password: Plain::new("short"), ..registration("anna@example.org") }, "password"),
            (
                RegisterRequest { display_name: "\u{202e}".to_owned(), ..registration("anna@example.org") },
                "display_name",
            ),
            (RegisterRequest { locale: Some("!".to_owned()), ..registration("anna@example.org") }, "locale"),
        ] {
            let refused = register(&house.users, &house.scope, request).await;
            assert!(matches!(&refused, Err(RegisterError::Invalid(invalid)) if invalid.field == field), "{refused:?}");
        }
        assert!(house.http.asked().is_empty(), "nothing is hashed for a request that cannot succeed");
    }
}
