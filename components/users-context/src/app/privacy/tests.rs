//! Export and erasure from the request to the receipt, with what may go wrong in between.

use super::store::{erasure_key, export_key};
use super::*;
use crate::app::account::AccountError;
use crate::app::log_in::{LogInError, log_in};
use crate::app::me::me;
use crate::app::refresh::RefreshError;
use crate::app::register::register;
use crate::state::meta;
use crate::testing::{House, log_in_request, logged_in, principal, registration};
use crate::wire::api::TokensAnswer;
use crate::wire::privacy::{ConfirmRequest, ErasureAnswer, ExportAnswer};
use hasher_wire::Plain;
use ids::{ErasureId, ExportId};
use privacy::{
    Erased, ErasurePart, ExportPage, InFlight, MAX_EXPORT_PAGES, PageOf, SECOND_LOOK_AFTER_S, Sealed, Service,
};
use records::{Change, Content, RecordKey, Records};
use serde_json::{Value, json};
use std::sync::Arc;
use users_wire::{
    CODE_ISSUED, CodePersonal, ERASURE_REQUESTED, EXPORT_REQUESTED, ErasureTold, ExportRequested, USER_ERASED,
    USER_REGISTERED,
};

fn proof(password: &str) -> ConfirmRequest {
    ConfirmRequest { password: Plain::new(password), code: None, recovery_code: None }
}

async fn erase(house: &House, tokens: &TokensAnswer) -> Result<ErasureAnswer, PrivacyError> {
    request_erasure(&house.privacy(), &house.scope, &principal(tokens), proof("correct horse")).await
}

async fn export(house: &House, tokens: &TokensAnswer) -> Result<ExportAnswer, PrivacyError> {
    request_export(&house.users, &house.scope, &principal(tokens), proof("correct horse")).await
}

fn work(house: &House) -> PrivacyWork {
    PrivacyWork::new(house.users.records.clone(), house.privacy().trail, Arc::new(house.clock.clone()), "users-worker")
}

async fn pulse(house: &House) {
    let unfinished = work(house).on_pulse("trace", None).await.unwrap().unfinished;
    assert!(unfinished.is_empty(), "{unfinished:?}");
}

fn later(house: &House, seconds: u64) {
    house.clock.advance_ms(i64::try_from(seconds * 1000).unwrap());
}

fn status(receipt: &ErasureAnswer, service: Service) -> &'static str {
    receipt.services.iter().find(|line| line.service == service).unwrap().status
}

fn sessions(receipt: &ErasureAnswer) -> u64 {
    receipt.services[0].erased.iter().find(|gone| gone.what == "sessions").unwrap().count
}

fn part(look: u8, house: &House, waiting: u64) -> ErasurePart {
    let waits = InFlight { what: "payments_in_flight".into(), count: waiting, why: "held".into() };
    ErasurePart {
        look,
        at: house.users.now(),
        erased: vec![Erased { what: "things".into(), count: 3 }],
        kept: vec![],
        waiting: (waiting > 0).then_some(waits).into_iter().collect(),
    }
}

/// Everything that the store still says of Anna.
fn traces(house: &House) -> Vec<String> {
    let words = ["anna@", "Anna", "Laptop", "192.0.2.1", "$argon2id$"];
    house.memory.bodies().into_iter().filter(|body| words.iter().any(|word| body.contains(word))).collect()
}

async fn no_account(house: &House, tokens: &TokensAnswer) {
    assert!(matches!(me(&house.users, &principal(tokens)).await, Err(AccountError::NoAccount)));
    assert!(matches!(house.refresh(tokens).await, Err(RefreshError::Ended)));
    let login = log_in_request("anna@example.org", "correct horse");
    assert!(matches!(log_in(&house.users, &house.scope, &house.client, login).await, Err(LogInError::Credentials)));
}

