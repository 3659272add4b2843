//! Change the password: whoever knows the present one sets another, and every other session ends.

use super::account::{AccountError, Next, ProofError, change_account, knows_password, own};
use super::{Invalid, renew, tokens};
use crate::Users;
use crate::asked::Asked;
use crate::domain::{Act, Deed, Owner, Password};
use crate::hashing::HashingError;
use crate::wire::api::TokensAnswer;
use crate::wire::credentials::ChangePasswordRequest;
use crate::wire::event;
use principal::Principal;
use users_wire::PasswordChange;

/// Why the password is what it was, except for [`ChangePasswordError::SessionEnded`].
#[derive(Debug, thiserror::Error)]
pub enum ChangePasswordError {
    /// A value of the request is not acceptable; also the present password where it is another.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The new password could not be hashed.
    #[error(transparent)]
    Hashing(#[from] HashingError),
    /// The present password could not be compared.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The token does not open the account, or a store is gone.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The password is changed, and the calling session was over before: log in with the new one.
    #[error("the password is changed and the session has ended")]
    SessionEnded,
}

/// Changes the caller's password. Every session ends but the calling one, which goes on with new tokens.
///
/// A stolen access token is not enough: the present password is asked for. Where the account changed in between, the
/// comparison counts only if the password is still the one that was compared with.
///
/// # Errors
/// [`ChangePasswordError`].
pub async fn change_password(
    users: &Users,
    scope: &Asked,
    principal: &Principal,
    request: ChangePasswordRequest,
) -> Result<TokensAnswer, ChangePasswordError> {
    let id = own(principal)?;
    let found = users.load_user(id).await.map_err(AccountError::Records)?;
    let (_, user) = found.ok_or(AccountError::NoAccount)?;
    let owner = Owner { email: &user.email, display_name: Some(&user.display_name) };
    let chosen = Password::choose(&request.new_password, owner).map_err(|error| Invalid::at("new_password")(&error))?;
    if !knows_password(users, scope, &user, &request.current_password, Act::ChangePassword).await? {
        return Err(Invalid { field: "current_password", why: "it is not the present password".to_owned() }.into());
    }
    let phc = users.hashing.hash(&chosen, scope).await?;

    let compared = user.password_phc;
    let user = change_account(users, scope, id, id, &mut |user| {
        if user.password_phc != compared {
            return Err(AccountError::Contended.into());
        }
        let user = user.with_password(phc.clone());
        let told = event::password_changed(&user, PasswordChange::Changed).map_err(AccountError::Records)?;
        Ok::<_, ChangePasswordError>(Some(Next {
            user,
            events: vec![told],
            deed: Some(Deed::done(Act::ChangePassword)),
        }))
    })
    .await?;
    let session = renew(users, scope, principal, &user).await?.ok_or(ChangePasswordError::SessionEnded)?;
    Ok(tokens(users, &user, &session, users.now()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::refresh::RefreshError;
    use crate::testing::{House, PHC_PREFIX, logged_in, principal};
    use hasher_wire::Plain;
    use users_wire::{PASSWORD_CHANGED, PasswordChanged, UserPersonal};

    const NEW: &str = "battery staple";

    async fn change(
        house: &House,
        caller: &Principal,
        current: &str,
        new: &str,
    ) -> Result<TokensAnswer, ChangePasswordError> {
        let request = ChangePasswordRequest { current_password: Plain::new(current), new_password: Plain::new(new) };
        change_password(&house.users, &house.scope, caller, request).await
    }

    #[tokio::test]
    async fn every_other_session_ends_and_the_calling_one_goes_on() {
        let (house, mine) = logged_in().await;
        let thief = house.log_in().await;
        let renewed = change(&house, &principal(&mine), "correct horse", NEW).await.unwrap();
        assert_eq!(house.only_user().await.password_phc, format!("{PHC_PREFIX}{NEW}"));
        assert!(matches!(house.refresh(&thief).await, Err(RefreshError::Ended)));
        assert_eq!(renewed.session_id, mine.session_id);
        assert!(house.refresh(&renewed).await.is_ok());

        let event = house.memory.events().into_iter().find(|event| event.kind == PASSWORD_CHANGED).unwrap();
        let told: PasswordChanged = event.data_as().unwrap();
        assert_eq!((told.user_id, told.how), (mine.user_id, PasswordChange::Changed));
        let personal: UserPersonal = house.personal(&event).unwrap();
        assert_eq!(personal.email, "anna@example.org", "the owner is told, whoever did it");
    }

    #[tokio::test]
    async fn a_stolen_token_is_not_enough() {
        let (house, mine) = logged_in().await;
        for wrong in ["wrong horse", "", &"x".repeat(1_000)] {
            let refused = change(&house, &principal(&mine), wrong, NEW).await;
            assert!(
                matches!(&refused, Err(ChangePasswordError::Invalid(why)) if why.field == "current_password"),
                "{wrong}"
            );
        }
        assert!(house.refresh(&mine).await.is_ok(), "nothing was ended");
    }

    #[tokio::test]
    async fn a_stolen_token_does_not_open_the_way_to_guessing() {
        let (house, mine) = logged_in().await;
        for _ in 0..5 {
            assert!(change(&house, &principal(&mine), "wrong horse", NEW).await.is_err());
        }
        let early = change(&house, &principal(&mine), "correct horse", NEW).await;
        assert!(matches!(early, Err(ChangePasswordError::Proof(ProofError::Attempt(_)))));
        assert!(house.refresh(&mine).await.is_ok(), "and nobody is logged out by it");
    }

    #[tokio::test]
    async fn the_new_one_follows_the_rules() {
        let (house, mine) = logged_in().await;
        for weak in ["short", "anna@example.org", "password1"] {
            let refused = change(&house, &principal(&mine), "correct horse", weak).await;
            assert!(
                matches!(&refused, Err(ChangePasswordError::Invalid(why)) if why.field == "new_password"),
                "{weak}"
            );
        }
    }

    #[tokio::test]
    async fn of_two_changes_at_once_one_is_made_and_the_other_is_told() {
        let (house, mine) = logged_in().await;
        let caller = principal(&mine);
        let (one, two) = futures::future::join(
            change(&house, &caller, "correct horse", NEW),
            change(&house, &caller, "correct horse", "another staple"),
        )
        .await;
        assert_eq!(u32::from(one.is_ok()) + u32::from(two.is_ok()), 1, "{:?} {:?}", one.err(), two.err());
    }

    #[tokio::test]
    async fn killed_before_the_session_goes_on_the_password_is_changed_and_all_are_logged_out() {
        let (house, mine) = logged_in().await;
        house.fail_commit_after_next();
        let killed = change(&house, &principal(&mine), "correct horse", NEW).await;
        assert!(matches!(killed, Err(ChangePasswordError::Account(AccountError::Records(_)))));
        assert_eq!(house.only_user().await.password_phc, format!("{PHC_PREFIX}{NEW}"));
        assert!(matches!(house.refresh(&mine).await, Err(RefreshError::Ended)));
    }

    #[tokio::test]
    async fn a_session_that_was_over_is_not_brought_back() {
        let (house, mine) = logged_in().await;
        crate::app::log_out::log_out(&house.users, &house.scope, &principal(&mine)).await.unwrap();
        let outcome = change(&house, &principal(&mine), "correct horse", NEW).await;
        assert!(matches!(outcome, Err(ChangePasswordError::SessionEnded)));
    }
}
