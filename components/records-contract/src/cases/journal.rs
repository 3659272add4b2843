//! The journal: rows by account, at a moment, sealed or not, and their check.

use crate::changes::{account, change, commit, create, leg};
use crate::{Failure, Fault, Fixture};
use ambient::Timestamp;
use core::time::Duration;
use records::{AccountKey, Checkpoint, Finding, Journal, LedgerRow, RecordsError, Version};

table![
    a_row_says_whose_change_it_was_and_when,
    an_account_tells_its_rows_from_the_newest_to_the_oldest,
    the_balance_at_a_moment_is_that_of_the_row_before,
    accounts_are_known_once_they_were_posted_to,
    sealing_changes_nothing_that_is_read,
    sealing_goes_on_while_others_post,
    two_sealers_at_once_seal_each_row_once,
    a_lost_answer_posts_once,
    a_store_that_fell_back_seals_nothing,
    what_no_page_can_hold_is_invalid,
];

/// Posts an entry of this many legs in each of two accounts.
async fn post(fixture: &dyn Fixture, name: &str, pairs: usize) -> Result<(), Failure> {
    let mut legs = Vec::new();
    for _ in 0..pairs {
        legs.extend([leg("acquirer:EUR", -5, 1)?, leg("merchant:EUR", 5, 0)?]);
    }
    commit(&*fixture.records(), create(fixture, name)?.with_postings(legs)).await.map(drop)
}

async fn all(journal: &dyn Journal, account: &AccountKey) -> Result<Vec<LedgerRow>, Failure> {
    let mut rows = journal.account_rows(account, None, 100).await?;
    while let Some(from) = rows.last().map(|row| row.number - 1).filter(|from| *from > 0) {
        rows.extend(journal.account_rows(account, Some(from), 100).await?);
    }
    Ok(rows)
}

/// Seals what can be sealed; tells how many rows went into pages of the chain and of accounts.
async fn seal(journal: &dyn Journal) -> Result<(u32, u32), Failure> {
    let (mut rows, mut account_rows) = (0, 0);
    loop {
        let sealed = journal.seal().await?;
        (rows, account_rows) = (rows + sealed.rows, account_rows + sealed.account_rows);
        if !sealed.more {
            return Ok((rows, account_rows));
        }
    }
}

async fn a_row_says_whose_change_it_was_and_when(fixture: &dyn Fixture) -> Result<(), Failure> {
    let first = commit(&*fixture.records(), create(fixture, "entry")?).await?.version;
    fixture.pass(Duration::from_millis(3)).await;
    let before = fixture.now();
    let legs = [leg("b", 7, 0)?, leg("a", -7, 2)?];
    commit(&*fixture.records(), change(fixture, "entry", Some(first), "{}")?.with_postings(legs)).await?;
    let rows = fixture.ledger().await?;
    let shown: Vec<_> = rows.iter().map(|row| (row.seq, row.leg, row.account.as_str(), row.number)).collect();
    ensure_eq!(shown, [(1, 0, "b", 1), (2, 1, "a", 1)], "the rows");
    for row in &rows {
        ensure_eq!((row.record.as_str(), row.version), ("entry", Version { number: 2, ..first }), "whose it was");
        ensure!((before..=fixture.now()).contains(&row.at), "posted at {}, not since {before}", row.at);
        ensure_eq!(row.entry(), 1, "the entry");
        ensure_eq!(LedgerRow::from_line(&row.to_string()).as_ref(), Some(row), "the line");
    }
    ensure_eq!(fixture.journal().rows(1, 100).await?, rows.get(1..).unwrap_or_default(), "rows after the first");
    Ok(())
}

async fn an_account_tells_its_rows_from_the_newest_to_the_oldest(fixture: &dyn Fixture) -> Result<(), Failure> {
    for number in 0..5 {
        post(fixture, &format!("entry:{number}"), 1).await?;
    }
    let (journal, merchant) = (fixture.journal(), account("merchant:EUR")?);
    let shown = |rows: Vec<LedgerRow>| {
        rows.iter().map(|row| (row.number, row.after.posted_minor, row.after.held_minor)).collect::<Vec<_>>()
    };
    ensure_eq!(shown(journal.account_rows(&merchant, None, 2).await?), [(5, 25, 0), (4, 20, 0)], "the newest");
    ensure_eq!(shown(journal.account_rows(&merchant, Some(3), 2).await?), [(3, 15, 0), (2, 10, 0)], "the next");
    ensure_eq!(shown(journal.account_rows(&merchant, Some(1), 2).await?), [(1, 5, 0)], "the last");
    ensure_eq!(shown(journal.account_rows(&merchant, Some(99), 1).await?), [(5, 25, 0)], "from beyond the newest");
    ensure_eq!(journal.account_rows(&merchant, Some(0), 2).await?, [], "from nothing");
    ensure_eq!(journal.account_rows(&account("nobody:EUR")?, None, 2).await?, [], "of nobody");
    Ok(())
}