#[tokio::test]
async fn an_erased_account_is_gone_with_its_sessions_its_key_and_its_traces() {
    let (house, tokens) = logged_in().await;
    house.log_in().await;
    let receipt = erase(&house, &tokens).await.unwrap();
    assert_eq!((receipt.status, status(&receipt, Service::Users), sessions(&receipt)), ("pending", "done", 2));
    no_account(&house, &tokens).await;
    assert_eq!(traces(&house), Vec::<String>::new());
    assert!(matches!(subject_key(&house.users, tokens.user_id).await, Err(PrivacyError::Gone)));

    let told: ErasureTold = house.events_of(ERASURE_REQUESTED)[0].data_as().unwrap();
    assert_eq!((told.user_id, told.erasure_id), (tokens.user_id, receipt.id));
    for event in house.memory.events() {
        assert!(!serde_json::to_string(&event).unwrap().contains("anna@"), "{}", event.kind);
        assert!(house.personal::<serde_json::Value>(&event).is_none(), "nobody opens {}", event.kind);
    }
    assert!(
        house.events_of(USER_REGISTERED).iter().all(|event| Sealed::read(event.personal.as_ref().unwrap()).is_some())
    );
    let shown = serde_json::to_string(&receipt).unwrap();
    assert!(!shown.contains("usr_") && !shown.contains("anna"), "the receipt says nothing of the person: {shown}");
}

#[tokio::test]
async fn the_address_is_free_at_once_and_the_new_account_is_another() {
    let (house, tokens) = logged_in().await;
    erase(&house, &tokens).await.unwrap();
    register(&house.users, &house.scope, registration("anna@example.org")).await.unwrap();
    let again = house.log_in().await;
    assert_ne!(again.user_id, tokens.user_id);
    later(&house, SECOND_LOOK_AFTER_S);
    pulse(&house).await;
    assert!(me(&house.users, &principal(&again)).await.is_ok(), "the second look takes nothing of the new one");
    assert!(house.refresh(&again).await.is_ok());
    assert_eq!(house.claimed("anna@example.org").await, Some(again.user_id));
}

#[tokio::test]
async fn a_claim_that_nobody_gave_up_does_not_keep_the_address() {
    let (house, tokens) = logged_in().await;
    // The receipt and the end of the account are committed, all that follows is not.
    house.fail_commit_after(2);
    let receipt = erase(&house, &tokens).await.unwrap();
    assert_eq!(status(&receipt, Service::Users), "pending", "no more is said than was done");
    assert_eq!(house.claimed("anna@example.org").await, Some(tokens.user_id));
    register(&house.users, &house.scope, registration("anna@example.org")).await.unwrap();
    assert_ne!(house.log_in().await.user_id, tokens.user_id);
}

#[tokio::test]
async fn a_stolen_token_is_not_enough() {
    let (house, tokens) = logged_in().await;
    for wrong in ["wrong horse", ""] {
        let refused = request_erasure(&house.privacy(), &house.scope, &principal(&tokens), proof(wrong)).await;
        assert!(matches!(&refused, Err(PrivacyError::Invalid(why)) if why.field == "password"), "{refused:?}");
        let refused = request_export(&house.users, &house.scope, &principal(&tokens), proof(wrong)).await;
        assert!(matches!(&refused, Err(PrivacyError::Invalid(why)) if why.field == "password"), "{refused:?}");
    }
    let mut caller = principal(&tokens);
    caller.scopes = vec!["payments:read".to_owned()];
    let refused = request_erasure(&house.privacy(), &house.scope, &caller, proof("correct horse")).await;
    assert!(matches!(refused, Err(PrivacyError::Account(AccountError::Scope))));
    assert!(me(&house.users, &principal(&tokens)).await.is_ok());
    assert!(house.events_of(ERASURE_REQUESTED).is_empty() && house.events_of(EXPORT_REQUESTED).is_empty());
}

