//! The Redis of a local system: one of our own with random passwords, or one that the caller names.
use std::net::{SocketAddr, ToSocketAddrs as _};

use anyhow::{Context as _, bail};

use super::secrets::Secrets;
use super::state::{self, StateFolder};
use crate::acl::Rules;
use crate::narration::Task;
use crate::redis_server::{self, RedisServer};
use crate::signals::StopFlag;
use crate::workspace::Workspace;

/// The access rules, with development passwords.
pub const RULES: &str = "infra/redis/users.acl";

/// The configuration that a developer may start by hand too.
pub const CONFIGURATION: &str = "infra/redis/redis.conf";

/// A Redis that answers.
#[derive(Debug)]
pub struct Redis {
    server: Option<RedisServer>,
    address: SocketAddr,
    /// Set for a Redis of somebody else: one name and password for everything.
    everybody: Option<(String, String)>,
    pulse: (String, String),
}

impl Redis {
    /// Starts our own: random passwords, data below the state folder, a free port.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(
        workspace: &Workspace,
        state: &StateFolder,
        secrets: &Secrets,
        stop: &StopFlag,
    ) -> anyhow::Result<Self> {
        Self::start_at(workspace, state, secrets, stop, redis_server::free_port()?)
    }

    /// The same at a port: what was stored in the state folder is loaded again.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_at(
        workspace: &Workspace,
        state: &StateFolder,
        secrets: &Secrets,
        stop: &StopFlag,
        port: u16,
    ) -> anyhow::Result<Self> {
        let task = Task::start("starting Redis");
        let rules = state.path().join("users.acl");
        state::write_private(&rules, &Rules::read(&workspace.root.join(RULES))?.with_passwords(&secrets.redis)?)?;
        let configuration = workspace.root.join(CONFIGURATION);
        let command = RedisServer::command(&configuration, &state.folder("redis")?, &rules, port);
        let (child, log) = state.start("redis", &command)?;
        let pulse = secrets.redis.get("pulse").context("the access rules have no user `pulse`")?.clone();
        let server = RedisServer::wait_until_ready(child, port, log, "pulse", &pulse, || stop.is_set());
        match &server {
            Ok(_) => task.done(),
            Err(_) => task.failed(),
        };
        let server = server?;
        state::write_private(&state.path().join(state::REDIS_ADDRESS), &server.address().to_string())?;
        Ok(Self {
            address: server.address(),
            server: Some(server),
            everybody: None,
            pulse: ("pulse".to_owned(), pulse),
        })
    }

    /// Uses one that somebody else looks after.
    ///
    /// **Shape**: `redis://user:password@host:port`; user and password may be missing.
    ///
    /// # Errors
    /// When the URL is none of that shape or the host has no address.
    pub fn foreign(url: &str) -> anyhow::Result<Self> {
        let (user, password, place) = parse(url)?;
        let address = place
            .to_socket_addrs()
            .with_context(|| format!("looking up {place}"))?
            .next()
            .with_context(|| format!("{place} has no address"))?;
        let everybody = (user, password);
        Ok(Self { server: None, address, everybody: Some(everybody.clone()), pulse: everybody })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The one name and password of a foreign Redis; `None` where every service has its own.
    pub fn everybody(&self) -> Option<&(String, String)> {
        self.everybody.as_ref()
    }

    /// Name and password of who rings the pulse.
    pub fn pulse_credentials(&self) -> (&str, &str) {
        (&self.pulse.0, &self.pulse.1)
    }

    /// For the list of addresses.
    pub fn address_words(&self) -> String {
        match &self.server {
            Some(server) => format!("{} (process {})", self.address, server.process_id()),
            None => format!("{} (not started here)", self.address),
        }
    }

    /// Its last words, when it has ended by itself.
    pub fn ended(&mut self) -> Option<String> {
        let server = self.server.as_mut()?;
        server.has_ended().then(|| server.last_words())
    }

    /// Kills our own at once, as a power failure does; leaves a foreign one alone.
    pub fn kill(&mut self) {
        if let Some(server) = &mut self.server {
            server.kill();
        }
    }

    /// Stops our own; leaves a foreign one alone.
    pub fn stop(&mut self) {
        if let Some(server) = &mut self.server {
            server.stop();
        }
    }
}

fn parse(url: &str) -> anyhow::Result<(String, String, String)> {
    let Some(rest) = url.strip_prefix("redis://") else {
        bail!("--redis-url begins with redis://");
    };
    let (credentials, place) = rest.rsplit_once('@').unwrap_or(("", rest));
    let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
    let place = place.trim_end_matches('/');
    if place.is_empty() || place.contains('/') {
        bail!("--redis-url ends with host:port; database numbers are chosen here");
    }
    let place = if place.contains(':') { place.to_owned() } else { format!("{place}:6379") };
    Ok((user.to_owned(), password.to_owned(), place))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn reads_what_people_write_for_a_redis() {
        for (url, user, password, place) in [
            ("redis://127.0.0.1:7000", "", "", "127.0.0.1:7000"),
            ("redis://localhost", "", "", "localhost:6379"),
            ("redis://me:se:cret@redis.internal:6380/", "me", "se:cret", "redis.internal:6380"),
        ] {
            assert_eq!(parse(url).unwrap(), (user.to_owned(), password.to_owned(), place.to_owned()), "{url}");
        }
        for url in ["127.0.0.1:6379", "rediss://x", "redis://x:6379/3", "redis://"] {
            assert!(parse(url).is_err(), "{url}");
        }
    }
}
