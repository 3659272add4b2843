//! The network between the system and its acquirer, in both directions: calls are slow, silent, cut or doubled, notices
//! come twice, late and in another order.
//!
//! Everything goes on to the sandbox, which knows nothing of it: what it counts is what really happened.

use crate::pace::Moment;
use crate::{Dice, Tally};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use support::http::{Asked, HttpServer, Reaction, Told, send};

/// Longer than the system waits for an acquirer.
const SILENCE: Duration = Duration::from_secs(12);
/// How often a notice is tried before it is given up, and the pause: minutes altogether.
const MOST_DELIVERIES: u32 = 600;
const PAUSE: Duration = Duration::from_millis(400);

/// What may happen to a call, and how often of a hundred.
const CALLS: [(Fate, u64); 7] = [
    (Fate::Straight, 76),
    (Fate::Slow, 8),
    (Fate::Silent, 2),
    (Fate::AnswerLost, 5),
    (Fate::NotSent, 3),
    (Fate::Doubled, 5),
    (Fate::Refused, 1),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Straight,
    Slow,
    Silent,
    AnswerLost,
    NotSent,
    Doubled,
    Refused,
}

/// Where a call to the acquirer is held, so that somebody can be killed at that very step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ambush {
    /// The payment says that it is processing; the acquirer was not asked yet.
    BeforeTheCharge,
    /// The acquirer has carried it out; nobody here knows.
    AfterTheCharge,
}

/// How long a call is held there; then the connection breaks.
const HELD: Duration = Duration::from_millis(250);

/// The network. Dropping it ends it.
pub struct Between {
    server: HttpServer,
    state: Arc<State>,
}

struct State {
    system: SocketAddr,
    is_calm: AtomicBool,
    dice: Mutex<Dice>,
    tally: Arc<Tally>,
    /// The next call that changes something is held there.
    ambush: Mutex<Option<Ambush>>,
    /// Whether one is held.
    is_sprung: AtomicBool,
    /// How many notices are on their way.
    under_way: std::sync::atomic::AtomicU64,
}

impl Between {
    /// Stands between a system and its acquirer; `seed` decides what happens to whom.
    ///
    /// # Errors
    /// There is no free port.
    pub fn start(system: SocketAddr, seed: u64, tally: Arc<Tally>) -> std::io::Result<Self> {
        let state = Arc::new(State {
            system,
            is_calm: AtomicBool::new(true),
            dice: Mutex::new(Dice::of(seed, 0)),
            tally,
            ambush: Mutex::new(None),
            is_sprung: AtomicBool::new(false),
            under_way: 0.into(),
        });
        let there = Arc::clone(&state);
        let server = HttpServer::start(move |asked| {
            if asked.path().starts_with("/v1/providers/") { there.notice(asked) } else { there.call(&asked) }
        })?;
        Ok(Self { server, state })
    }

    /// The URL for `acquirer_url`, `acquirer_worker_url` and `notices_url`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Whether everything goes straight on from now on.
    pub fn set_calm(&self, is_calm: bool) {
        self.state.is_calm.store(is_calm, Ordering::SeqCst);
    }

    /// Lies in wait for the next call that changes something at the acquirer; or gives up doing so.
    pub fn lie_in_wait(&self, ambush: Option<Ambush>) {
        self.state.is_sprung.store(false, Ordering::SeqCst);
        *self.state.ambush.lock().unwrap_or_else(PoisonError::into_inner) = ambush;
    }

    /// Whether a call is held there now.
    pub fn is_sprung(&self) -> bool {
        self.state.is_sprung.load(Ordering::SeqCst)
    }

    /// How many notices are on their way.
    pub fn notices_under_way(&self) -> u64 {
        self.state.under_way.load(Ordering::SeqCst)
    }
}

