//! What operators do with the accounts of others: find, lock, unlock, force a reset, end sessions, give roles.

use super::account::{AccountError, Next, by_email, change_account};
use super::codes::issue;
use crate::Users;
use crate::asked::Asked;
use crate::domain::{Act as Told, Deed, InvalidRole, Purpose, ROLE_ADMIN, ROLE_OPERATOR, Roles, Status, User, Why};
use crate::wire::event;
use ids::UserId;
use principal::Principal;
use users_wire::RevokeReason;

/// Why an operator did nothing.
#[derive(Debug, thiserror::Error)]
pub enum AdministerError {
    /// The caller has no role that may.
    #[error("the role `{role}` is needed")]
    Role {
        /// The least that is needed.
        role: &'static str,
    },
    /// Nobody locks or promotes themselves, and no operator acts on an administrator.
    #[error("the caller may not do this to that account")]
    NotToThatAccount,
    /// A role that there is not.
    #[error(transparent)]
    InvalidRole(#[from] InvalidRole),
    /// There is no such account, or a store is gone.
    #[error(transparent)]
    Account(#[from] AccountError),
}

/// What is done to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// It may not be used until it is unlocked; sessions end.
    Lock,
    /// It may be used again.
    Unlock,
    /// Its password is worth nothing until another is set by a code, which is sent; sessions end.
    ForceReset,
    /// Sessions end.
    RevokeSessions,
    /// It has these roles from now on; `user` is always among them.
    SetRoles(Vec<String>),
}

impl Act {
    const fn told(&self) -> Told {
        match self {
            Self::Lock => Told::Lock,
            Self::Unlock => Told::Unlock,
            Self::ForceReset => Told::ForceReset,
            Self::RevokeSessions => Told::RevokeSessions,
            Self::SetRoles(_) => Told::SetRoles,
        }
    }
}

/// The account of an address or of an identifier.
///
/// # Errors
/// [`AdministerError`].
pub async fn find_account(users: &Users, principal: &Principal, by: FindBy<'_>) -> Result<User, AdministerError> {
    require(principal, ROLE_OPERATOR)?;
    let found = match by {
        FindBy::Email(email) => by_email(users, email).await.map_err(AccountError::Records)?,
        FindBy::Id(id) => {
            let id = id.parse::<UserId>().map_err(|_| AccountError::NoAccount)?;
            users.load_user(id).await.map_err(AccountError::Records)?
        }
    };
    found.map(|(_, user)| user).ok_or(AdministerError::Account(AccountError::NoAccount))
}

/// What an account is found by.
#[derive(Debug, Clone, Copy)]
pub enum FindBy<'a> {
    /// The address that it has now.
    Email(&'a str),
    /// **Shape** `usr_00…`.
    Id(&'a str),
}

/// Does something to an account; twice is as good as once. Access tokens of before hold for at most ten more minutes.
///
/// # Errors
/// [`AdministerError`].
pub async fn administer(
    users: &Users,
    scope: &Asked,
    principal: &Principal,
    id: &str,
    act: &Act,
) -> Result<User, AdministerError> {
    let actor: UserId = principal.subject.parse().map_err(|_| AccountError::NoAccount)?;
    let outcome = carry_out(users, scope, principal, actor, id, act).await;
    if let Err(AdministerError::Role { .. } | AdministerError::NotToThatAccount) = outcome {
        // Among the rows of who tried: a stranger must not write into those of others.
        let deed = Deed::refused(act.told(), Why::Right);
        let deed = id.parse::<UserId>().map_or_else(|_| deed.clone(), |id| deed.clone().about(id));
        users.refused(scope, Some(actor), Some(actor), deed).await.map_err(AccountError::Records)?;
    }
    outcome
}

async fn carry_out(
    users: &Users,
    scope: &Asked,
    principal: &Principal,
    actor: UserId,
    id: &str,
    act: &Act,
) -> Result<User, AdministerError> {
    require(principal, if matches!(act, Act::SetRoles(_)) { ROLE_ADMIN } else { ROLE_OPERATOR })?;
    let id: UserId = id.parse().map_err(|_| AccountError::NoAccount)?;
    if actor == id {
        return Err(AdministerError::NotToThatAccount);
    }
    let roles = match act {
        Act::SetRoles(roles) => Some(Roles::parse(roles)?),
        _ => None,
    };
    change_account(users, scope, id, actor, &mut |user| {
        let is_admin = users.roles_of(&user).iter().any(|role| role == ROLE_ADMIN);
        if is_admin && !principal.has_role(ROLE_ADMIN) {
            return Err(AdministerError::NotToThatAccount);
        }
        Ok(match act {
            Act::Lock => locked(user)?,
            Act::Unlock => unlocked(user)?,
            Act::ForceReset => reset_forced(users, user)?,
            Act::RevokeSessions => {
                let user = user.revoking_sessions();
                let told = event::sessions_revoked(&user, RevokeReason::Operator).map_err(AccountError::Records)?;
                Some(Next { user, events: vec![told], deed: Some(Deed::done(Told::RevokeSessions)) })
            }
            Act::SetRoles(_) => match &roles {
                Some(roles) => given(user, roles)?,
                None => None,
            },
        })
    })
    .await
}

/// An administrator may whatever an operator may.
fn require(principal: &Principal, role: &'static str) -> Result<(), AdministerError> {
    if principal.has_role(role) || principal.has_role(ROLE_ADMIN) {
        return Ok(());
    }
    Err(AdministerError::Role { role })
}

fn locked(user: User) -> Result<Option<Next>, AccountError> {
    if user.status == Status::Suspended {
        return Ok(None);
    }
    let user = User { status: Status::Suspended, ..user.revoking_sessions() };
    let events = vec![event::locked(&user)?, event::sessions_revoked(&user, RevokeReason::Operator)?];
    Ok(Some(Next { user, events, deed: Some(Deed::done(Told::Lock)) }))
}

fn unlocked(user: User) -> Result<Option<Next>, AccountError> {
    if user.status == Status::Active {
        return Ok(None);
    }
    let user = User { status: Status::Active, ..user };
    let events = vec![event::unlocked(&user)?];
    Ok(Some(Next { user, events, deed: Some(Deed::done(Told::Unlock)) }))
}

/// Where a code was sent a moment ago, that one serves.
fn reset_forced(users: &Users, user: User) -> Result<Option<Next>, AccountError> {
    let now = users.now();
    let mut user = User { must_reset: true, ..user.revoking_sessions() };
    let mut events = vec![event::sessions_revoked(&user, RevokeReason::Operator)?];
    if let Ok((codes, digits)) = issue(users, &user, Purpose::ResetPassword, user.reset_codes.as_ref(), now) {
        events.push(event::code_issued(&user, &user.email, Purpose::ResetPassword, &digits, now)?);
        user.reset_codes = Some(codes);
    }
    Ok(Some(Next { user, events, deed: Some(Deed::done(Told::ForceReset)) }))
}

fn given(user: User, roles: &Roles) -> Result<Option<Next>, AccountError> {
    if user.roles == roles.as_slice() {
        return Ok(None);
    }
    let user = User { roles: roles.as_slice().to_vec(), ..user };
    let events = vec![event::roles_changed(&user)?];
    let deed = Some(Deed::done(Told::SetRoles).about(roles.as_slice().join(" ")));
    Ok(Some(Next { user, events, deed }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::log_in::{LogInError, log_in};
    use crate::app::refresh::RefreshError;
    use crate::app::register::register;
    use crate::app::reset_password::reset_password;
    use crate::testing::{House, log_in_request, logged_in, principal, registration};
    use crate::wire::api::TokensAnswer;
    use crate::wire::credentials::ResetPasswordRequest;
    use hasher_wire::Plain;
    use users_wire::{ROLES_CHANGED, SESSIONS_REVOKED, USER_LOCKED, USER_UNLOCKED};

    async fn with_operator(role: &str) -> (House, TokensAnswer, Principal) {
        let (house, anna) = logged_in().await;
        register(&house.users, &house.scope, registration("olga@example.org")).await.unwrap();
        let mut operator = principal(&anna);
        operator.subject = house.claimed("olga@example.org").await.unwrap().to_string();
        operator.roles = vec!["user".to_owned(), role.to_owned()];
        (house, anna, operator)
    }

    async fn act(house: &House, operator: &Principal, on: &TokensAnswer, act: Act) -> Result<User, AdministerError> {
        administer(&house.users, &house.scope, operator, &on.user_id.to_string(), &act).await
    }

    async fn log_in_as_anna(house: &House, password: &str) -> Result<TokensAnswer, LogInError> {
        let request = log_in_request("anna@example.org", password);
        log_in(&house.users, &house.scope, &house.client, request).await
    }

    #[tokio::test]
    async fn an_account_is_found_by_address_and_by_name_and_by_operators_alone() {
        let (house, anna, operator) = with_operator(ROLE_OPERATOR).await;
        let id = anna.user_id.to_string();
        for by in [FindBy::Email("ANNA@example.org"), FindBy::Id(&id)] {
            assert_eq!(find_account(&house.users, &operator, by).await.unwrap().id, anna.user_id);
            let refused = find_account(&house.users, &principal(&anna), by).await;
            assert!(matches!(refused, Err(AdministerError::Role { role: "operator" })));
        }
        for by in [FindBy::Email("nobody@example.org"), FindBy::Id("usr_x"), FindBy::Email("")] {
            let missing = find_account(&house.users, &operator, by).await;
            assert!(matches!(missing, Err(AdministerError::Account(AccountError::NoAccount))), "{by:?}");
        }
    }

    #[tokio::test]
    async fn a_locked_account_is_out_at_once_and_in_again_when_unlocked() {
        let (house, anna, operator) = with_operator(ROLE_OPERATOR).await;
        for _ in 0..2 {
            act(&house, &operator, &anna, Act::Lock).await.unwrap();
        }
        assert!(matches!(house.refresh(&anna).await, Err(RefreshError::Ended)));
        assert!(matches!(log_in_as_anna(&house, "correct horse").await, Err(LogInError::Credentials)));
        for _ in 0..2 {
            act(&house, &operator, &anna, Act::Unlock).await.unwrap();
        }
        assert!(log_in_as_anna(&house, "correct horse").await.is_ok());
        assert!(matches!(house.refresh(&anna).await, Err(RefreshError::Ended)), "what was ended stays ended");
        let locks = house.events_of(USER_LOCKED);
        let [lock] = locks.as_slice() else { panic!("one lock, not {locks:?}") };
        assert_eq!(lock.actor.as_deref(), Some(operator.subject.as_str()), "who did it");
        assert_eq!((house.events_of(USER_UNLOCKED).len(), house.events_of(SESSIONS_REVOKED).len()), (1, 1));
    }

    #[tokio::test]
    async fn a_forced_reset_makes_the_password_worthless_until_another_is_set() {
        let (house, anna, operator) = with_operator(ROLE_OPERATOR).await;
        act(&house, &operator, &anna, Act::ForceReset).await.unwrap();
        assert!(matches!(house.refresh(&anna).await, Err(RefreshError::Ended)));
        assert!(matches!(log_in_as_anna(&house, "correct horse").await, Err(LogInError::Credentials)));
        let request = ResetPasswordRequest {
            email: "anna@example.org".to_owned(),
            code: house.last_code("anna@example.org"),
            new_password: Plain::new("battery staple"),
        };
        reset_password(&house.users, &house.scope, &house.client, request).await.unwrap();
        assert!(log_in_as_anna(&house, "battery staple").await.is_ok());
    }

    #[tokio::test]
    async fn sessions_can_be_ended_for_somebody() {
        let (house, anna, operator) = with_operator(ROLE_OPERATOR).await;
        act(&house, &operator, &anna, Act::RevokeSessions).await.unwrap();
        assert!(matches!(house.refresh(&anna).await, Err(RefreshError::Ended)));
        assert!(log_in_as_anna(&house, "correct horse").await.is_ok());
    }

    #[tokio::test]
    async fn only_administrators_give_roles_and_only_roles_that_there_are() {
        let (house, anna, operator) = with_operator(ROLE_OPERATOR).await;
        let roles = |names: &[&str]| Act::SetRoles(names.iter().map(|name| (*name).to_owned()).collect());
        let refused = act(&house, &operator, &anna, roles(&["operator"])).await;
        assert!(matches!(refused, Err(AdministerError::Role { role: "admin" })));

        let mut admin = operator;
        admin.roles.push(ROLE_ADMIN.to_owned());
        let user = act(&house, &admin, &anna, roles(&["operator", "plan:pro", "operator"])).await.unwrap();
        assert_eq!(user.roles, ["user", "operator", "plan:pro"]);
        assert_eq!(house.events_of(ROLES_CHANGED).len(), 1);
        for bad in ["root", "", "Operator", "plan:", "plan:pro\n"] {
            let refused = act(&house, &admin, &anna, roles(&[bad])).await;
            assert!(matches!(refused, Err(AdministerError::InvalidRole(_))), "{bad:?}");
        }
        let user = act(&house, &admin, &anna, roles(&[])).await.unwrap();
        assert_eq!(user.roles, ["user"]);
    }

    #[tokio::test]
    async fn nobody_acts_on_themselves_and_no_operator_on_an_administrator() {
        let (house, anna, operator) = with_operator(ROLE_OPERATOR).await;
        let mut themselves = principal(&anna);
        themselves.roles.push(ROLE_ADMIN.to_owned());
        for kind in [Act::Lock, Act::SetRoles(vec![]), Act::ForceReset] {
            let refused = act(&house, &themselves, &anna, kind).await;
            assert!(matches!(refused, Err(AdministerError::NotToThatAccount)));
        }
        house.change_user(|user| user.roles.push(ROLE_ADMIN.to_owned())).await;
        for kind in [Act::Lock, Act::ForceReset, Act::RevokeSessions] {
            let refused = act(&house, &operator, &anna, kind).await;
            assert!(matches!(refused, Err(AdministerError::NotToThatAccount)));
        }
        assert!(house.refresh(&anna).await.is_ok());
    }
}
