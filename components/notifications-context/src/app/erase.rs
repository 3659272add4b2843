//! A person was erased: inbox, messages, settings, suppressed addresses and contact go, and what a provider can give back
//! is taken back.
//!
//! The contact goes first: from then on whatever is heard of the person creates nothing. The settings go next: what a
//! token that is still out asks for finds their tombstone. Counts are the sizes of indexes
//! that the erasing commits themselves write, so that they are true however often this is cut off and repeated.

use crate::app::step::{Step, step};
use crate::domain::{Kind, Message};
use crate::keys;
use crate::providers::{Providers, TakenBack};
use crate::wire::{self, StoredMessage};
use core::time::Duration;
use futures::future::join_all;
use ids::UserId;
use privacy::{Erased, ErasurePart, Kept, Left, sweep};
use records::{
    Change, Content, Cursor, IndexEntry, IndexStep, MAX_PAGE, Meta, Record, RecordKey, Records, RecordsError, TimerStep,
};
use std::collections::HashSet;

/// How often somebody else may change the contact in between.
const TRIES: usize = 4;
/// How long a provider may take to delete a letter.
const PROVIDER_TIMEOUT: Duration = Duration::from_secs(2);

/// Why it is not done yet.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// There is more than one delivery takes.
    #[error("there is more to erase")]
    More,
    /// The provider of mail has no answer.
    #[error("letters could not be taken back yet")]
    Provider,
    /// The store.
    #[error(transparent)]
    Records(#[from] RecordsError),
}

/// Takes away all that there is of a person; the part of the receipt.
///
/// # Errors
/// [`EraseError`]; repeating it goes on where it was.
pub async fn erase(
    records: &dyn Records,
    providers: &Providers,
    user_id: UserId,
    look: u8,
    meta: &Meta,
) -> Result<ErasurePart, EraseError> {
    bury(records, &keys::contact(user_id)?, true, None, meta).await?;
    bury(records, &keys::settings(user_id)?, true, None, meta).await?;
    for kind in Kind::ALL {
        bury(records, &keys::digest(user_id, *kind)?, false, Some(keys::DIGEST), meta).await?;
    }
    let (inbox, archive) = (keys::inbox_drawer(user_id)?, keys::archive_drawer(user_id)?);
    let (messages, suppressions) = (keys::message_drawer(user_id)?, keys::suppression_drawer(user_id)?);
    let notification = |entry: &IndexEntry, _: &Record, change: Change| {
        let indexes = [keys::inbox(user_id)?, keys::archived(user_id)?, keys::unread(user_id)?, keys::log_of(user_id)?];
        Ok(without(change, indexes, &entry.sort))
    };
    let message = |entry: &IndexEntry, record: &Record, change: Change| {
        let mut change =
            without(change, [keys::log_of(user_id)?], &entry.sort).with_timer(TimerStep::Clear { name: keys::DELIVER });
        for kind in Kind::ALL {
            change = without(change, [keys::digest_items(user_id, *kind)?], &entry.sort);
        }
        let place = |index| IndexStep::Put { index, sort: entry.sort.clone(), summary: String::new() };
        let message = wire::read::<StoredMessage, Message>(record)?;
        if let Some(message) = message.filter(Message::may_have_gone_out) {
            change = change.with_index(place(keys::went_out(user_id)?));
            let carrier = message.provider.as_deref().and_then(|name| providers.named(message.channel, name));
            // One that is no longer set up deletes nothing either.
            if !carrier.is_some_and(|carrier| carrier.deletes()) {
                change = change.with_index(place(keys::kept_letters(user_id)?));
            }
        }
        Ok(change)
    };
    let suppression =
        |entry: &IndexEntry, _: &Record, change: Change| Ok(without(change, [keys::suppressions()?], &entry.sort));
    let left = [
        sweep(records, &inbox, meta, &notification).await?,
        sweep(records, &archive, meta, &notification).await?,
        sweep(records, &messages, meta, &message).await?,
        sweep(records, &suppressions, meta, &suppression).await?,
    ];
    if left.contains(&Left::More) {
        return Err(EraseError::More);
    }
    let beyond_reach = take_back(records, providers, user_id).await?;
    let indexes = [inbox.emptied, messages.emptied, suppressions.emptied, keys::went_out(user_id)?];
    let counts = records.counts(&indexes).await?;
    let count = |place: usize| counts.get(place).copied().unwrap_or_default();
    let erased = |what: &str, count| Erased { what: what.to_owned(), count };
    let kept = |what: &str, count, why: &str| Kept { what: what.to_owned(), count, why: why.to_owned() };
    let mut stays = vec![
        kept("event_names", None, "events of this service say that something lay in an inbox, never what it said"),
        kept("replaced_records", None, "what the records were before is deleted by the cleaner 24 hours after this"),
    ];
    if beyond_reach > 0 {
        stays.push(kept("delivered_letters", Some(beyond_reach), "the provider does not delete what it was given"));
    }
    Ok(ErasurePart {
        look,
        at: meta.at,
        erased: vec![
            erased("contact", 1),
            erased("inbox_notifications", count(0)),
            erased("messages", count(1)),
            erased("letters_at_the_provider", count(3).saturating_sub(beyond_reach)),
            erased("settings", 1),
            erased("suppressed_addresses", count(2)),
        ],
        kept: stays,
        waiting: Vec::new(),
    })
}

