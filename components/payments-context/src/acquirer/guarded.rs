//! An acquirer behind a circuit breaker, with bounded retries. Every call of the port is safe to repeat with its key, so
//! what proves nothing may be tried again as long as there is time and budget.

use super::{Acquirer, Answer, NewCharge, NewRefund};
use crate::domain::ChargeId;
use ambient::{Clock, Random, Sleep};
use async_trait::async_trait;
use circuit_breaker::{Admission, Breaker, Health};
use core::time::Duration;
use money::Money;
use std::sync::Arc;

/// How often a call is tried altogether.
const TRIES: u32 = 3;
/// The longest pause before the second try; twice as long before each further one. The pause is a random part of it.
const PAUSE: Duration = Duration::from_millis(100);

/// An acquirer that is asked only while it answers.
#[derive(Clone)]
pub struct GuardedAcquirer {
    /// Who is asked.
    pub inner: Arc<dyn Acquirer>,
    /// What its calls came to, over all instances.
    pub breaker: Arc<dyn Breaker>,
    /// When time is up.
    pub clock: Arc<dyn Clock>,
    /// The pauses between tries.
    pub sleep: Arc<dyn Sleep>,
    /// How long they are.
    pub random: Arc<dyn Random>,
}

impl GuardedAcquirer {
    async fn guard<F>(&self, timeout: Duration, call: impl Fn(Duration) -> F + Send) -> Answer
    where
        F: Future<Output = Answer> + Send,
    {
        let until = self.clock.now().plus(timeout);
        let mut pause = PAUSE;
        let mut answer = Answer::Unknown { reason: "no time is left to ask".to_owned() };
        for tried in 1..=TRIES {
            let left = until.since(self.clock.now());
            if left.is_zero() {
                return answer;
            }
            let admission = self.breaker.admit().await;
            if let Admission::Open { .. } = admission {
                return match tried {
                    1 => Answer::Unknown { reason: "the provider fails too often to be asked now".to_owned() },
                    _ => answer,
                };
            }
            answer = call(left).await;
            let failed = matches!(answer, Answer::Unknown { .. });
            self.breaker.report(admission, if failed { Health::Failed } else { Health::Answered }).await;
            if !failed || tried == TRIES || until.since(self.clock.now()) <= pause || !self.breaker.may_retry().await {
                return answer;
            }
            self.sleep.sleep(self.part_of(pause)).await;
            pause = pause.saturating_mul(2);
        }
        answer
    }

    /// A random part of a pause, so that those who failed together do not come back together.
    fn part_of(&self, pause: Duration) -> Duration {
        let mut byte = [0u8; 1];
        self.random.fill(&mut byte);
        pause.saturating_mul(u32::from(byte[0])) / u32::from(u8::MAX)
    }
}

#[async_trait]
impl Acquirer for GuardedAcquirer {
    async fn authorize(&self, charge: &NewCharge, key: &str, timeout: Duration) -> Answer {
        self.guard(timeout, |left| self.inner.authorize(charge, key, left)).await
    }

    async fn capture(&self, charge: &ChargeId, amount: Money, key: &str, timeout: Duration) -> Answer {
        self.guard(timeout, |left| self.inner.capture(charge, amount, key, left)).await
    }

    async fn cancel(&self, charge: &ChargeId, key: &str, timeout: Duration) -> Answer {
        self.guard(timeout, |left| self.inner.cancel(charge, key, left)).await
    }

    async fn refund(&self, charge: &ChargeId, refund: &NewRefund, key: &str, timeout: Duration) -> Answer {
        self.guard(timeout, |left| self.inner.refund(charge, refund, key, left)).await
    }

    async fn find(&self, known: Option<&ChargeId>, key: &str, timeout: Duration) -> Answer {
        self.guard(timeout, |left| self.inner.find(known, key, left)).await
    }