#[tokio::test]
async fn an_account_with_a_second_factor_asks_for_it() {
    let (house, tokens) = logged_in().await;
    let caller = principal(&tokens);
    crate::app::second_factor::enrol(&house.users, &house.scope, &caller, &Plain::new("correct horse")).await.unwrap();
    let code = |user: crate::domain::User| {
        user.second_factor.unwrap().code_now(&house.users.factor_key, user.id, house.users.now())
    };
    let first = code(house.only_user().await);
    crate::app::second_factor::confirm(&house.users, &house.scope, &caller, &first).await.unwrap();
    house.clock.advance_ms(30_000);
    assert!(matches!(erase(&house, &tokens).await, Err(PrivacyError::SecondFactorNeeded)));
    let wrong = ConfirmRequest { code: Some("000000".to_owned()), ..proof("correct horse") };
    let refused = request_erasure(&house.privacy(), &house.scope, &caller, wrong).await;
    assert!(matches!(refused, Err(PrivacyError::Factor(_))), "{refused:?}");
    let right = ConfirmRequest { code: Some(code(house.only_user().await)), ..proof("correct horse") };
    request_erasure(&house.privacy(), &house.scope, &caller, right).await.unwrap();
    no_account(&house, &tokens).await;
}

#[tokio::test]
async fn asking_again_gives_the_same_receipt_and_tells_nobody_twice() {
    let (house, tokens) = logged_in().await;
    let first = erase(&house, &tokens).await.unwrap();
    let again = erase(&house, &tokens).await.unwrap();
    assert_eq!(first, again);
    assert_eq!(house.events_of(ERASURE_REQUESTED).len(), 1);
    let (one, two) = logged_in().await;
    let (a, b) = futures::future::join(erase(&one, &two), erase(&one, &two)).await;
    assert_eq!(a.unwrap().id, b.unwrap().id, "and two at once are one");
    assert_eq!(one.events_of(ERASURE_REQUESTED).len(), 1);
}

#[tokio::test]
async fn killed_at_any_commit_a_repetition_or_the_worker_completes_it() {
    // Receipt, account, session, claim, this service's part.
    for cut in 0..5 {
        for lost in [false, true] {
            for repeated in [false, true] {
                let (house, tokens) = logged_in().await;
                if lost {
                    house.lose_commit(cut)
                } else {
                    house.fail_commit_after(cut)
                }
                let _ = erase(&house, &tokens).await;
                if repeated {
                    let _ = erase(&house, &tokens).await;
                }
                let confirmed = repeated || cut > 1 || (cut == 1 && lost);
                for _ in 0..4 {
                    later(&house, 31);
                    let _ = work(&house).on_pulse("trace", None).await.unwrap();
                }
                let what = format!("cut {cut}, lost {lost}, repeated {repeated}");
                let id = house.users.privacy_key.erasure_of(tokens.user_id);
                let receipt = show_erasure(&house.users, id).await;
                if !confirmed {
                    assert!(matches!(receipt, Err(PrivacyError::NotFound)), "{what}: a receipt of nothing");
                    assert!(house.refresh(&tokens).await.is_ok(), "{what}: nothing was done");
                    continue;
                }
                let receipt = receipt.unwrap();
                assert_eq!((status(&receipt, Service::Users), sessions(&receipt)), ("done", 1), "{what}");
                assert_eq!(house.events_of(ERASURE_REQUESTED).len(), 1, "{what}");
                assert_eq!(house.claimed("anna@example.org").await, None, "{what}");
                assert_eq!(traces(&house), Vec::<String>::new(), "{what}");
            }
        }
    }
}

#[tokio::test]
async fn a_session_that_began_while_the_account_ended_goes_at_the_second_look() {
    let (house, tokens) = logged_in().await;
    let (_, late) = house.users.load_session(tokens.session_id).await.unwrap().unwrap();
    let receipt = erase(&house, &tokens).await.unwrap();
    let late = crate::domain::Session { id: house.users.new_session_id(), ..late };
    let body = crate::state::content(&crate::wire::body::SessionBody::from(&late)).unwrap();
    let key = crate::state::session_key(late.id).unwrap();
    let meta = crate::state::meta(&house.scope, late.user, house.users.now());
    let change = records::Change::new(key, None, body, meta).with_index(crate::state::listed(&late).unwrap());
    house.memory.commit(change).await.unwrap();
    assert!(!traces(&house).is_empty());
    pulse(&house).await;
    assert!(!traces(&house).is_empty(), "not before the time of the second look");
    later(&house, SECOND_LOOK_AFTER_S);
    pulse(&house).await;
    assert_eq!(traces(&house), Vec::<String>::new());
    let receipt = show_erasure(&house.users, receipt.id).await.unwrap();
    assert_eq!((status(&receipt, Service::Users), sessions(&receipt)), ("final", 2));
}

