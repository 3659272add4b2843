//! Postings: sums, floors, ranges, and a journal that explains every balance.

use crate::changes::{account, change, commit, create, leg};
use crate::{Failure, Fixture};
use records::{Balance, MAX_EXACT_MINOR, Outcome, Posting, RecordsError, Refusal, TrialBalance};

table![
    legs_are_posted_and_the_journal_explains_them,
    what_does_not_sum_to_zero_is_refused,
    a_floor_counts_what_is_held,
    floors_look_at_the_end_of_the_change,
    a_balance_never_leaves_the_exact_range,
    large_amounts_keep_every_digit,
    an_account_keeps_its_currency,
    a_hot_account_never_conflicts,
    accounts_without_postings_are_zero,
];

fn floored(posting: Posting, floor_minor: i64) -> Posting {
    Posting { floor_minor: Some(floor_minor), ..posting }
}

async fn balance(fixture: &dyn Fixture, name: &str) -> Result<Balance, Failure> {
    let balances = fixture.another().balances(&[account(name)?]).await?;
    balances.first().copied().ok_or_else(|| Failure("there is no balance".into()))
}

async fn legs_are_posted_and_the_journal_explains_them(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    commit(&*records, create(fixture, "quiet")?).await?;
    let legs =
        [leg("acquirer", 1099, 0)?, leg("merchant", -1010, -50)?, leg("fees", -99, 0)?, leg("merchant", 10, 20)?];
    commit(&*records, create(fixture, "entry")?.with_postings(legs)).await?;
    let rows = fixture.ledger().await?;
    let shown: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row.commit,
                row.leg,
                row.account.as_str(),
                row.posted_minor,
                row.held_minor,
                row.after.posted_minor,
                row.after.held_minor,
            )
        })
        .collect();
    let wanted = [
        (2, 0, "acquirer", 1099, 0, 1099, 0),
        (2, 1, "merchant", -1010, -50, -1010, -50),
        (2, 2, "fees", -99, 0, -99, 0),
        (2, 3, "merchant", 10, 20, -1000, -30),
    ];
    ensure_eq!(shown, wanted, "the journal");
    ensure!(
        rows.windows(2).all(|pair| pair.first().map(|row| row.body) == pair.last().map(|row| row.body)),
        "bodies differ"
    );
    ensure_eq!(balance(fixture, "merchant").await?, Balance { posted_minor: -1000, held_minor: -30 }, "the merchant");
    let line = TrialBalance { currency: "EUR".into(), sum_minor: 0, legs: 4 };
    ensure_eq!(records.trial_balance().await?, [line], "the trial balance");
    let asked = [account("fees")?, account("nobody")?, account("acquirer")?];
    let posted: Vec<_> = records.balances(&asked).await?.iter().map(|balance| balance.posted_minor).collect();
    ensure_eq!(posted, [-99, 0, 1099], "balances in the order asked");
    Ok(())
}

async fn what_does_not_sum_to_zero_is_refused(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    let yen = Posting { currency: "JPY".into(), ..leg("c", 5, 0)? };
    for (legs, currency, sum_minor) in [
        (vec![leg("a", 10, 0)?, leg("b", -9, 0)?], "EUR", 1),
        (vec![leg("a", 10, 0)?, leg("b", -10, 0)?, yen], "JPY", 5),
        (vec![leg("a", MAX_EXACT_MINOR, 0)?, leg("b", MAX_EXACT_MINOR, 0)?], "EUR", 2 * MAX_EXACT_MINOR),
    ] {
        let outcome = records.commit(create(fixture, "entry")?.with_postings(legs)).await?;
        let refusal = Refusal::Unbalanced { currency: currency.into(), sum_minor };
        ensure_eq!(outcome, Outcome::Refused(refusal), "the entry");
    }
    ensure_eq!((fixture.ledger().await?.len(), records.trial_balance().await?.len()), (0, 0), "the books");
    // Holds alone need no other side.
    commit(&*records, create(fixture, "hold")?.with_postings([leg("a", 0, 7)?])).await?;
    Ok(())
}

async fn a_floor_counts_what_is_held(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    commit(&*records, create(fixture, "in")?.with_postings([leg("a", 100, 30)?, leg("b", -100, 0)?])).await?;
    let spend = |name: &str, minor: i64| -> Result<_, Failure> {
        Ok(create(fixture, name)?.with_postings([floored(leg("a", -minor, 0)?, 0), leg("b", minor, 0)?]))
    };
    let refusal = Refusal::Floor { account: "a".into(), available_minor: -1, floor_minor: 0 };
    ensure_eq!(records.commit(spend("out:1", 71)?).await?, Outcome::Refused(refusal), "one too many");
    ensure_eq!(balance(fixture, "b").await?.posted_minor, -100, "the other side");
    commit(&*records, spend("out:2", 70)?).await?;
    let hold = create(fixture, "hold")?.with_postings([floored(leg("a", 0, 1)?, 0)]);
    ensure!(
        matches!(records.commit(hold).await?, Outcome::Refused(Refusal::Floor { .. })),
        "a hold went below the floor"
    );
    ensure_eq!(balance(fixture, "a").await?.available_minor(), 0, "available");
    Ok(())
}

