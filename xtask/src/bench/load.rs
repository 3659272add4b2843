//! A closed loop of callers on keep-alive connections: each sends its next request when the answer to the last is there.
//!
//! Good for processor time a request, which does not depend on how fast requests come; not for latencies, which a closed
//! loop makes look better than they are.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail};

/// How long one answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What is asked, again and again.
pub struct Requests<'a> {
    /// Where the server listens.
    pub address: SocketAddr,
    /// The path of all of them.
    pub path: &'a str,
    /// Bearer tokens: request `n` sends the one at `n` modulo their number; none where it is empty.
    pub tokens: &'a [String],
    /// How many requests.
    pub count: usize,
    /// How many callers at once.
    pub callers: usize,
}

impl Requests<'_> {
    /// Sends all of them and checks that each is answered with 200 and a body.
    ///
    /// # Errors
    /// The first answer that is another one.
    pub fn send(&self) -> anyhow::Result<()> {
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            let callers: Vec<_> = (0..self.callers).map(|_| scope.spawn(|| self.call(&next))).collect();
            callers.into_iter().try_for_each(|caller| match caller.join() {
                Ok(ended) => ended,
                Err(_) => bail!("a caller ended in a panic of this program"),
            })
        })
    }

    fn call(&self, next: &AtomicUsize) -> anyhow::Result<()> {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().timeout_global(Some(TIMEOUT)).http_status_as_error(false).build().into();
        let url = format!("http://{}{}", self.address, self.path);
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= self.count {
                return Ok(());
            }
            let mut request = agent.get(&url);
            if let Some(token) = self.tokens.get(number.checked_rem(self.tokens.len()).unwrap_or_default()) {
                request = request.header("authorization", format!("Bearer {token}"));
            }
            let mut answer = request.call().with_context(|| format!("GET {url}"))?;
            let body = answer.body_mut().read_to_string().with_context(|| format!("reading GET {url}"))?;
            if answer.status() != 200 || body.is_empty() {
                bail!("GET {url} answered {}: {body}", answer.status());
            }
        }
    }
}
