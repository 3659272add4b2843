//! A small Stripe for tests: PaymentIntents, refunds, disputes, idempotency keys, form encoding, webhooks with their
//! signature, over real sockets on the loopback interface.
//!
//! It is as strict as the documentation: a parameter, header or content type that Stripe would refuse is refused here,
//! so that an adapter which passes has sent what Stripe takes. It knows only what our adapter uses.
//!
//! **Source** <https://docs.stripe.com/api>, version 2024-06-20.

mod account;
mod api;
mod webhook;

pub use webhook::sign;

use account::Account;
use serde_json::Value;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use support::http::{Asked, HttpServer, Reaction, Told};

/// The secret key of the account.
pub const KEY: &str = "sk_test_spindrift";
/// The version of the API that it speaks.
pub const VERSION: &str = "2024-06-20";

/// What befalls the next request that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is carried out; the connection breaks before the answer.
    AnswerLost,
    /// The connection breaks before it is carried out.
    NotReached,
    /// It is carried out; the answer takes so long.
    Slow(Duration),
    /// It is answered with 500 and not carried out.
    Down,
}

/// Where webhooks go.
#[derive(Clone)]
struct Endpoint {
    address: SocketAddr,
    path: String,
    secret: String,
}

#[derive(Default)]
struct State {
    account: Account,
    fault: Option<Fault>,
    endpoint: Option<Endpoint>,
}

/// A running Stripe with one account. Dropping it ends it.
pub struct FakeStripe {
    server: HttpServer,
    state: Arc<Mutex<State>>,
}

impl FakeStripe {
    /// Starts one on a free port.
    ///
    /// # Errors
    /// There is none.
    pub fn start() -> io::Result<Self> {
        let state = Arc::new(Mutex::new(State::default()));
        let there = Arc::clone(&state);
        let server = HttpServer::start(move |asked| react(&there, &asked))?;
        Ok(Self { server, state })
    }

    /// Where it is, for the variable `stripe_url`.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// From now on changes are told to this endpoint, signed with this secret, again until they are taken.
    pub fn send_webhooks_to(&self, address: SocketAddr, path: &str, secret: &str) {
        lock(&self.state).endpoint = Some(Endpoint { address, path: path.to_owned(), secret: secret.to_owned() });
    }

    /// What befalls the next request that changes something.
    pub fn next(&self, fault: Fault) {
        lock(&self.state).fault = Some(fault);
    }

    /// All PaymentIntents, oldest first.
    #[must_use]
    pub fn intents(&self) -> Vec<Value> {
        lock(&self.state).account.intents.clone()
    }

    /// All refunds, oldest first.
    #[must_use]
    pub fn refunds(&self) -> Vec<Value> {
        lock(&self.state).account.refunds.clone()
    }

    /// The payer proves who they are at their bank, or fails to.
    pub fn authenticate(&self, intent: &str, success: bool) {
        let event = lock(&self.state).account.authenticate(intent, success);
        self.tell(event);
    }

    /// The payer's bank opens a dispute over the whole, or moves it to this status (`under_review`, `won`, `lost`).
    pub fn dispute(&self, intent: &str, status: &str) {
        let event = lock(&self.state).account.dispute(intent, status);
        self.tell(event);
    }

    fn tell(&self, event: Option<Value>) {
        let endpoint = lock(&self.state).endpoint.clone();
        if let (Some(endpoint), Some(event)) = (endpoint, event) {
            webhook::deliver(endpoint.address, endpoint.path, endpoint.secret, event);
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn react(state: &Mutex<State>, asked: &Asked) -> Reaction {
    let changes = asked.method == "POST";
    let fault = if changes { lock(state).fault.take() } else { None };
    match fault {
        Some(Fault::NotReached) => return Reaction::Cut,
        Some(Fault::Down) => return Reaction::Answer(Told::json(500, r#"{"error":{"type":"api_error"}}"#)),
        Some(Fault::AnswerLost | Fault::Slow(_)) | None => {}
    }
    let (answer, event, endpoint) = {
        let mut state = lock(state);
        let (answer, event) = api::answer(&mut state.account, asked);
        (answer, event, state.endpoint.clone())
    };
    if let (Some(Endpoint { address, path, secret }), Some(event)) = (endpoint, event) {
        webhook::deliver(address, path, secret, event);
    }
    match fault {
        Some(Fault::AnswerLost) => return Reaction::Cut,
        Some(Fault::Slow(how_long)) => std::thread::sleep(how_long),
        Some(Fault::NotReached | Fault::Down) | None => {}
    }
    let (status, body) = answer;
    Reaction::Answer(Told::json(status, body.to_string()))
}
