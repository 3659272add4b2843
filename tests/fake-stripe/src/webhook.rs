//! Webhooks: signed as Stripe signs them, sent until they are taken.
//!
//! **Source** <https://docs.stripe.com/webhooks#verify-manually>

use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use std::net::SocketAddr;
use std::time::Duration;
use support::http::{Asked, send};

/// How often one is sent, and the pause in between: a system that was killed comes back in that time.
const MOST_TRIES: u32 = 120;
const PAUSE: Duration = Duration::from_millis(250);

/// The header `Stripe-Signature` of a body at a moment. **Units** `at_s` in seconds since the epoch.
#[must_use]
pub fn sign(secret: &str, body: &[u8], at_s: u64) -> String {
    // HMAC takes keys of any length: there always is one.
    let digits = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_or_else(
        |_| String::new(),
        |mut mac| {
            mac.update(format!("{at_s}.").as_bytes());
            mac.update(body);
            mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
        },
    );
    format!("t={at_s},v1={digits},v0={}", "0".repeat(64))
}

/// Sends an event on a thread of its own, each time with a signature of that moment.
pub(crate) fn deliver(to: SocketAddr, path: String, secret: String, event: Value) {
    std::thread::spawn(move || {
        let body = event.to_string().into_bytes();
        for _ in 0..MOST_TRIES {
            let headers = vec![
                ("content-type".to_owned(), "application/json; charset=utf-8".to_owned()),
                ("stripe-signature".to_owned(), sign(&secret, &body, now_s())),
            ];
            let asked = Asked { method: "POST".to_owned(), target: path.clone(), headers, body: body.clone() };
            if send(to, &asked).is_ok_and(|told| told.status < 300) {
                return;
            }
            std::thread::sleep(PAUSE);
        }
    });
}

#[expect(clippy::disallowed_methods, reason = "a server outside the system signs by its own clock")]
fn now_s() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_scheme_is_spoken() {
        // Computed with `printf '1767225600.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_test`.
        let digits = "45b40331de0325606dc5400202ade162460fbe48daf9401adfdcd0d7b4f35470";
        let header = sign("whsec_test", br#"{"id":"evt_1"}"#, 1_767_225_600);
        assert!(header.starts_with(&format!("t=1767225600,v1={digits},v0=")), "{header}");
    }
}
