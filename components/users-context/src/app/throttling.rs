//! Which attempts count together, and how fast they are slowed down.

use super::account::login_name;
use super::whole_seconds;
use crate::Users;
use crate::domain::{DeviceToken, User};
use core::time::Duration;
use ids::UserId;
use principal::Client;
use throttle::{Bucket, Rule, Settled, ThrottleError};

/// Attempts at one account. After five, each waits twice as long as the one before, up to a quarter of an hour.
const ACCOUNT: Rule = Rule {
    free: 5,
    first: Duration::from_secs(1),
    most: Duration::from_secs(15 * 60),
    forget_after: Duration::from_secs(15 * 60),
};
/// Attempts from one network, which many may share.
const NETWORK: Rule = Rule {
    free: 30,
    first: Duration::from_secs(1),
    most: Duration::from_secs(5 * 60),
    forget_after: Duration::from_secs(5 * 60),
};

/// Why an attempt was not made.
#[derive(Debug, thiserror::Error)]
pub enum AttemptError {
    /// There were too many: come back later. The same whether or not there is such an account.
    #[error("too many attempts: come back in {retry_after_s} s")]
    TooMany {
        /// When to come back. **Units** seconds.
        retry_after_s: u32,
    },
    /// Attempts cannot be counted, so none is made.
    #[error("attempts cannot be counted: {0}")]
    Unavailable(#[from] redis_client::RedisError),
}

impl From<ThrottleError> for AttemptError {
    fn from(error: ThrottleError) -> Self {
        match error {
            ThrottleError::Wait { wait } => Self::TooMany { retry_after_s: whole_seconds(wait) },
            ThrottleError::Redis(error) => Self::Unavailable(error),
        }
    }
}

/// An attempt that counts; what becomes of it is told once. One that nobody settles has failed.
pub(super) struct Attempt<'a> {
    users: &'a Users,
    buckets: Vec<Bucket>,
}

impl Attempt<'_> {
    /// It succeeded.
    pub(super) async fn succeeded(self) {
        self.settle(Settled::Succeeded).await;
    }

    /// It was never decided, because a service was gone.
    pub(super) async fn undecided(self) {
        self.settle(Settled::Undecided).await;
    }

    /// Where it cannot be told, it counts as a failure: the next attempt waits a little, and nothing else happens.
    async fn settle(self, settled: Settled) {
        let _ = self.users.throttle.settle(&self.buckets, settled).await;
    }
}

/// Begins an attempt to log in with an address.
///
/// Whoever shows the mark of a device from which that account was logged in to before has attempts of their own; nobody
/// else's count. All others share those of the address, and those of their network.
pub(super) async fn at_login<'a>(
    users: &'a Users,
    client: &Client,
    email: &str,
    known: Option<&DeviceToken>,
) -> Result<Attempt<'a>, AttemptError> {
    let buckets = match known {
        Some(token) => vec![bucket(users, "device", &token.device.simple().to_string(), ACCOUNT)],
        None => {
            let account = bucket(users, "account", &login_name(users, email), ACCOUNT);
            [Some(account), network(users, client, "login")].into_iter().flatten().collect()
        }
    };
    begin(users, buckets).await
}

/// Begins an attempt at the password of an account that the caller is logged in to.
pub(super) async fn at_password(users: &Users, user: UserId) -> Result<Attempt<'_>, AttemptError> {
    begin(users, vec![bucket(users, "password", &user.to_string(), ACCOUNT)]).await
}

/// Begins an attempt at the second factor of an account that the caller is logged in to.
pub(super) async fn at_factor(users: &Users, user: UserId) -> Result<Attempt<'_>, AttemptError> {
    begin(users, vec![bucket(users, "factor", &user.to_string(), ACCOUNT)]).await
}

/// Begins an attempt of a stranger with a one-time code: those at one account are counted by its code.
pub(super) async fn at_code<'a>(users: &'a Users, client: &Client) -> Result<Attempt<'a>, AttemptError> {
    begin(users, network(users, client, "code").into_iter().collect()).await
}

/// The genuine mark of a device of this account, if that is what was shown.
pub(super) fn known_device(users: &Users, shown: Option<&str>, account: Option<&User>) -> Option<DeviceToken> {
    let token: DeviceToken = shown?.parse().ok()?;
    let genuine = users.device_key.proves(&token);
    (genuine && account.is_some_and(|user| user.id == token.user)).then_some(token)
}

async fn begin(users: &Users, buckets: Vec<Bucket>) -> Result<Attempt<'_>, AttemptError> {
    users.throttle.begin(&buckets).await?;
    Ok(Attempt { users, buckets })
}

fn bucket(users: &Users, kind: &'static str, of: &str, rule: Rule) -> Bucket {
    Bucket { name: format!("{kind}:{}", users.throttle_key.name(kind, of)), rule }
}

fn network(users: &Users, client: &Client, of: &str) -> Option<Bucket> {
    client.address.map(|_| bucket(users, "network", &format!("{of} {}", client.place()), NETWORK))
}
