//! Records, their versions and their contents, and the events that say so.

use crate::changes::{change, commit, create, event, key, meta, put};
use crate::{Failure, Fixture};
use bytes::Bytes;
use events::NewEvent;
use records::{Change, Content, MAX_BODY_BYTES, Outcome, RecordsError, TimerStep, Version};

table![
    a_record_is_created_once,
    a_change_needs_the_version_on_which_it_was_decided,
    a_record_that_is_not_there_cannot_be_changed,
    versions_and_commits_count_without_gaps,
    a_tombstone_keeps_the_version,
    of_twin_changes_exactly_one_is_committed,
    an_instance_reads_what_another_wrote,
    contents_come_back_byte_for_byte,
    hostile_texts_stay_texts,
    what_is_too_large_is_refused_and_leaves_nothing,
    events_tell_version_cause_and_place,
    a_change_that_lost_says_nothing,
    both_stores_answer,
];

async fn a_record_is_created_once(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    ensure_eq!(records.load(&key("thing:1")?).await?, None, "a record that never was");
    let first = create(fixture, "thing:1")?;
    let at = first.meta.at;
    let committed = commit(&*records, first).await?;
    ensure_eq!(committed.version, Version { epoch: 1, number: 1 }, "the first version");
    let found = Some(committed.version);
    ensure_eq!(records.commit(create(fixture, "thing:1")?).await?, Outcome::Conflict { found }, "the second creation");
    let loaded = records.load(&key("thing:1")?).await?.ok_or_else(|| Failure("there is no record".into()))?;
    ensure_eq!(loaded.version, committed.version, "the version");
    ensure_eq!(loaded.content, Some(Bytes::from(r#"{"state":"new"}"#)), "the content");
    ensure_eq!(loaded.at, at, "the moment");
    Ok(())
}

async fn a_change_needs_the_version_on_which_it_was_decided(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    let first = commit(&*records, create(fixture, "thing:1")?).await?.version;
    let second = commit(&*records, change(fixture, "thing:1", Some(first), "2")?).await?.version;
    for stale in [Some(first), None, Some(Version { epoch: 1, number: 3 }), Some(Version { epoch: 2, number: 2 })] {
        let late = change(fixture, "thing:1", stale, "late")?.with_event(event(1)).with_index(put("a", "late")?);
        ensure_eq!(records.commit(late).await?, Outcome::Conflict { found: Some(second) }, "a stale change");
    }
    let content = records.load(&key("thing:1")?).await?.and_then(|record| record.content);
    ensure_eq!(content, Some(Bytes::from("2")), "the content");
    ensure_eq!(records.count(&crate::changes::index("things")?).await?, 0, "the index");
    Ok(())
}

async fn a_record_that_is_not_there_cannot_be_changed(fixture: &dyn Fixture) -> Result<(), Failure> {
    let expected = Some(Version { epoch: 1, number: 3 });
    let outcome = fixture.records().commit(change(fixture, "thing:1", expected, "4")?).await?;
    ensure_eq!(outcome, Outcome::Conflict { found: None }, "the change");
    Ok(())
}

async fn versions_and_commits_count_without_gaps(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    let mut expected = None;
    for number in 1..=12 {
        let committed = commit(&*records, change(fixture, "thing:1", expected, "{}")?).await?;
        ensure_eq!(committed.version, Version { epoch: 1, number }, "the version");
        ensure_eq!(committed.commit, number, "the commit number");
        expected = Some(committed.version);
    }
    ensure_eq!(commit(&*records, create(fixture, "thing:2")?).await?.commit, 13, "the commit of another record");
    Ok(())
}

async fn a_tombstone_keeps_the_version(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    let first = commit(&*records, create(fixture, "thing:1")?).await?.version;
    let erase = Change::new(key("thing:1")?, Some(first), Content::Tombstone, meta(fixture.now()));
    let erased = commit(&*records, erase).await?.version;
    for instance in [fixture.records(), fixture.another()] {
        let loaded = instance.load(&key("thing:1")?).await?.ok_or_else(|| Failure("there is no record".into()))?;
        ensure_eq!((loaded.version, loaded.content), (erased, None), "the tombstone");
    }
    let again = records.commit(create(fixture, "thing:1")?).await?;
    ensure_eq!(again, Outcome::Conflict { found: Some(erased) }, "a creation over the tombstone");
    let third = commit(&*records, change(fixture, "thing:1", Some(erased), "back")?).await?.version;
    ensure_eq!(third, Version { epoch: 1, number: 3 }, "the version after it");
    Ok(())
}

async fn of_twin_changes_exactly_one_is_committed(fixture: &dyn Fixture) -> Result<(), Failure> {
    let first = commit(&*fixture.records(), create(fixture, "thing:1")?.with_event(event(0))).await?.version;
    let instances = [fixture.records(), fixture.another(), fixture.another(), fixture.another()];
    let mut twins = Vec::new();
    for (number, instance) in (1..).zip(instances.iter().cycle().take(16)) {
        let twin = change(fixture, "thing:1", Some(first), &number.to_string())?.with_event(event(number));
        twins.push(async move { (number, instance.commit(twin).await) });
    }
    let mut winners = Vec::new();
    for (number, outcome) in futures::future::join_all(twins).await {
        match outcome? {
            Outcome::Committed(_) => winners.push(number),
            Outcome::Conflict { found } => ensure_eq!(found.map(|found| found.number), Some(2), "what a loser is told"),
            other => return Err(Failure(format!("a twin was told {other:?}"))),
        }
    }
    ensure_eq!(winners.len(), 1, "winners");
    let content = fixture.another().load(&key("thing:1")?).await?.and_then(|record| record.content);
    ensure_eq!(content, winners.first().map(|winner| Bytes::from(winner.to_string())), "the content");
    ensure_eq!(fixture.events().await?.len(), 2, "events");
    Ok(())
}

async fn an_instance_reads_what_another_wrote(fixture: &dyn Fixture) -> Result<(), Failure> {
    let (one, other) = (fixture.records(), fixture.another());
    let mut version = commit(&*one, create(fixture, "thing:1")?).await?.version;
    for (place, instance) in [&other, &one, &other, &other].into_iter().enumerate() {
        let seen = instance.load(&key("thing:1")?).await?.map(|record| record.version);
        ensure_eq!(seen, Some(version), "the version that the other wrote");
        version = commit(&**instance, change(fixture, "thing:1", Some(version), &place.to_string())?).await?.version;
    }
    // Also without having loaded it: the version may have come in with a request.
    commit(&*fixture.another(), change(fixture, "thing:1", Some(version), "unseen")?).await?;
    Ok(())
}

async fn contents_come_back_byte_for_byte(fixture: &dyn Fixture) -> Result<(), Failure> {
    let largest = Bytes::from(vec![b'7'; MAX_BODY_BYTES]);
    let contents = [
        Bytes::new(),
        Bytes::from_static(b"{\"a\" : [1, 2.50, \"\\u00e9\"]}"),
        Bytes::from_static(b" {}\n"),
        Bytes::from_static(b"null"),
        Bytes::from_static(&[0, 0xff, b'"', b'\\', b'\n']),
        largest,
    ];
    for (number, content) in contents.into_iter().enumerate() {
        let name = format!("thing:{number}");
        let new = Change::new(key(&name)?, None, Content::Body(content.clone()), meta(fixture.now()));
        commit(&*fixture.records(), new).await?;
        for instance in [fixture.records(), fixture.another()] {
            let loaded = instance.load(&key(&name)?).await?.and_then(|record| record.content);
            ensure!(loaded.as_ref() == Some(&content), "content {number} came back as {:?}", loaded);
        }
    }
    Ok(())
}

async fn hostile_texts_stay_texts(fixture: &dyn Fixture) -> Result<(), Failure> {
    for bad in ["", "a b", "a{b}", "a}:h:b", "a\nb", "a\0b", "ä", "*", "a@b", "a/b"] {
        ensure!(key(bad).is_err(), "`{bad}` was taken for a name");
    }
    let records = fixture.records();
    let name = format!("thing:{}", "x".repeat(194));
    let summary = "3:a 4:b\r\n\0{}*\"'ü $1 %s ]]";
    let request = "key with } {payments/0}:h: and \n \0 ü";
    let row = crate::changes::once(request, 7, crate::changes::finish(None, "12:body D x\n\0"));
    let new = create(fixture, &name)?.with_index(put("2026 ü}:*", summary)?).with_once(row.clone());
    let event = NewEvent { subject: "a\nb\0\"} ü".into(), ..event(1) };
    commit(&*records, new.with_event(event.clone())).await?;
    let page = records.list(&crate::changes::index("things")?, None, 10).await?;
    let entry = page.entries.first().ok_or_else(|| Failure("the index is empty".into()))?;
    ensure_eq!(
        (entry.summary.as_str(), entry.sort.as_str(), entry.key.as_str()),
        (summary, "2026 ü}:*", name.as_str()),
        "the entry"
    );
    ensure_eq!(fixture.events().await?.first().map(|found| found.subject.clone()), Some(event.subject), "the event");
    match records.once(&row.key).await? {
        Some(records::OnceState::Done { answer, .. }) => ensure_eq!(answer.body, "12:body D x\n\0", "the answer"),
        other => return Err(Failure(format!("the row holds {other:?}"))),
    }
    // Parts that run into each other are another key.
    let other = records::OnceKey { who: "usr_1k".into(), key: request.get(1..).unwrap_or_default().into(), ..row.key };
    ensure_eq!(records.once(&other).await?, None, "another key");
    Ok(())
}

async fn what_is_too_large_is_refused_and_leaves_nothing(fixture: &dyn Fixture) -> Result<(), Failure> {
    let base = || create(fixture, "thing:1");
    let body = "7".repeat(MAX_BODY_BYTES + 1);
    let event = NewEvent { data: "x".repeat(20 * 1024).into(), ..event(1) };
    let due = ambient::Timestamp::from_unix_ms(-1);
    let changes = [
        change(fixture, "thing:1", None, &body)?,
        base()?.with_index(put("a", &"x".repeat(257))?),
        base()?.with_index(put(&"x".repeat(201), "")?),
        base()?.with_index(put("a\0b", "")?),
        base()?.with_event(event),
        base()?.with_timer(TimerStep::Set { name: "two@parts", due: fixture.now() }),
        base()?.with_timer(TimerStep::Set { name: "settle", due }),
        base()?.with_once(crate::changes::once("r", 1, crate::changes::finish(None, &body))),
    ];
    let records = fixture.records();
    for (number, change) in changes.into_iter().enumerate() {
        let outcome = records.commit(change).await;
        ensure!(matches!(outcome, Err(RecordsError::Invalid(_))), "change {number}: {outcome:?}");
    }
    ensure_eq!(records.load(&key("thing:1")?).await?, None, "the record");
    ensure_eq!(fixture.events().await?.len(), 0, "events");
    Ok(())
}

async fn events_tell_version_cause_and_place(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    let personal = NewEvent { personal: Some(serde_json::json!({ "email": "a@example.test" })), ..event(2) };
    let first = create(fixture, "thing:1")?.with_event(event(1)).with_event(personal);
    let at = first.meta.at;
    let version = commit(&*records, first).await?.version;
    let mut second = change(fixture, "thing:1", Some(version), "{}")?.with_event(event(3));
    let cause = fixture.events().await?.first().map(|event| event.id.clone());
    second.meta.cause = cause.clone();
    second.meta.actor = None;
    commit(&*records, second).await?;
    let events = fixture.events().await?;
    let numbers: Vec<_> =
        events.iter().map(|event| event.data.get("number").and_then(serde_json::Value::as_u64)).collect();
    ensure_eq!(numbers, [Some(1), Some(2), Some(3)], "the order");
    let [one, two, three] = events.as_slice() else { return Err(Failure("there are not three events".into())) };
    ensure_eq!(one.source, "/contract", "source");
    ensure_eq!(one.kind, "contract.thing.happened.v1", "type");
    ensure_eq!(one.dataschema, "/asyncapi.json#contract.thing.happened.v1", "schema");
    ensure_eq!(one.time, at, "time");
    ensure_eq!(one.version, version, "version");
    ensure_eq!(three.version, Version { epoch: 1, number: 2 }, "version of the second change");
    ensure_eq!(one.traceid, "0af7651916cd43dd8448eb211c80319c", "trace");
    ensure_eq!((&one.causationid, &three.causationid), (&None, &cause), "cause");
    ensure_eq!((&one.actor, &three.actor), (&Some("usr_1".to_owned()), &None), "actor");
    ensure_eq!((one.personal.is_none(), two.personal.is_some()), (true, true), "personal data");
    let place =
        |id: &events::EventId| id.as_str().rsplit_once('_').map(|(body, place)| (body.to_owned(), place.to_owned()));
    let places = (place(&one.id), place(&two.id));
    ensure!(
        matches!(&places, (Some((a, p)), Some((b, q))) if a == b && p == "0" && q == "1"),
        "identities: {places:?}"
    );
    ensure!(one.id != three.id && two.id != three.id, "an identity was given twice");
    Ok(())
}

async fn a_change_that_lost_says_nothing(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    commit(&*records, create(fixture, "thing:1")?).await?;
    let due = fixture.now();
    let late = create(fixture, "thing:1")?
        .with_event(event(1))
        .with_index(put("a", "{}")?)
        .with_timer(TimerStep::Set { name: "settle", due })
        .with_once(crate::changes::once("r", 1, crate::changes::finish(None, "{}")))
        .with_postings([crate::changes::leg("a", 1, 0)?, crate::changes::leg("b", -1, 0)?]);
    let row = late.once.as_ref().map(|once| once.key.clone());
    ensure!(matches!(records.commit(late).await?, Outcome::Conflict { .. }), "the twin was committed");
    fixture.pass(core::time::Duration::from_millis(5)).await;
    ensure_eq!(fixture.events().await?.len(), 0, "events");
    ensure_eq!(fixture.ledger().await?.len(), 0, "legs");
    ensure_eq!(records.count(&crate::changes::index("things")?).await?, 0, "entries");
    ensure_eq!(records.claim_timers(10, core::time::Duration::from_secs(1)).await?.len(), 0, "timers");
    if let Some(row) = row {
        ensure_eq!(records.once(&row).await?, None, "the row");
    }
    ensure_eq!(commit(&*records, create(fixture, "thing:2")?).await?.commit, 2, "the commit number");
    Ok(())
}

async fn both_stores_answer(fixture: &dyn Fixture) -> Result<(), Failure> {
    fixture.records().ready().await?;
    commit(&*fixture.records(), create(fixture, "thing:1")?).await?;
    Ok(fixture.another().ready().await?)
}
