//! A person was erased: every view goes, and every number that it stood behind.
//!
//! The profile becomes a tombstone first, also where nothing was known: whatever is heard later finds it and is not taken
//! in. A delivery that had looked before then is caught by the second look.

use crate::app::TRIES;
use crate::app::step::{Step, step};
use crate::domain::PaymentView;
use crate::keys;
use crate::wire::{self, StoredPaymentView};
use ids::UserId;
use privacy::{Erased, ErasurePart, Kept, Left, sweep};
use records::{Change, Content, IndexStep, Meta, Posting, Record, Records, RecordsError};

/// Why it is not done yet.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// There is more than one delivery takes.
    #[error("there is more to erase")]
    More,
    /// The store.
    #[error(transparent)]
    Records(#[from] RecordsError),
}

/// Whether a person was erased. Two round trips.
///
/// # Errors
/// The store's.
pub(super) async fn is_erased(records: &dyn Records, user_id: UserId) -> Result<bool, RecordsError> {
    Ok(records.load(&keys::profile(user_id)?).await?.is_some_and(|record| record.content.is_none()))
}

/// Takes away all that there is of a person; the part of the receipt.
///
/// # Errors
/// [`EraseError`]; repeating it goes on where it was.
pub async fn erase(records: &dyn Records, user_id: UserId, look: u8, meta: &Meta) -> Result<ErasurePart, EraseError> {
    erase_profile(records, user_id, meta).await?;
    let (payments, notifications, currencies) =
        (keys::payment_drawer(user_id)?, keys::notification_drawer(user_id)?, keys::currency_drawer(user_id)?);
    let unread = keys::unread_of(user_id)?;
    let swept = [
        sweep(records, &payments, meta, &|_, record, change| without_payment(record, change)).await?,
        sweep(records, &notifications, meta, &|entry, _, change| {
            Ok(change.with_index(IndexStep::Remove { index: unread.clone(), sort: entry.sort.clone() }))
        })
        .await?,
        sweep(records, &currencies, meta, &|_, _, change| Ok(change)).await?,
    ];
    if swept.contains(&Left::More) {
        return Err(EraseError::More);
    }
    let counts = records.counts(&[payments.emptied, notifications.emptied, currencies.emptied]).await?;
    let count = |place: usize| counts.get(place).copied().unwrap_or_default();
    let erased = |what: &str, count| Erased { what: what.to_owned(), count };
    let kept = |what: &str, why: &str| Kept { what: what.to_owned(), count: None, why: why.to_owned() };
    Ok(ErasurePart {
        look,
        at: meta.at,
        erased: vec![
            erased("profile", 1),
            erased("payment_views", count(0)),
            erased("notification_views", count(1)),
            erased("currency_totals", count(2)),
        ],
        kept: vec![
            kept("totals_journal", "amounts that were added and taken off again, under a random name of no account"),
            kept("replaced_records", "what the records were before is deleted by the cleaner 24 hours after this"),
        ],
        waiting: Vec::new(),
    })
}

/// Leaves a tombstone, also where nothing was known yet.
async fn erase_profile(records: &dyn Records, user_id: UserId, meta: &Meta) -> Result<(), RecordsError> {
    let key = keys::profile(user_id)?;
    for _ in 0..TRIES {
        let expected = match records.load(&key).await? {
            Some(record) if record.content.is_none() => return Ok(()),
            Some(record) => Some(record.version),
            None => None,
        };
        let change = Change::new(key.clone(), expected, Content::Tombstone, meta.clone());
        match step(records.commit(change).await?)? {
            Step::Committed => return Ok(()),
            Step::Conflict => {}
        }
    }
    Err(RecordsError::Unavailable("the profile changes again and again".to_owned()))
}

/// With a payment's view goes its place among those of its status, and what it brought.
fn without_payment(record: &Record, change: Change) -> Result<Change, RecordsError> {
    let Some(view) = wire::read::<StoredPaymentView, PaymentView>(record)? else { return Ok(change) };
    let sort = view.created_at.to_string();
    let change = change.with_index(IndexStep::Remove { index: keys::payments_in(view.user_id, view.status)?, sort });
    let (currency, brought) = (view.captured.currency(), view.captured.minor());
    if brought == 0 {
        return Ok(change);
    }
    let leg = |account, posted_minor| Posting {
        account,
        currency: currency.code().to_owned(),
        posted_minor,
        held_minor: 0,
        floor_minor: None,
    };
    Ok(change.with_postings([
        leg(keys::captured(view.user_id, currency)?, brought.saturating_neg()),
        leg(keys::captured_by_all(currency)?, brought),
    ]))
}

#[cfg(test)]
mod tests {
    use crate::fixtures::{House, ada, bob, erasure, notification_event, payment_event, user_event};
    use crate::keys;
    use events::{Envelope, Verdict};
    use futures::executor::block_on;
    use payments_wire::PaymentStatus;
    use privacy::ErasurePart;
    use proptest::prelude::*;
    use records::Records;
    use users_wire::{USER_REGISTERED, USER_UPDATED};

