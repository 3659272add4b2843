//! Change the e-mail address: the present and the new mailbox both agree, each by a code of its own.

use super::Invalid;
use super::account::{AccountError, Next, change_account, knows_password, own};
use super::claim::{ClaimError, claim, give_up};
use super::codes::{CodeError, issue};
use crate::Users;
use crate::asked::Asked;
use crate::domain::{Act, Deed, Digits, EmailAddress, EmailChange, Presented, Purpose, User, Why};
use crate::wire::credentials::{ChangeEmailRequest, ConfirmEmailRequest};
use crate::wire::event;
use principal::Principal;

/// Sends a code to each of the two addresses. Whether the new one has an account is not looked at, so that nobody learns
/// it who cannot read that mailbox.
///
/// # Errors
/// [`CodeError`]; the present password is asked for, because a stolen access token must not be enough.
pub async fn change_email(
    users: &Users,
    scope: &Asked,
    principal: &Principal,
    request: ChangeEmailRequest,
) -> Result<(), CodeError> {
    let id = own(principal)?;
    let to = EmailAddress::parse(&request.new_email).map_err(|error| Invalid::at("new_email")(&error))?;
    let (_, user) = users.load_user(id).await?.ok_or(AccountError::NoAccount)?;
    if users.email_index_key.name(&user.email) == users.email_index_key.name(&to) {
        return Err(Invalid { field: "new_email", why: "it is the present address".to_owned() }.into());
    }
    if !knows_password(users, scope, &user, &request.password, Act::AskForEmail).await? {
        return Err(Invalid { field: "password", why: "it is not the present password".to_owned() }.into());
    }
    change_account(users, scope, id, id, &mut |user| {
        let now = users.now();
        let (change_codes, digits) = issue(users, &user, Purpose::ChangeEmail, user.change_codes.as_ref(), now)?;
        let agree = event::code_issued(&user, &user.email, Purpose::ChangeEmail, &digits, now)?;
        // Both are sent together, so that the pause and the count of the first are those of the second.
        let (codes, digits) = issue(users, &user, Purpose::ConfirmNewEmail, None, now)?;
        let prove = event::code_issued(&user, &to, Purpose::ConfirmNewEmail, &digits, now)?;
        let email_change = Some(EmailChange { to: to.clone(), codes });
        let user = User { change_codes: Some(change_codes), email_change, ..user };
        Ok::<_, CodeError>(Some(Next { user, events: vec![agree, prove], deed: Some(Deed::done(Act::AskForEmail)) }))
    })
    .await?;
    Ok(())
}

/// Takes both codes: afterwards the account has the new address, and the one before is free.
///
/// The new address is claimed first, then the account changed, then the old address given up. Killed in between, the
/// same codes complete the first two; a claim that is left over opens nothing and ends by itself (`claim`).
///
/// # Errors
/// [`CodeError`]; [`CodeError::EmailTaken`] only to somebody who has proven the new address.
pub async fn confirm_email_change(
    users: &Users,
    scope: &Asked,
    principal: &Principal,
    request: ConfirmEmailRequest,
) -> Result<(), CodeError> {
    let id = own(principal)?;
    let typed = (Digits::typed(&request.code), Digits::typed(&request.new_code));
    let (_, user) = users.load_user(id).await?.ok_or(AccountError::NoAccount)?;
    if let Both::Right { to } = present(users, &user, &typed) {
        let holder = claim(users, scope, &to, id).await.map_err(|error| match error {
            ClaimError::Records(error) => CodeError::from(error),
            ClaimError::Contended => AccountError::Contended.into(),
        })?;
        if holder != id {
            return Err(CodeError::EmailTaken);
        }
    }
    let mut before = None;
    let user = change_account(users, scope, id, id, &mut |user| {
        before = None;
        match present(users, &user, &typed) {
            Both::Right { to } => {
                before = Some(user.email.clone());
                let notice = event::email_changed(&user).map_err(AccountError::Records)?;
                let user = user.moved_to(to, users.now());
                let told = event::updated(&user).map_err(AccountError::Records)?;
                Ok(Some(Next { user, events: vec![told, notice], deed: Some(Deed::done(Act::ChangeEmail)) }))
            }
            Both::Wrong(user) => {
                let deed = Some(Deed::refused(Act::ChangeEmail, Why::Code));
                Ok(Some(Next { user: *user, events: Vec::new(), deed }))
            }
            Both::Dead => Err(CodeError::Refused),
        }
    })
    .await?;
    let Some(before) = before else { return Err(CodeError::Refused) };
    // The change is made; what is left over opens nothing.
    let _ = give_up(users, scope, &before, &user).await;
    Ok(())
}

