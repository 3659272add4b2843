//! Forgot and reset the password: a code that was sent to the account's address opens it, without saying whether there is
//! an account.

use super::Invalid;
use super::account::{AccountError, Next, by_email, change_account};
use super::codes::{CodeError, issue};
use super::throttling::at_code;
use crate::Users;
use crate::asked::Asked;
use crate::domain::{Act, Deed, Digits, EmailAddress, Owner, Password, Presented, Purpose, Status, User, Why};
use crate::wire::credentials::{ForgotPasswordRequest, ResetPasswordRequest};
use crate::wire::event;
use principal::Client;
use users_wire::PasswordChange;

/// Sends a code to the address, if it has an account that may be used and that got none in the last minute. The answer is
/// the same in each case, and so are the calls: three loads and a commit.
///
/// # Errors
/// [`CodeError`], for stores and for a network that asks too often.
pub async fn forgot_password(
    users: &Users,
    scope: &Asked,
    client: &Client,
    request: ForgotPasswordRequest,
) -> Result<(), CodeError> {
    at_code(users, client).await?;
    let Some(user) = usable(users, &request.email).await? else { return Ok(pretend(users, scope).await?) };
    let mut quiet = false;
    change_account(users, scope, user.id, user.id, &mut |user| {
        let now = users.now();
        let issued = issue(users, &user, Purpose::ResetPassword, user.reset_codes.as_ref(), now);
        quiet = issued.is_err();
        let Ok((codes, digits)) = issued else { return Ok(None) };
        let letter = event::code_issued(&user, &user.email, Purpose::ResetPassword, &digits, now)?;
        let deed = Some(Deed::done(Act::ForgetPassword));
        Ok::<_, AccountError>(Some(Next {
            user: User { reset_codes: Some(codes), ..user },
            events: vec![letter],
            deed,
        }))
    })
    .await?;
    if quiet {
        users.commit_nothing(scope).await?;
    }
    Ok(())
}

/// Sets another password by the code of a letter. Every session ends, and the address is proven by the way.
///
/// The password is hashed only for a right code, which its owner learns anyway; a wrong one and an unknown address answer
/// alike, after the same calls.
///
/// # Errors
/// [`CodeError`].
pub async fn reset_password(
    users: &Users,
    scope: &Asked,
    client: &Client,
    request: ResetPasswordRequest,
) -> Result<(), CodeError> {
    let email = EmailAddress::parse(&request.email).map_err(|error| Invalid::at("email")(&error))?;
    let owner = Owner { email: &email, display_name: None };
    let chosen = Password::choose(&request.new_password, owner).map_err(|error| Invalid::at("new_password")(&error))?;
    let typed = Digits::typed(&request.code);
    at_code(users, client).await?;
    let Some(user) = usable(users, &request.email).await? else {
        pretend(users, scope).await?;
        return Err(CodeError::Refused);
    };

    let mut phc = None;
    if let Presented::Right(_) = present(users, &user, &typed) {
        let owner = Owner { email: &user.email, display_name: Some(&user.display_name) };
        Password::choose(&request.new_password, owner).map_err(|error| Invalid::at("new_password")(&error))?;
        phc = Some(users.hashing.hash(&chosen, scope).await?);
    }
    let (mut wrong, mut dead) = (false, false);
    change_account(users, scope, user.id, user.id, &mut |user| {
        let presented = present(users, &user, &typed);
        wrong = matches!(presented, Presented::Wrong(_));
        dead = matches!(presented, Presented::Dead);
        match presented {
            Presented::Right(codes) => {
                // Right now and not a moment ago: the code was exchanged in between.
                let phc = phc.clone().ok_or(AccountError::Contended)?;
                let user = User { reset_codes: Some(codes), ..user.with_password(phc).verified(users.now()) };
                let told = event::password_changed(&user, PasswordChange::Reset)?;
                Ok(Some(Next { user, events: vec![told], deed: Some(Deed::done(Act::ResetPassword)) }))
            }
            Presented::Wrong(codes) => {
                let deed = Some(Deed::refused(Act::ResetPassword, Why::Code));
                Ok(Some(Next { user: User { reset_codes: Some(codes), ..user }, events: Vec::new(), deed }))
            }
            Presented::Dead => Ok::<_, CodeError>(None),
        }
    })
    .await?;
    if dead {
        users.commit_nothing(scope).await?;
    }
    if wrong || dead { Err(CodeError::Refused) } else { Ok(()) }
}

fn present(users: &Users, user: &User, typed: &Digits) -> Presented {
    let what = (Purpose::ResetPassword, user.id);
    user.reset_codes.as_ref().map_or(Presented::Dead, |codes| codes.present(&users.code_key, what, typed, users.now()))
}

/// The account of an address, if it may be used.
async fn usable(users: &Users, email: &str) -> Result<Option<User>, AccountError> {
    let found = by_email(users, email).await?;
    Ok(found.map(|(_, user)| user).filter(|user| user.status == Status::Active))
}

