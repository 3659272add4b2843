//! Keys of programs: who gets them, what they open, and how they end.

use super::*;
use crate::domain::ROLE_OPERATOR;
use crate::testing::{House, logged_in, principal};
use api_key::Presented;
use core::time::Duration;

const HOUR_MS: i64 = 60 * 60 * 1000;

async fn house() -> (House, Principal) {
    let (house, tokens) = logged_in().await;
    let mut caller = principal(&tokens);
    caller.scopes.extend(["payments:read", "payments:write"].map(str::to_owned));
    (house, caller)
}

fn request(scopes: &[&str]) -> CreateKeyRequest {
    CreateKeyRequest {
        password: Plain::new("correct horse"),
        name: "the till".to_owned(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        expires_in_days: None,
    }
}

fn rotation(overlap_hours: Option<u32>) -> RotateKeyRequest {
    RotateKeyRequest { password: Plain::new("correct horse"), overlap_hours, expires_in_days: None }
}

async fn made(house: &House, caller: &Principal) -> NewKeyAnswer {
    create_key(&house.users, &house.scope, caller, request(&["payments:read"])).await.unwrap()
}

async fn shown(house: &House, text: &str) -> Result<VerifiedKey, KeyError> {
    verify_key(&house.users, &VerifyKey::of(&Presented::parse(text).unwrap())).await
}

#[tokio::test]
async fn a_key_is_shown_once_and_kept_as_a_digest() {
    let (house, caller) = house().await;
    let made = made(&house, &caller).await;
    let verified = shown(&house, &made.key).await.unwrap();
    assert_eq!(
        (verified.user_id.to_string(), verified.scopes),
        (caller.subject.clone(), vec!["payments:read".to_owned()])
    );
    assert_eq!(verified.expires_at, house.users.now().plus(Duration::from_secs(90 * 24 * 3600)));
    let listed = serde_json::to_value(list_keys(&house.users, &caller).await.unwrap()).unwrap();
    let item = &listed["items"][0];
    assert_eq!((&item["prefix"], item["last_four"].as_str()), (&"sdft_".into(), made.key.get(made.key.len() - 4..)));
    let (_, secret) = made.key.rsplit_once('_').unwrap();
    let stored = house.users.records.load(&key_record(made.about.id).unwrap()).await.unwrap().unwrap().content.unwrap();
    let everything = format!("{listed} {} {:?}", String::from_utf8_lossy(&stored), house.memory.trail());
    assert!(!everything.contains(&secret[..64]), "the secret is kept: {everything}");
    assert!(house.told().contains(&"create_key done - account by owner".to_owned()));
}

#[tokio::test]
async fn another_secret_another_name_and_an_unknown_key_are_one_refusal() {
    let (house, caller) = house().await;
    let (one, other) = (made(&house, &caller).await, made(&house, &caller).await);
    let secret_of_other = Presented::parse(&other.key).unwrap().digest;
    let guesses = [
        Presented { id: one.about.id, digest: secret_of_other },
        Presented { id: one.about.id, digest: [0; 32] },
        Presented { id: house.users.new_key_id(), digest: secret_of_other },
    ];
    for guess in guesses {
        assert!(matches!(verify_key(&house.users, &VerifyKey::of(&guess)).await, Err(KeyError::NoKey)), "{guess:?}");
    }
    let nonsense = VerifyKey { id: one.about.id, digest: "x".to_owned() };
    assert!(matches!(verify_key(&house.users, &nonsense).await, Err(KeyError::NoKey)));
}

#[tokio::test]
async fn rotating_lets_both_secrets_open_for_a_while() {
    let (house, caller) = house().await;
    let old = made(&house, &caller).await;
    let id = old.about.id.to_string();
    let new = rotate_key(&house.users, &house.scope, &caller, &id, rotation(Some(2))).await.unwrap();
    assert_ne!(old.key, new.key);
    assert_eq!(new.about.previous_last_four.as_deref(), old.key.get(old.key.len() - 4..));
    assert!(shown(&house, &old.key).await.is_ok() && shown(&house, &new.key).await.is_ok());
    house.clock.advance_ms(2 * HOUR_MS);
    assert!(shown(&house, &old.key).await.is_err(), "the overlap is over");
    assert!(shown(&house, &new.key).await.is_ok());
    assert!(house.told().contains(&"rotate_key done - account by owner".to_owned()));
}

#[tokio::test]
async fn a_revoked_an_expired_and_a_locked_key_open_nothing() {
    let (house, caller) = house().await;
    let (revoked, other) = (made(&house, &caller).await, made(&house, &caller).await);
    let id = revoked.about.id.to_string();
    for _ in 0..2 {
        revoke_key(&house.users, &house.scope, &caller, &id).await.unwrap();
    }
    assert!(shown(&house, &revoked.key).await.is_err());
    let again = rotate_key(&house.users, &house.scope, &caller, &id, rotation(None)).await;
    assert!(again.is_err(), "an ended key does not come back");
    assert_eq!(list_keys(&house.users, &caller).await.unwrap().items.len(), 1);
    assert_eq!(house.told().iter().filter(|told| told.starts_with("revoke_key")).count(), 1, "twice is told once");

    house.change_user(|user| user.must_reset = true).await;
    assert!(shown(&house, &other.key).await.is_err(), "an account that must reset");
    house.change_user(|user| user.must_reset = false).await;
    house.change_user(|user| user.status = Status::Suspended).await;
    assert!(shown(&house, &other.key).await.is_err(), "a locked account");
    house.change_user(|user| user.status = Status::Active).await;
    assert!(shown(&house, &other.key).await.is_ok());
    house.clock.advance_ms(90 * 24 * HOUR_MS);
    assert!(shown(&house, &other.key).await.is_err(), "expired");
}

#[tokio::test]
async fn a_key_never_has_more_than_its_owner_and_none_of_their_roles() {
    let (house, mut caller) = house().await;
    for scopes in [&["notifications:read"][..], &["profile"], &["operator"], &[]] {
        let refused = create_key(&house.users, &house.scope, &caller, request(scopes)).await.err();
        assert!(
            matches!(&refused, Some(KeyError::Invalid(invalid)) if invalid.field == "scopes"),
            "{scopes:?}: {refused:?}"
        );
    }
    caller.roles.push(ROLE_OPERATOR.to_owned());
    house.change_user(|user| user.roles.extend([ROLE_OPERATOR.to_owned(), "plan:gold".to_owned()])).await;
    let key = made(&house, &caller).await;
    let verified = shown(&house, &key.key).await.unwrap();
    assert_eq!((verified.plan.as_deref(), verified.scopes), (Some("gold"), vec!["payments:read".to_owned()]));
}

#[tokio::test]
async fn a_stolen_token_and_a_key_make_no_keys() {
    let (house, caller) = house().await;
    let guess = CreateKeyRequest { password: Plain::new("a wrong guess"), ..request(&["payments:read"]) };
    let refused = create_key(&house.users, &house.scope, &caller, guess).await.err();
    assert!(matches!(&refused, Some(KeyError::Invalid(invalid)) if invalid.field == "password"), "{refused:?}");
    assert!(house.told().contains(&"create_key refused password account by owner".to_owned()));
    let key = Principal { session: None, ..caller.clone() };
    let made = made(&house, &caller).await.about.id.to_string();
    let scope = |error: Option<KeyError>| matches!(error, Some(KeyError::Account(AccountError::Scope)));
    assert!(scope(create_key(&house.users, &house.scope, &key, request(&["payments:read"])).await.err()));
    assert!(scope(list_keys(&house.users, &key).await.err()));
    assert!(scope(rotate_key(&house.users, &house.scope, &key, &made, rotation(None)).await.err()));
    assert!(scope(revoke_key(&house.users, &house.scope, &key, &made).await.err()));
}

#[tokio::test]
async fn the_keys_of_another_account_are_not_there() {
    let (house, caller) = house().await;
    let key = made(&house, &caller).await;
    let stranger = Principal { subject: house.users.new_user_id().to_string(), ..caller.clone() };
    let id = key.about.id.to_string();
    let refused = revoke_key(&house.users, &house.scope, &stranger, &id).await;
    assert!(matches!(refused, Err(KeyError::NoKey)), "{refused:?}");
    assert!(list_keys(&house.users, &stranger).await.unwrap().items.is_empty());
    assert!(shown(&house, &key.key).await.is_ok());
}

#[tokio::test]
async fn an_account_has_at_most_twenty_keys() {
    let (house, caller) = house().await;
    for _ in 0..MOST_KEYS {
        made(&house, &caller).await;
    }
    let refused = create_key(&house.users, &house.scope, &caller, request(&["payments:read"])).await.err();
    assert!(matches!(refused, Some(KeyError::TooMany)), "{refused:?}");
}

#[tokio::test]
async fn a_crash_leaves_either_no_key_or_one_that_its_owner_sees() {
    let (house, caller) = house().await;
    house.fail_commit_after(0);
    assert!(create_key(&house.users, &house.scope, &caller, request(&["payments:read"])).await.is_err());
    assert!(list_keys(&house.users, &caller).await.unwrap().items.is_empty());
    house.lose_commit(0);
    assert!(create_key(&house.users, &house.scope, &caller, request(&["payments:read"])).await.is_err());
    assert_eq!(list_keys(&house.users, &caller).await.unwrap().items.len(), 1);
}
