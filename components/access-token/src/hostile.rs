//! Tokens that somebody made to be let in: each is refused, and for the reason it should be.

use crate::{Claims, Jwk, Jwks, SigningKey, TokenError, Verifier, decode, encode};
use ambient::Timestamp;
use ed25519_dalek::Signer;
use proptest::prelude::*;
use serde_json::{Value, json};

const NOW_S: i64 = 1_767_225_600;
const ISSUER: &str = "https://id.example";
const AUDIENCE: &str = "spindrift";

fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "usr_1", "aud": AUDIENCE, "exp": NOW_S + 600, "nbf": NOW_S, "iat": NOW_S,
        "jti": "t1", "sid": "ses_1", "scope": "payments:read", "roles": [], "acr": "1",
    })
}

fn key() -> SigningKey {
    SigningKey::from_seed(&[1; 32])
}

fn keys() -> Jwks {
    Jwks { keys: vec![key().jwk(), SigningKey::from_seed(&[2; 32]).jwk()] }
}

/// Signs any header and any claims with the right key.
fn signed(header: &str, claims: &str) -> String {
    let signed = format!("{}.{}", encode(header.as_bytes()), encode(claims.as_bytes()));
    let signature = ed25519_dalek::SigningKey::from_bytes(&[1; 32]).sign(signed.as_bytes());
    format!("{signed}.{}", encode(&signature.to_bytes()))
}

fn good_header() -> String {
    json!({"alg": "EdDSA", "typ": "at+jwt", "kid": key().kid()}).to_string()
}

fn with_header(change: Value) -> String {
    let mut header = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": key().kid()});
    merge(&mut header, change);
    signed(&header.to_string(), &claims().to_string())
}

fn with_claims(change: Value) -> String {
    let mut all = claims();
    merge(&mut all, change);
    signed(&good_header(), &all.to_string())
}

/// Sets members; null removes.
fn merge(into: &mut Value, change: Value) {
    for (name, value) in change.as_object().unwrap().clone() {
        if value.is_null() {
            into.as_object_mut().unwrap().remove(&name);
        } else {
            into[name] = value;
        }
    }
}

fn verdict(token: &str) -> Result<Claims, TokenError> {
    Verifier::new(ISSUER, AUDIENCE).verify(token, &keys(), Timestamp::from_unix_ms(NOW_S * 1000))
}

#[test]
fn the_token_that_the_others_are_variations_of_is_good() {
    assert!(verdict(&signed(&good_header(), &claims().to_string())).is_ok());
    let claims: Claims = serde_json::from_value(claims()).unwrap();
    let token = key().sign(&claims);
    assert_eq!(verdict(&token), Ok(claims));
}

