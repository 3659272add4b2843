//! What is told of whom, and that nobody can fill the trail or learn from it what is not theirs.

use super::*;
use crate::Asked;
use crate::app::administer::{Act, administer};
use crate::app::change_password::change_password;
use crate::app::log_in::{LogInError, log_in};
use crate::app::log_out::log_out;
use crate::app::reset_password::{forgot_password, reset_password};
use crate::app::second_factor::{confirm, enrol};
use crate::testing::{House, client, log_in_request, logged_in, principal, registered};
use crate::wire::credentials::{ChangePasswordRequest, ForgotPasswordRequest, ResetPasswordRequest};
use hasher_wire::Plain;
use records::{Finding, Journal};
use records_memory::MemoryTrail;

fn operator(house: &House) -> Principal {
    Principal {
        subject: house.users.new_user_id().to_string(),
        session: None,
        scopes: vec!["profile".to_owned()],
        roles: vec!["operator".to_owned()],
        assurance: 1,
        expires_at: house.users.now(),
    }
}

fn part(limit: u32) -> Part {
    Part { limit, ..Part::default() }
}

async fn try_to_log_in(house: &House, email: &str, from: &str) -> LogInError {
    let client = client(from, "Guesser/1.0");
    let asked = Asked { client: client.clone(), ..house.scope.clone() };
    log_in(&house.users, &asked, &client, log_in_request(email, "a wrong guess")).await.err().unwrap()
}