    async fn is_available(&self) -> bool {
        self.breaker.is_closed().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixture::{Fault, PlayedAcquirer};
    use crate::domain::{CaptureMethod, PaymentToken};
    use ambient::{CountedRandom, FixedClock};
    use std::sync::Mutex;

    /// A breaker that notes what it is told.
    #[derive(Default)]
    struct Noted {
        open: bool,
        budget: Mutex<u32>,
        told: Mutex<Vec<Health>>,
    }

    #[async_trait]
    impl Breaker for Noted {
        async fn admit(&self) -> Admission {
            if self.open { Admission::Open { retry_after: Duration::from_secs(1) } } else { Admission::Call }
        }
        async fn report(&self, _: Admission, health: Health) {
            self.told.lock().unwrap().push(health);
        }
        async fn may_retry(&self) -> bool {
            let mut budget = self.budget.lock().unwrap();
            let left = *budget > 0;
            *budget = budget.saturating_sub(1);
            left
        }
        async fn is_closed(&self) -> bool {
            !self.open
        }
    }

    /// Lets the fixed clock run instead of waiting.
    struct Passing(FixedClock);

    #[async_trait]
    impl Sleep for Passing {
        async fn sleep(&self, duration: Duration) {
            self.0.advance_ms(i64::try_from(duration.as_millis()).unwrap());
        }
    }

    fn guarded(open: bool, budget: u32) -> (GuardedAcquirer, PlayedAcquirer, Arc<Noted>) {
        let (played, clock) = (PlayedAcquirer::default(), FixedClock::at("2026-01-01T00:00:00.000Z"));
        let breaker = Arc::new(Noted { open, budget: Mutex::new(budget), told: Mutex::default() });
        let guarded = GuardedAcquirer {
            inner: Arc::new(played.clone()),
            breaker: breaker.clone(),
            clock: Arc::new(clock.clone()),
            sleep: Arc::new(Passing(clock)),
            random: Arc::new(CountedRandom::default()),
        };
        (guarded, played, breaker)
    }

    async fn charge(acquirer: &GuardedAcquirer, timeout: Duration) -> Answer {
        let charge = NewCharge {
            reference: "pay_1".to_owned(),
            amount: crate::domain::properties::eur(1000),
            payment_method: PaymentToken::new("tok_visa").unwrap(),
            capture_method: CaptureMethod::Automatic,
            return_url: None,
        };
        acquirer.authorize(&charge, "k", timeout).await
    }

    const LONG: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn what_proves_nothing_is_tried_again_under_the_same_key() {
        let (acquirer, played, breaker) = guarded(false, 9);
        played.fail_next(Fault::AnswerLost);
        played.fail_next(Fault::LostOnTheWay);
        assert!(matches!(charge(&acquirer, LONG).await, Answer::Charge(_)));
        assert_eq!((played.calls().len(), played.charges()), (3, 1));
        assert_eq!(*breaker.told.lock().unwrap(), [Health::Failed, Health::Failed, Health::Answered]);
    }

    #[tokio::test]
    async fn tries_budget_and_time_end_it() {
        for (budget, timeout, calls) in [(9, LONG, 3), (1, LONG, 2), (0, LONG, 1), (9, Duration::from_millis(50), 1)] {
            let (acquirer, played, _) = guarded(false, budget);
            played.out_of_reach(true);
            assert!(matches!(charge(&acquirer, timeout).await, Answer::Unknown { .. }));
            assert_eq!(played.calls().len(), calls, "{budget} {timeout:?}");
        }
    }

    #[tokio::test]
    async fn a_refusal_is_an_answer_and_not_tried_again() {
        let (acquirer, played, breaker) = guarded(false, 9);
        played.fail_next(Fault::Refused("no"));
        assert!(matches!(charge(&acquirer, LONG).await, Answer::Refused { .. }));
        assert_eq!((played.calls().len(), breaker.told.lock().unwrap().as_slice()), (1, [Health::Answered].as_slice()));
    }

    #[tokio::test]
    async fn an_open_circuit_is_not_called_at_all() {
        let (acquirer, played, _) = guarded(true, 9);
        assert!(matches!(charge(&acquirer, LONG).await, Answer::Unknown { .. }));
        assert!(played.calls().is_empty() && !acquirer.is_available().await);
    }
}
