//! Verify the e-mail address: a code that was sent there comes back.

use super::account::{AccountError, Next, change_account, own};
use super::codes::{CodeError, issue};
use crate::Users;
use crate::asked::Asked;
use crate::domain::{Act, Deed, Digits, Presented, Purpose, User, Why};
use crate::wire::credentials::CodeRequest;
use crate::wire::event;
use principal::Principal;

/// Sends another code to the caller's address; nothing where it is proven already. Registering has sent the first.
///
/// # Errors
/// [`CodeError::TooSoon`] within a minute of the last code, and others of [`CodeError`].
pub async fn send_verification(users: &Users, scope: &Asked, principal: &Principal) -> Result<(), CodeError> {
    let id = own(principal)?;
    change_account(users, scope, id, id, &mut |user| {
        if user.email_verified_at.is_some() {
            return Ok(None);
        }
        let now = users.now();
        let (codes, digits) = issue(users, &user, Purpose::VerifyEmail, user.verify_codes.as_ref(), now)?;
        let letter = event::code_issued(&user, &user.email, Purpose::VerifyEmail, &digits, now)?;
        let user = User { verify_codes: Some(codes), ..user };
        Ok::<_, CodeError>(Some(Next { user, events: vec![letter], deed: None }))
    })
    .await?;
    Ok(())
}

/// Takes the code that was sent to the caller's address; twice is as good as once.
///
/// # Errors
/// [`CodeError`].
pub async fn verify_email(
    users: &Users,
    scope: &Asked,
    principal: &Principal,
    request: CodeRequest,
) -> Result<(), CodeError> {
    let (id, typed) = (own(principal)?, Digits::typed(&request.code));
    let mut wrong = false;
    change_account(users, scope, id, id, &mut |user| {
        wrong = false;
        if user.email_verified_at.is_some() {
            return Ok(None);
        }
        let now = users.now();
        let Some(codes) = user.verify_codes.clone() else { return Err(CodeError::Refused) };
        match codes.present(&users.code_key, (Purpose::VerifyEmail, user.id), &typed, now) {
            Presented::Right(codes) => {
                let user = User { verify_codes: Some(codes), ..user.verified(now) };
                let told = event::verified(&user).map_err(AccountError::Records)?;
                Ok(Some(Next { user, events: vec![told], deed: Some(Deed::done(Act::VerifyEmail)) }))
            }
            Presented::Wrong(codes) => {
                wrong = true;
                let deed = Some(Deed::refused(Act::VerifyEmail, Why::Code));
                Ok(Some(Next { user: User { verify_codes: Some(codes), ..user }, events: Vec::new(), deed }))
            }
            Presented::Dead => Err(CodeError::Refused),
        }
    })
    .await?;
    if wrong { Err(CodeError::Refused) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{House, logged_in, principal};
    use users_wire::{USER_VERIFIED, UserPersonal};

    async fn present(house: &House, caller: &Principal, code: &str) -> Result<(), CodeError> {
        verify_email(&house.users, &house.scope, caller, CodeRequest { code: code.to_owned() }).await
    }

    #[tokio::test]
    async fn the_code_of_the_registration_proves_the_address_once_and_for_all() {
        let (house, tokens) = logged_in().await;
        let caller = principal(&tokens);
        let code = house.last_code("anna@example.org");
        for _ in 0..2 {
            present(&house, &caller, &code).await.unwrap();
        }
        assert_eq!(house.only_user().await.email_verified_at, Some(house.users.now()));
        let events = house.events_of(USER_VERIFIED);
        let [event] = events.as_slice() else { panic!("one event, not {events:?}") };
        let personal: UserPersonal = house.personal(event).unwrap();
        assert_eq!(personal.email, "anna@example.org");
        send_verification(&house.users, &house.scope, &caller).await.unwrap();
        assert_eq!(house.codes_to("anna@example.org"), 1, "nothing is sent for a proven address");
    }

    #[tokio::test]
    async fn another_code_can_be_had_after_a_minute_and_voids_the_one_before() {
        let (house, tokens) = logged_in().await;
        let caller = principal(&tokens);
        let first = house.last_code("anna@example.org");
        let early = send_verification(&house.users, &house.scope, &caller).await;
        assert!(matches!(early, Err(CodeError::TooSoon { retry_after_s: 60 })), "{early:?}");
        house.clock.advance_ms(60_000);
        send_verification(&house.users, &house.scope, &caller).await.unwrap();
        let second = house.last_code("anna@example.org");
        assert_ne!(first, second);
        assert!(matches!(present(&house, &caller, &first).await, Err(CodeError::Refused)));
        assert!(present(&house, &caller, &second).await.is_ok());
    }

    #[tokio::test]
    async fn guesses_at_once_count_one_by_one() {
        let (house, tokens) = logged_in().await;
        let caller = principal(&tokens);
        let guesses: Vec<String> = (0..40).map(|guess| format!("9{guess:05}")).collect();
        for outcome in futures::future::join_all(guesses.iter().map(|guess| present(&house, &caller, guess))).await {
            assert!(outcome.is_err());
        }
        // Those that came too often between each other changed nothing; until five counted, others may follow.
        for guess in &guesses {
            assert!(present(&house, &caller, guess).await.is_err());
        }
        let left = house.only_user().await.verify_codes.unwrap().code.unwrap().tries_left;
        assert_eq!(left, 0);
        let right = house.last_code("anna@example.org");
        assert!(matches!(present(&house, &caller, &right).await, Err(CodeError::Refused)), "the right one too");
    }

    #[tokio::test]
    async fn a_lost_answer_is_repeated_and_a_crash_before_the_commit_costs_no_try() {
        let (house, tokens) = logged_in().await;
        let caller = principal(&tokens);
        let code = house.last_code("anna@example.org");
        house.lose_commit(0);
        assert!(present(&house, &caller, &code).await.is_err());
        assert!(present(&house, &caller, &code).await.is_ok());
        assert_eq!(house.events_of(USER_VERIFIED).len(), 1);
    }
}