#[tokio::test]
async fn a_life_is_told_with_its_commits() {
    let (house, tokens) = logged_in().await;
    let caller = principal(&tokens);
    let wrong = ChangePasswordRequest {
        current_password: Plain::new("not the password"),
        new_password: Plain::new("another long password"),
    };
    assert!(change_password(&house.users, &house.scope, &caller, wrong).await.is_err());
    enrol(&house.users, &house.scope, &caller, &Plain::new("correct horse")).await.unwrap();
    assert!(confirm(&house.users, &house.scope, &caller, "000000").await.is_err());
    let again = house.refresh(&tokens).await.unwrap();
    house.clock.advance_ms(60_000);
    house.refresh(&again).await.unwrap();
    assert!(house.refresh(&tokens).await.is_err());
    let email = || "anna@example.org".to_owned();
    forgot_password(&house.users, &house.scope, &house.client, ForgotPasswordRequest { email: email() }).await.unwrap();
    let request =
        |code: String| ResetPasswordRequest { email: email(), code, new_password: Plain::new("brand new secret") };
    assert!(reset_password(&house.users, &house.scope, &house.client, request("000000".into())).await.is_err());
    let code = house.last_code("anna@example.org");
    reset_password(&house.users, &house.scope, &house.client, request(code)).await.unwrap();
    let boss = operator(&house);
    let id = tokens.user_id.to_string();
    administer(&house.users, &house.scope, &boss, &id, &Act::Lock).await.unwrap();
    administer(&house.users, &house.scope, &boss, &id, &Act::Lock).await.unwrap();
    assert!(administer(&house.users, &house.scope, &caller, &id, &Act::Lock).await.is_err());
    insta::assert_snapshot!(house.told().join("\n"), @r"
    register done - account by owner
    log_in done - account by owner
    change_password refused password account by owner
    enrol_factor done - account by owner
    confirm_factor refused factor account by owner
    reuse_refresh_token refused token account by nobody
    forget_password done - account by nobody
    reset_password refused code account by nobody
    reset_password done - account by owner
    lock done - account by other
    lock refused right account by owner
    ");
    let trail = MemoryTrail::of(house.memory.clone());
    assert_eq!(trail.verify(None, 1).await.unwrap().finding, Finding::Intact);
    let texts: String = house.memory.trail().iter().map(|row| row.text.clone()).collect();
    for personal in ["192.0.2.1", "Laptop", "anna", "Anna"] {
        assert!(!texts.contains(personal), "{personal} is in what cannot be erased");
    }
}

#[tokio::test]
async fn what_was_not_committed_is_not_told() {
    let (house, tokens) = logged_in().await;
    let before = house.told();
    house.fail_commit_after(0);
    assert!(log_out(&house.users, &house.scope, &principal(&tokens)).await.is_err());
    assert_eq!(house.told(), before);
    house.lose_commit(0);
    assert!(log_out(&house.users, &house.scope, &principal(&tokens)).await.is_err());
    log_out(&house.users, &house.scope, &principal(&tokens)).await.unwrap();
    assert_eq!(house.told().len(), before.len() + 1, "carried out once, told once");
}

#[tokio::test]
async fn guessing_writes_one_row_a_quarter_of_an_hour_and_looks_alike_for_unknown_addresses() {
    let house = registered().await;
    let before = house.told().len();
    let mut calls = Vec::new();
    for email in ["anna@example.org", "nobody@example.org"] {
        house.take_calls();
        let refused = try_to_log_in(&house, email, "198.51.100.7").await;
        assert!(matches!(refused, LogInError::Credentials), "{email}: {refused:?}");
        calls.push(house.take_calls());
    }
    assert_eq!(calls[0], calls[1], "an unknown address costs the same calls");
    for _ in 0..3 {
        try_to_log_in(&house, "anna@example.org", "198.51.100.7").await;
    }
    let told = house.told();
    assert_eq!(
        told[before..],
        ["log_in refused password account by nobody", "log_in refused password unknown by nobody"]
    );
    house.clock.advance_ms(15 * 60 * 1000);
    try_to_log_in(&house, "anna@example.org", "198.51.100.7").await;
    assert_eq!(house.told().len(), before + 3, "once more after a quarter of an hour");
}

#[tokio::test]
async fn a_stranger_with_many_networks_and_addresses_cannot_fill_the_trail() {
    let house = registered().await;
    let before = house.told().len();
    for number in 0..600 {
        let from = format!("2001:db8:{:x}:{number:x}::1", number * 7);
        try_to_log_in(&house, &format!("nobody{number}@example.org"), &from).await;
    }
    let rows = house.told().len() - before;
    assert!((2..=64).contains(&rows), "{rows} rows of 600 strangers");
}

#[tokio::test]
async fn operators_page_through_all_and_through_one_account_up_to_a_moment() {
    let (house, tokens) = logged_in().await;
    house.clock.advance_ms(1000);
    let moment = house.users.now();
    house.clock.advance_ms(1000);
    try_to_log_in(&house, "nobody@example.org", "198.51.100.7").await;
    log_out(&house.users, &house.scope, &principal(&tokens)).await.unwrap();
    let (access, boss) = (house.access(), operator(&house));
    let acts = |page: &TrailPage| page.items.iter().map(|item| item.act.clone()).collect::<Vec<_>>();

    let first = list(&access, &boss, part(3)).await.unwrap();
    assert_eq!(acts(&first), ["log_out", "log_in", "log_in"]);
    let shown = serde_json::to_value(&first.items[0]).unwrap();
    assert_eq!((&shown["address"], &shown["agent"]), (&"192.0.2.1".into(), &"Laptop/1.0".into()));
    let rest = Part { cursor: first.next_cursor.clone(), ..part(3) };
    let second = list(&access, &boss, rest).await.unwrap();
    assert_eq!((acts(&second), second.next_cursor), (vec!["register".to_owned()], None));

    let until = list(&access, &boss, Part { until: Some(moment), ..part(10) }).await.unwrap();
    assert_eq!(acts(&until), ["log_in", "register"]);
    let account = Some(tokens.user_id.to_string());
    let of_anna = Part { account: account.clone(), ..part(2) };
    let first = list(&access, &boss, of_anna.clone()).await.unwrap();
    assert_eq!(acts(&first), ["log_out", "log_in"]);
    let second = list(&access, &boss, Part { cursor: first.next_cursor, ..of_anna.clone() }).await.unwrap();
    assert_eq!(acts(&second), ["register"]);
    let until = list(&access, &boss, Part { until: Some(moment), ..of_anna }).await.unwrap();
    assert_eq!(acts(&until), ["log_in", "register"]);
    let strangers = list(&access, &boss, Part { account: Some("unknown".into()), ..part(5) }).await.unwrap();
    assert_eq!(strangers.items.len(), 1);
    assert_eq!(strangers.items[0].actor, None);

    for wrong in [
        Part { cursor: Some("x".into()), ..part(5) },
        Part { cursor: Some("0".into()), ..part(5) },
        Part { cursor: Some("+5".into()), ..part(5) },
        Part { cursor: Some("007".into()), ..part(5) },
        Part { account: Some("usr_".into()), ..part(5) },
        part(0),
        part(101),
    ] {
        let found = list(&access, &boss, wrong.clone()).await;
        assert!(matches!(found, Err(AuditError::Invalid(_))), "{wrong:?}: {found:?}");
    }
}

#[tokio::test]
async fn a_person_sees_their_own_activity_and_not_who_the_operator_was() {
    let (house, tokens) = logged_in().await;
    let caller = principal(&tokens);
    administer(&house.users, &house.scope, &operator(&house), &caller.subject, &Act::ForceReset).await.unwrap();
    try_to_log_in(&house, "nobody@example.org", "198.51.100.7").await;
    let page = own_activity(&house.access(), &caller, part(10)).await.unwrap();
    let shown = serde_json::to_value(&page).unwrap();
    assert_eq!(shown["items"].as_array().unwrap().len(), 3, "{shown}");
    let (by_operator, own) = (&shown["items"][0], &shown["items"][1]);
    assert_eq!((&by_operator["act"], &by_operator["actor"]), (&"force_reset".into(), &"operator".into()));
    assert!(by_operator["address"].is_null() && by_operator["trace"].is_null(), "{by_operator}");
    assert_eq!((&own["actor"], &own["address"]), (&"you".into(), &"192.0.2.1".into()));
    assert!(own["account"].is_null() && own["seq"].is_null());
}

#[tokio::test]
async fn only_operators_read_or_check_the_trail_of_others() {
    let (house, tokens) = logged_in().await;
    let (access, caller) = (house.access(), principal(&tokens));
    assert!(matches!(list(&access, &caller, part(5)).await, Err(AuditError::Role)));
    assert!(matches!(verify(&access, &caller, None).await, Err(AuditError::Role)));
    let mut narrow = caller;
    narrow.scopes.clear();
    assert!(matches!(own_activity(&access, &narrow, part(5)).await, Err(AuditError::Account(AccountError::Scope))));
    let boss = operator(&house);
    let verified = verify(&access, &boss, None).await.unwrap();
    assert_eq!((verified.status, verified.rows), ("intact", 2));
    let wrong = verify(&access, &boss, Some("1.2.x".into())).await;
    assert!(matches!(wrong, Err(AuditError::Invalid(_))), "{wrong:?}");
}
