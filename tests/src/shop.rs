//! A payer and an operator at one system: the moves of money that the end-to-end and fault tests are about.

use crate::{System, now};
use anyhow::{Context as _, bail, ensure};
use journey::{Answer, Api, Person};
use serde_json::{Value, json};
use std::time::Duration;

/// The seed of the person who is the operator.
const OPERATOR: &str = "operator";
/// An outcome that nobody told is asked for after 30 seconds; a busy machine takes its time.
const LIMIT: Duration = Duration::from_secs(90);
const GLANCE: Duration = Duration::from_millis(100);

/// A payer and an operator.
pub struct Shop {
    /// The public entry.
    pub api: Api,
    payer: Person,
    operator: Person,
}

impl Shop {
    /// A system whose operator can be let in; with further values of variables.
    ///
    /// # Errors
    /// When it does not get ready.
    pub fn system(variables: &[(&str, &str)]) -> anyhow::Result<System> {
        let email = Person::email_of(OPERATOR);
        let mut all = vec![("first_admins", email.as_str())];
        all.extend_from_slice(variables);
        System::start_with(&[], &all)
    }

    /// Lets payer and operator in.
    ///
    /// # Errors
    /// When the system does not.
    pub fn enter(system: &System, seed: &str) -> anyhow::Result<Self> {
        let api = system.api();
        let mut payer = Person::new(api.clone(), seed);
        payer.register()?;
        payer.log_in()?;
        let mut operator = Person::new(api.clone(), OPERATOR);
        operator.register()?;
        operator.log_in()?;
        operator.prove_address()?;
        operator.log_in()?;
        Ok(Self { api, payer, operator })
    }

    /// The same payer and operator, who are known already.
    ///
    /// # Errors
    /// When the system does not let them in.
    pub fn enter_again(system: &System, seed: &str) -> anyhow::Result<Self> {
        let api = system.api();
        let [mut payer, mut operator] = [seed, OPERATOR].map(|seed| Person::new(api.clone(), seed));
        payer.log_in()?;
        operator.log_in()?;
        Ok(Self { api, payer, operator })
    }

    /// Creates a payment of 10.00 EUR; its name.
    ///
    /// # Errors
    /// When it is not created.
    pub fn create(&self, key: &str, token: &str, capture_method: &str) -> anyhow::Result<String> {
        let body = json!({ "amount_minor": 1000, "currency": "EUR", "payment_method": token,
            "capture_method": capture_method, "return_url": "https://shop.example/back" });
        self.as_payer("/v1/payments", &body, key)?.expect(201)?.text_of("id")
    }

    /// Asks once for a payment of 10.00 EUR, whatever the answer is.
    ///
    /// # Errors
    /// When there is none.
    pub fn try_create(&self, key: &str) -> anyhow::Result<Answer> {
        let body = json!({ "amount_minor": 1000, "currency": "EUR", "payment_method": "tok_visa" });
        self.api.try_post("/v1/payments", &body, Some(self.payer.access_token()), Some(key))
    }

    /// Creates a payment of 10.00 EUR and has it captured; its name.
    ///
    /// # Errors
    /// When it is not.
    pub fn captured(&self, key: &str, token: &str) -> anyhow::Result<String> {
        let id = self.create(key, token, "automatic")?;
        self.confirm(&id)?;
        self.await_status(&id, "captured")?;
        Ok(id)
    }

    /// Confirms a payment, until there is an answer.
    ///
    /// # Errors
    /// When there is none.
    pub fn confirm(&self, id: &str) -> anyhow::Result<Answer> {
        self.as_payer(&format!("/v1/payments/{id}/confirm"), &json!({}), &format!("{id}-confirm"))
    }

    /// Refunds, as the operator, until there is an answer.
    ///
    /// # Errors
    /// When there is none.
    pub fn refund(&self, id: &str, amount_minor: i64, key: &str) -> anyhow::Result<Answer> {
        let body = json!({ "amount_minor": amount_minor, "reason": "requested_by_customer" });
        self.as_operator(&format!("/v1/payments/{id}/refunds"), &body, key)
    }

    /// A POST of the payer's, sent again while the answer is "later".
    ///
    /// # Errors
    /// When no final answer comes.
    pub fn as_payer(&self, path: &str, body: &Value, key: &str) -> anyhow::Result<Answer> {
        self.until_final(|| self.api.try_post(path, body, Some(self.payer.access_token()), Some(key)))
    }

    /// A POST of the operator's, sent again while the answer is "later".
    ///
    /// # Errors
    /// When no final answer comes.
    pub fn as_operator(&self, path: &str, body: &Value, key: &str) -> anyhow::Result<Answer> {
        self.until_final(|| self.api.try_post(path, body, Some(self.operator.access_token()), Some(key)))
    }