    fn life() -> Vec<Envelope> {
        vec![
            user_event(USER_REGISTERED, ada(), 1, "en"),
            user_event(USER_UPDATED, ada(), 2, "de"),
            payment_event(ada(), 1, 1, PaymentStatus::Authorized, 0, "EUR"),
            payment_event(ada(), 1, 2, PaymentStatus::Captured, 700, "EUR"),
            payment_event(ada(), 2, 1, PaymentStatus::Captured, 300, "JPY"),
            notification_event(ada(), 1, false),
            notification_event(ada(), 2, false),
            notification_event(ada(), 2, true),
        ]
    }

    fn counts(part: &ErasurePart) -> Vec<(&str, u64)> {
        part.erased.iter().map(|gone| (gone.what.as_str(), gone.count)).collect()
    }

    fn is_empty(house: &House) -> bool {
        let seen = house.overview(ada());
        let id = ada().to_string();
        seen.profile.is_none()
            && seen.payments.total == 0
            && seen.payments.captured.is_empty()
            && seen.payments.recent.is_empty()
            && seen.notifications.total == 0
            && seen.notifications.unread == 0
            && !house.records.bodies().iter().any(|body| body.contains(&id))
    }

    fn totals_agree(house: &House) -> bool {
        let balances = block_on(house.records.trial_balance()).unwrap();
        balances.iter().all(|line| line.sum_minor == 0)
    }

    #[test]
    fn every_view_and_number_goes_and_nobody_else_loses_one() {
        let house = House::new();
        house.hear(&payment_event(bob(), 1, 1, PaymentStatus::Captured, 50, "EUR"));
        for event in life() {
            assert_eq!(house.hear(&event), Verdict::Done);
        }
        assert_eq!(house.hear(&erasure(1)), Verdict::Done);
        let (_, _, part) = house.desk.parts().remove(0);
        let expected = [("profile", 1), ("payment_views", 2), ("notification_views", 2), ("currency_totals", 2)];
        assert_eq!(counts(&part), expected);
        assert!(is_empty(&house) && totals_agree(&house));
        assert_eq!(house.overview(bob()).payments.captured["EUR"], 50);
        let eur = "EUR".parse().unwrap();
        let all = block_on(house.records.balances(&[keys::captured_by_all(eur).unwrap()])).unwrap();
        assert_eq!(all[0].posted_minor, -50);
    }

    #[test]
    fn the_part_is_handed_in_again_until_it_is_taken() {
        let house = House::new();
        house.hear(&life()[0]);
        house.desk.fail_next(1);
        assert!(matches!(house.hear(&erasure(1)), Verdict::Retry { .. }));
        assert_eq!(house.hear(&erasure(1)), Verdict::Done);
        assert_eq!(house.desk.parts().len(), 1);
    }

    proptest! {
        #[test]
        fn any_order_of_any_repetitions_with_any_cut_ends_without_a_trace(
            order in prop::collection::vec(0..10usize, 1..40),
            cuts in prop::collection::vec((0..40usize, any::<bool>()), 0..3),
        ) {
            let house = House::new();
            let mut events = life();
            events.extend([erasure(1), erasure(2)]);
            for (place, pick) in order.iter().enumerate() {
                if let Some((_, after)) = cuts.iter().find(|(at, _)| *at == place) {
                    if *after { house.records.fail_next_commit_after() } else { house.records.fail_next_commit_before() }
                }
                house.hear(&events[*pick]);
            }
            // Faults that nobody met yet are met now; then the erasure is heard, and everything once more after it.
            for _ in 0..6 {
                house.hear(&erasure(1));
            }
            prop_assert_eq!(house.hear(&erasure(2)), Verdict::Done);
            for event in life().iter().rev().chain(&life()) {
                prop_assert_eq!(house.hear(event), Verdict::Done);
            }
            prop_assert!(is_empty(&house));
            prop_assert!(totals_agree(&house));
            let parts = house.desk.parts();
            let most = |part: &ErasurePart| counts(part).iter().map(|(_, count)| *count).sum::<u64>();
            prop_assert!(parts.windows(2).all(|two| most(&two[0].2) <= most(&two[1].2)), "a receipt never says less");
        }

        #[test]
        fn heard_side_by_side_with_everything_the_second_look_leaves_no_trace(order in Just((0..9usize).collect::<Vec<_>>()).prop_shuffle()) {
            let house = House::new();
            let mut events = life();
            events.push(erasure(1));
            let shuffled: Vec<_> = order.iter().map(|place| events[*place].clone()).collect();
            house.hear_together(&shuffled);
            prop_assert_eq!(house.hear(&erasure(2)), Verdict::Done);
            prop_assert!(is_empty(&house) && totals_agree(&house));
        }
    }
}
