//! Emptying an index: each record in it becomes a tombstone, and moves to an index that only counts.
//!
//! The count of what is gone is the size of that index, written by the very commits that erase: however often the work is
//! cut off, repeated or done twice at once, the receipt says what is true.

use core::future::Future;
use futures::future::try_join_all;
use records::{
    Change, Content, Cursor, IndexEntry, IndexName, IndexStep, Meta, Outcome, Record, Records, RecordsError,
};

/// How many records are under way at once.
const AT_ONCE: u32 = 25;
/// How many records one call takes at most: well within the time that a delivery may take.
const AT_MOST: u32 = 1_500;
/// How often somebody else may be faster at one record.
const TRIES: u32 = 6;

/// An index to be emptied, and the one that counts what was in it.
#[derive(Debug, Clone)]
pub struct Drawer {
    /// What is emptied.
    pub full: IndexName,
    /// What counts: its entries have the same names and places, and no summary.
    pub emptied: IndexName,
}

/// Whether something is left for another call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// The drawer is empty, as far as could be seen.
    Nothing,
    /// There was more than one call takes.
    More,
}

/// Erases what is in a drawer. `complete` adds what else goes with a record: its other indexes, its timers, its postings.
///
/// # Errors
/// The store's; [`RecordsError::Unavailable`] where a record changes faster than it can be erased.
pub async fn sweep(
    records: &dyn Records,
    drawer: &Drawer,
    meta: &Meta,
    complete: &(dyn Fn(&IndexEntry, &Record, Change) -> Result<Change, RecordsError> + Send + Sync),
) -> Result<Left, RecordsError> {
    each(records, &drawer.full, |entry| async move {
        for _ in 0..TRIES {
            let Some(record) = records.load(&entry.key).await? else { return Ok(()) };
            let sort = entry.sort.clone();
            let change = Change::new(entry.key.clone(), Some(record.version), Content::Tombstone, meta.clone())
                .with_index(IndexStep::Remove { index: drawer.full.clone(), sort: sort.clone() })
                .with_index(IndexStep::Put { index: drawer.emptied.clone(), sort, summary: String::new() });
            match records.commit(complete(&entry, &record, change)?).await? {
                Outcome::Committed(_) => return Ok(()),
                Outcome::Conflict { .. } => {}
                other => return Err(RecordsError::Unavailable(format!("an erasure ended as {other:?}"))),
            }
        }
        Err(RecordsError::Unavailable(format!("{} changes faster than it can be erased", entry.key)))
    })
    .await
}

