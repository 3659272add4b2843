//! Processes die in the middle of the journey: nothing acknowledged is lost, nothing happens twice.

use journey::{Api, Person};
use std::time::Duration;
use tests::{System, now};

type Outcome = anyhow::Result<()>;

/// Plays the paying part of the journey to its end and checks that everything happened once.
fn finish(person: &mut Person) -> Outcome {
    let since = now();
    person.confirm()?;
    person.await_receipt(since)?;
    person.await_overview(since)?;
    person.await_welcome_mail()?;
    person.was_charged_once()?;
    Ok(())
}

/// A person who has registered, logged in and created a payment.
fn about_to_pay(api: Api, seed: &str) -> anyhow::Result<Person> {
    let mut person = Person::new(api, seed);
    person.register()?;
    person.log_in()?;
    person.create_payment(1200, "tok_visa")?;
    Ok(person)
}

#[test]
fn the_host_is_killed_between_any_two_steps_and_nothing_is_lost_or_doubled() -> Outcome {
    let mut system = System::start(&[])?;
    let mut person = Person::new(system.api(), "between");
    person.register()?;
    crash(&mut system)?;
    person.log_in()?;
    crash(&mut system)?;
    person.create_payment(1200, "tok_visa")?;
    crash(&mut system)?;
    person.create_payment_again()?;
    finish(&mut person)?;
    crash(&mut system)?;
    person.await_receipt(now())?;
    person.await_overview(now())?;
    person.was_charged_once()?;
    person.refresh()?;
    system.stop()
}

#[test]
fn the_host_is_killed_during_the_confirmation_and_the_card_is_charged_once() -> Outcome {
    let mut system = System::start(&[])?;
    for (round, delay_ms) in [2, 8, 30].into_iter().enumerate() {
        let mut person = about_to_pay(system.api(), &format!("during-{round}"))?;
        std::thread::scope(|scope| -> Outcome {
            let paying = scope.spawn(|| person.confirm().is_ok());
            std::thread::sleep(Duration::from_millis(delay_ms));
            crash(&mut system)?;
            // Whether it got an answer before the crash or not, the next try tells the truth.
            paying.join().map_err(|_| anyhow::anyhow!("the client panicked"))?;
            Ok(())
        })?;
        person.forget_captures();
        finish(&mut person)?;
    }
    system.stop()
}

#[test]
fn redis_is_killed_and_comes_back_with_everything_acknowledged() -> Outcome {
    let mut system = System::start(&[])?;
    let mut person = about_to_pay(system.api(), "redis")?;
    system.kill_redis()?;
    system.start_again()?;
    person.create_payment_again()?;
    finish(&mut person)?;
    system.stop()
}

fn crash(system: &mut System) -> Outcome {
    system.kill_host()?;
    system.start_again()
}
