//! Indexes: order, pages, summaries.

use crate::changes::{change, commit, create, index, put};
use crate::{Failure, Fixture};
use records::{Cursor, IndexStep, Page, Records, RecordsError, Version};

table![
    pages_go_from_the_newest_without_gap_or_repetition,
    what_is_added_or_taken_between_pages_shifts_nothing,
    a_second_put_replaces_the_summary,
    what_is_removed_is_gone_and_not_counted,
    an_index_that_never_was_is_empty,
    several_indexes_are_counted_in_the_order_asked,
    entries_are_found_by_their_places_in_the_order_asked,
    places_that_no_entry_can_have_are_invalid,
    pages_and_cursors_that_make_no_sense_are_invalid,
];

async fn add(fixture: &dyn Fixture, name: &str, sort: &str) -> Result<Version, Failure> {
    Ok(commit(&*fixture.records(), create(fixture, name)?.with_index(put(sort, name)?)).await?.version)
}

async fn remove(fixture: &dyn Fixture, name: &str, sort: &str, version: Version) -> Result<(), Failure> {
    let step = IndexStep::Remove { index: index("things")?, sort: sort.to_owned() };
    commit(&*fixture.records(), change(fixture, name, Some(version), "{}")?.with_index(step)).await.map(drop)
}

/// The names of a page.
fn names(page: &Page) -> Vec<&str> {
    page.entries.iter().map(|entry| entry.key.as_str()).collect()
}

/// All names, in pages of `limit`.
async fn walk(records: &dyn Records, limit: u32) -> Result<Vec<String>, Failure> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = records.list(&index("things")?, after.as_ref(), limit).await?;
        ensure!(page.entries.len() <= limit as usize, "a page of {limit} has {} entries", page.entries.len());
        all.extend(names(&page).into_iter().map(str::to_owned));
        ensure!(all.len() <= 100, "the pages do not end: {all:?}");
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(all),
        }
    }
}

async fn pages_go_from_the_newest_without_gap_or_repetition(fixture: &dyn Fixture) -> Result<(), Failure> {
    // Three share a moment, one sort key is the beginning of another, one is empty.
    let entries =
        [("d", "2026-02"), ("a", "2026-01"), ("c", "2026-01"), ("b", "2026-01"), ("e", "2026-01-05"), ("f", "")];
    for (name, sort) in entries {
        add(fixture, name, sort).await?;
    }
    for limit in [1, 2, 3, 5, 6, 100] {
        ensure_eq!(walk(&*fixture.records(), limit).await?, ["d", "e", "c", "b", "a", "f"], "the order");
    }
    ensure_eq!(fixture.records().count(&index("things")?).await?, 6, "the count");
    Ok(())
}

async fn what_is_added_or_taken_between_pages_shifts_nothing(fixture: &dyn Fixture) -> Result<(), Failure> {
    let mut versions = Vec::new();
    for number in 1..=6 {
        versions.push(add(fixture, &format!("t{number}"), &number.to_string()).await?);
    }
    let records = fixture.records();
    let first = records.list(&index("things")?, None, 2).await?;
    ensure_eq!(names(&first), ["t6", "t5"], "the first page");
    // The very entry at which the page ended, the next one, and a newer one.
    for (name, sort, place) in [("t5", "5", 4), ("t4", "4", 3)] {
        let version = versions.get(place).copied().ok_or_else(|| Failure("no version".into()))?;
        remove(fixture, name, sort, version).await?;
    }
    add(fixture, "t9", "9").await?;
    let second = records.list(&index("things")?, first.next.as_ref(), 2).await?;
    ensure_eq!(names(&second), ["t3", "t2"], "the second page");
    let third = records.list(&index("things")?, second.next.as_ref(), 2).await?;
    ensure_eq!((names(&third), third.next.is_none()), (vec!["t1"], true), "the last page");
    Ok(())
}

async fn a_second_put_replaces_the_summary(fixture: &dyn Fixture) -> Result<(), Failure> {
    let version = add(fixture, "a", "1").await?;
    let largest = "x".repeat(256);
    commit(&*fixture.records(), change(fixture, "a", Some(version), "{}")?.with_index(put("1", &largest)?)).await?;
    let page = fixture.another().list(&index("things")?, None, 10).await?;
    ensure_eq!(
        page.entries.iter().map(|entry| entry.summary.as_str()).collect::<Vec<_>>(),
        [largest.as_str()],
        "summaries"
    );
    ensure_eq!(fixture.records().count(&index("things")?).await?, 1, "the count");
    Ok(())
}

