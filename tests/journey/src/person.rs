//! What one person does, and what must be true after each step.
//!
//! Every step may be played again after it failed half-way: keys and addresses are fixed by the seed, so that trying
//! again is what a careful client would do.

use crate::api::{Answer, Api, now};
use crate::{EFFECT_LIMIT, Step};
use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A person with a made-up address, and what they know so far.
pub struct Person {
    api: Api,
    seed: String,
    email: String,
    password: String,
    access_token: String,
    refresh_token: String,
    device_token: String,
    payments: u32,
    payment: Option<Payment>,
    captured_minor: i64,
}

/// The payment that the person is busy with.
struct Payment {
    key: String,
    body: Value,
    created: Answer,
    id: String,
    amount_minor: i64,
}

impl Person {
    /// A person who does not exist in the system yet; the same seed is the same person.
    pub fn new(api: Api, seed: &str) -> Self {
        Self {
            api,
            seed: seed.to_owned(),
            email: Self::email_of(seed),
            password: format!("correct horse {seed} staple"),
            access_token: String::new(),
            refresh_token: String::new(),
            device_token: String::new(),
            payments: 0,
            payment: None,
            captured_minor: 0,
        }
    }

    /// The address of the person of this seed.
    pub fn email_of(seed: &str) -> String {
        format!("person-{seed}@example.com")
    }

    /// Opens an account; answers alike whether or not the address is known.
    pub fn register(&mut self) -> anyhow::Result<Step> {
        let body = json!({ "email": self.email, "password": self.password, "display_name": "Robin Example" });
        let answer = self.api.post("/v1/users", &body, None, None)?.expect(202)?;
        Ok(answer.step("register", self.email.clone()))
    }

    /// Logs in.
    pub fn log_in(&mut self) -> anyhow::Result<Step> {
        let body = json!({ "email": self.email, "password": self.password });
        let answer = self.api.post("/v1/sessions", &body, None, None)?.expect(200)?;
        self.access_token = answer.text_of("access_token")?;
        self.refresh_token = answer.text_of("refresh_token")?;
        self.device_token = answer.text_of("device_token")?;
        Ok(answer.step("log in", "an access token and a refresh token"))
    }

    /// Proves the own address with the code of the letter that registering sent; once proven, it stays so.
    pub fn prove_address(&mut self) -> anyhow::Result<Step> {
        let path = format!("/sandbox/v1/mail?to={}", self.email.replace('@', "%40"));
        let (letters, _) = self.eventually(&path, now(), |page| code_of(page).is_some())?;
        let body = json!({ "code": code_of(&letters).unwrap_or_default() });
        let answer = self.post("/v1/users/me/email/verification/confirm", &body, None)?.expect(204)?;
        Ok(answer.step("prove the address", self.email.clone()))
    }