async fn the_balance_at_a_moment_is_that_of_the_row_before(fixture: &dyn Fixture) -> Result<(), Failure> {
    let (journal, merchant) = (fixture.journal(), account("merchant:EUR")?);
    let mut moments = vec![Timestamp::from_unix_ms(fixture.now().unix_ms() - 1)];
    for number in 0..4 {
        post(fixture, &format!("entry:{number}"), 1).await?;
        fixture.pass(Duration::from_millis(4)).await;
        moments.push(fixture.now());
        fixture.pass(Duration::from_millis(4)).await;
    }
    for (entries, moment) in (0..).zip(moments) {
        let posted = journal.account_row_at(&merchant, moment).await?.map(|row| row.after.posted_minor);
        ensure_eq!(posted, (entries > 0).then_some(5 * entries), "the balance at a moment");
    }
    for row in all(&*journal, &merchant).await? {
        let just_before = Timestamp::from_unix_ms(row.at.unix_ms() - 1);
        for (moment, number) in [(row.at, row.number), (just_before, row.number - 1)] {
            let found = journal.account_row_at(&merchant, moment).await?.map_or(0, |row| row.number);
            ensure_eq!(found, number, "the row at its own moment and just before");
        }
    }
    let far = Timestamp::from_unix_ms(fixture.now().unix_ms() + 1_000_000);
    ensure_eq!(journal.account_row_at(&merchant, far).await?.map(|row| row.number), Some(4), "in the future");
    ensure_eq!(journal.account_row_at(&account("nobody:EUR")?, far).await?, None, "of nobody");
    Ok(())
}

async fn accounts_are_known_once_they_were_posted_to(fixture: &dyn Fixture) -> Result<(), Failure> {
    let journal = fixture.journal();
    ensure_eq!(journal.accounts(None, 10).await?, [], "before anything was posted");
    let unbalanced = create(fixture, "wrong")?.with_postings([leg("x", 1, 0)?]);
    fixture.records().commit(unbalanced).await?;
    for (name, accounts) in [("one", ["c", "a"]), ("two", ["b", "a"])] {
        let [from, to] = accounts;
        commit(&*fixture.records(), create(fixture, name)?.with_postings([leg(from, 1, 0)?, leg(to, -1, 0)?])).await?;
    }
    ensure_eq!(journal.accounts(None, 10).await?, [account("a")?, account("b")?, account("c")?], "all");
    ensure_eq!(journal.accounts(Some(&account("a")?), 1).await?, [account("b")?], "the one after the first");
    Ok(())
}

async fn sealing_changes_nothing_that_is_read(fixture: &dyn Fixture) -> Result<(), Failure> {
    let journal = fixture.journal();
    let accounts = [account("acquirer:EUR")?, account("merchant:EUR")?];
    // Pages of whole entries: some end in the middle of the 128 rows that a page has at least.
    for number in 0..12 {
        post(fixture, &format!("entry:{number}"), if number % 3 == 0 { 32 } else { 25 }).await?;
        fixture.pass(Duration::from_millis(2)).await;
    }
    let mut before = (fixture.ledger().await?, Vec::new());
    ensure_eq!(before.0.len(), 4 * 64 + 8 * 50, "rows");
    for name in &accounts {
        before.1.push(all(&*journal, name).await?);
    }
    let (sealed, paged) = seal(&*journal).await?;
    // The double has no pages.
    if fixture.bodies().await?.is_some() {
        ensure!((528..=656).contains(&sealed), "{sealed} rows were sealed");
        ensure_eq!(paged, 2 * 256, "rows in pages of the accounts");
    }
    for reader in [fixture.journal(), journal] {
        ensure_eq!(fixture.ledger().await?, before.0, "the journal");
        for (name, rows) in accounts.iter().zip(&before.1) {
            ensure_eq!(&all(&*reader, name).await?, rows, "the rows of an account");
            for row in rows.iter().step_by(41) {
                for at in [row.at, Timestamp::from_unix_ms(row.at.unix_ms() - 1)] {
                    let last = rows.iter().find(|other| other.at <= at);
                    ensure_eq!(reader.account_row_at(name, at).await?.as_ref(), last, "the row at a moment");
                }
            }
        }
        for after in [0, 127, 128, 129, 300, 655, 656, 10_000] {
            let wanted: Vec<_> = before.0.iter().filter(|row| row.seq > after).take(40).cloned().collect();
            ensure_eq!(reader.rows(after, 40).await?, wanted, "rows from the middle");
        }
        let verified = reader.verify(None, 100).await?;
        ensure_eq!((verified.finding, verified.rows), (Finding::Intact, 656), "the check");
    }
    Ok(())
}