#[tokio::test]
async fn the_second_look_is_told_once_and_the_receipt_ends_when_all_have_looked_twice() {
    let (house, tokens) = logged_in().await;
    let id = erase(&house, &tokens).await.unwrap().id;
    let others = [Service::Payments, Service::Notifications, Service::Queries, Service::Webhooks];
    let hand_in = async |service, part| take_part(&house.users, &house.scope, id, service, part).await.unwrap();
    for service in others {
        hand_in(service, part(1, &house, u64::from(service == Service::Payments))).await;
    }
    let receipt = show_erasure(&house.users, id).await.unwrap();
    assert_eq!((receipt.status, status(&receipt, Service::Payments)), ("waiting", "waiting"));
    hand_in(Service::Payments, part(1, &house, 0)).await;
    assert_eq!(show_erasure(&house.users, id).await.unwrap().status, "done");
    later(&house, SECOND_LOOK_AFTER_S);
    for _ in 0..3 {
        pulse(&house).await;
    }
    assert_eq!(house.events_of(USER_ERASED).len(), 1);
    assert!(house.memory.timers().is_empty());
    for service in others {
        hand_in(service, part(2, &house, 0)).await;
        hand_in(service, part(1, &house, 9)).await;
    }
    let receipt = show_erasure(&house.users, id).await.unwrap();
    assert_eq!((receipt.status, receipt.services[1].erased[0].count), ("final", 3));
}

#[tokio::test]
async fn parts_and_receipts_of_nothing_are_refused() {
    let (house, _) = logged_in().await;
    let nobody = ErasureId::derived(0, &[b"nobody"]);
    let refused = take_part(&house.users, &house.scope, nobody, Service::Queries, part(1, &house, 0)).await;
    assert!(matches!(refused, Err(PrivacyError::Gone)));
    assert!(matches!(show_erasure(&house.users, nobody).await, Err(PrivacyError::NotFound)));
}

#[tokio::test]
async fn whoever_is_there_has_a_key_that_opens_what_was_told_of_them() {
    let (house, tokens) = logged_in().await;
    let key = privacy::SubjectKey::parse(&subject_key(&house.users, tokens.user_id).await.unwrap().key).unwrap();
    let event = &house.events_of(USER_REGISTERED)[0];
    let sealed = Sealed::read(event.personal.as_ref().unwrap()).unwrap();
    assert_eq!(key.open(&sealed, &event.kind).unwrap()["email"], "anna@example.org");
    let nobody = house.users.nobody();
    assert!(matches!(subject_key(&house.users, nobody).await, Err(PrivacyError::Gone)));
}

#[tokio::test]
async fn an_account_of_before_the_seal_has_a_key_from_its_next_change_on() {
    let (house, tokens) = logged_in().await;
    house.change_user(|user| user.subject_key = None).await;
    assert!(matches!(subject_key(&house.users, tokens.user_id).await, Err(PrivacyError::Gone)));
    crate::app::verify_email::send_verification(&house.users, &house.scope, &principal(&tokens)).await.ok();
    house.clock.advance_ms(120_000);
    crate::app::verify_email::send_verification(&house.users, &house.scope, &principal(&tokens)).await.unwrap();
    assert!(subject_key(&house.users, tokens.user_id).await.is_ok());
    let told = house.events_of(CODE_ISSUED).pop().unwrap();
    let code: CodePersonal = house.personal(&told).unwrap();
    assert_eq!(code.email, "anna@example.org", "and what is told is sealed with it");
}

fn page(number: u32, last: bool, text: &str) -> ExportPage {
    let items = vec![("things".to_owned(), json!({ "text": text }))];
    ExportPage { page: PageOf { number, last }, truncated: false, items }
}