/// Does something for each entry of an index, several at once, a bounded number a call.
async fn each<F, D>(records: &dyn Records, index: &IndexName, mut work: F) -> Result<Left, RecordsError>
where
    F: FnMut(IndexEntry) -> D + Send,
    D: Future<Output = Result<(), RecordsError>> + Send,
{
    let (mut after, mut taken): (Option<Cursor>, u32) = (None, 0);
    loop {
        let page = records.list(index, after.as_ref(), AT_ONCE).await?;
        taken = taken.saturating_add(u32::try_from(page.entries.len()).unwrap_or(u32::MAX));
        try_join_all(page.entries.into_iter().map(&mut work)).await?;
        after = page.next;
        if after.is_none() {
            return Ok(Left::Nothing);
        }
        if taken >= AT_MOST {
            return Ok(Left::More);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ambient::{Clock, CountedRandom, FixedClock};
    use futures::executor::block_on;
    use records::RecordKey;
    use records_memory::MemoryRecords;
    use std::sync::Arc;

    fn house(things: u32) -> (MemoryRecords, Drawer, Meta) {
        let clock = Arc::new(FixedClock::at("2026-01-01T00:00:00.000Z"));
        let memory = MemoryRecords::new("things", clock.clone(), Arc::new(CountedRandom::default()));
        let name = |text: &str| IndexName::new(text).unwrap();
        let drawer = Drawer { full: name("things-of:ada"), emptied: name("erased-of:ada") };
        let meta = Meta { at: clock.now(), trace: "0".repeat(32), cause: None, actor: None };
        for number in 0..things {
            put(&memory, &drawer, &meta, number);
        }
        (memory, drawer, meta)
    }

    fn key(number: u32) -> RecordKey {
        RecordKey::new(format!("thing:{number}")).unwrap()
    }

    fn put(memory: &MemoryRecords, drawer: &Drawer, meta: &Meta, number: u32) {
        let change =
            Change::new(key(number), None, Content::Body("{}".into()), meta.clone()).with_index(IndexStep::Put {
                index: drawer.full.clone(),
                sort: format!("{number:06}"),
                summary: "personal".into(),
            });
        block_on(memory.commit(change)).unwrap();
    }

    fn counts(memory: &MemoryRecords, drawer: &Drawer) -> (u64, u64) {
        let counts = block_on(memory.counts(&[drawer.full.clone(), drawer.emptied.clone()])).unwrap();
        (counts[0], counts[1])
    }

    fn run(memory: &MemoryRecords, drawer: &Drawer, meta: &Meta) -> Result<Left, RecordsError> {
        block_on(sweep(memory, drawer, meta, &|_, _, change| Ok(change)))
    }

    #[test]
    fn everything_becomes_a_tombstone_and_is_counted_once() {
        let (memory, drawer, meta) = house(60);
        for _ in 0..3 {
            assert_eq!(run(&memory, &drawer, &meta), Ok(Left::Nothing));
            assert_eq!(counts(&memory, &drawer), (0, 60));
        }
        for number in 0..60 {
            let record = block_on(memory.load(&key(number))).unwrap().unwrap();
            assert_eq!((record.content, record.version.number), (None, 2), "the version stays and grows");
        }
    }

    #[test]
    fn cut_off_at_any_commit_and_repeated_it_says_the_same() {
        for cut in 0..7 {
            for after in [false, true] {
                let (memory, drawer, meta) = house(6);
                let others = u32::try_from(memory.commits()).unwrap();
                assert_eq!(others, 6);
                // The faults are taken by the next commits in order: let `cut` of them pass.
                let drawn = Drawer { full: drawer.full.clone(), emptied: drawer.emptied.clone() };
                let counted = std::sync::atomic::AtomicU32::new(0);
                let outcome = block_on(sweep(&memory, &drawn, &meta, &|_, _, change| {
                    if counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == cut {
                        if after { memory.fail_next_commit_after() } else { memory.fail_next_commit_before() }
                    }
                    Ok(change)
                }));
                assert_eq!(outcome.is_err(), cut < 6, "{cut}");
                assert_eq!(run(&memory, &drawer, &meta), Ok(Left::Nothing));
                assert_eq!(counts(&memory, &drawer), (0, 6), "{cut} {after}");
            }
        }
    }

    #[test]
    fn somebody_who_changes_a_record_in_between_does_not_save_it() {
        let (memory, drawer, meta) = house(1);
        let version = block_on(memory.load(&key(0))).unwrap().unwrap().version;
        memory.overtake_next_commit_before(Change::new(
            key(0),
            Some(version),
            Content::Body("{\"late\":1}".into()),
            meta.clone(),
        ));
        assert_eq!(run(&memory, &drawer, &meta), Ok(Left::Nothing));
        assert_eq!(block_on(memory.load(&key(0))).unwrap().unwrap().content, None);
        assert_eq!(counts(&memory, &drawer), (0, 1));
    }

    #[test]
    fn a_large_drawer_takes_several_calls() {
        let (memory, drawer, meta) = house(AT_MOST + 30);
        assert_eq!(run(&memory, &drawer, &meta), Ok(Left::More));
        assert_eq!(run(&memory, &drawer, &meta), Ok(Left::Nothing));
        assert_eq!(counts(&memory, &drawer), (0, u64::from(AT_MOST) + 30));
    }
}