/// RFC 8037, appendix A.3: the thumbprint of the key of its example.
#[test]
fn a_key_is_named_by_its_thumbprint() {
    let seed: [u8; 32] = decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap().try_into().unwrap();
    let key = SigningKey::from_seed(&seed);
    assert_eq!(key.jwk().x, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    assert_eq!(key.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

#[test]
fn hostile_tokens_are_refused() {
    use TokenError as E;
    let good = signed(&good_header(), &claims().to_string());
    let parts: Vec<&str> = good.split('.').collect();
    let (header, body, signature) = (parts[0], parts[1], parts[2]);
    let other_signature = good_of(2).rsplit('.').next().unwrap().to_owned();
    let hmac_like = encode(&[0; 32]);
    let kid = key().kid().to_owned();
    let flipped = |part: &str| {
        let mut bytes = decode(part).unwrap();
        bytes[0] ^= 1;
        encode(&bytes)
    };
    let small_order_signature = {
        let mut bytes = [0u8; 64];
        bytes[0] = 1;
        encode(&bytes)
    };
    // S + L: the same signature in a second spelling, which RFC 8032 forbids.
    let malleable_signature = {
        const ORDER: [u8; 32] = [
            0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
        ];
        let mut bytes = decode(signature).unwrap();
        let mut carry = 0u16;
        for (byte, add) in bytes[32..].iter_mut().zip(ORDER) {
            let sum = u16::from(*byte) + u16::from(add) + carry;
            *byte = sum.to_le_bytes()[0];
            carry = sum >> 8;
        }
        encode(&bytes)
    };
    let none = encode(json!({"alg": "none", "typ": "at+jwt", "kid": kid}).to_string().as_bytes());
    let attacker_jwk = serde_json::to_value(SigningKey::from_seed(&[66; 32]).jwk()).unwrap();
    let twice = |name: &str, value: &str| claims().to_string().replacen('{', &format!("{{\"{name}\":{value},"), 1);

    let table: Vec<(&str, String, E)> = vec![
        // --- not a token ---
        ("empty", String::new(), E::Shape),
        ("one dot", ".".into(), E::Shape),
        ("two dots", "..".into(), E::Header),
        ("two parts", format!("{header}.{body}"), E::Shape),
        ("four parts", format!("{good}.{signature}"), E::Shape),
        ("five parts, as an encrypted token has", format!("{good}.a.b"), E::Shape),
        ("too large", format!("{header}.{}.{signature}", "A".repeat(5000)), E::TooLarge),
        ("padding", format!("{header}=.{body}.{signature}"), E::Shape),
        ("whitespace", format!("{good}\n"), E::Shape),
        ("the other base64 alphabet", good.replace('-', "+").replace('_', "/") + "+", E::Shape),
        ("stray bits in the last character", format!("{header}.{body}.{}", stray_bits(signature)), E::Shape),
        ("not ASCII", format!("{header}.{body}é.{signature}"), E::Shape),
        ("a NUL", format!("{header}\0.{body}.{signature}"), E::Shape),
        // --- the header ---
        ("header is no JSON", signed("EdDSA", &claims().to_string()), E::Header),
        ("header is an array", signed("[]", &claims().to_string()), E::Header),
        ("alg none, no signature", format!("{none}.{body}."), E::Algorithm),
        ("alg none, a signature", format!("{none}.{body}.{signature}"), E::Algorithm),
        ("alg None", with_header(json!({"alg": "None"})), E::Algorithm),
        ("alg eddsa in another case", with_header(json!({"alg": "eddsa"})), E::Algorithm),
        ("alg HS256 with the public key as secret", with_header(json!({"alg": "HS256"})), E::Algorithm),
        ("alg ES256", with_header(json!({"alg": "ES256"})), E::Algorithm),
        ("alg RS256", with_header(json!({"alg": "RS256"})), E::Algorithm),
        ("alg empty", with_header(json!({"alg": ""})), E::Algorithm),
        ("alg missing", with_header(json!({"alg": null})), E::Header),
        ("alg a list", with_header(json!({"alg": ["EdDSA"]})), E::Header),
        ("alg twice", signed(&good_header().replacen('{', r#"{"alg":"none","#, 1), &claims().to_string()), E::Header),
        ("typ JWT", with_header(json!({"typ": "JWT"})), E::Type),
        ("typ of another kind of token", with_header(json!({"typ": "dpop+jwt"})), E::Type),
        ("typ missing", with_header(json!({"typ": null})), E::Header),
        ("kid missing", with_header(json!({"kid": null})), E::Header),
        ("kid unknown", with_header(json!({"kid": "nobody"})), E::UnknownKey("nobody".into())),
        ("kid a path", with_header(json!({"kid": "../../dev/null"})), E::UnknownKey("../../dev/null".into())),
        ("kid an injection", with_header(json!({"kid": "' OR 1=1"})), E::UnknownKey("' OR 1=1".into())),
        ("kid empty", with_header(json!({"kid": ""})), E::UnknownKey(String::new())),
        (
            "kid of another of our keys",
            with_header(json!({"kid": SigningKey::from_seed(&[2; 32]).kid()})),
            E::Signature,
        ),
        ("kid a number", with_header(json!({"kid": 1})), E::Header),
        ("a key inside the token", with_header(json!({"jwk": attacker_jwk})), E::Header),
        ("a link to keys", with_header(json!({"jku": "https://evil.example/jwks.json"})), E::Header),
        ("a link to a certificate", with_header(json!({"x5u": "https://evil.example/cert"})), E::Header),
        ("a certificate", with_header(json!({"x5c": ["AA"]})), E::Header),
        ("a critical extension", with_header(json!({"crit": ["exp"]})), E::Header),
        ("an unencoded payload", with_header(json!({"b64": false, "crit": ["b64"]})), E::Header),
        ("a nested token", with_header(json!({"cty": "JWT"})), E::Header),
        ("compression", with_header(json!({"zip": "DEF"})), E::Header),
        // --- the signature ---
        ("no signature", format!("{header}.{body}."), E::Signature),
        ("half a signature", format!("{header}.{body}.{}", encode(&[1; 32])), E::Signature),
        ("a longer signature", format!("{header}.{body}.{}", encode(&[1; 65])), E::Signature),
        ("an HMAC", format!("{header}.{body}.{hmac_like}"), E::Signature),
        ("all zero", format!("{header}.{body}.{}", encode(&[0; 64])), E::Signature),
        ("a point of small order", format!("{header}.{body}.{small_order_signature}"), E::Signature),
        ("the second spelling of the signature", format!("{header}.{body}.{malleable_signature}"), E::Signature),
        ("the signature of another token", format!("{header}.{body}.{other_signature}"), E::Signature),
        ("one bit of the signature changed", format!("{header}.{body}.{}", flipped(signature)), E::Signature),
        ("claims exchanged", format!("{header}.{}.{signature}", encode(b"{}")), E::Signature),
        (
            "an attacker's key",
            SigningKey::from_seed(&[66; 32]).sign(&typed()).replacen(
                SigningKey::from_seed(&[66; 32]).sign(&typed()).split('.').next().unwrap(),
                header,
                1,
            ),
            E::Signature,
        ),
        // --- the claims ---
        ("claims are no JSON", signed(&good_header(), "x"), E::Claims),
        ("claims are a list", signed(&good_header(), "[]"), E::Claims),
        ("claims with something behind", signed(&good_header(), &format!("{}{{}}", claims())), E::Claims),
        ("iss missing", with_claims(json!({"iss": null})), E::Claims),
        ("iss another", with_claims(json!({"iss": "https://evil.example"})), E::Issuer),
        ("iss with a slash more", with_claims(json!({"iss": format!("{ISSUER}/")})), E::Issuer),
        ("aud missing", with_claims(json!({"aud": null})), E::Claims),
        ("aud another", with_claims(json!({"aud": "others"})), E::Audience),
        ("aud a list with ours", with_claims(json!({"aud": [AUDIENCE, "others"]})), E::Claims),
        ("sub missing", with_claims(json!({"sub": null})), E::Claims),
        ("sub empty", with_claims(json!({"sub": ""})), E::Claims),
        ("sub a number", with_claims(json!({"sub": 1})), E::Claims),
        ("sub twice", signed(&good_header(), &twice("sub", "\"usr_2\"")), E::Claims),
        ("exp missing", with_claims(json!({"exp": null})), E::Claims),
        ("exp passed by the leeway", with_claims(json!({"nbf": NOW_S - 90, "exp": NOW_S - 30})), E::Expired),
        ("exp a text", with_claims(json!({"exp": (NOW_S + 600).to_string()})), E::Claims),
        ("exp a fraction", with_claims(json!({"exp": NOW_S as f64 + 0.5})), E::Claims),
        (
            "exp with an exponent",
            signed(&good_header(), &claims().to_string().replace(&(NOW_S + 600).to_string(), "1e12")),
            E::Claims,
        ),
        (
            "exp beyond 64 bits",
            signed(&good_header(), &claims().to_string().replace(&(NOW_S + 600).to_string(), "99999999999999999999")),
            E::Claims,
        ),
        ("exp negative", with_claims(json!({"exp": -1, "nbf": -2})), E::Expired),
        ("exp twice", signed(&good_header(), &twice("exp", "9999999999")), E::Claims),
        ("exp before nbf", with_claims(json!({"nbf": NOW_S + 50, "exp": NOW_S + 40})), E::Claims),
        ("nbf missing", with_claims(json!({"nbf": null})), E::Claims),
        ("nbf beyond the leeway", with_claims(json!({"nbf": NOW_S + 61})), E::NotYet),
        ("iat in the future", with_claims(json!({"iat": NOW_S + 61})), E::NotYet),
        ("iat the greatest number", with_claims(json!({"iat": i64::MAX})), E::NotYet),
        ("roles a text", with_claims(json!({"roles": "operator"})), E::Claims),
        ("scope a list", with_claims(json!({"scope": ["payments:write"]})), E::Claims),
    ];
    assert!(table.len() >= 40);
    for (name, token, expected) in table {
        assert_eq!(verdict(&token).err(), Some(expected), "{name}");
    }
}

#[test]
fn clocks_may_differ_by_the_leeway() {
    assert!(verdict(&with_claims(json!({"nbf": NOW_S - 90, "exp": NOW_S - 29}))).is_ok());
    assert!(verdict(&with_claims(json!({"nbf": NOW_S + 60, "iat": NOW_S + 60}))).is_ok());
}

#[test]
fn only_ed25519_signing_keys_of_the_set_are_used() {
    let good = signed(&good_header(), &claims().to_string());
    let with = |change: fn(&mut Jwk)| {
        let mut jwk = key().jwk();
        change(&mut jwk);
        let keys = Jwks { keys: vec![jwk] };
        Verifier::new(ISSUER, AUDIENCE).verify(&good, &keys, Timestamp::from_unix_ms(NOW_S * 1000))
    };
    assert!(with(|_| ()).is_ok());
    let weak = "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for change in [
        (|jwk| jwk.kty = "oct".into()) as fn(&mut Jwk),
        |jwk| jwk.crv = "X25519".into(),
        |jwk| jwk.purpose = "enc".into(),
        |jwk| jwk.alg = "HS256".into(),
        |jwk| jwk.x = "AA".into(),
        |jwk| jwk.x.push('='),
    ] {
        assert!(matches!(with(change), Err(TokenError::UnknownKey(_))));
    }
    let mut jwk = key().jwk();
    jwk.x = weak.to_owned();
    assert!(jwk.verifying_key().is_none(), "a key of small order verifies anything");
}

#[test]
fn the_private_key_is_not_in_the_debug_form() {
    assert_eq!(format!("{:?}", key()), format!("SigningKey {{ kid: {:?}, .. }}", key().kid()));
}

proptest! {
    #[test]
    fn no_text_is_let_in_and_none_is_a_panic(text in "[A-Za-z0-9._=-]{0,200}") {
        prop_assert!(verdict(&text).is_err());
    }

    #[test]
    fn any_changed_character_is_refused(place in 0usize..400, character in "[A-Za-z0-9_.-]") {
        let good = signed(&good_header(), &claims().to_string());
        let place = place % good.len();
        let changed = format!("{}{character}{}", &good[..place], &good[place + 1..]);
        prop_assert_eq!(verdict(&changed).is_ok(), changed == good);
    }
}

/// A good token of another seed's key.
fn good_of(seed: u8) -> String {
    SigningKey::from_seed(&[seed; 32]).sign(&typed())
}

fn typed() -> Claims {
    serde_json::from_value(claims()).unwrap()
}

/// The same 64 bytes, with bits set that a decoder must not ignore: 64 bytes leave four of them in the last character.
fn stray_bits(part: &str) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = part.split_at(part.len() - 1);
    let value = ALPHABET.find(last).unwrap();
    format!("{rest}{}", ALPHABET.chars().nth(value | 1).unwrap())
}
