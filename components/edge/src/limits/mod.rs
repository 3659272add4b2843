//! Rate limits: who may do how much, decided by one call a request.
//!
//! What lives here: which limits a request is under (`table`, `demands`), what is said about them (`fields`), and what
//! happens when nobody can decide. What does not: counting (`limiter` and its adapters). docs/decisions/0009 says when
//! the call is made and what it costs.

mod fields;
mod table;

pub use table::{InvalidLimits, LimitTable};

use ambient::Clock;
use axum::response::{IntoResponse, Response};
use core::time::Duration;
use fields::Fields;
pub(crate) use fields::{POLICY, STANDING};
use limiter::{Demand, Leasing, Limiter, Verdict};
use principal::{Place, Principal};
use problem::{Problem, RATE_LIMITED, UNAVAILABLE};
use route_policy::{Class, WithoutLimiter};
use std::sync::Arc;
use table::{Mode, Who};

/// Limits of one function.
pub(crate) struct Limits {
    limiter: Leasing,
    table: LimitTable,
}

/// What the line in the log says about the limits of a request, where there is something to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Note {
    /// This policy refused it, or would have if it were enforced.
    Exceeded(String),
    /// Nobody could decide.
    Undecided(String),
}

/// A request within its limits, as far as anybody knows.
#[derive(Debug, Default)]
pub(crate) struct Within {
    fields: Fields,
    note: Option<Note>,
}

/// A request that goes no further.
#[derive(Debug)]
pub(crate) struct Refused {
    problem: Problem,
    within: Within,
}

impl Within {
    /// Adds what there is to say to the answer.
    pub(crate) fn complete(self, mut answer: Response) -> Response {
        self.fields.write(answer.headers_mut());
        if let Some(note) = self.note {
            answer.extensions_mut().insert(note);
        }
        answer
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        self.within.complete(self.problem.into_response())
    }
}

impl Limits {
    pub(crate) fn new(limiter: Arc<dyn Limiter>, table: LimitTable, clock: Arc<dyn Clock>) -> Self {
        Self { limiter: Leasing::new(limiter, clock), table }
    }

    /// The limits that a request is under: of its account where it has proved one, else of its network; of the API key
    /// besides, so that one program does not use up what its account has.
    pub(crate) fn demands(
        &self,
        class: Class,
        place: Place,
        principal: Option<&Principal>,
        key: Option<&str>,
    ) -> Vec<Demand> {
        if class == Class::Free || self.table.mode() == Mode::Off {
            return Vec::new();
        }
        let of_account = principal.and_then(|principal| {
            let (policy, quota) = self.table.find(class, Who::User, principal.plan())?;
            Some(Demand::one(policy, principal.subject.as_str(), quota))
        });
        // A class without a limit for accounts has that of networks, so that a token never lifts a limit.
        let of_network = || {
            let (policy, quota) = self.table.find(class, Who::Address, None)?;
            Some(Demand::one(policy, place.to_string(), quota))
        };
        let of_key = key.and_then(|key| {
            let (policy, quota) = self.table.find(class, Who::Key, principal.and_then(Principal::plan))?;
            Some(Demand::one(policy, key, quota))
        });
        of_key.into_iter().chain(of_account.or_else(of_network)).collect()
    }

    /// Decides, and counts the request if it passes.
    pub(crate) async fn check(&self, class: Class, demands: Vec<Demand>) -> Result<Within, Refused> {
        if demands.is_empty() {
            return Ok(Within::default());
        }
        let verdict = match self.limiter.decide(&demands).await {
            Ok(verdict) => verdict,
            Err(error) => {
                let note = Some(Note::Undecided(error.to_string()));
                let within = Within { fields: Fields::default(), note };
                return match class.without_limiter() {
                    WithoutLimiter::Open => Ok(within),
                    WithoutLimiter::Closed => {
                        Err(Refused { problem: Problem::new(UNAVAILABLE).retry_after_s(1).caused_by(&error), within })
                    }
                };
            }
        };
        let fields = Fields::new(&demands, &verdict);
        let Verdict::Refused { by, retry_after, .. } = verdict else {
            return Ok(Within { fields, note: None });
        };
        let policy = demands.get(by).map(|demand| demand.policy.to_string()).unwrap_or_default();
        let within = Within { fields, note: Some(Note::Exceeded(policy.clone())) };
        if self.table.mode() == Mode::Observe {
            return Ok(within);
        }
        let problem = Problem::new(RATE_LIMITED).retry_after_s(whole_seconds(retry_after)).member("policy", policy);
        Err(Refused { problem, within })
    }
}

/// Rounded up: who comes back after a rounded-down time comes too early.
fn whole_seconds(duration: Duration) -> u32 {
    let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    u32::try_from(seconds.max(1)).unwrap_or(u32::MAX)
}