    /// A POST of the payer's whose answer may be that it was accepted (202).
    ///
    /// # Errors
    /// When there is no answer.
    pub fn ask_as_payer(&self, path: &str, body: &Value, key: &str) -> anyhow::Result<Answer> {
        self.api.post(path, body, Some(self.payer.access_token()), Some(key))
    }

    /// A DELETE of the payer's.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn forget(&self, path: &str, key: &str) -> anyhow::Result<Answer> {
        self.api.delete(path, Some(self.payer.access_token()), key)
    }

    /// The operator's access token.
    pub fn operator_token(&self) -> &str {
        self.operator.access_token()
    }

    /// What the operator reads.
    ///
    /// # Errors
    /// When there is no 200.
    pub fn read(&self, path: &str) -> anyhow::Result<Value> {
        Ok(self.api.get(path, Some(self.operator.access_token()))?.expect(200)?.json)
    }

    /// What the payer reads.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn look(&self, path: &str) -> anyhow::Result<Answer> {
        self.api.get(path, Some(self.payer.access_token()))
    }

    /// Asks until the payment stands there; the payment.
    ///
    /// # Errors
    /// When it does not.
    pub fn await_status(&self, id: &str, status: &str) -> anyhow::Result<Value> {
        let start = now();
        loop {
            let payment = self.look(&format!("/v1/payments/{id}"))?.expect(200)?;
            if payment.json.get("status").and_then(Value::as_str) == Some(status) {
                return Ok(payment.json);
            }
            ensure!(start.elapsed() < LIMIT, "it does not become {status}: {}", payment.text);
            std::thread::sleep(GLANCE);
        }
    }

    /// The one charge of a payment at the sandbox.
    ///
    /// # Errors
    /// When there is another number of them.
    pub fn charge(&self, id: &str) -> anyhow::Result<Value> {
        let charges = self.api.get(&format!("/sandbox/v1/charges?reference={id}"), None)?.expect(200)?;
        ensure!(charges.json.get("total") == Some(&json!(1)), "not one charge: {}", charges.text);
        Ok(charges.json.pointer("/items/0").context("no charge")?.clone())
    }

    /// Plays the payer's bank.
    ///
    /// # Errors
    /// When the sandbox does not.
    pub fn bank(&self, id: &str, step: &str, body: &Value) -> anyhow::Result<()> {
        let charge = self.charge(id)?;
        let charge = charge.get("id").and_then(Value::as_str).context("a charge without a name")?;
        self.api.post(&format!("/sandbox/v1/charges/{charge}/{step}"), body, None, None)?.expect(200)?;
        Ok(())
    }

    /// What is posted and held of an account, in minor units.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn balance(&self, account: &str) -> anyhow::Result<(i64, i64)> {
        let found = self.read(&format!("/v1/ledger/accounts/{account}"))?;
        let minor = |member: &str| found.get(member).and_then(Value::as_i64).context("an account without a balance");
        Ok((minor("posted_minor")?, minor("held_minor")?))
    }

    /// The ledger sums to zero and its journal holds.
    ///
    /// # Errors
    /// When it does not.
    pub fn books_hold(&self) -> anyhow::Result<()> {
        let trial = self.read("/v1/ledger/trial-balance")?;
        ensure!(trial.get("balanced") == Some(&Value::Bool(true)), "{trial}");
        let mut path = "/v1/ledger/verify".to_owned();
        loop {
            let found = self.read(&path)?;
            match (found.get("status").and_then(Value::as_str), found.get("next_cursor").and_then(Value::as_str)) {
                (Some("intact"), _) => return Ok(()),
                (Some("unfinished"), Some(cursor)) => path = format!("/v1/ledger/verify?cursor={cursor}"),
                _ => bail!("the journal does not hold: {found}"),
            }
        }
    }

    /// As a careful client: 202, 5xx, an answer that got lost and a twin under way are asked for again.
    fn until_final(&self, ask: impl Fn() -> anyhow::Result<Answer>) -> anyhow::Result<Answer> {
        let start = now();
        loop {
            let answer = ask();
            match &answer {
                Ok(answer) if answer.status < 500 && !matches!(answer.status, 202 | 429) => {
                    if answer.status != 409 || answer.retry_after_s.is_none() {
                        return Ok(answer.clone());
                    }
                }
                Ok(_) | Err(_) => {}
            }
            ensure!(start.elapsed() < LIMIT, "no final answer: {answer:?}");
            std::thread::sleep(GLANCE);
        }
    }
}
