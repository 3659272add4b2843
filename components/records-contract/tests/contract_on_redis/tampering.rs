//! Pages and rows that somebody altered: each must be found, and nothing may be sealed over it.

use crate::history::House;
use key_value::KeyValue;
use records::{AccountKey, Break, Finding, Journal, LedgerRow, RecordsError};
use redis_client::Reply;

const CHAIN: [&str; 2] = ["contract:journal.0.page.0", "contract:journal.0.page.1"];
const MERCHANT: &str = "contract:journal.0.account.merchant.0";

#[tokio::test]
async fn an_untouched_history_is_intact() {
    let house = House::with_history().await;
    let verified = house.records.verify(None, 100).await.unwrap();
    assert_eq!((verified.finding, verified.pages, verified.rows), (Finding::Intact, 2, 320));
    assert!(house.bodies.get(MERCHANT).await.unwrap().is_some());
    // What is in pages is not in Redis any more.
    for (stream, open) in [("journal", 64), ("j:merchant", 32), ("j:acquirer", 32)] {
        assert_eq!(
            house.call("XLEN", &[&format!("{{contract/0}}:{stream}")]).await,
            [Reply::Integer(open)],
            "{stream}"
        );
    }
}

/// A line of a page, and the same with another amount.
fn other_amount(text: String) -> String {
    text.replacen(" EUR 3 0 ", " EUR 4 0 ", 1)
}

#[tokio::test]
async fn an_altered_page_is_found_whatever_was_altered() {
    type Alter = fn(String) -> String;
    let alterations: [(&str, Alter); 5] = [
        ("an amount", other_amount),
        ("a row removed", |text| {
            let (head, tail) = text.split_once("\"rows\":[").unwrap();
            format!("{head}\"rows\":[{}", tail.split_once("\",").unwrap().1)
        }),
        ("two rows exchanged", |text| {
            let mut page: serde_json::Value = serde_json::from_str(&text).unwrap();
            page["rows"].as_array_mut().unwrap().swap(3, 4);
            page.to_string()
        }),
        ("the digest", |text| text.replacen("\"digest\":\"", "\"digest\":\"0", 1)),
        ("its end", |text| text.split_at(text.len() / 2).0.to_owned()),
    ];
    for (what, alter) in alterations {
        for (page, key) in (0..).zip(CHAIN) {
            let house = House::with_history().await;
            house.alter(key, alter).await;
            assert_eq!(house.finding().await, Finding::Broken(Break::PageAltered { page }), "{what} in page {page}");
        }
    }
}

/// A page that was altered and whose digest was made anew by somebody who knows how.
async fn forge(house: &House, alter: impl FnOnce(&mut Vec<String>)) {
    use sha2::{Digest as _, Sha256};
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let text = house.bodies.get(CHAIN[1]).await.unwrap().unwrap();
    let mut page: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let mut rows: Vec<String> = serde_json::from_value(page["rows"].take()).unwrap();
    alter(&mut rows);
    let previous = page["previous"].as_str().unwrap().to_owned();
    let bytes: Vec<u8> =
        (0..32).map(|place| u8::from_str_radix(&previous[2 * place..2 * place + 2], 16).unwrap()).collect();
    let mut hash = Sha256::new().chain_update(bytes);
    rows.iter().for_each(|row| hash.update(Sha256::digest(row)));
    let digest = hex(&hash.finalize());
    house
        .bodies
        .set(
            CHAIN[1],
            serde_json::json!({
                "v": 1, "page": 1, "previous": previous, "digest": digest, "rows": rows,
            })
            .to_string()
            .into_bytes(),
        )
        .await
        .unwrap();
    // Even the head in Redis.
    house.call("HSET", &["{contract/0}:books", "digest", &digest]).await;
}