    /// What the person may do at present.
    ///
    /// # Errors
    /// When the profile cannot be read.
    pub fn roles(&self) -> anyhow::Result<Vec<String>> {
        let answer = self.get("/v1/users/me")?.expect(200)?;
        let roles = answer.json.get("roles").and_then(Value::as_array).cloned().unwrap_or_default();
        Ok(roles.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    /// What another client needs to log in as this person from the same device.
    pub fn credentials(&self) -> [(&'static str, &str); 3] {
        [("email", &self.email), ("password", &self.password), ("device_token", &self.device_token)]
    }

    /// Where the person's letters go.
    pub fn email(&self) -> &str {
        &self.email
    }

    /// Looks at the own profile.
    pub fn see_profile(&mut self) -> anyhow::Result<Step> {
        let answer = self.get("/v1/users/me")?.expect(200)?;
        ensure!(answer.text_of("email")? == self.email, "the profile is somebody else's: {}", answer.text);
        let name = answer.text_of("display_name")?;
        Ok(answer.step("look at the profile", name))
    }

    /// Creates a payment with a new Idempotency-Key.
    pub fn create_payment(&mut self, amount_minor: i64, token: &str) -> anyhow::Result<Step> {
        let key = format!("journey-{}-{}", self.seed, self.payments);
        let body = json!({
            "amount_minor": amount_minor, "currency": "EUR", "payment_method": token, "description": "A pot of tea",
        });
        let created = self.post("/v1/payments", &body, Some(&key))?.expect(201)?;
        let id = created.text_of("id")?;
        let step = created.step("create a payment", format!("{id}, {}", created.text_of("status")?));
        self.payment = Some(Payment { key, body, created, id, amount_minor });
        self.payments += 1;
        Ok(step)
    }

    /// Sends the creation again with the same key: the same answer, byte for byte, marked as a replay.
    pub fn create_payment_again(&mut self) -> anyhow::Result<Step> {
        let payment = self.payment()?;
        let again = self.post("/v1/payments", &payment.body, Some(&payment.key))?.expect(201)?;
        ensure!(again.replayed, "the second creation with one key is not marked as a replay");
        ensure!(again.text == payment.created.text, "the replay differs: {} / {}", payment.created.text, again.text);
        Ok(again.step("send it again with the same key", "replayed, byte for byte"))
    }

    /// Confirms the payment until it is captured: a client that got no outcome asks again with the same key.
    pub fn confirm(&mut self) -> anyhow::Result<Step> {
        let amount_minor = self.payment()?.amount_minor;
        let answer = self.settle()?;
        ensure!(answer.text_of("status")? == "captured", "the payment was not captured: {}", answer.text);
        ensure!(
            answer.json.get("captured_minor").and_then(Value::as_i64) == Some(amount_minor),
            "another amount was captured: {}",
            answer.text
        );
        self.captured_minor += amount_minor;
        Ok(answer.step("confirm it", "captured"))
    }

    /// Confirms a payment whose card is declined: the payment fails, the request does not.
    pub fn confirm_declined(&mut self) -> anyhow::Result<Step> {
        let answer = self.settle()?;
        ensure!(answer.text_of("status")? == "failed", "the declined card paid: {}", answer.text);
        let code = answer.text_of("failure_code")?;
        Ok(answer.step("confirm a declined card", format!("failed: {code}")))
    }

    /// Waits for the receipt in the inbox: exactly one for the payment.
    pub fn await_receipt(&mut self, since: Instant) -> anyhow::Result<Step> {
        let id = self.payment()?.id.clone();
        let receipts = |page: &Answer| {
            let items = page.json.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
            items
                .iter()
                .filter(|item| item.get("kind").and_then(Value::as_str) == Some("payment_receipt"))
                .filter(|item| item.get("about").and_then(Value::as_str) == Some(&id))
                .count()
        };
        let (answer, took) = self.eventually("/v1/notifications", since, |page| receipts(page) > 0)?;
        ensure!(receipts(&answer) == 1, "{} receipts for one payment: {}", receipts(&answer), answer.text);
        Ok(Step { took, is_effect: true, ..answer.step("find the receipt in the inbox", "one receipt") })
    }

    /// Waits until the overview shows what was paid.
    pub fn await_overview(&mut self, since: Instant) -> anyhow::Result<Step> {
        let wanted = self.captured_minor;
        let captured = |page: &Answer| page.json.pointer("/payments/captured/EUR").and_then(Value::as_i64);
        let (answer, took) = self.eventually("/v1/overview", since, |page| captured(page) == Some(wanted))?;
        let shown = format!("{wanted} EUR minor units captured");
        Ok(Step { took, is_effect: true, ..answer.step("see it in the overview", shown) })
    }

    /// Waits for the welcome mail in the sandbox's mailbox: exactly one.
    pub fn await_welcome_mail(&mut self) -> anyhow::Result<Step> {
        let path = format!("/sandbox/v1/mail?to={}", self.email.replace('@', "%40"));
        let welcomes = |page: &Answer| {
            let items = page.json.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
            items
                .iter()
                .filter_map(|mail| mail.get("subject").and_then(Value::as_str))
                .filter(|subject| subject.to_lowercase().contains("welcome"))
                .count()
        };
        let (answer, _) = self.eventually(&path, now(), |page| welcomes(page) > 0)?;
        ensure!(welcomes(&answer) == 1, "{} welcome mails for one person: {}", welcomes(&answer), answer.text);
        Ok(answer.step("find the welcome mail", "one mail"))
    }

    /// Asks the sandbox how often the card was charged for the payment.
    pub fn was_charged_once(&mut self) -> anyhow::Result<Step> {
        let id = self.payment()?.id.clone();
        let answer = self.api.get(&format!("/sandbox/v1/charges?reference={id}"), None)?.expect(200)?;
        let charges = answer.json.get("items").and_then(Value::as_array).map_or(0, Vec::len);
        ensure!(charges == 1, "the card was charged {charges} times for {id}: {}", answer.text);
        Ok(answer.step("ask the acquirer how often it charged", "once"))
    }

    /// A second person must see nothing of the first one's payment.
    pub fn stranger_sees_nothing(&mut self) -> anyhow::Result<Step> {
        let mut stranger = Self::new(self.api.clone(), &format!("{}-stranger", self.seed));
        stranger.register()?;
        stranger.log_in()?;
        let answer = stranger.get(&format!("/v1/payments/{}", self.payment()?.id))?.expect(404)?;
        Ok(answer.step("let a stranger look at the payment", "nothing here for them"))
    }

    /// Trades the refresh token for the next pair.
    pub fn refresh(&mut self) -> anyhow::Result<Step> {
        let body = json!({ "refresh_token": self.refresh_token });
        let answer = self.api.post("/v1/sessions/refresh", &body, None, None)?.expect(200)?;
        let next = answer.text_of("refresh_token")?;
        ensure!(next != self.refresh_token, "the refresh token did not rotate");
        self.access_token = answer.text_of("access_token")?;
        self.refresh_token = next;
        Ok(answer.step("refresh the session", "the next pair of tokens"))
    }

    /// The id of the payment that the person is busy with.
    ///
    /// # Errors
    /// When there is none.
    pub fn payment_id(&self) -> anyhow::Result<&str> {
        Ok(&self.payment()?.id)
    }

    /// The access token that the person holds; empty before the log-in.
    pub fn access_token(&self) -> &str {
        &self.access_token
    }

    /// Forgets what was captured so far: a confirmation whose answer was lost is about to be counted again.
    pub fn forget_captures(&mut self) {
        self.captured_minor = 0;
    }

    /// Confirms and, where the outcome is open, looks until it is settled.
    fn settle(&mut self) -> anyhow::Result<Answer> {
        let (id, key) = {
            let payment = self.payment()?;
            (payment.id.clone(), format!("{}-confirm", payment.key))
        };
        let start = now();
        loop {
            let answer = self.post(&format!("/v1/payments/{id}/confirm"), &json!({}), Some(&key))?;
            let open = match answer.status {
                200 => return Ok(answer),
                202 | 409 | 503 | 504 => answer,
                _ => answer.expect(200)?,
            };
            let payment = self.get(&format!("/v1/payments/{id}"))?;
            let status = payment.json.get("status").and_then(Value::as_str).unwrap_or_default();
            if payment.status == 200 && matches!(status, "captured" | "failed") {
                return Ok(payment);
            }
            ensure!(start.elapsed() < EFFECT_LIMIT, "no outcome of the confirmation: {}", open.text);
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Looks at a page until it shows what is awaited.
    fn eventually(
        &self,
        path: &str,
        since: Instant,
        there: impl Fn(&Answer) -> bool,
    ) -> anyhow::Result<(Answer, Duration)> {
        let start = now();
        loop {
            let answer = self.get(path)?.expect(200)?;
            if there(&answer) {
                return Ok((answer, since.elapsed()));
            }
            ensure!(start.elapsed() < EFFECT_LIMIT, "{path} does not show it after {EFFECT_LIMIT:?}: {}", answer.text);
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn payment(&self) -> anyhow::Result<&Payment> {
        self.payment.as_ref().context("no payment was created yet")
    }

    fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.api.get(path, (!self.access_token.is_empty()).then_some(&self.access_token))
    }

    fn post(&self, path: &str, body: &Value, key: Option<&str>) -> anyhow::Result<Answer> {
        self.api.post(path, body, Some(&self.access_token), key)
    }
}

/// The code in the newest letter that has one: the first six digits in a row.
fn code_of(letters: &Answer) -> Option<String> {
    let items = letters.json.get("items").and_then(Value::as_array)?;
    let texts = items.iter().filter_map(|letter| letter.get("text").and_then(Value::as_str));
    // A word of its own: links of letters may have six digits in a row, too.
    let words = texts.flat_map(str::split_whitespace);
    let mut bare = words.map(|word| word.trim_matches(|symbol: char| symbol.is_ascii_punctuation()));
    bare.find(|word| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit())).map(str::to_owned)
}
