//! The examples of docs/webhooks against signatures that the standard's libraries of PyPI and npm made, and our signatures
//! against both. That of crates.io verifies ours in the tests of `domain::signing`. The examples in Python and JavaScript read
//! the same file in `cargo xtask ci`, which needs their interpreters.

#[path = "../../../docs/webhooks/verify.rs"]
mod verify;

use ambient::Timestamp;
use std::collections::BTreeMap;
use webhooks_context::domain::{Secret, signatures};

/// What stands in docs/webhooks/vectors.json.
fn vectors() -> serde_json::Result<Vec<BTreeMap<String, String>>> {
    serde_json::from_str(include_str!("../../../docs/webhooks/vectors.json"))
}

#[test]
fn we_sign_as_the_libraries_of_the_standard_do() {
    let vectors = vectors().unwrap();
    let libraries: Vec<&str> = vectors.iter().map(|vector| vector["library"].as_str()).collect();
    assert!(
        libraries.iter().any(|name| name.starts_with("PyPI")) && libraries.iter().any(|name| name.starts_with("npm"))
    );
    for vector in &vectors {
        let secret = Secret::parse(&vector["secret"]).unwrap();
        let at = Timestamp::from_unix_ms(vector["webhook-timestamp"].parse::<i64>().unwrap() * 1000);
        let signed = signatures([&secret], &vector["webhook-id"], at, &vector["body"]);
        assert_eq!(signed, vector["webhook-signature"], "{}", vector["library"]);
    }
}

#[test]
fn the_example_in_rust_takes_what_is_ours_and_nothing_else() {
    for vector in vectors().unwrap() {
        let [secret, id, at, signature, body] =
            ["secret", "webhook-id", "webhook-timestamp", "webhook-signature", "body"].map(|name| vector[name].clone());
        let now_s: u64 = at.parse().unwrap();
        let holds = |id: &str, signature: &str, body: &str, now_s| {
            verify::verify(&secret, id, &at, signature, body.as_bytes(), now_s)
        };
        assert!(holds(&id, &signature, &body, now_s));
        assert!(holds(&id, &format!("v1,AAAA {signature}"), &body, now_s), "beside another, as during a rotation");
        assert!(!holds(&id, &signature, &format!("{body} "), now_s));
        assert!(!holds("msg_other", &signature, &body, now_s));
        assert!(!holds(&id, &signature, &body, now_s + 301));
        assert!(!holds(&id, &signature.replace("v1,", "v2,"), &body, now_s));
        assert!(!verify::verify("whsec_", &id, &at, &signature, body.as_bytes(), now_s));
    }
}