#[tokio::test]
async fn a_page_forged_with_its_digest_is_found_by_what_the_accounts_say() {
    let house = House::with_history().await;
    forge(&house, |rows| rows.iter_mut().for_each(|row| *row = row.replace(" EUR 3 0 ", " EUR 4 0 "))).await;
    assert!(matches!(house.finding().await, Finding::Broken(Break::AccountDiffers { number: 65, .. })));
    let house = House::with_history().await;
    forge(&house, |rows| {
        for row in rows.iter_mut() {
            *row = row.replace(" EUR 3 0 ", " EUR 4 0 ").replace(" EUR -3 0 ", " EUR -4 0 ");
        }
    })
    .await;
    assert!(matches!(house.finding().await, Finding::Broken(Break::AccountDiffers { number: 65, .. })));
    // Where only the head was left as it was, the chain alone tells.
    let house = House::with_history().await;
    forge(&house, |rows| rows.truncate(64)).await;
    assert!(matches!(house.finding().await, Finding::Broken(_)));
}

#[tokio::test]
async fn a_missing_page_is_found() {
    let house = House::with_history().await;
    house.bodies.delete(CHAIN[0]).await.unwrap();
    assert_eq!(house.finding().await, Finding::Broken(Break::PageMissing { page: 0 }));
    let house = House::with_history().await;
    house.bodies.delete(MERCHANT).await.unwrap();
    assert!(matches!(house.finding().await, Finding::Broken(Break::AccountDiffers { number: 1, .. })));
    let account = AccountKey::new("merchant").unwrap();
    let read = house.records.account_rows(&account, Some(100), 10).await;
    assert_eq!(read, Err(RecordsError::Corrupt { key: MERCHANT.to_owned() }));
}

#[tokio::test]
async fn an_altered_page_of_an_account_is_found() {
    let house = House::with_history().await;
    house.alter(MERCHANT, other_amount).await;
    let account = AccountKey::new("merchant").unwrap();
    assert_eq!(house.finding().await, Finding::Broken(Break::AccountDiffers { account, number: 1 }));
}

#[tokio::test]
async fn open_rows_that_were_altered_removed_or_moved_are_found_and_not_sealed_over() {
    for what in ["altered", "removed", "exchanged", "spoilt"] {
        let house = House::with_history().await;
        let rows = house.records.rows(256, 2).await.unwrap();
        let [first, second] = rows.as_slice() else { panic!("no open rows") };
        let altered = LedgerRow { posted_minor: first.posted_minor + 1, ..first.clone() }.to_string();
        let (writes, found) = match what {
            "altered" => {
                let (account, number) = (first.account.clone(), first.number);
                (vec![(257, Some(altered))], Break::AccountDiffers { account, number })
            }
            "removed" => (vec![(258, None)], Break::RowOutOfOrder { seq: 258 }),
            "exchanged" => {
                let writes = vec![(257, Some(second.to_string())), (258, Some(first.to_string()))];
                (writes, Break::RowOutOfOrder { seq: 257 })
            }
            _ => (vec![(260, Some("x".to_owned()))], Break::RowUnreadable { seq: 260 }),
        };
        for (id, line) in &writes {
            house.write_open_row("{contract/0}:journal", *id, line.as_deref()).await;
        }
        assert_eq!(house.finding().await, Finding::Broken(found), "{what}");
        for number in 5..8 {
            house.post(number, 64).await;
        }
        let sealed = house.records.seal().await;
        assert!(matches!(sealed, Err(RecordsError::Corrupt { .. })), "{what}: {sealed:?}");
    }
}

#[tokio::test]
async fn a_kept_balance_that_was_altered_is_found() {
    let house = House::with_history().await;
    house.call("HSET", &["{contract/0}:b:merchant", "posted", "481"]).await;
    assert!(matches!(house.finding().await, Finding::Broken(Break::BalanceDiffers { .. })));
}

#[tokio::test]
async fn the_last_open_rows_cannot_vanish_unseen() {
    let house = House::with_history().await;
    house.write_open_row("{contract/0}:journal", 320, None).await;
    assert_eq!(house.finding().await, Finding::Broken(Break::EntryUnbalanced { entry: 257 }));
    house.call("XTRIM", &["{contract/0}:journal", "MAXLEN", "0"]).await;
    assert_eq!(house.finding().await, Finding::Broken(Break::RowOutOfOrder { seq: 257 }));
}