async fn floors_look_at_the_end_of_the_change(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    let through = [floored(leg("a", -50, 0)?, 0), leg("a", 50, 0)?];
    commit(&*records, create(fixture, "through")?.with_postings(through)).await?;
    let spent = [floored(leg("a", 50, 0)?, 0), leg("a", -51, 0)?, leg("b", 1, 0)?];
    let outcome = records.commit(create(fixture, "spent")?.with_postings(spent)).await?;
    ensure!(
        matches!(outcome, Outcome::Refused(Refusal::Floor { available_minor: -1, .. })),
        "the end counts: {outcome:?}"
    );
    let debt = [floored(leg("a", -10, 0)?, -10), leg("b", 10, 0)?];
    commit(&*records, create(fixture, "debt")?.with_postings(debt)).await?;
    Ok(())
}

async fn a_balance_never_leaves_the_exact_range(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    commit(
        &*records,
        create(fixture, "full")?.with_postings([leg("a", MAX_EXACT_MINOR, 0)?, leg("b", -MAX_EXACT_MINOR, 0)?]),
    )
    .await?;
    for (name, legs) in [
        ("one", vec![leg("a", 1, 0)?, leg("c", -1, 0)?]),
        ("two", vec![leg("c", 1, 0)?, leg("b", -1, 0)?]),
        ("twice", vec![leg("a", MAX_EXACT_MINOR, 0)?, leg("c", -MAX_EXACT_MINOR, 0)?]),
        ("wild", vec![leg("c", i64::MAX, 0)?, leg("c", -i64::MAX, 0)?]),
        ("held", vec![leg("c", 0, i64::MIN)?]),
    ] {
        let outcome = records.commit(create(fixture, name)?.with_postings(legs)).await?;
        ensure!(matches!(outcome, Outcome::Refused(Refusal::OutOfRange { .. })), "{name}: {outcome:?}");
    }
    ensure_eq!(fixture.ledger().await?.len(), 2, "rows");
    Ok(())
}

async fn large_amounts_keep_every_digit(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    let mut expected = 0;
    for (number, minor) in
        [9_007_199_254_740_881, -9_007_199_254_740_777, 1_234_567_890_123_457, 1, 100_000_000_000_000]
            .into_iter()
            .enumerate()
    {
        expected += minor;
        commit(
            &*records,
            create(fixture, &format!("entry:{number}"))?
                .with_postings([leg("a", minor, minor / 3)?, leg("b", -minor, 0)?]),
        )
        .await?;
        ensure_eq!(balance(fixture, "a").await?.posted_minor, expected, "posted");
        ensure_eq!(balance(fixture, "b").await?.posted_minor, -expected, "the other side");
        ensure_eq!(
            fixture.ledger().await?.iter().rev().nth(1).map(|row| row.after.posted_minor),
            Some(expected),
            "the row"
        );
    }
    Ok(())
}

async fn an_account_keeps_its_currency(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    commit(&*records, create(fixture, "in")?.with_postings([leg("a", 5, 0)?, leg("b", -5, 0)?])).await?;
    let yen =
        |name: &str, minor| -> Result<_, Failure> { Ok(Posting { currency: "JPY".into(), ..leg(name, minor, 0)? }) };
    let outcome = records.commit(create(fixture, "mixed")?.with_postings([yen("a", 5)?, yen("c", -5)?])).await;
    ensure!(matches!(outcome, Err(RecordsError::Invalid(_))), "two currencies in one account: {outcome:?}");
    let lower = Posting { currency: "eur".into(), ..leg("d", 0, 1)? };
    let outcome = records.commit(create(fixture, "lower")?.with_postings([lower])).await;
    ensure!(matches!(outcome, Err(RecordsError::Invalid(_))), "a currency in small letters: {outcome:?}");
    ensure_eq!(fixture.ledger().await?.len(), 2, "rows");
    Ok(())
}

async fn a_hot_account_never_conflicts(fixture: &dyn Fixture) -> Result<(), Failure> {
    let instances = [fixture.records(), fixture.another()];
    commit(&*fixture.records(), create(fixture, "first")?).await?;
    let mut entries = Vec::new();
    for (number, instance) in instances.iter().cycle().take(20).enumerate() {
        let entry = change(fixture, &format!("entry:{number}"), None, "{}")?;
        let entry = entry.with_postings([leg("merchant", -1, 0)?, leg("acquirer", 1, 0)?]);
        entries.push(async move { commit(&**instance, entry).await });
    }
    for committed in futures::future::join_all(entries).await {
        committed?;
    }
    ensure_eq!(balance(fixture, "merchant").await?.posted_minor, -20, "the merchant");
    ensure_eq!(fixture.ledger().await?.len(), 40, "rows");
    Ok(())
}

async fn accounts_without_postings_are_zero(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    ensure_eq!(records.balances(&[]).await?, [], "no accounts");
    ensure_eq!(records.balances(&[account("a")?]).await?, [Balance::default()], "an account");
    ensure_eq!(records.trial_balance().await?, [], "the trial balance");
    Ok(())
}