async fn what_is_removed_is_gone_and_not_counted(fixture: &dyn Fixture) -> Result<(), Failure> {
    let version = add(fixture, "a", "1").await?;
    add(fixture, "b", "1").await?;
    remove(fixture, "a", "1", version).await?;
    ensure_eq!(walk(&*fixture.records(), 10).await?, ["b"], "the rest");
    ensure_eq!(fixture.records().count(&index("things")?).await?, 1, "the count");
    let version = Version { number: version.number + 1, ..version };
    // A second removal, and one of what never was, are no errors.
    remove(fixture, "a", "1", version).await?;
    ensure_eq!(walk(&*fixture.records(), 10).await?, ["b"], "the rest");
    Ok(())
}

async fn an_index_that_never_was_is_empty(fixture: &dyn Fixture) -> Result<(), Failure> {
    ensure_eq!(fixture.records().list(&index("nothing")?, None, 1).await?, Page::default(), "the page");
    ensure_eq!(fixture.records().count(&index("nothing")?).await?, 0, "the count");
    Ok(())
}

async fn several_indexes_are_counted_in_the_order_asked(fixture: &dyn Fixture) -> Result<(), Failure> {
    add(fixture, "a", "1").await?;
    add(fixture, "b", "2").await?;
    let records = fixture.records();
    let asked = [index("nothing")?, index("things")?, index("nothing")?];
    ensure_eq!(records.counts(&asked).await?, vec![0, 2, 0], "the counts");
    ensure_eq!(records.counts(&[]).await?, Vec::<u64>::new(), "no counts");
    Ok(())
}

async fn entries_are_found_by_their_places_in_the_order_asked(fixture: &dyn Fixture) -> Result<(), Failure> {
    // Two share a place, one place is the beginning of another, one is empty.
    for (name, sort) in [("a", "1"), ("b", "1"), ("c", "10"), ("d", ""), ("e", "2")] {
        add(fixture, name, sort).await?;
    }
    let records = fixture.records();
    let asked = ["2", "1", "", "3", "10", "1"].map(str::to_owned);
    let found = records.entries_at(&index("things")?, &asked).await?;
    let names: Vec<Vec<&str>> =
        found.iter().map(|entries| entries.iter().map(|entry| entry.summary.as_str()).collect()).collect();
    ensure_eq!(names, vec![vec!["e"], vec!["b", "a"], vec!["d"], vec![], vec!["c"], vec!["b", "a"]], "the entries");
    ensure_eq!(records.entries_at(&index("things")?, &[]).await?.len(), 0, "no places");
    ensure_eq!(records.entries_at(&index("nothing")?, &asked).await?, vec![Vec::new(); 6], "an index that never was");
    for number in 10..20 {
        add(fixture, &format!("n{number}"), "many").await?;
    }
    let found = records.entries_at(&index("things")?, &["many".to_owned()]).await?;
    let names: Vec<&str> = found.iter().flatten().map(|entry| entry.key.as_str()).collect();
    ensure_eq!(names, ["n19", "n18", "n17", "n16", "n15", "n14", "n13", "n12"], "the greatest records of a full place");
    Ok(())
}

async fn places_that_no_entry_can_have_are_invalid(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    for asked in [vec!["x".repeat(201)], vec!["a\0b".to_owned()], vec![String::new(); 101]] {
        let found = records.entries_at(&index("things")?, &asked).await;
        ensure!(matches!(found, Err(RecordsError::Invalid(_))), "{} places: {found:?}", asked.len());
    }
    ensure_eq!(records.entries_at(&index("things")?, &vec![String::new(); 100]).await?.len(), 100, "100 places");
    Ok(())
}

async fn pages_and_cursors_that_make_no_sense_are_invalid(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    for limit in [0, 101, u32::MAX] {
        let page = records.list(&index("things")?, None, limit).await;
        ensure!(matches!(page, Err(RecordsError::Invalid(_))), "a page of {limit}: {page:?}");
    }
    for forged in ["", "+", "%00", "AAAA", "-inf", "\u{0}"] {
        let page = records.list(&index("things")?, Some(&Cursor(forged.to_owned())), 1).await;
        ensure!(matches!(page, Err(RecordsError::Invalid(_))), "the cursor `{forged}`: {page:?}");
    }
    Ok(())
}
