//! The shapes in which providers send notices.

use super::Notice;
use crate::domain::ChargeId;
use serde::Deserialize;

/// How a provider writes its notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `{"id":"evt_1","type":"charge.changed","charge":{"id":"chg_1","reference":"pay_1"}}`
    Sandbox,
    /// Stripe's events: `{"id":"evt_1","type":"payment_intent.succeeded","data":{"object":{…}}}`.
    Stripe,
}

#[derive(Deserialize)]
struct SandboxNotice {
    id: String,
    charge: SandboxCharge,
}

#[derive(Deserialize)]
struct SandboxCharge {
    id: String,
    #[serde(default)]
    reference: String,
}

#[derive(Deserialize)]
struct StripeEvent {
    id: String,
    data: StripeData,
}

#[derive(Deserialize)]
struct StripeData {
    object: StripeObject,
}

#[derive(Deserialize)]
struct StripeObject {
    id: Option<String>,
    object: Option<String>,
    /// Of charges, refunds and disputes: the PaymentIntent that they are about.
    payment_intent: Option<String>,
    #[serde(default)]
    metadata: Option<StripeMetadata>,
}

#[derive(Deserialize)]
struct StripeMetadata {
    payment_id: Option<String>,
}

impl Dialect {
    /// The header that carries the signature.
    pub const fn signature_header(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox-signature",
            Self::Stripe => "stripe-signature",
        }
    }

    /// Reads a notice; `None` where the body is none. One that is about no charge has neither name.
    pub fn read(self, body: &[u8]) -> Option<Notice> {
        let (id, payment, charge) = match self {
            Self::Sandbox => {
                let SandboxNotice { id, charge } = serde_json::from_slice(body).ok()?;
                (id, Some(charge.reference), Some(charge.id))
            }
            Self::Stripe => {
                let StripeEvent { id, data: StripeData { object } } = serde_json::from_slice(body).ok()?;
                let own = object.id.filter(|_| object.object.as_deref() == Some("payment_intent"));
                (id, object.metadata.and_then(|metadata| metadata.payment_id), object.payment_intent.or(own))
            }
        };
        Some(Notice {
            // The same alphabet as that of charges.
            id: ChargeId::new(&id)?.as_str().to_owned(),
            payment: payment.and_then(|text| text.parse().ok()),
            charge: charge.and_then(|text| ChargeId::new(&text)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAYMENT: &str = "pay_0000000000000000000000000001";

    #[test]
    fn the_sandbox_names_payment_and_charge() {
        let body =
            format!(r#"{{"id":"evt_1","type":"charge.changed","charge":{{"id":"chg_1","reference":"{PAYMENT}"}}}}"#);
        let notice = Dialect::Sandbox.read(body.as_bytes()).unwrap();
        assert_eq!((notice.id.as_str(), notice.payment.map(|id| id.to_string()).as_deref()), ("evt_1", Some(PAYMENT)));
        assert_eq!(notice.charge, ChargeId::new("chg_1"));
    }

    #[test]
    fn stripe_names_the_intent_also_where_the_event_is_about_a_refund_or_a_dispute() {
        let intent = format!(
            r#"{{"id":"evt_1","object":"event","type":"payment_intent.succeeded","data":{{"object":
                {{"id":"pi_1","object":"payment_intent","metadata":{{"payment_id":"{PAYMENT}"}}}}}}}}"#
        );
        let notice = Dialect::Stripe.read(intent.as_bytes()).unwrap();
        assert_eq!((notice.payment.is_some(), notice.charge), (true, ChargeId::new("pi_1")));
        let dispute = br#"{"id":"evt_2","type":"charge.dispute.created","data":{"object":
            {"id":"dp_1","object":"dispute","payment_intent":"pi_1","metadata":{}}}}"#;
        let notice = Dialect::Stripe.read(dispute).unwrap();
        assert_eq!((notice.payment, notice.charge), (None, ChargeId::new("pi_1")));
        let balance = br#"{"id":"evt_3","type":"balance.available","data":{"object":{"object":"balance"}}}"#;
        let notice = Dialect::Stripe.read(balance).unwrap();
        assert_eq!((notice.payment, notice.charge), (None, None));
    }

    #[test]
    fn another_shape_is_no_notice() {
        for body in ["", "[]", "{}", r#"{"id":"../x","charge":{"id":"chg_1"}}"#, r#"{"id":7,"charge":{"id":"c"}}"#] {
            assert_eq!(Dialect::Sandbox.read(body.as_bytes()), None, "{body}");
            assert_eq!(Dialect::Stripe.read(body.as_bytes()), None, "{body}");
        }
    }
}