/// What two typed codes are.
enum Both {
    /// Both are right.
    Right {
        /// The address that is proven.
        to: EmailAddress,
    },
    /// One is wrong: commit this account, then refuse.
    Wrong(Box<User>),
    /// There is nothing to confirm.
    Dead,
}

fn present(users: &Users, user: &User, (typed, typed_new): &(Digits, Digits)) -> Both {
    let (Some(codes), Some(change)) = (&user.change_codes, &user.email_change) else { return Both::Dead };
    let (key, now) = (&users.code_key, users.now());
    let one = codes.present(key, (Purpose::ChangeEmail, user.id), typed, now);
    let two = change.codes.present(key, (Purpose::ConfirmNewEmail, user.id), typed_new, now);
    let wrong = |change_codes, codes| {
        let email_change = Some(EmailChange { codes, ..change.clone() });
        Both::Wrong(Box::new(User { change_codes: Some(change_codes), email_change, ..user.clone() }))
    };
    match (one, two) {
        (Presented::Dead, _) | (_, Presented::Dead) => Both::Dead,
        (Presented::Right(_), Presented::Right(_)) => Both::Right { to: change.to.clone() },
        // A right code beside a wrong one stays good: it is the pair that is tried.
        (Presented::Right(_), Presented::Wrong(two)) => wrong(codes.clone(), two),
        (Presented::Wrong(one), Presented::Right(_)) => wrong(one, change.codes.clone()),
        (Presented::Wrong(one), Presented::Wrong(two)) => wrong(one, two),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::log_in::{LogInError, log_in};
    use crate::app::register::register;
    use crate::testing::{House, log_in_request, logged_in, principal, registration};
    use hasher_wire::Plain;
    use users_wire::{EMAIL_CHANGED, USER_REGISTERED, USER_UPDATED, UserPersonal};

    const OLD: &str = "anna@example.org";
    const NEW: &str = "berta@example.org";

    async fn ask(house: &House, caller: &Principal, to: &str, password: &str) -> Result<(), CodeError> {
        let request = ChangeEmailRequest { new_email: to.to_owned(), password: Plain::new(password) };
        change_email(&house.users, &house.scope, caller, request).await
    }

    async fn confirm(house: &House, caller: &Principal, code: &str, new_code: &str) -> Result<(), CodeError> {
        let request = ConfirmEmailRequest { code: code.to_owned(), new_code: new_code.to_owned() };
        confirm_email_change(&house.users, &house.scope, caller, request).await
    }

    async fn can_log_in(house: &House, email: &str) -> bool {
        let request = log_in_request(email, "correct horse");
        match log_in(&house.users, &house.scope, &house.client, request).await {
            Ok(_) => true,
            Err(LogInError::Credentials) => false,
            Err(error) => panic!("{error}"),
        }
    }

    fn address(house: &House, event: &events::Envelope) -> String {
        house.personal::<UserPersonal>(event).unwrap().email
    }

    #[tokio::test]
    async fn both_mailboxes_agree_and_the_account_moves() {
        let (house, tokens) = logged_in().await;
        let caller = principal(&tokens);
        ask(&house, &caller, NEW, "correct horse").await.unwrap();
        confirm(&house, &caller, &house.last_code(OLD), &house.last_code(NEW)).await.unwrap();
        assert!(can_log_in(&house, NEW).await && !can_log_in(&house, OLD).await);
        assert_eq!(address(&house, &house.events_of(USER_UPDATED)[0]), NEW, "letters go there from now on");
        assert_eq!(address(&house, &house.events_of(EMAIL_CHANGED)[0]), OLD, "and the old mailbox is told");
        register(&house.users, &house.scope, registration(OLD)).await.unwrap();
        assert_eq!(house.events_of(USER_REGISTERED).len(), 2, "the old address is free");
    }

    #[tokio::test]
    async fn one_mailbox_is_not_enough() {
        let (house, tokens) = logged_in().await;
        let caller = principal(&tokens);
        ask(&house, &caller, NEW, "correct horse").await.unwrap();
        let (old, new) = (house.last_code(OLD), house.last_code(NEW));
        for (code, new_code) in [(old.as_str(), "999999"), ("999999", new.as_str()), (new.as_str(), old.as_str())] {
            assert!(matches!(confirm(&house, &caller, code, new_code).await, Err(CodeError::Refused)));
        }
        assert!(can_log_in(&house, OLD).await && !can_log_in(&house, NEW).await);
        confirm(&house, &caller, &old, &new).await.unwrap();
    }

    #[tokio::test]
    async fn a_stolen_token_is_not_enough_and_mailboxes_are_left_alone() {
        let (house, tokens) = logged_in().await;
        let caller = principal(&tokens);
        for (to, password, field) in [
            (NEW, "wrong horse", "password"),
            ("Anna@Example.org", "correct horse", "new_email"),
            ("nonsense", "correct horse", "new_email"),
        ] {
            let refused = ask(&house, &caller, to, password).await;
            assert!(matches!(&refused, Err(CodeError::Invalid(why)) if why.field == field), "{to}");
        }
        ask(&house, &caller, NEW, "correct horse").await.unwrap();
        assert!(matches!(ask(&house, &caller, NEW, "correct horse").await, Err(CodeError::TooSoon { .. })));
        assert_eq!(house.codes_to(NEW), 1);
    }

    #[tokio::test]
    async fn an_address_of_another_is_told_only_to_whoever_proved_it() {
        let (house, tokens) = logged_in().await;
        register(&house.users, &house.scope, registration(NEW)).await.unwrap();
        let caller = principal(&tokens);
        ask(&house, &caller, NEW, "correct horse").await.unwrap();
        assert!(matches!(confirm(&house, &caller, &house.last_code(OLD), "999999").await, Err(CodeError::Refused)));
        let taken = confirm(&house, &caller, &house.last_code(OLD), &house.last_code(NEW)).await;
        assert!(matches!(taken, Err(CodeError::EmailTaken)), "{taken:?}");
        assert!(can_log_in(&house, OLD).await);
    }

    #[tokio::test]
    async fn killed_at_any_commit_the_same_codes_complete_it_and_one_address_opens_the_account() {
        for killed in 0..3 {
            let (house, tokens) = logged_in().await;
            let caller = principal(&tokens);
            ask(&house, &caller, NEW, "correct horse").await.unwrap();
            let (old, new) = (house.last_code(OLD), house.last_code(NEW));
            house.fail_commit_after(killed);
            let first = confirm(&house, &caller, &old, &new).await;
            assert_eq!(u32::from(can_log_in(&house, OLD).await) + u32::from(can_log_in(&house, NEW).await), 1);
            if first.is_err() {
                confirm(&house, &caller, &old, &new).await.unwrap();
            }
            assert!(can_log_in(&house, NEW).await && !can_log_in(&house, OLD).await, "killed at {killed}");
            // Whatever claim was left behind, an hour later the old address can be had again.
            house.clock.advance_ms(3_600_000);
            register(&house.users, &house.scope, registration(OLD)).await.unwrap();
            assert_eq!(house.events_of(USER_REGISTERED).len(), 2, "killed at {killed}");
            assert!(can_log_in(&house, NEW).await && can_log_in(&house, OLD).await);
        }
    }
}
