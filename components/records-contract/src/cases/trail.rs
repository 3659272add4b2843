//! The audit trail: appended with the change, noted without one, read by account, sealed, checked, shredded.

use crate::changes::{account, change, commit, create, event};
use crate::{Failure, Fault, Fixture};
use core::time::Duration;
use records::{AccountKey, ChainRow, Finding, Note, Outcome, RecordsError, Trail, TrailEntry, TrailRow};

table![
    an_entry_is_there_once_its_change_is_and_not_otherwise,
    a_lost_answer_appends_once,
    the_same_is_noted_once_in_a_window,
    a_note_can_be_the_first_thing_that_happens,
    an_account_tells_its_own_rows_with_what_is_personal,
    sealing_the_trail_changes_nothing_that_is_read,
    shredding_takes_what_is_personal_and_the_chain_holds,
    what_came_after_a_shredding_goes_with_the_next,
    the_trail_and_the_journal_do_not_meet,
    a_store_that_fell_back_notes_nothing,
    an_entry_of_more_than_one_line_is_invalid,
];

fn entry(of: &str, number: usize) -> Result<TrailEntry, Failure> {
    let personal = Some(format!(r#"{{"address":"192.0.2.{number}"}}"#));
    Ok(TrailEntry { account: account(of)?, text: format!(r#"{{"act":"log in","n":{number}}}"#), personal })
}

fn note(of: &str, same: &str, window: Duration) -> Result<Note, Failure> {
    Ok(Note { entry: entry(of, 0)?, same: same.to_owned(), window })
}

const HOUR: Duration = Duration::from_secs(3600);

async fn all(trail: &dyn Trail) -> Result<Vec<TrailRow>, Failure> {
    let mut rows = Vec::<TrailRow>::new();
    loop {
        let page = trail.rows(rows.last().map_or(0, |row| row.seq), 100).await?;
        if page.is_empty() {
            ensure_eq!(trail.length().await?, rows.len() as u64, "the length");
            return Ok(rows);
        }
        rows.extend(page);
    }
}

async fn own(trail: &dyn Trail, of: &AccountKey) -> Result<Vec<TrailRow>, Failure> {
    let mut rows = trail.account_rows(of, None, 100).await?;
    while let Some(from) = rows.last().map(|row| row.number - 1).filter(|from| *from > 0) {
        rows.extend(trail.account_rows(of, Some(from), 100).await?);
    }
    Ok(rows)
}

async fn an_entry_is_there_once_its_change_is_and_not_otherwise(fixture: &dyn Fixture) -> Result<(), Failure> {
    let before = fixture.now();
    let told = create(fixture, "thing")?.with_trail(entry("a", 1)?).with_trail(entry("b", 2)?).with_event(event(1));
    let committed = commit(&*fixture.records(), told.clone()).await?;
    let again = fixture.records().commit(told).await?;
    ensure!(matches!(again, Outcome::Conflict { .. }), "twice: {again:?}");
    let behind = change(fixture, "thing", None, "{}")?.with_trail(entry("a", 3)?);
    fixture.records().commit(behind).await?;
    let rows = all(&*fixture.trail()).await?;
    let shown: Vec<_> = rows.iter().map(|row| (row.seq, row.place, row.account.as_str(), row.number)).collect();
    ensure_eq!(shown, [(1, 0, "a", 1), (2, 1, "b", 1)], "the rows");
    for (number, row) in (1..).zip(&rows) {
        ensure_eq!(row.commit, committed.commit, "the commit");
        ensure!((before..=fixture.now()).contains(&row.at), "appended at {}, not since {before}", row.at);
        let wanted = entry(row.account.as_str(), number)?;
        ensure_eq!((&row.text, &row.digest), (&wanted.text, &wanted.digest()), "what it says");
    }
    Ok(())
}

async fn a_lost_answer_appends_once(fixture: &dyn Fixture) -> Result<(), Failure> {
    for fault in [Fault::LoseOneAnswer, Fault::LoseAnswers, Fault::CrashBefore] {
        fixture.inject(Some(fault));
        let told = create(fixture, &format!("{fault:?}"))?.with_trail(entry("a", 1)?);
        // Answered or not: what is true is looked at below.
        let _ = fixture.records().commit(told.clone()).await;
        fixture.inject(None);
        fixture.records().commit(told).await?;
    }
    ensure_eq!(all(&*fixture.trail()).await?.len(), 3, "rows");
    ensure_eq!(fixture.trail().verify(None, 1).await?.finding, Finding::Intact, "the check");
    Ok(())
}

async fn the_same_is_noted_once_in_a_window(fixture: &dyn Fixture) -> Result<(), Failure> {
    let (notes, short) = (fixture.notes(), Duration::from_millis(40));
    let mut noted = Vec::new();
    for (of, same, window) in
        [("a", "log in a", HOUR), ("a", "log in a", HOUR), ("b", "log in b", HOUR), ("a", "refresh a", short)]
    {
        noted.push(notes.note(note(of, same, window)?).await?);
    }
    ensure_eq!(noted, [true, false, true, true], "noted");
    fixture.pass(Duration::from_millis(60)).await;
    ensure!(notes.note(note("a", "refresh a", short)?).await?, "once more after its window");
    ensure!(!notes.note(note("a", "log in a", HOUR)?).await?, "a window of an hour goes on");
    ensure_eq!(all(&*fixture.trail()).await?.len(), 4, "rows");
    ensure_eq!(fixture.trail().verify(None, 1).await?.finding, Finding::Intact, "the check");
    Ok(())
}

async fn a_note_can_be_the_first_thing_that_happens(fixture: &dyn Fixture) -> Result<(), Failure> {
    ensure!(fixture.notes().note(note("a", "x", HOUR)?).await?, "on empty stores");
    let told = create(fixture, "thing")?.with_trail(entry("a", 1)?);
    commit(&*fixture.records(), told).await?;
    ensure_eq!(own(&*fixture.trail(), &account("a")?).await?.len(), 2, "rows");
    ensure_eq!(fixture.trail().verify(None, 1).await?.finding, Finding::Intact, "the check");
    Ok(())
}

async fn an_account_tells_its_own_rows_with_what_is_personal(fixture: &dyn Fixture) -> Result<(), Failure> {
    for number in 0..5 {
        let told = create(fixture, &format!("thing:{number}"))?;
        commit(&*fixture.records(), told.with_trail(entry("a", number)?).with_trail(entry("b", 9)?)).await?;
    }
    let trail = fixture.trail();
    let page = trail.account_rows(&account("a")?, Some(4), 2).await?;
    let shown: Vec<_> = page.iter().map(|row| (row.number, row.personal.clone())).collect();
    let personal = |number| Ok::<_, Failure>(entry("a", number)?.personal);
    ensure_eq!(shown, [(4, personal(3)?), (3, personal(2)?)], "a page");
    let at = page.first().map_or(fixture.now(), |row| row.at);
    ensure!(trail.account_row_at(&account("a")?, at).await?.is_some(), "the last row at a moment");
    ensure_eq!(trail.account_rows(&account("nobody")?, None, 2).await?, [], "of nobody");
    ensure_eq!(trail.accounts(None, 10).await?, [account("a")?, account("b")?], "the accounts");
    Ok(())
}

/// A trail of two accounts, long enough for pages of both.
async fn long(fixture: &dyn Fixture) -> Result<(), Failure> {
    for number in 0..10 {
        let mut told = create(fixture, &format!("thing:{number}"))?;
        for place in 0..32 {
            told = told.with_trail(entry(if place % 2 == 0 { "a" } else { "b" }, place)?);
        }
        commit(&*fixture.records(), told).await?;
    }
    Ok(())
}

async fn seal(trail: &dyn Trail) -> Result<(u32, u32), Failure> {
    let (mut rows, mut account_rows) = (0, 0);
    loop {
        let sealed = trail.seal().await?;
        (rows, account_rows) = (rows + sealed.rows, account_rows + sealed.account_rows);
        if !sealed.more {
            return Ok((rows, account_rows));
        }
    }
}

/// What the chain says of rows, in which nothing personal is.
fn proofs(rows: &[TrailRow]) -> Vec<TrailRow> {
    rows.iter().map(|row| TrailRow { personal: None, ..row.clone() }).collect()
}

async fn sealing_the_trail_changes_nothing_that_is_read(fixture: &dyn Fixture) -> Result<(), Failure> {
    long(fixture).await?;
    let (trail, a) = (fixture.trail(), account("a")?);
    let (rows, of_a) = (all(&*trail).await?, own(&*trail, &a).await?);
    let sealed = seal(&*trail).await?;
    if fixture.bodies().await?.is_some() {
        ensure_eq!(sealed, (256, 256), "rows in pages");
        ensure!(rows.iter().all(|row| row.personal.is_none()), "something personal is in the chain");
    }
    ensure_eq!(proofs(&all(&*trail).await?), proofs(&rows), "the trail");
    ensure_eq!(own(&*trail, &a).await?, of_a, "the account's rows");
    ensure!(of_a.iter().all(|row| row.personal.is_some()), "something personal is missing");
    let verified = trail.verify(None, 100).await?;
    ensure_eq!((verified.finding, verified.rows), (Finding::Intact, 320), "the check");
    Ok(())
}

async fn shredding_takes_what_is_personal_and_the_chain_holds(fixture: &dyn Fixture) -> Result<(), Failure> {
    long(fixture).await?;
    let (trail, a, b) = (fixture.trail(), account("a")?, account("b")?);
    seal(&*trail).await?;
    let (of_a, of_b) = (own(&*trail, &a).await?, own(&*trail, &b).await?);
    for _ in 0..2 {
        trail.shred(&a).await?;
        ensure_eq!(own(&*trail, &a).await?, proofs(&of_a), "the shredded account");
        ensure_eq!(own(&*trail, &b).await?, of_b, "the other account");
        ensure_eq!(trail.verify(None, 100).await?.finding, Finding::Intact, "the check");
    }
    trail.shred(&account("nobody")?).await?;
    // The rows that are open go into pages later on.
    for number in 10..20 {
        let mut told = create(fixture, &format!("thing:{number}"))?;
        for _ in 0..16 {
            told = told.with_trail(TrailEntry { personal: None, ..entry("a", 1)? });
        }
        commit(&*fixture.records(), told).await?;
    }
    seal(&*trail).await?;
    ensure!(own(&*trail, &a).await?.iter().all(|row| row.personal.is_none()), "something came back");
    ensure_eq!(trail.verify(None, 100).await?.finding, Finding::Intact, "the check at the end");
    Ok(())
}

async fn what_came_after_a_shredding_goes_with_the_next(fixture: &dyn Fixture) -> Result<(), Failure> {
    long(fixture).await?;
    let (trail, a) = (fixture.trail(), account("a")?);
    seal(&*trail).await?;
    trail.shred(&a).await?;
    for number in 10..20 {
        let mut told = create(fixture, &format!("thing:{number}"))?;
        for place in 0..16 {
            told = told.with_trail(entry("a", place)?);
        }
        commit(&*fixture.records(), told).await?;
    }
    seal(&*trail).await?;
    let rows = own(&*trail, &a).await?;
    ensure_eq!(rows.iter().filter(|row| row.personal.is_some()).count(), 160, "those that came after");
    trail.shred(&a).await?;
    ensure_eq!(own(&*trail, &a).await?, proofs(&rows), "the shredded account");
    ensure_eq!(trail.verify(None, 100).await?.finding, Finding::Intact, "the check");
    Ok(())
}

async fn the_trail_and_the_journal_do_not_meet(fixture: &dyn Fixture) -> Result<(), Failure> {
    long(fixture).await?;
    let legs = [crate::changes::leg("a", 5, 0)?, crate::changes::leg("b", -5, 0)?];
    let both = create(fixture, "both")?.with_postings(legs).with_trail(entry("a", 1)?);
    commit(&*fixture.records(), both).await?;
    seal(&*fixture.trail()).await?;
    ensure_eq!(fixture.ledger().await?.len(), 2, "rows of the ledger");
    ensure_eq!(fixture.journal().verify(None, 1).await?.finding, Finding::Intact, "the ledger");
    ensure_eq!(all(&*fixture.trail()).await?.len(), 321, "rows of the trail");
    let rows = fixture.journal().rows(0, 1).await?;
    ensure!(rows.first().is_some_and(|row| row.account().as_str() == "a"), "the first leg: {rows:?}");
    Ok(())
}

async fn a_store_that_fell_back_notes_nothing(fixture: &dyn Fixture) -> Result<(), Failure> {
    commit(&*fixture.records(), create(fixture, "kept")?.with_trail(entry("a", 1)?)).await?;
    fixture.save().await?;
    commit(&*fixture.records(), create(fixture, "lost")?.with_trail(entry("a", 2)?)).await?;
    fixture.records().maintain(fixture.now()).await?;
    fixture.fall_back().await?;
    let noted = fixture.notes().note(note("a", "x", HOUR)?).await;
    ensure!(noted.is_err(), "a note upon a loss: {noted:?}");
    let behind = fixture.another().maintain(fixture.now()).await;
    ensure!(matches!(behind, Err(RecordsError::RolledBack { .. })), "the upkeep: {behind:?}");
    let sealed = fixture.trail().seal().await;
    ensure!(matches!(sealed, Err(RecordsError::RolledBack { .. })), "a seal: {sealed:?}");
    Ok(())
}

async fn an_entry_of_more_than_one_line_is_invalid(fixture: &dyn Fixture) -> Result<(), Failure> {
    let wrong = TrailEntry { text: "{}\n".into(), ..entry("a", 1)? };
    let found = fixture.records().commit(create(fixture, "thing")?.with_trail(wrong.clone())).await;
    ensure!(matches!(found, Err(RecordsError::Invalid(_))), "a commit: {found:?}");
    let found = fixture.notes().note(Note { entry: wrong, same: "x".into(), window: HOUR }).await;
    ensure!(matches!(found, Err(RecordsError::Invalid(_))), "a note: {found:?}");
    Ok(())
}
