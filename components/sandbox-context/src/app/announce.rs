//! Sends the notices that are due, once a pulse: signed, again until they are taken, and twice where the card says so.

use super::SandboxError;
use super::store;
use crate::Sandbox;
use crate::domain::{Charge, ChargeId, NoticeId, Occasion};
use bytes::Bytes;
use core::time::Duration;
use hmac::{Hmac, KeyInit, Mac};
use http::{Request, header};
use http_client::HttpClient;
use records::{DueTimer, Version};
use serde_json::json;
use sha2::Sha256;
use std::sync::Arc;

/// The timer of a charge that has a notice to send. One an occasion: a dispute that is told now does not forget the
/// refund that comes back in a moment.
pub(crate) const fn timer_of(occasion: Occasion) -> &'static str {
    match occasion {
        Occasion::Changed => "announce",
        Occasion::CameBack => "announce-return",
    }
}

/// How long a claimed notice is ours, and how often one that is not taken is sent again.
const LEASE: Duration = Duration::from_secs(30);
/// How many are sent in one pulse.
const BATCH: u32 = 16;
/// How long a receiver may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// After how long nobody expects a notice any more.
const GIVE_UP: Duration = Duration::from_secs(24 * 60 * 60);

/// Who is told.
#[derive(Clone)]
pub struct Receiver {
    /// The way out.
    pub http: Arc<dyn HttpClient>,
    /// Where notices go, such as `http://127.0.0.1:3000`, without a path.
    pub base_url: String,
}

/// Sends what is due; how many notices were taken.
///
/// # Errors
/// [`SandboxError::Store`] where the store does not answer.
pub async fn announce(sandbox: &Sandbox, receiver: &Receiver) -> Result<usize, SandboxError> {
    let mut taken = 0;
    for timer in sandbox.records.claim_timers(BATCH, LEASE).await? {
        if tell(sandbox, receiver, &timer).await? {
            taken += 1;
            sandbox.records.finish_timer(&timer).await?;
        }
    }
    Ok(taken)
}

/// Whether the notice of a timer was taken, or nobody waits for it any more.
async fn tell(sandbox: &Sandbox, receiver: &Receiver, timer: &DueTimer) -> Result<bool, SandboxError> {
    let id = timer.key.as_str().strip_prefix("charge:").and_then(|id| id.parse::<ChargeId>().ok());
    let Some(id) = id else { return Ok(true) };
    let Some((version, charge)) = store::load_charge(sandbox, id).await? else { return Ok(true) };
    if sandbox.clock.now().since(charge.created_at) > GIVE_UP {
        return Ok(true);
    }
    let mut taken = true;
    for _ in 0..charge.notices() {
        taken &= send(sandbox, receiver, &charge, version, &timer.name).await;
    }
    Ok(taken)
}

async fn send(sandbox: &Sandbox, receiver: &Receiver, charge: &Charge, version: Version, occasion: &str) -> bool {
    // Two notices of one version that had one name would be one to their receiver.
    let parts = [charge.id.to_string(), version.to_string(), occasion.to_owned()];
    let name = NoticeId::derived(0, &parts.each_ref().map(String::as_bytes));
    let body = json!({
        "id": name,
        "type": "charge.changed",
        "charge": { "id": charge.id, "reference": charge.asked.reference },
    })
    .to_string();
    let moment = (sandbox.clock.now().unix_ms() / 1000).to_string();
    let Some(signature) = sign(&sandbox.acquirer_key, &moment, &body) else { return false };
    let request = Request::post(format!("{}/v1/providers/acquirer/events", receiver.base_url.trim_end_matches('/')))
        .header(header::CONTENT_TYPE, "application/json")
        .header("sandbox-signature", format!("t={moment},v1={signature}"))
        .body(Bytes::from(body));
    match request {
        Ok(request) => receiver.http.send(request, TIMEOUT).await.is_ok_and(|answer| answer.status().is_success()),
        Err(_) => false,
    }
}

/// HMAC-SHA256 over moment, dot and body, in hexadecimal digits: Stripe's scheme.
fn sign(key: &str, moment: &str, body: &str) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).ok()?;
    for part in [moment, ".", body] {
        mac.update(part.as_bytes());
    }
    Some(mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_signed_as_its_readers_check_it() {
        // The same example as in the tests of who reads it: made with openssl.
        assert_eq!(
            sign("whsec_test", "1767225600", r#"{"id":"evt_1"}"#).as_deref(),
            Some("45b40331de0325606dc5400202ade162460fbe48daf9401adfdcd0d7b4f35470")
        );
    }
}
