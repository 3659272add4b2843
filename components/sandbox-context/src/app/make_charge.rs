//! `POST /sandbox/v1/charges`: one charge an idempotency key, for ever and across restarts.

use super::SandboxError;
use super::store::{self, Written};
use crate::Sandbox;
use crate::domain::{Card, Charge, ChargeId, NewCharge};
use crate::wire::ChargeRequest;
use money::{Currency, Money};

/// Makes the charge, or reports the one that the key made before. The first answer behaves as the card's script says.
///
/// # Errors
/// [`SandboxError::Invalid`], [`SandboxError::Refused`] for an unknown token, [`SandboxError::KeyReused`],
/// [`SandboxError::AnswerLost`], [`SandboxError::Store`].
pub async fn make_charge(sandbox: &Sandbox, key: &str, request: ChargeRequest) -> Result<Charge, SandboxError> {
    let asked = parse(key, request)?;
    let id = ChargeId::derived(0, &[key.as_bytes()]);
    let charge = Charge::make(id, asked.clone(), sandbox.clock.now())?;
    if let Written::Overtaken = store::write_charge(sandbox, None, &charge).await? {
        let (_, made) = store::load_charge(sandbox, id).await?.ok_or(SandboxError::NotFound)?;
        return if made.asked == asked { Ok(made) } else { Err(SandboxError::KeyReused) };
    }
    // The charge is made; what follows happens to the answer alone.
    let Some(delay) = Card::of_token(&asked.token).map(Card::delay) else { return Ok(charge) };
    if !delay.wait.is_zero() {
        sandbox.sleep.sleep(delay.wait).await;
    }
    if delay.lost { Err(SandboxError::AnswerLost) } else { Ok(charge) }
}

fn parse(key: &str, request: ChargeRequest) -> Result<NewCharge, SandboxError> {
    let currency: Currency = request
        .currency
        .parse()
        .map_err(|_| SandboxError::Invalid { field: "currency", why: "an ISO 4217 code is expected" })?;
    if request.amount_minor < 1 {
        return Err(SandboxError::Invalid { field: "amount_minor", why: "at least 1 minor unit is charged" });
    }
    let amount = Money::new(request.amount_minor, currency)
        .map_err(|_| SandboxError::Invalid { field: "amount_minor", why: "the amount is too large" })?;
    if request.reference.chars().count() > 100 {
        return Err(SandboxError::Invalid { field: "reference", why: "a reference has at most 100 characters" });
    }
    let ChargeRequest { reference, token, capture, return_url, .. } = request;
    if return_url.as_ref().is_some_and(|url| url.len() > 500 || !url.bytes().all(|b| b.is_ascii_graphic())) {
        return Err(SandboxError::Invalid {
            field: "return_url",
            why: "at most 500 visible ASCII characters are taken",
        });
    }
    Ok(NewCharge { key: key.to_owned(), reference, amount, token, capture, return_url })
}
