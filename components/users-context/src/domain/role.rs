//! Roles: what an account may do beyond its own things.

use super::user::{ROLE_USER, User};
use super::{EmailAddress, InvalidEmail};

/// Finds, locks and helps accounts; reads the ledger.
pub const ROLE_OPERATOR: &str = "operator";
/// Gives roles, and whatever an operator may.
pub const ROLE_ADMIN: &str = "admin";
/// What stands before the name of a plan, which decides the rate limits.
const PLAN: &str = "plan:";
/// The most characters of a plan's name.
const MAX_PLAN_CHARS: usize = 32;
/// The most roles of one account.
const MOST: usize = 8;

/// A text that is no role, or too many of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a role is user, operator, admin, or plan: and a name of a-z, 0-9 and hyphens; an account has at most {MOST}")]
pub struct InvalidRole;

/// The roles of one account: `user`, then the others in order, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roles(Vec<String>);

impl Roles {
    /// Reads a list.
    ///
    /// # Errors
    /// [`InvalidRole`].
    pub fn parse(names: &[String]) -> Result<Self, InvalidRole> {
        let mut roles = vec![ROLE_USER.to_owned()];
        for name in names {
            if !is_role(name) {
                return Err(InvalidRole);
            }
            if !roles.contains(name) {
                roles.push(name.clone());
            }
        }
        roles.get_mut(1..).unwrap_or_default().sort_unstable();
        if roles.len() > MOST { Err(InvalidRole) } else { Ok(Self(roles)) }
    }

    /// The names.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

/// Who is an administrator before anybody could make them one: addresses that the deployment names.
///
/// It counts for an account that has proven the address, and only as long as the deployment names it.
#[derive(Debug, Clone, Default)]
pub struct FirstAdmins(Vec<EmailAddress>);

impl FirstAdmins {
    /// Reads addresses separated by white space; none is the rule once there are administrators.
    ///
    /// # Errors
    /// [`InvalidEmail`] where one is not an address: a slip there must not go unseen.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        text.split_whitespace().map(EmailAddress::parse).collect::<Result<_, _>>().map(Self)
    }

    /// Whether an account is one of them.
    pub fn include(&self, user: &User) -> bool {
        let own = user.email.as_str().to_lowercase();
        user.email_verified_at.is_some() && self.0.iter().any(|email| email.as_str().to_lowercase() == own)
    }
}

fn is_role(name: &str) -> bool {
    let is_plan = name.strip_prefix(PLAN).is_some_and(|plan| {
        (1..=MAX_PLAN_CHARS).contains(&plan.len())
            && plan.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    });
    is_plan || [ROLE_USER, ROLE_OPERATOR, ROLE_ADMIN].contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_each_role_once_and_not_too_many() {
        let parse = |names: &[&str]| Roles::parse(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(parse(&["plan:pro", "user", "admin", "admin"]).unwrap().as_slice(), ["user", "admin", "plan:pro"]);
        let plans: Vec<String> = (0..8).map(|plan| format!("plan:{plan}")).collect();
        assert_eq!(Roles::parse(&plans), Err(InvalidRole));
        assert!(Roles::parse(&plans[..7]).is_ok());
    }

    #[test]
    fn a_first_administrator_has_proven_an_address_that_the_deployment_names() {
        let first = FirstAdmins::parse(" Anna@example.org\tolga@example.org ").unwrap();
        let anna = crate::domain::tests::anna();
        assert!(!first.include(&anna), "whoever registers the address is not yet its owner");
        let anna = anna.verified(ambient::Timestamp::from_unix_ms(1));
        assert!(first.include(&anna));
        assert!(!FirstAdmins::parse("").unwrap().include(&anna));
        assert!(FirstAdmins::parse("anna@example.org, olga@example.org").is_err());
    }
}
