//! Update the profile: another name to be called by, another language for messages.

use super::Invalid;
use super::account::{AccountError, Next, change_account, own};
use crate::Users;
use crate::asked::Asked;
use crate::domain::{DisplayName, Locale, User};
use crate::wire::api::{ProfileAnswer, UpdateProfileRequest};
use crate::wire::event;
use principal::Principal;

/// Why the profile stayed as it was.
#[derive(Debug, thiserror::Error)]
pub enum UpdateProfileError {
    /// A value of the request is not acceptable.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The account.
    #[error(transparent)]
    Account(#[from] AccountError),
}

/// Changes what the request names and leaves the rest. Where that changes nothing, nothing is written or told.
///
/// # Errors
/// [`UpdateProfileError`].
pub async fn update_profile(
    users: &Users,
    scope: &Asked,
    principal: &Principal,
    request: UpdateProfileRequest,
) -> Result<ProfileAnswer, UpdateProfileError> {
    let id = own(principal)?;
    let name = request.display_name.as_deref().map(DisplayName::parse).transpose();
    let name = name.map_err(|error| Invalid::at("display_name")(&error))?;
    let locale = request.locale.as_deref().map(Locale::parse).transpose();
    let locale = locale.map_err(|error| Invalid::at("locale")(&error))?;
    let user = change_account(users, scope, id, id, &mut |before| {
        let user = User {
            display_name: name.clone().unwrap_or_else(|| before.display_name.clone()),
            locale: locale.clone().unwrap_or_else(|| before.locale.clone()),
            ..before.clone()
        };
        if user == before {
            return Ok::<_, UpdateProfileError>(None);
        }
        let told = event::updated(&user).map_err(AccountError::Records)?;
        Ok(Some(Next { user, events: vec![told], deed: None }))
    })
    .await?;
    let roles = users.roles_of(&user);
    Ok(ProfileAnswer::new(user, roles))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{House, logged_in, principal};
    use users_wire::{USER_UPDATED, UserPersonal, UserSnapshot};

    async fn update(
        house: &House,
        caller: &Principal,
        display_name: Option<&str>,
        locale: Option<&str>,
    ) -> Result<ProfileAnswer, UpdateProfileError> {
        let request =
            UpdateProfileRequest { display_name: display_name.map(str::to_owned), locale: locale.map(str::to_owned) };
        update_profile(&house.users, &house.scope, caller, request).await
    }

    #[tokio::test]
    async fn changes_what_is_named_and_tells_the_others() {
        let (house, tokens) = logged_in().await;
        let caller = principal(&tokens);
        let profile = update(&house, &caller, Some("  Anna B.  "), None).await.unwrap();
        assert_eq!((profile.display_name.as_str(), profile.locale.as_str()), ("Anna B.", "en"));
        let profile = update(&house, &caller, None, Some("DE-at")).await.unwrap();
        assert_eq!((profile.display_name.as_str(), profile.locale.as_str()), ("Anna B.", "de-AT"));

        let events = house.events_of(USER_UPDATED);
        let [_, last] = events.as_slice() else { panic!("two events, not {events:?}") };
        assert_eq!(last.data_as::<UserSnapshot>().unwrap().locale, "de-AT");
        let personal: UserPersonal = house.personal(last).unwrap();
        assert_eq!(personal.display_name, "Anna B.");
    }

    #[tokio::test]
    async fn what_changes_nothing_writes_and_tells_nothing() {
        let (house, tokens) = logged_in().await;
        let caller = principal(&tokens);
        let before = house.only_user().await;
        for (name, locale) in [(None, None), (Some("Anna"), None), (Some(" Anna "), Some("EN"))] {
            update(&house, &caller, name, locale).await.unwrap();
        }
        assert_eq!(house.only_user().await, before);
        assert!(house.events_of(USER_UPDATED).is_empty());
    }

    #[tokio::test]
    async fn one_bad_value_changes_neither() {
        let (house, tokens) = logged_in().await;
        let caller = principal(&tokens);
        for (name, locale, field) in
            [("Anna\u{202e}", "de", "display_name"), ("", "de", "display_name"), ("Bea", "german!", "locale")]
        {
            let refused = update(&house, &caller, Some(name), Some(locale)).await;
            let Err(UpdateProfileError::Invalid(invalid)) = refused else { panic!("{name:?} {locale}") };
            assert_eq!(invalid.field, field);
        }
        assert_eq!(house.only_user().await.display_name.as_str(), "Anna");
        let mut foreign = caller.clone();
        foreign.scopes = vec!["payments:read".to_owned()];
        let refused = update(&house, &foreign, Some("Bea"), None).await;
        assert!(matches!(refused, Err(UpdateProfileError::Account(AccountError::Scope))));
    }
}