async fn hand_in(house: &House, tokens: &TokensAnswer, id: ExportId, service: Service, page: ExportPage) -> bool {
    match take_page(&house.users, &house.scope, tokens.user_id, id, service, page).await {
        Ok(()) => true,
        Err(PrivacyError::Gone) => false,
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn an_export_is_one_document_of_all_services_and_the_account() {
    let (house, tokens) = logged_in().await;
    let caller = principal(&tokens);
    let asked = export(&house, &tokens).await.unwrap();
    let told: ExportRequested = house.events_of(EXPORT_REQUESTED)[0].data_as().unwrap();
    assert_eq!((told.user_id, told.export_id, asked.status), (tokens.user_id, asked.id, "pending"));
    let id = asked.id.to_string();
    assert!(matches!(export_document(&house.privacy(), &caller, &id).await, Err(PrivacyError::NotReady)));

    // Pages come twice and the last one first: the document is the same.
    for service in [Service::Payments, Service::Notifications, Service::Queries, Service::Webhooks] {
        for (number, last) in [(0, false), (1, true), (0, false), (1, true)] {
            assert!(hand_in(&house, &tokens, asked.id, service, page(number, last, &format!("{number}"))).await);
        }
    }
    assert_eq!(show_export(&house.users, &caller, &id).await.unwrap().status, "ready");
    let document = export_document(&house.privacy(), &caller, &id).await.unwrap();
    assert_eq!(document["account"]["email"], "anna@example.org");
    assert_eq!(document["sessions"][0]["agent"], "Laptop/1.0");
    for service in ["payments", "notifications", "queries", "webhooks"] {
        assert_eq!(document[service]["things"], json!([{ "text": "0" }, { "text": "1" }]), "{service}");
    }
    let text = document.to_string();
    assert!(!text.contains("argon2id") && !text.contains("subject_key"), "no secrets: {text}");
    assert_eq!(export(&house, &tokens).await.unwrap().id, asked.id, "an hour long it is given again");
    assert_eq!(house.events_of(EXPORT_REQUESTED).len(), 1);
}

/// The body of a record, and what was changed about it.
async fn body(house: &House, key: &RecordKey, change: impl FnOnce(&mut Value)) -> Value {
    let record = house.memory.load(key).await.unwrap().unwrap();
    let mut body: Value = serde_json::from_slice(&record.content.unwrap()).unwrap();
    let before = body.clone();
    change(&mut body);
    if body != before {
        let content = Content::Body(body.to_string().into());
        let meta = meta(&house.scope, house.users.nobody(), house.users.now());
        house.memory.commit(Change::new(key.clone(), Some(record.version), content, meta)).await.unwrap();
    }
    body
}

#[tokio::test]
async fn what_a_newer_version_knows_of_a_service_of_its_own_is_read_over_and_kept() {
    let (house, tokens) = logged_in().await;
    let caller = principal(&tokens);
    let asked = export(&house, &tokens).await.unwrap();
    let key = export_key(tokens.user_id).unwrap();
    let newer = json!({ "pages": 1, "truncated": true });
    body(&house, &key, |body| body["parts"]["ledgers"] = newer.clone()).await;
    for service in [Service::Payments, Service::Notifications, Service::Queries, Service::Webhooks] {
        assert!(hand_in(&house, &tokens, asked.id, service, page(0, true, "a")).await);
    }
    assert_eq!(show_export(&house.users, &caller, &asked.id.to_string()).await.unwrap().status, "ready");
    let document = export_document(&house.privacy(), &caller, &asked.id.to_string()).await.unwrap();
    assert_eq!(document["truncated"], json!([]), "it names no service that it does not show");
    assert_eq!(body(&house, &key, |_| ()).await["parts"]["ledgers"], newer, "and the newer version finds its own");

    let id = erase(&house, &tokens).await.unwrap().id;
    let key = erasure_key(id).unwrap();
    let newer = serde_json::to_value(part(1, &house, 0)).unwrap();
    body(&house, &key, |body| body["parts"]["ledgers"] = newer.clone()).await;
    for service in [Service::Payments, Service::Notifications, Service::Queries, Service::Webhooks] {
        take_part(&house.users, &house.scope, id, service, part(1, &house, 0)).await.unwrap();
    }
    later(&house, SECOND_LOOK_AFTER_S);
    pulse(&house).await;
    let receipt = show_erasure(&house.users, id).await.unwrap();
    assert_eq!((receipt.status, receipt.services.len()), ("done", 5));
    assert_eq!(body(&house, &key, |_| ()).await["parts"]["ledgers"], newer);
}

#[tokio::test]
async fn an_export_is_nobody_elses_and_ends_after_a_week() {
    let (house, tokens) = logged_in().await;
    let id = export(&house, &tokens).await.unwrap().id;
    for service in [Service::Payments, Service::Notifications, Service::Queries, Service::Webhooks] {
        hand_in(&house, &tokens, id, service, page(0, true, "Anna's")).await;
    }
    register(&house.users, &house.scope, registration("berta@example.org")).await.unwrap();
    let other = log_in(&house.users, &house.scope, &house.client, log_in_request("berta@example.org", "correct horse"));
    let other = principal(&other.await.unwrap());
    for id in [id.to_string(), ExportId::derived(0, &[b"x"]).to_string(), "nonsense".to_owned()] {
        assert!(matches!(show_export(&house.users, &other, &id).await, Err(PrivacyError::NotFound)));
        assert!(matches!(export_document(&house.privacy(), &other, &id).await, Err(PrivacyError::NotFound)));
    }
    pulse(&house).await;
    assert!(export_document(&house.privacy(), &principal(&tokens), &id.to_string()).await.is_ok());
    later(&house, 7 * 86_400);
    assert!(matches!(
        show_export(&house.users, &principal(&tokens), &id.to_string()).await,
        Err(PrivacyError::NotFound)
    ));
    pulse(&house).await;
    assert!(!house.memory.bodies().iter().any(|body| body.contains("Anna's")), "the pages are gone");
    assert!(!hand_in(&house, &tokens, id, Service::Queries, page(0, true, "Anna's")).await);
    assert!(!house.memory.bodies().iter().any(|body| body.contains("Anna's")));
    assert_ne!(export(&house, &tokens).await.unwrap().id, id, "another may be asked for");
}

#[tokio::test]
async fn an_erasure_takes_the_export_along_and_pages_that_come_late() {
    let (house, tokens) = logged_in().await;
    let id = export(&house, &tokens).await.unwrap().id;
    hand_in(&house, &tokens, id, Service::Queries, page(0, false, "Anna's")).await;
    let receipt = erase(&house, &tokens).await.unwrap();
    let pages = receipt.services[0].erased.iter().find(|gone| gone.what == "export_pages").unwrap();
    assert_eq!(pages.count, 1);
    assert!(!hand_in(&house, &tokens, id, Service::Queries, page(1, true, "Anna's")).await);
    assert_eq!(traces(&house), Vec::<String>::new());
}

#[tokio::test]
async fn a_page_that_was_written_while_the_export_ended_is_taken_away() {
    for place in 0..MAX_EXPORT_PAGES.min(2) {
        let (house, tokens) = logged_in().await;
        let id = export(&house, &tokens).await.unwrap().id;
        // The page is committed; then the answer that would register it is cut off, and the export ends.
        house.fail_commit_after(1);
        let cut =
            take_page(&house.users, &house.scope, tokens.user_id, id, Service::Queries, page(place, true, "Anna's"));
        assert!(cut.await.is_err());
        erase(&house, &tokens).await.unwrap();
        assert_eq!(traces(&house), Vec::<String>::new(), "found by the list of pages, though nobody registered it");
    }
}

#[tokio::test]
async fn a_round_that_has_to_end_leaves_timers_to_the_next() {
    let (house, mut tokens) = logged_in().await;
    for _ in 0..10 {
        erase(&house, &tokens).await.unwrap();
        register(&house.users, &house.scope, registration("anna@example.org")).await.unwrap();
        tokens = house.log_in().await;
    }
    later(&house, SECOND_LOOK_AFTER_S);
    let first = work(&house).on_pulse("trace", Some(house.users.clock.now())).await.unwrap();
    let rest = work(&house).on_pulse("trace", None).await.unwrap();
    assert_eq!((first.finished, rest.finished), (8, 2), "{first:?} {rest:?}");
}
