//! What each event of this context is, for those who hear it.

use crate::*;
use event_catalogue::EventType;

/// Every event of the webhooks context, each with an example.
pub fn catalogue() -> Vec<EventType> {
    let enabled = EndpointSnapshot {
        id: EndpointId::derived(0, &[b"example"]),
        user_id: UserId::derived(0, &[b"example"]),
        enabled: true,
        disabled_reason: None,
        failing_since: None,
    };
    let disabled = EndpointSnapshot {
        enabled: false,
        disabled_reason: Some(DisabledReason::Failing),
        failing_since: Some(Timestamp::from_unix_ms(1_767_225_600_000)),
        ..enabled.clone()
    };
    vec![
        EventType::new(ENDPOINT_DISABLED, "Nothing more is sent to an endpoint.", disabled.id, &disabled),
        EventType::new(ENDPOINT_ENABLED, "The endpoint is sent to again.", enabled.id, &enabled),
    ]
}
