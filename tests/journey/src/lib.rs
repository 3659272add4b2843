//! One person's walk through the public HTTP API: register, log in, pay, get the receipt, see the overview.
//!
//! `cargo xtask demo` prints it, the end-to-end tests check it, the fault tests interrupt it: each step can be tried
//! again after a crash and says what must hold. Nothing here knows how the system is built; any system that is up and
//! has the sandbox will do.

mod api;
mod person;
mod stream;

pub use api::{Answer, Api};
pub use person::Person;
pub use stream::Stream;

use std::time::Duration;

/// One step that was played, for whoever looks on.
#[derive(Debug, Clone)]
pub struct Step {
    /// What the person did, in their words.
    pub what: &'static str,
    /// The request line, such as `POST /v1/payments`.
    pub request: String,
    /// The HTTP status of the last answer.
    pub status: u16,
    /// A few words of the answer.
    pub answer: String,
    /// How long it took: one exchange, or from cause to effect for a step that waits.
    pub took: Duration,
    /// Whether `took` is the time from an event to its effect.
    pub is_effect: bool,
}

/// How long effects took, one entry a payment, from the answer that acknowledged it.
#[derive(Debug, Clone, Default)]
pub struct Effects {
    /// Until the receipt lay in the inbox.
    pub receipt: Vec<Duration>,
    /// Until the overview showed the money.
    pub overview: Vec<Duration>,
}

/// How long an effect may take before the journey calls it lost. Undisturbed it takes milliseconds; after a crash, what
/// the dead worker held is claimed when it has lain for 30 s, and an event that waited for it comes back within as much
/// again.
pub const EFFECT_LIMIT: Duration = Duration::from_secs(90);

/// Lets somebody new pay `rounds` times, one after the other, and waits each time for both effects.
///
/// # Errors
/// The first step that did not do what it must, with the answer that it got.
pub fn measure(api: &Api, seed: &str, rounds: u32) -> anyhow::Result<Effects> {
    let mut person = Person::new(api.clone(), seed);
    person.register()?;
    person.log_in()?;
    person.await_welcome_mail()?;
    let mut effects = Effects::default();
    for _ in 0..rounds {
        person.create_payment(100, "tok_visa")?;
        person.confirm()?;
        let acknowledged = api::now();
        effects.receipt.push(person.await_receipt(acknowledged)?.took);
        effects.overview.push(person.await_overview(acknowledged)?.took);
    }
    Ok(effects)
}

/// Plays the whole journey; calls `look` after each step.
///
/// # Errors
/// The first step that did not do what it must, with the answer that it got.
pub fn play(api: &Api, seed: &str, look: &mut dyn FnMut(&Step)) -> anyhow::Result<()> {
    look(&api.soon_ready()?);
    let mut person = Person::new(api.clone(), seed);
    look(&person.register()?);
    look(&person.log_in()?);
    look(&person.see_profile()?);
    look(&person.create_payment(1099, "tok_visa")?);
    look(&person.create_payment_again()?);
    let paid = api::now();
    look(&person.confirm()?);
    look(&person.await_receipt(paid)?);
    look(&person.await_overview(paid)?);
    look(&person.await_welcome_mail()?);
    look(&person.was_charged_once()?);
    look(&person.create_payment(2500, "tok_declined")?);
    look(&person.confirm_declined()?);
    look(&person.stranger_sees_nothing()?);
    look(&person.refresh()?);
    look(&person.see_profile()?);
    Ok(())
}
