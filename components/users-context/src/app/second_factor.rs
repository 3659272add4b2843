//! The second factor: enrol a telephone, confirm it, take it away, and prove more within a session.

use super::account::{AccountError, Next, ProofError, change_account, knows_password, own};
use super::throttling::{AttemptError, at_factor};
use super::{Invalid, tokens_of};
use crate::Users;
use crate::asked::Asked;
use crate::domain::{Act, Deed, FactorSecret, RECOVERY_CODES, RecoveryCode, SecondFactor, Shown, User, Why};
use crate::issuer::Assurance;
use crate::wire::api::TokensAnswer;
use crate::wire::event;
use hasher_wire::Plain;
use ids::{SessionId, UserId};
use principal::Principal;
use users_wire::FactorChange;

/// Why a second factor was not changed or not believed.
#[derive(Debug, thiserror::Error)]
pub enum FactorError {
    /// What was shown does not hold: wrong, used before, or expired.
    #[error("the second factor does not hold")]
    Refused,
    /// The account has none.
    #[error("the account has no second factor")]
    None,
    /// The account has one already; it is taken away first.
    #[error("the account has a second factor")]
    Present,
    /// The calling session is over.
    #[error("the session has ended")]
    SessionEnded,
    /// A value of the request is not acceptable.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// There were too many attempts, or they cannot be counted.
    #[error(transparent)]
    Attempt(#[from] AttemptError),
    /// The password could not be compared.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The token does not open the account, or a store is gone.
    #[error(transparent)]
    Account(#[from] AccountError),
}

/// Begins to enrol a telephone: the secret that it keeps. Nothing is asked for until the telephone is confirmed; beginning
/// again makes another secret.
///
/// # Errors
/// [`FactorError`]; the present password is asked for, so that a stolen token cannot lock its owner out.
pub async fn enrol(
    users: &Users,
    scope: &Asked,
    principal: &Principal,
    password: &Plain,
) -> Result<(User, FactorSecret), FactorError> {
    let id = own(principal)?;
    let user = load(users, id).await?;
    ask_password(users, scope, &user, password, Act::EnrolFactor).await?;
    let nonce = users.new_uuid();
    let user = change_account(users, scope, id, id, &mut |user| {
        if user.second_factor.as_ref().is_some_and(SecondFactor::is_confirmed) {
            return Err(FactorError::Present);
        }
        let user = User { second_factor: Some(SecondFactor::enrol(nonce)), ..user };
        Ok(Some(Next { user, events: Vec::new(), deed: Some(Deed::done(Act::EnrolFactor)) }))
    })
    .await?;
    Ok((user, users.factor_key.secret(id, nonce)))
}

/// Confirms the telephone by one of its codes; from now on logging in asks for it. Answers the recovery codes, which are
/// shown this once.
///
/// # Errors
/// [`FactorError`].
pub async fn confirm(
    users: &Users,
    scope: &Asked,
    principal: &Principal,
    code: &str,
) -> Result<Vec<RecoveryCode>, FactorError> {
    let id = own(principal)?;
    let attempt = at_factor(users, id).await?;
    let codes: Vec<RecoveryCode> = (0..RECOVERY_CODES).map(|_| users.new_recovery_code()).collect();
    let shown = Shown::Code(code.to_owned());
    let confirmed = change_account(users, scope, id, id, &mut |user| {
        let factor = user.second_factor.clone().ok_or(FactorError::None)?;
        if factor.is_confirmed() {
            return Err(FactorError::Present);
        }
        let now = users.now();
        let factor = factor.shown(&users.factor_key, id, &shown, now).ok_or(FactorError::Refused)?;
        let recovery = codes.iter().map(|code| users.factor_key.hash_recovery(id, factor.nonce, code)).collect();
        let factor = SecondFactor { confirmed_at: Some(now), recovery, ..factor };
        let user = User { second_factor: Some(factor), ..user };
        let told = event::factor_changed(&user, FactorChange::Enrolled).map_err(AccountError::Records)?;
        Ok(Some(Next { user, events: vec![told], deed: Some(Deed::done(Act::ConfirmFactor)) }))
    })
    .await;
    told(users, scope, id, Act::ConfirmFactor, confirmed).await?;
    attempt.succeeded().await;
    Ok(codes)
}

/// Takes the second factor away, for whoever knows the password and shows the factor once more.
///
/// # Errors
/// [`FactorError`].
pub async fn take_away(
    users: &Users,
    scope: &Asked,
    principal: &Principal,
    password: &Plain,
    shown: &Shown,
) -> Result<(), FactorError> {
    let id = own(principal)?;
    let user = load(users, id).await?;
    ask_password(users, scope, &user, password, Act::TakeAwayFactor).await?;
    let attempt = at_factor(users, id).await?;
    let taken = change_account(users, scope, id, id, &mut |user| {
        let factor = user.second_factor.as_ref().filter(|factor| factor.is_confirmed()).ok_or(FactorError::None)?;
        factor.shown(&users.factor_key, id, shown, users.now()).ok_or(FactorError::Refused)?;
        let user = User { second_factor: None, ..user };
        let told = event::factor_changed(&user, FactorChange::TakenAway).map_err(AccountError::Records)?;
        Ok::<_, FactorError>(Some(Next { user, events: vec![told], deed: Some(Deed::done(Act::TakeAwayFactor)) }))
    })
    .await;
    self::told(users, scope, id, Act::TakeAwayFactor, taken).await?;
    attempt.succeeded().await;
    Ok(())
}

/// Proves more within a session: an access token with `acr` 2, for ten minutes. The refresh token stays what it was, and
/// what it brings is `acr` 1 again: a stolen one never moves more money than a password may.
///
/// # Errors
/// [`FactorError`].
pub async fn step_up(
    users: &Users,
    scope: &Asked,
    principal: &Principal,
    shown: &Shown,
) -> Result<TokensAnswer, FactorError> {
    let id = own(principal)?;
    let session: SessionId =
        principal.session.as_deref().and_then(|id| id.parse().ok()).ok_or(FactorError::SessionEnded)?;
    let attempt = at_factor(users, id).await?;
    let user = spend(users, scope, id, shown, Act::StepUp).await?;
    attempt.succeeded().await;
    let now = users.now();
    let session = users.load_session(session).await.map_err(AccountError::Records)?.map(|(_, session)| session);
    let session = session.filter(|session| session.user == id && session.is_live(user.credentials(), now));
    Ok(tokens_of(users, &user, &session.ok_or(FactorError::SessionEnded)?, Assurance::SecondFactor, now))
}

/// Takes what was shown as the account's second factor, and uses it up.
///
/// Told as what it was for: a log-in tells itself once it has a session.
pub(super) async fn spend(
    users: &Users,
    scope: &Asked,
    id: UserId,
    shown: &Shown,
    act: Act,
) -> Result<User, FactorError> {
    let spent = change_account(users, scope, id, id, &mut |user| {
        let factor = user.second_factor.as_ref().filter(|factor| factor.is_confirmed()).ok_or(FactorError::None)?;
        let factor = factor.shown(&users.factor_key, id, shown, users.now()).ok_or(FactorError::Refused)?;
        let used_recovery = matches!(shown, Shown::Recovery(_));
        let user = User { second_factor: Some(factor), ..user };
        let mut events = Vec::new();
        if used_recovery {
            events.push(event::factor_changed(&user, FactorChange::RecoveryCodeUsed).map_err(AccountError::Records)?);
        }
        let deed = match act {
            _ if used_recovery => Some(Deed::done(Act::UseRecoveryCode).about(act.word())),
            Act::LogIn => None,
            act => Some(Deed::done(act)),
        };
        Ok(Some(Next { user, events, deed }))
    })
    .await;
    told(users, scope, id, act, spent).await
}

/// Writes down where a second factor was refused, and goes on.
async fn told(
    users: &Users,
    scope: &Asked,
    id: UserId,
    act: Act,
    outcome: Result<User, FactorError>,
) -> Result<User, FactorError> {
    if matches!(outcome, Err(FactorError::Refused)) {
        let refused = users.refused(scope, Some(id), Some(id), Deed::refused(act, Why::Factor));
        refused.await.map_err(AccountError::Records)?;
    }
    outcome
}

async fn load(users: &Users, id: UserId) -> Result<User, FactorError> {
    let found = users.load_user(id).await.map_err(AccountError::Records)?;
    Ok(found.ok_or(AccountError::NoAccount)?.1)
}

async fn ask_password(
    users: &Users,
    scope: &Asked,
    user: &User,
    password: &Plain,
    act: Act,
) -> Result<(), FactorError> {
    if knows_password(users, scope, user, password, act).await? {
        return Ok(());
    }
    Err(Invalid { field: "password", why: "it is not the present password".to_owned() }.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::log_in::{LogInError, log_in};
    use crate::app::refresh::RefreshError;
    use crate::testing::{House, log_in_request, logged_in, principal};
    use crate::wire::api::LogInRequest;
    use access_token::Verifier;
    use users_wire::FACTOR_CHANGED;

    async fn code(house: &House) -> String {
        let user = house.only_user().await;
        user.second_factor.unwrap().code_now(&house.users.factor_key, user.id, house.users.now())
    }

    /// Anna with a telephone, half a minute after it was confirmed.
    async fn with_telephone() -> (House, TokensAnswer, Vec<RecoveryCode>) {
        let (house, tokens) = logged_in().await;
        let caller = principal(&tokens);
        enrol(&house.users, &house.scope, &caller, &Plain::new("correct horse")).await.unwrap();
        let codes = confirm(&house.users, &house.scope, &caller, &code(&house).await).await.unwrap();
        house.clock.advance_ms(30_000);
        (house, tokens, codes)
    }

    async fn log_in_with(
        house: &House,
        code: Option<String>,
        recovery: Option<String>,
    ) -> Result<TokensAnswer, LogInError> {
        let request =
            LogInRequest { code, recovery_code: recovery, ..log_in_request("anna@example.org", "correct horse") };
        log_in(&house.users, &house.scope, &house.client, request).await
    }

    fn acr(house: &House, tokens: &TokensAnswer) -> String {
        let verifier = Verifier::new("https://id.test", "spindrift");
        verifier.verify(&tokens.access_token, house.users.issuer.jwks(), house.users.now()).unwrap().acr
    }

    #[tokio::test]
    async fn once_confirmed_logging_in_asks_for_the_telephone() {
        let (house, _, codes) = with_telephone().await;
        assert_eq!(codes.len(), RECOVERY_CODES);
        assert!(matches!(log_in_with(&house, None, None).await, Err(LogInError::SecondFactorNeeded)));
        let wrong = log_in_with(&house, Some("000000".to_owned()), None).await;
        assert!(matches!(wrong, Err(LogInError::SecondFactorRefused)));
        let right = code(&house).await;
        let tokens = log_in_with(&house, Some(right.clone()), None).await.unwrap();
        assert_eq!(acr(&house, &tokens), "2");
        let again = log_in_with(&house, Some(right), None).await;
        assert!(matches!(again, Err(LogInError::SecondFactorRefused)), "a code is good once");
        let refreshed = house.refresh(&tokens).await.unwrap();
        assert_eq!(acr(&house, &refreshed), "1", "only what was just proven counts as proven");
    }

    #[tokio::test]
    async fn a_factor_that_was_never_confirmed_asks_for_nothing() {
        let (house, tokens) = logged_in().await;
        enrol(&house.users, &house.scope, &principal(&tokens), &Plain::new("correct horse")).await.unwrap();
        assert!(log_in_with(&house, None, None).await.is_ok());
        let wrong = confirm(&house.users, &house.scope, &principal(&tokens), "000000").await;
        assert!(matches!(wrong, Err(FactorError::Refused)));
        assert!(log_in_with(&house, None, None).await.is_ok());
    }

    #[tokio::test]
    async fn each_recovery_code_opens_once_and_its_owner_is_told() {
        let (house, _, codes) = with_telephone().await;
        let first = codes[0].expose();
        assert!(log_in_with(&house, None, Some(first.to_lowercase())).await.is_ok());
        assert!(matches!(log_in_with(&house, None, Some(first)).await, Err(LogInError::SecondFactorRefused)));
        assert!(log_in_with(&house, None, Some(codes[1].expose())).await.is_ok());
        assert_eq!(house.only_user().await.second_factor.unwrap().recovery.len(), RECOVERY_CODES - 2);
        assert_eq!(house.events_of(FACTOR_CHANGED).len(), 3, "the enrolment and two codes");
    }

    #[tokio::test]
    async fn guesses_at_the_second_factor_are_slowed_down_like_those_at_the_first() {
        let (house, _, _) = with_telephone().await;
        for _ in 0..5 {
            let wrong = log_in_with(&house, Some("000000".to_owned()), None).await;
            assert!(matches!(wrong, Err(LogInError::SecondFactorRefused)));
        }
        let early = log_in_with(&house, Some(code(&house).await), None).await;
        assert!(matches!(early, Err(LogInError::Attempt(_))));
    }

    #[tokio::test]
    async fn stepping_up_gives_a_stronger_token_and_leaves_the_session_as_it_was() {
        let (house, tokens, _) = with_telephone().await;
        let caller = principal(&tokens);
        assert_eq!(acr(&house, &tokens), "1");
        let wrong = step_up(&house.users, &house.scope, &caller, &Shown::Code("000000".to_owned())).await;
        assert!(matches!(wrong, Err(FactorError::Refused)));
        let shown = Shown::Code(code(&house).await);
        let stronger = step_up(&house.users, &house.scope, &caller, &shown).await.unwrap();
        assert_eq!((acr(&house, &stronger).as_str(), stronger.session_id), ("2", tokens.session_id));
        assert_eq!(stronger.refresh_token, tokens.refresh_token);
        assert!(house.refresh(&tokens).await.is_ok());
    }

    #[tokio::test]
    async fn a_session_that_is_over_steps_up_to_nothing() {
        let (house, tokens, _) = with_telephone().await;
        crate::app::log_out::log_out(&house.users, &house.scope, &principal(&tokens)).await.unwrap();
        let shown = Shown::Code(code(&house).await);
        let outcome = step_up(&house.users, &house.scope, &principal(&tokens), &shown).await;
        assert!(matches!(outcome, Err(FactorError::SessionEnded)));
        assert!(matches!(house.refresh(&tokens).await, Err(RefreshError::Ended)));
    }

    #[tokio::test]
    async fn taking_it_away_needs_both_factors() {
        let (house, tokens, codes) = with_telephone().await;
        let (caller, right) = (principal(&tokens), Shown::Code(code(&house).await));
        let house = &house;
        let away = async |password: &str, shown: &Shown| {
            take_away(&house.users, &house.scope, &caller, &Plain::new(password), shown).await
        };
        assert!(matches!(away("wrong horse", &right).await, Err(FactorError::Invalid(_))));
        assert!(matches!(away("correct horse", &Shown::Code("1".to_owned())).await, Err(FactorError::Refused)));
        let again = enrol(&house.users, &house.scope, &caller, &Plain::new("correct horse")).await;
        assert!(matches!(again, Err(FactorError::Present)), "nobody exchanges the telephone past it");
        away("correct horse", &Shown::Recovery(RecoveryCode::typed(&codes[3].expose()))).await.unwrap();
        assert!(log_in_with(house, None, None).await.is_ok());
        assert!(matches!(away("correct horse", &right).await, Err(FactorError::None)));
    }

    #[tokio::test]
    async fn of_two_that_use_one_code_at_once_one_is_let_in() {
        let (house, _, _) = with_telephone().await;
        let right = code(&house).await;
        let both = futures::future::join(
            log_in_with(&house, Some(right.clone()), None),
            log_in_with(&house, Some(right.clone()), None),
        );
        let (one, two) = both.await;
        assert_eq!(u32::from(one.is_ok()) + u32::from(two.is_ok()), 1);
    }
}
