//! The journey through a real system over real sockets, and the doors that must stay shut.

use anyhow::ensure;
use journey::{Person, play};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use tests::{System, now};

type Outcome = anyhow::Result<()>;

#[test]
fn a_person_registers_pays_and_finds_receipt_and_overview() -> Outcome {
    let mut system = System::start(&[])?;
    play(&system.api(), "whole", &mut |step| println!("{step:?}"))?;
    let logs = system.logs()?;
    for secret in ["correct horse whole", "person-whole@example.com", &system.secret("service_token_key")?] {
        ensure!(!logs.contains(secret), "the logs hold {secret}");
    }
    system.stop()
}

#[test]
fn bodies_may_lie_in_sqlite_files() -> Outcome {
    let mut system = System::start(&["--kv", "sqlite"])?;
    play(&system.api(), "sqlite", &mut |step| println!("{step:?}"))?;
    system.stop()
}

#[test]
fn what_was_acknowledged_is_there_after_a_stop_and_a_start() -> Outcome {
    let mut system = System::start(&[])?;
    let mut person = Person::new(system.api(), "restart");
    person.register()?;
    person.log_in()?;
    person.create_payment(700, "tok_visa")?;
    let paid = now();
    person.confirm()?;
    person.await_receipt(paid)?;
    system.stop()?;
    system.start_again()?;
    person.await_receipt(now())?;
    person.await_overview(now())?;
    person.was_charged_once()?;
    person.refresh()?;
    system.stop()
}

#[test]
fn doors_stay_shut_with_a_problem_document() -> Outcome {
    let system = System::start(&[])?;
    let api = system.api();
    let mut person = Person::new(api.clone(), "doors");
    person.register()?;
    person.log_in()?;
    let token = person.access_token().to_owned();
    let payment = json!({ "amount_minor": 5, "currency": "EUR", "payment_method": "tok_visa" });
    let post =
        |body: &serde_json::Value, token: Option<&str>, key: Option<&str>| api.post("/v1/payments", body, token, key);

    problem(post(&payment, None, Some("k1"))?, 401, "unauthenticated")?;
    problem(post(&payment, Some("not.a.token"), Some("k1"))?, 401, "unauthenticated")?;
    problem(post(&payment, Some(&token), None)?, 428, "idempotency-key-required")?;
    post(&payment, Some(&token), Some("k1"))?.expect(201)?;
    let other = json!({ "amount_minor": 6, "currency": "EUR", "payment_method": "tok_visa" });
    problem(post(&other, Some(&token), Some("k1"))?, 422, "idempotency-key-reused")?;
    let card = json!({ "amount_minor": 5, "currency": "EUR", "payment_method": "4242424242424242" });
    let refused = post(&card, Some(&token), Some("k2"))?;
    ensure!(refused.status == 422 && !refused.text.contains("4242"), "{}", refused.text);
    // The head alone is enough to refuse: a client that went on sending would find the connection closed.
    let mut stream = TcpStream::connect(system.address())?;
    let head = format!("authorization: Bearer {token}\r\nidempotency-key: k3\r\ncontent-type: application/json");
    write!(stream, "POST /v1/payments HTTP/1.1\r\nhost: localhost\r\n{head}\r\ncontent-length: 2097152\r\n\r\n")?;
    let mut buffer = [0; 4096];
    let length = stream.read(&mut buffer)?;
    let refused = String::from_utf8_lossy(buffer.get(..length).unwrap_or_default()).into_owned();
    ensure!(refused.starts_with("HTTP/1.1 413") && refused.contains("/problems/too-large"), "{refused}");
    problem(api.get("/v1/payments/pay_00nonsense", Some(&token))?, 404, "not-found")?;
    problem(api.get("/v1/nothing-here", None)?, 404, "not-found")?;
    problem(api.get("/v1/overview", None)?, 401, "unauthenticated")?;
    problem(api.get("/v1/notifications", None)?, 401, "unauthenticated")?;
    problem(api.get("/metrics", None)?, 401, "unauthenticated")?;
    problem(api.get("/internal/payments/events", Some(&token))?, 401, "unauthenticated")?;
    let wrong = json!({ "email": "person-doors@example.com", "password": "not the password" });
    let unknown = json!({ "email": "nobody-doors@example.com", "password": "not the password" });
    let (wrong, unknown) =
        (api.post("/v1/sessions", &wrong, None, None)?, api.post("/v1/sessions", &unknown, None, None)?);
    ensure!(wrong.status == 401 && unknown.status == 401, "{} {}", wrong.text, unknown.text);
    ensure!(wrong.json.get("type") == unknown.json.get("type"), "the answers tell who has an account");
    Ok(())
}

#[test]
fn the_operator_sees_traffic_lag_and_balance() -> Outcome {
    let system = System::start(&[])?;
    let api = system.api();
    play(&api, "metrics", &mut |_| ())?;
    let token = system.secret("metrics_token")?;
    let wanted = ["spindrift_http_requests_total", "spindrift_stream_lag", "spindrift_ledger_imbalance_minor"];
    let start = now();
    loop {
        let metrics = api.get("/metrics", Some(&token))?.expect(200)?;
        if wanted.iter().all(|name| metrics.text.contains(name)) {
            return Ok(());
        }
        ensure!(start.elapsed().as_secs() < 10, "metrics lack one of {wanted:?}:\n{}", metrics.text);
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

#[test]
fn an_answer_has_its_length_and_travels_in_one_segment() -> Outcome {
    let system = System::start(&[])?;
    let mut stream = TcpStream::connect(system.address())?;
    for path in ["/livez", "/", "/v1/overview", "/.well-known/jwks.json"] {
        write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n")?;
        let mut buffer = vec![0; 64 * 1024];
        let length = stream.read(&mut buffer)?;
        let text = String::from_utf8_lossy(&buffer[..length]).to_lowercase();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let announced: usize = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .ok_or_else(|| anyhow::anyhow!("{path} has no content-length: {head}"))?
            .parse()?;
        ensure!(body.len() == announced, "{path}: the first read had {} of {announced} bytes", body.len());
    }
    Ok(())
}

fn problem(answer: journey::Answer, status: u16, slug: &str) -> Outcome {
    let kind = answer.json.get("type").and_then(serde_json::Value::as_str).unwrap_or_default();
    ensure!(
        answer.status == status && kind == format!("/problems/{slug}"),
        "{} answered {} {} instead of {status} {slug}",
        answer.request,
        answer.status,
        answer.text
    );
    ensure!(answer.json.get("instance").is_some(), "no trace in {}", answer.text);
    Ok(())
}
