//! The audit trail on real stores: what somebody altered is found, what dies half-way is done the next time.

use crate::history::House;
use key_value::KeyValue;
use records::{AccountKey, Break, Change, Content, Finding, Journal, Meta, OwnTrail, RecordKey, Records, TrailEntry};
use records_redis::RedisTrail;
use redis_client::Reply;
use std::sync::Arc;

const CHAIN: &str = "contract:trail.0.page.0";
const OWN: &str = "contract:trail.0.account.usr_1.0";

/// A house with 160 rows of one account, 128 of them in pages.
async fn trail() -> (House, RedisTrail) {
    let house = House::new();
    let account = AccountKey::new("usr_1").unwrap();
    for number in 0..5 {
        let meta = Meta { at: ambient::Timestamp::from_unix_ms(0), trace: "0".repeat(32), cause: None, actor: None };
        let key = RecordKey::new(format!("session:{number}")).unwrap();
        let mut change = Change::new(key, None, Content::Body("{}".into()), meta);
        for place in 0..32 {
            change = change.with_trail(TrailEntry {
                account: account.clone(),
                text: format!(r#"{{"act":"log_in","n":{place}}}"#),
                personal: Some(format!(r#"{{"address":"192.0.2.{number}"}}"#)),
            });
        }
        house.records.commit(change).await.unwrap();
    }
    let records = crate::history::instance(house.redis.clone(), house.bodies.clone());
    let trail = RedisTrail::of(Arc::new(records));
    while trail.seal().await.unwrap().more {}
    (house, trail)
}

async fn finding(trail: &RedisTrail) -> Finding {
    trail.verify(None, 100).await.unwrap().finding
}

async fn stored(house: &House, key: &str) -> String {
    String::from_utf8(house.bodies.get(key).await.unwrap().unwrap()).unwrap()
}

#[tokio::test]
async fn what_is_personal_is_never_in_the_chain_and_goes_without_breaking_it() {
    let (house, trail) = trail().await;
    assert_eq!(finding(&trail).await, Finding::Intact);
    assert!(!stored(&house, CHAIN).await.contains("192.0.2."));
    assert!(stored(&house, OWN).await.contains("192.0.2."));
    trail.shred(&AccountKey::new("usr_1").unwrap()).await.unwrap();
    assert!(!stored(&house, OWN).await.contains("192.0.2."));
    let open = house.call("XRANGE", &["{contract/0}:trail:j:usr_1", "-", "+"]).await;
    assert!(
        !open.iter().any(|reply| matches!(reply, Reply::Bytes(bytes) if bytes.windows(8).any(|w| w == b"192.0.2.")))
    );
    assert_eq!(finding(&trail).await, Finding::Intact);
    // Shredded rows cannot be told to have said something else.
    house.alter(OWN, |text| text.replacen("log_in", "log_on", 1)).await;
    assert!(matches!(finding(&trail).await, Finding::Broken(Break::AccountDiffers { number: 1, .. })));
}

#[tokio::test]
async fn what_was_altered_in_pages_or_open_rows_is_found_at_its_place() {
    let (house, trail) = trail().await;
    house.alter(CHAIN, |text| text.replacen("\\\"n\\\":3", "\\\"n\\\":4", 1)).await;
    assert_eq!(finding(&trail).await, Finding::Broken(Break::PageAltered { page: 0 }));
    let (house, trail) = self::trail().await;
    house.alter(OWN, |text| text.replacen("192.0.2.2", "192.0.2.9", 1)).await;
    assert!(matches!(finding(&trail).await, Finding::Broken(Break::AccountDiffers { .. })), "an address of another");
    let (house, trail) = self::trail().await;
    house.bodies.delete(CHAIN).await.unwrap();
    assert_eq!(finding(&trail).await, Finding::Broken(Break::PageMissing { page: 0 }));
    let (house, trail) = self::trail().await;
    house.write_open_row("{contract/0}:trail:journal", 130, None).await;
    assert_eq!(finding(&trail).await, Finding::Broken(Break::RowOutOfOrder { seq: 130 }));
    let (house, trail) = self::trail().await;
    house.call("XTRIM", &["{contract/0}:trail:journal", "MAXLEN", "0"]).await;
    assert_eq!(finding(&trail).await, Finding::Broken(Break::RowOutOfOrder { seq: 129 }), "the newest are gone");
}

#[tokio::test]
async fn whoever_is_done_keeps_nobody_waiting_for_the_end_of_a_lease() {
    let (house, trail) = trail().await;
    let other = RedisTrail::of(Arc::new(crate::history::instance(house.redis.clone(), house.bodies.clone())));
    let account = AccountKey::new("usr_1").unwrap();
    other.shred(&account).await.unwrap();
    trail.shred(&account).await.unwrap();
    assert!(!trail.seal().await.unwrap().more);
    other.shred(&account).await.unwrap();
    assert_eq!(finding(&trail).await, Finding::Intact);
}

#[tokio::test]
async fn nothing_is_shredded_under_the_hands_of_a_sealer() {
    let (house, trail) = trail().await;
    house.call("SET", &["{contract/0}:trail:sealer", "somebody", "PX", "60000"]).await;
    let account = AccountKey::new("usr_1").unwrap();
    assert!(trail.shred(&account).await.is_err());
    assert!(stored(&house, OWN).await.contains("192.0.2."));
    house.call("DEL", &["{contract/0}:trail:sealer"]).await;
    trail.shred(&account).await.unwrap();
    assert_eq!(finding(&trail).await, Finding::Intact);
}
