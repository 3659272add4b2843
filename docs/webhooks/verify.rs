//! Verifies a webhook of Spindrift: Standard Webhooks, with the crates `hmac`, `sha2` and `base64`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// How far the clocks of both sides may differ. **Units** seconds.
const TOLERANCE_S: u64 = 300;

/// Whether a request is ours: `id`, `timestamp` and `signatures` are its headers `webhook-id`, `webhook-timestamp` and
/// `webhook-signature`, `body` the bytes as they came, `now_s` the present in seconds since 1970.
pub fn verify(secret: &str, id: &str, timestamp: &str, signatures: &str, body: &[u8], now_s: u64) -> bool {
    let key = STANDARD.decode(secret.trim_start_matches("whsec_")).unwrap_or_default();
    let fresh = timestamp.parse::<u64>().is_ok_and(|at_s| at_s.abs_diff(now_s) <= TOLERANCE_S);
    let holds = |signature: &str| {
        let found = signature.strip_prefix("v1,").and_then(|value| STANDARD.decode(value).ok());
        let mac = Hmac::<Sha256>::new_from_slice(&key).ok().zip(found);
        mac.is_some_and(|(mac, found)| {
            let mac =
                mac.chain_update(id).chain_update(".").chain_update(timestamp).chain_update(".").chain_update(body);
            // Takes the same time whatever differs.
            mac.verify_slice(&found).is_ok()
        })
    };
    fresh && !key.is_empty() && signatures.split(' ').any(holds)
}