/// The calls that are made for an account that is there.
async fn pretend(users: &Users, scope: &Asked) -> Result<(), AccountError> {
    users.load_user(users.nobody()).await?;
    users.commit_nothing(scope).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::refresh::RefreshError;
    use crate::testing::{House, PHC_PREFIX, logged_in, registered};
    use hasher_wire::Plain;
    use users_wire::{PASSWORD_CHANGED, PasswordChanged};

    async fn forgot(house: &House, email: &str) {
        let request = ForgotPasswordRequest { email: email.to_owned() };
        forgot_password(&house.users, &house.scope, &house.client, request).await.unwrap();
    }

    async fn reset(house: &House, email: &str, code: &str, password: &str) -> Result<(), CodeError> {
        let request =
            ResetPasswordRequest { email: email.to_owned(), code: code.to_owned(), new_password: Plain::new(password) };
        reset_password(&house.users, &house.scope, &house.client, request).await
    }

    #[tokio::test]
    async fn whoever_reads_the_mailbox_sets_another_password_and_every_session_ends() {
        let (house, tokens) = logged_in().await;
        forgot(&house, "ANNA@example.org").await;
        let code = house.last_code("anna@example.org");
        reset(&house, "anna@example.org", &code, "battery staple").await.unwrap();
        let user = house.only_user().await;
        assert_eq!(user.password_phc, format!("{PHC_PREFIX}battery staple"));
        assert_eq!(user.email_verified_at, Some(house.users.now()));
        assert!(matches!(house.refresh(&tokens).await, Err(RefreshError::Ended)));
        let told: PasswordChanged = house.events_of(PASSWORD_CHANGED)[0].data_as().unwrap();
        assert_eq!(told.how, PasswordChange::Reset);
        let again = reset(&house, "anna@example.org", &code, "another staple").await;
        assert!(matches!(again, Err(CodeError::Refused)), "a code is good once");
    }

    #[tokio::test]
    async fn known_unknown_suspended_and_impatient_callers_cost_the_same_calls() {
        let house = registered().await;
        // The first decoy is written; from then on they lose, as they always do in a house that is lived in.
        forgot(&house, "berta@example.org").await;
        house.take_calls();
        forgot(&house, "anna@example.org").await;
        let known = house.take_calls();
        assert_eq!(known, ["load", "load", "load", "commit"]);
        for email in ["berta@example.org", "not an address", ""] {
            forgot(&house, email).await;
            assert_eq!(house.take_calls(), known, "{email}");
        }
        forgot(&house, "anna@example.org").await;
        assert_eq!(house.take_calls(), known, "within the minute");
        house.change_user(|user| user.status = Status::Suspended).await;
        house.clock.advance_ms(60_000);
        house.take_calls();
        forgot(&house, "anna@example.org").await;
        assert_eq!(house.take_calls(), known, "suspended");
        assert_eq!(house.codes_to("anna@example.org"), 2, "the one of the registration and one for the password");
    }

    #[tokio::test]
    async fn a_wrong_code_and_an_unknown_address_are_one_refusal_at_one_price() {
        let house = registered().await;
        forgot(&house, "berta@example.org").await;
        forgot(&house, "anna@example.org").await;
        let hashed = house.http.asked().len();
        house.take_calls();
        for (email, code) in [("anna@example.org", "999999"), ("berta@example.org", "999999"), ("anna@example.org", "")]
        {
            let refused = reset(&house, email, code, "battery staple").await;
            assert!(matches!(refused, Err(CodeError::Refused)), "{email}");
            assert_eq!(house.take_calls(), ["load", "load", "load", "commit"], "{email}");
        }
        assert_eq!(house.http.asked().len(), hashed, "nothing is hashed for a code that does not hold");
    }

    #[tokio::test]
    async fn a_weak_password_does_not_use_the_code_up() {
        let house = registered().await;
        house.change_user(|user| user.display_name = crate::domain::DisplayName::parse("Karenina").unwrap()).await;
        forgot(&house, "anna@example.org").await;
        let code = house.last_code("anna@example.org");
        for weak in ["short", "password1", "karenina reads"] {
            let refused = reset(&house, "anna@example.org", &code, weak).await;
            assert!(matches!(&refused, Err(CodeError::Invalid(why)) if why.field == "new_password"), "{weak}");
        }
        assert!(reset(&house, "anna@example.org", &code, "battery staple").await.is_ok());
    }

    #[tokio::test]
    async fn the_code_of_another_purpose_resets_nothing() {
        let house = registered().await;
        let verification = house.last_code("anna@example.org");
        forgot(&house, "anna@example.org").await;
        assert_ne!(verification, house.last_code("anna@example.org"));
        assert!(reset(&house, "anna@example.org", &verification, "battery staple").await.is_err());
    }

    #[tokio::test]
    async fn used_twice_at_once_it_works_once() {
        let house = registered().await;
        forgot(&house, "anna@example.org").await;
        let code = house.last_code("anna@example.org");
        let both = futures::future::join(
            reset(&house, "anna@example.org", &code, "battery staple"),
            reset(&house, "anna@example.org", &code, "another staple"),
        );
        let (one, two) = both.await;
        assert_eq!(u32::from(one.is_ok()) + u32::from(two.is_ok()), 1);
        assert_eq!(house.events_of(PASSWORD_CHANGED).len(), 1);
    }

    #[tokio::test]
    async fn a_network_that_tries_codes_at_many_accounts_is_slowed_down() {
        let house = registered().await;
        for person in 0..30 {
            let refused = reset(&house, &format!("person{person}@example.org"), "000000", "battery staple").await;
            assert!(matches!(refused, Err(CodeError::Refused)));
        }
        let early = reset(&house, "anna@example.org", "000000", "battery staple").await;
        assert!(matches!(early, Err(CodeError::Attempt(_))), "{early:?}");
    }
}
