//! Who takes data along or away proves once more who they are: a stolen access token is not enough for either.

use super::PrivacyError;
use crate::Users;
use crate::app::Invalid;
use crate::app::account::knows_password;
use crate::app::second_factor::spend;
use crate::app::throttling::at_factor;
use crate::asked::Asked;
use crate::domain::{Act, SecondFactor, User};
use crate::wire::factor::shown;
use crate::wire::privacy::ConfirmRequest;

/// Believes the caller, or says why not. The password is an attempt that counts; a code is used
/// up. A refusal is told as what it was for.
pub(super) async fn confirm(
    users: &Users,
    scope: &Asked,
    user: &User,
    request: ConfirmRequest,
    act: Act,
) -> Result<(), PrivacyError> {
    if !knows_password(users, scope, user, &request.password, act).await? {
        return Err(Invalid { field: "password", why: "it is not the present password".to_owned() }.into());
    }
    if user.second_factor.as_ref().is_some_and(SecondFactor::is_confirmed) {
        let shown = shown(request.code, request.recovery_code).ok_or(PrivacyError::SecondFactorNeeded)?;
        let attempt = at_factor(users, user.id).await.map_err(crate::app::second_factor::FactorError::from)?;
        spend(users, scope, user.id, &shown, act).await?;
        attempt.succeeded().await;
    }
    Ok(())
}