async fn sealing_goes_on_while_others_post(fixture: &dyn Fixture) -> Result<(), Failure> {
    let journal = fixture.journal();
    for round in 0..4 {
        for number in 0..3 {
            post(fixture, &format!("entry:{round}:{number}"), 32).await?;
        }
        seal(&*journal).await?;
        let (mut from, mut steps) = (None::<Checkpoint>, 0);
        // One page at a time, as a caller with a deadline would.
        let verified = loop {
            let verified = journal.verify(from.as_ref(), 1).await?;
            match verified.finding {
                Finding::Unfinished(checkpoint) if steps < 100 => (from, steps) = (Some(checkpoint), steps + 1),
                _ => break verified,
            }
        };
        ensure_eq!((verified.finding, verified.rows), (Finding::Intact, (round + 1) * 192), "the check");
    }
    Ok(())
}

async fn two_sealers_at_once_seal_each_row_once(fixture: &dyn Fixture) -> Result<(), Failure> {
    for number in 0..12 {
        post(fixture, &format!("entry:{number}"), 32).await?;
    }
    let before = fixture.ledger().await?;
    let sealers = [fixture.journal(), fixture.journal(), fixture.journal()];
    for sealed in futures::future::join_all(sealers.iter().map(|journal| seal(&**journal))).await {
        sealed?;
    }
    ensure_eq!(fixture.ledger().await?, before, "the journal");
    ensure_eq!(fixture.journal().verify(None, 100).await?.finding, Finding::Intact, "the check");
    Ok(())
}

async fn a_lost_answer_posts_once(fixture: &dyn Fixture) -> Result<(), Failure> {
    post(fixture, "first", 1).await?;
    for fault in [Fault::LoseAnswers, Fault::CrashBefore] {
        fixture.inject(Some(fault));
        let name = format!("{fault:?}");
        let entry = create(fixture, &name)?.with_postings([leg("merchant:EUR", 5, 0)?, leg("acquirer:EUR", -5, 0)?]);
        let lost = fixture.records().commit(entry.clone()).await;
        ensure!(matches!(lost, Err(RecordsError::Unavailable(_))), "{name}: {lost:?}");
        fixture.inject(None);
        // The caller's own repetition: carried out now, or found done.
        fixture.records().commit(entry).await?;
    }
    let rows = all(&*fixture.journal(), &account("merchant:EUR")?).await?;
    ensure_eq!(rows.iter().map(|row| row.number).collect::<Vec<_>>(), [3, 2, 1], "rows of the merchant");
    ensure_eq!(fixture.journal().verify(None, 1).await?.finding, Finding::Intact, "the check");
    Ok(())
}

async fn a_store_that_fell_back_seals_nothing(fixture: &dyn Fixture) -> Result<(), Failure> {
    for number in 0..4 {
        post(fixture, &format!("entry:{number}"), 32).await?;
    }
    fixture.save().await?;
    post(fixture, "lost", 32).await?;
    fixture.records().maintain(fixture.now()).await?;
    fixture.fall_back().await?;
    let behind = fixture.another().maintain(fixture.now()).await;
    ensure!(matches!(behind, Err(RecordsError::RolledBack { .. })), "the upkeep: {behind:?}");
    let sealed = fixture.journal().seal().await;
    ensure!(matches!(sealed, Err(RecordsError::RolledBack { .. })), "a seal: {sealed:?}");
    ensure_eq!(fixture.ledger().await?.len(), 256, "what is there can be read");
    Ok(())
}

async fn what_no_page_can_hold_is_invalid(fixture: &dyn Fixture) -> Result<(), Failure> {
    let (journal, merchant) = (fixture.journal(), account("merchant:EUR")?);
    for limit in [0, 101] {
        let invalid = [
            journal.rows(0, limit).await.err(),
            journal.account_rows(&merchant, None, limit).await.err(),
            journal.accounts(None, limit).await.err(),
            journal.verify(None, limit).await.err(),
        ];
        for found in invalid {
            ensure!(matches!(found, Some(RecordsError::Invalid(_))), "a page of {limit}: {found:?}");
        }
    }
    let beyond = Checkpoint { pages: 7, rows: 900, digest: [1; 32] };
    let found = journal.verify(Some(&beyond), 1).await;
    ensure!(matches!(found, Err(RecordsError::Invalid(_))), "a check from beyond the end: {found:?}");
    Ok(())
}