impl State {
    fn thrown<T>(&self, throw: impl FnOnce(&mut Dice) -> T) -> T {
        throw(&mut self.dice.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn pass(&self, asked: &Asked) -> Reaction {
        send(self.system, asked).map_or(Reaction::Cut, Reaction::Answer)
    }

    fn call(&self, asked: &Asked) -> Reaction {
        if asked.method == "POST" {
            let ambush = self.ambush.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(ambush) = ambush {
                if ambush == Ambush::AfterTheCharge {
                    self.pass(asked);
                }
                self.is_sprung.store(true, Ordering::SeqCst);
                std::thread::sleep(HELD);
                return Reaction::Cut;
            }
        }
        let is_calm = self.is_calm.load(Ordering::SeqCst);
        let fate = if is_calm { Fate::Straight } else { self.thrown(|dice| dice.pick(&CALLS, Fate::Straight)) };
        let word = match fate {
            Fate::Straight => return self.pass(asked),
            Fate::Slow => "acquirer slow",
            Fate::Silent => "acquirer silent",
            Fate::AnswerLost => "acquirer's answer lost",
            Fate::NotSent => "acquirer out of reach",
            Fate::Doubled => "call to the acquirer doubled",
            Fate::Refused => "acquirer answers 500",
        };
        self.tally.add(Tally::FAULTS, word);
        match fate {
            Fate::Straight => self.pass(asked),
            Fate::Slow => {
                std::thread::sleep(Duration::from_millis(self.thrown(|dice| dice.between(50, 2500))));
                self.pass(asked)
            }
            Fate::Silent => {
                self.pass(asked);
                std::thread::sleep(SILENCE);
                Reaction::Cut
            }
            Fate::AnswerLost => {
                self.pass(asked);
                Reaction::Cut
            }
            Fate::NotSent => Reaction::Cut,
            Fate::Doubled => std::thread::scope(|scope| {
                let twin = scope.spawn(|| self.pass(asked));
                let answer = self.pass(asked);
                twin.join().ok();
                answer
            }),
            Fate::Refused => Reaction::Answer(Told::json(500, "{}")),
        }
    }

    /// Takes a notice and delivers it by itself, until it is taken: once or several times, soon or late.
    fn notice(self: &Arc<Self>, asked: Asked) -> Reaction {
        let is_calm = self.is_calm.load(Ordering::SeqCst);
        let times = if is_calm { 1 } else { self.thrown(|dice| dice.pick(&[(1, 65), (2, 25), (3, 10)], 1)) };
        if times > 1 {
            self.tally.add(Tally::FAULTS, "notice doubled");
        }
        for _ in 0..times {
            let late = !is_calm && self.thrown(|dice| dice.percent(50));
            let wait_ms = if late { self.thrown(|dice| dice.between(20, 5000)) } else { 0 };
            if late {
                self.tally.add(Tally::FAULTS, "notice late, others overtake it");
            }
            self.under_way.fetch_add(1, Ordering::SeqCst);
            let (there, asked) = (Arc::clone(self), asked.clone());
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(wait_ms));
                there.deliver(&asked);
                there.under_way.fetch_sub(1, Ordering::SeqCst);
            });
        }
        Reaction::Answer(Told::json(200, r#"{"received":true}"#))
    }

    fn deliver(&self, asked: &Asked) {
        // A signature is good for 300 s.
        let signed = Moment::now();
        for _ in 0..MOST_DELIVERIES {
            if send(self.system, asked).is_ok_and(|told| told.status < 300) {
                self.tally.add(Tally::SENT, "notice");
                return;
            }
            if signed.elapsed() > Duration::from_secs(280) {
                break;
            }
            std::thread::sleep(PAUSE);
        }
        self.tally.add(Tally::UNANSWERED, "notice given up");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An acquirer that counts what reaches it, and the network before it.
    fn scene() -> (Arc<Mutex<u32>>, HttpServer, Between) {
        let seen = Arc::new(Mutex::new(0));
        let count = Arc::clone(&seen);
        let acquirer = HttpServer::start(move |_| {
            *count.lock().unwrap() += 1;
            Reaction::Answer(Told::json(200, "{}"))
        })
        .unwrap();
        let between = Between::start(acquirer.address(), 1, Arc::default()).unwrap();
        (seen, acquirer, between)
    }

    fn post(path: &str) -> Asked {
        Asked { method: "POST".to_owned(), target: path.to_owned(), headers: Vec::new(), body: b"{}".to_vec() }
    }

    #[test]
    fn a_calm_network_passes_everything_on_once() {
        let (seen, _acquirer, between) = scene();
        for _ in 0..20 {
            assert_eq!(send(between.server.address(), &post("/sandbox/v1/charges")).unwrap().status, 200);
        }
        assert_eq!(*seen.lock().unwrap(), 20);
    }

    #[test]
    fn calls_are_cut_and_doubled_and_each_fault_is_counted() {
        let (seen, _acquirer, between) = scene();
        let state = &between.state;
        state.is_calm.store(false, Ordering::SeqCst);
        *state.dice.lock().unwrap() = Dice::new(7);
        // As many throws as find each fate but those that take their time.
        for _ in 0..400 {
            let mut ahead = state.dice.lock().unwrap().clone();
            if matches!(ahead.pick(&CALLS, Fate::Straight), Fate::Silent | Fate::Slow) {
                *state.dice.lock().unwrap() = ahead;
                continue;
            }
            let before = *seen.lock().unwrap();
            let fate = state.dice.lock().unwrap().clone().pick(&CALLS, Fate::Straight);
            let reaction = state.call(&post("/sandbox/v1/charges"));
            let reached = *seen.lock().unwrap() - before;
            let expected = match fate {
                Fate::NotSent | Fate::Refused => 0,
                Fate::Doubled => 2,
                _ => 1,
            };
            assert_eq!(reached, expected, "{fate:?}");
            assert_eq!(reaction == Reaction::Cut, matches!(fate, Fate::AnswerLost | Fate::NotSent), "{fate:?}");
        }
        assert!(state.tally.of(Tally::FAULTS).len() >= 4, "{:?}", state.tally.of(Tally::FAULTS));
    }

    #[test]
    fn an_ambush_holds_one_call_before_or_after_the_charge() {
        let (seen, _acquirer, between) = scene();
        for (ambush, reached) in [(Ambush::BeforeTheCharge, 0), (Ambush::AfterTheCharge, 1)] {
            between.lie_in_wait(Some(ambush));
            assert!(!between.is_sprung());
            assert_eq!(between.state.call(&post("/sandbox/v1/charges")), Reaction::Cut);
            assert!(between.is_sprung());
            assert_eq!(*seen.lock().unwrap(), reached, "{ambush:?}");
            assert_ne!(between.state.call(&post("/sandbox/v1/charges")), Reaction::Cut, "only one");
            *seen.lock().unwrap() = 0;
        }
    }

    #[test]
    fn a_notice_is_delivered_until_it_is_taken() {
        let tries = Arc::new(Mutex::new(0));
        let count = Arc::clone(&tries);
        let receiver = HttpServer::start(move |_| {
            let mut tries = count.lock().unwrap();
            *tries += 1;
            Reaction::Answer(Told::json(if *tries < 3 { 503 } else { 200 }, "{}"))
        })
        .unwrap();
        let between = Between::start(receiver.address(), 1, Arc::default()).unwrap();
        let answer = send(between.server.address(), &post("/v1/providers/acquirer/events")).unwrap();
        assert_eq!(answer.status, 200);
        while between.notices_under_way() > 0 {
            std::thread::yield_now();
        }
        assert_eq!(*tries.lock().unwrap(), 3);
    }
}