/// The change with the record taken out of these indexes.
fn without<const N: usize>(mut change: Change, indexes: [records::IndexName; N], sort: &str) -> Change {
    for index in indexes {
        change = change.with_index(IndexStep::Remove { index, sort: sort.to_owned() });
    }
    change
}

/// Leaves a tombstone, where that is asked for also where nothing was known yet: what comes late finds it.
async fn bury(
    records: &dyn Records,
    key: &RecordKey,
    also_nothing: bool,
    timer: Option<&'static str>,
    meta: &Meta,
) -> Result<(), RecordsError> {
    for _ in 0..TRIES {
        let expected = match records.load(key).await? {
            Some(record) if record.content.is_none() => return Ok(()),
            Some(record) => Some(record.version),
            None if also_nothing => None,
            None => return Ok(()),
        };
        let mut change = Change::new(key.clone(), expected, Content::Tombstone, meta.clone());
        if let Some(name) = timer {
            change = change.with_timer(TimerStep::Clear { name });
        }
        match step(records.commit(change).await?)? {
            Step::Committed => return Ok(()),
            Step::Conflict => {}
        }
    }
    Err(RecordsError::Unavailable(format!("{key} changes again and again")))
}

/// Asks each provider that deletes to delete each message that there ever was; answers how many are kept somewhere.
async fn take_back(records: &dyn Records, providers: &Providers, user_id: UserId) -> Result<u64, EraseError> {
    let mut kept = HashSet::new();
    let index = keys::kept_letters(user_id)?;
    let mut after: Option<Cursor> = None;
    loop {
        let page = records.list(&index, after.as_ref(), MAX_PAGE).await?;
        kept.extend(page.entries.into_iter().map(|entry| entry.key));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let index = keys::message_drawer(user_id)?.emptied;
    loop {
        let page = records.list(&index, after.as_ref(), MAX_PAGE).await?;
        for provider in providers.deleting() {
            let asked =
                page.entries.iter().filter_map(|entry| Some((entry, keys::message_id(&entry.key)?.to_string())));
            let answers = join_all(asked.map(|(entry, id)| async move {
                (entry.key.clone(), provider.take_back(&id, PROVIDER_TIMEOUT).await)
            }));
            for (key, outcome) in answers.await {
                match outcome {
                    TakenBack::Gone => {}
                    TakenBack::Never => drop(kept.insert(key)),
                    TakenBack::Later => return Err(EraseError::Provider),
                }
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(u64::try_from(kept.len()).unwrap_or(u64::MAX));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::app::{Known, Shelf, known_contact, list, unread_count};
    use crate::fixtures::{House, ada, bob, captured, erasure, key_of_the_welcome, registered};
    use crate::keys;
    use crate::providers::TakenBack;
    use events::{Envelope, Verdict};
    use futures::executor::block_on;
    use ids::UserId;
    use privacy::ErasurePart;
    use records::Records;

    fn inbox(house: &House, user: UserId) -> usize {
        block_on(list(&house.records, user, Shelf::Inbox, None, None, 100)).unwrap().items.len()
    }

    fn counts(part: &ErasurePart) -> Vec<(&str, u64)> {
        part.erased.iter().map(|gone| (gone.what.as_str(), gone.count)).collect()
    }

    /// Everything that the store still says of a person, in bodies and summaries.
    fn traces(house: &House) -> Vec<String> {
        let all = house.records.bodies();
        all.into_iter().filter(|body| body.contains("Ada") || body.contains("ada@") || body.contains("books")).collect()
    }

    fn lived() -> (House, Vec<Envelope>) {
        let house = House::new();
        let mut events = vec![registered(ada())];
        events.extend((0..5).map(|number| captured(ada(), &format!("p{number}"))));
        for event in &events {
            assert_eq!(house.hear(event), Verdict::Done);
            house.clock.advance_ms(5);
        }
        house.deliver();
        assert_eq!((inbox(&house, ada()), house.mailbox.taken.lock().unwrap().len()), (6, 6));
        (house, events)
    }

    #[test]
    fn inbox_messages_letters_and_contact_go_and_the_receipt_says_how_many() {
        let (house, _) = lived();
        house.hear(&registered(bob()));
        house.deliver();
        assert_eq!(house.hear(&erasure(1)), Verdict::Done);
        let parts = house.desk.parts();
        assert_eq!(
            counts(&parts[0].2),
            [
                ("contact", 1),
                ("inbox_notifications", 6),
                ("messages", 6),
                ("letters_at_the_provider", 6),
                ("settings", 1),
                ("suppressed_addresses", 0)
            ]
        );
        assert_eq!(inbox(&house, ada()), 0);
        assert_eq!(block_on(unread_count(&house.records, ada())).unwrap().unread, 0);
        assert_eq!(block_on(known_contact(&house.records, ada())), Ok(Known::Erased));
        assert_eq!(traces(&house).len(), traces_of_bob(&house));
        assert_eq!(inbox(&house, bob()), 1, "nobody else loses anything");
        assert_eq!(house.mailbox.taken.lock().unwrap().len(), 1);
        assert_eq!(block_on(house.records.count(&keys::messages_of(ada()).unwrap())), Ok(0));
    }

    /// Bob is called Ada too in these fixtures: his contact, his welcome and his letter.
    fn traces_of_bob(house: &House) -> usize {
        let own = bob().to_string();
        traces(house).iter().filter(|body| body.contains(&own)).count()
    }

    #[test]
    fn what_comes_late_repeated_or_out_of_order_brings_nothing_back() {
        let (house, events) = lived();
        house.hear(&erasure(1));
        for event in events.iter().rev().chain(&events) {
            assert_eq!(house.hear(event), Verdict::Done);
        }
        assert_eq!(house.hear(&captured(ada(), "unheard")), Verdict::Done);
        assert!(house.deliver().is_empty());
        assert_eq!((inbox(&house, ada()), traces(&house)), (0, vec![]));

        // The erasure before anything else was heard.
        let house = House::new();
        house.hear(&erasure(1));
        for event in events.iter().rev() {
            assert_eq!(house.hear(event), Verdict::Done);
        }
        assert!(house.deliver().is_empty());
        assert_eq!((inbox(&house, ada()), traces(&house)), (0, vec![]));
    }

    #[test]
    fn cut_off_at_any_commit_the_repetition_ends_it_with_the_same_counts() {
        // The contact, the settings, six notifications, six messages.
        for cut in 0..14 {
            for after in [false, true] {
                let (house, _) = lived();
                house.fail_commit(cut, after);
                assert!(matches!(house.hear(&erasure(1)), Verdict::Retry { .. }), "{cut}");
                assert!(house.desk.parts().is_empty(), "nothing is claimed before it is true");
                assert_eq!(house.hear(&erasure(1)), Verdict::Done);
                assert_eq!(house.hear(&erasure(2)), Verdict::Done, "and the second look finds the same");
                for (_, _, part) in house.desk.parts() {
                    assert_eq!(counts(&part)[1..3], [("inbox_notifications", 6), ("messages", 6)], "{cut} {after}");
                }
                assert_eq!(traces(&house), Vec::<String>::new());
            }
        }
    }

    #[test]
    fn the_receipt_is_handed_in_again_until_it_is_taken() {
        let (house, _) = lived();
        house.desk.fail_next(2);
        for _ in 0..2 {
            assert!(matches!(house.hear(&erasure(1)), Verdict::Retry { .. }));
        }
        assert_eq!(house.hear(&erasure(1)), Verdict::Done);
        assert_eq!(counts(&house.desk.parts()[0].2)[1], ("inbox_notifications", 6));
    }

    #[test]
    fn letters_that_a_provider_keeps_are_not_said_to_be_gone() {
        let (house, _) = lived();
        house.mailbox.taking_back.lock().unwrap().replace(TakenBack::Later);
        assert!(matches!(house.hear(&erasure(1)), Verdict::Retry { .. }));
        house.mailbox.taking_back.lock().unwrap().replace(TakenBack::Never);
        assert_eq!(house.hear(&erasure(1)), Verdict::Done);
        let (_, _, part) = house.desk.parts().remove(0);
        assert_eq!(counts(&part)[3], ("letters_at_the_provider", 0));
        assert!(part.kept.iter().any(|kept| kept.what == "delivered_letters" && kept.count == Some(6)));
    }

    #[test]
    fn a_letter_that_was_under_way_is_taken_back_at_the_second_look() {
        let house = House::new();
        house.hear(&registered(ada()));
        house.hear(&erasure(1));
        // The provider has had it in its hands all the while.
        let sent = key_of_the_welcome();
        house.mailbox.taken.lock().unwrap().push(sent);
        house.hear(&erasure(2));
        assert!(house.mailbox.taken.lock().unwrap().is_empty());
    }
}
