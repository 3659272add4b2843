//! A person who takes their data along and leaves: what the end-to-end and fault tests of leaving are about.

use anyhow::{Context as _, bail};
use journey::{Answer, Api};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// How often and how long something is waited for.
const LOOKS: u32 = 300;
const PAUSE: Duration = Duration::from_millis(100);
/// Of three partitions one stays empty once in 10^8 times among so many people.
const MOST_PEOPLE: u32 = 48;
const PASSWORD: &str = "battery staple";

/// Somebody with an account, a payment and letters.
pub struct Leaver {
    /// The public entry.
    pub api: Api,
    /// Their address.
    pub email: String,
    /// What opens their account.
    pub token: String,
}

impl Leaver {
    /// Registers and logs in.
    ///
    /// # Errors
    /// When the system does not let them.
    pub fn enter(api: Api, email: &str) -> anyhow::Result<Self> {
        let account = json!({ "email": email, "password": PASSWORD, "display_name": "Robin" });
        api.post("/v1/users", &account, None, None)?.expect(202)?;
        let login = json!({ "email": email, "password": PASSWORD });
        let token = api.post("/v1/sessions", &login, None, None)?.expect(200)?.text_of("access_token")?;
        Ok(Self { api, email: email.to_owned(), token })
    }

    /// The same person, who logs in once more.
    ///
    /// # Errors
    /// When the system does not let them.
    pub fn enter_again(&self) -> anyhow::Result<Self> {
        let token = self.logs_in()?.expect(200)?.text_of("access_token")?;
        Ok(Self { api: self.api.clone(), email: self.email.clone(), token })
    }

    /// One person in each partition: registered one after the other until there are.
    ///
    /// # Errors
    /// When so many people do not lie in all of them.
    pub fn one_in_each(api: &Api, partitions: u8) -> anyhow::Result<Vec<Self>> {
        let mut found: BTreeMap<u8, Self> = BTreeMap::new();
        for number in 0..MOST_PEOPLE {
            let person = Self::enter(api.clone(), &format!("part-{number}@example.com"))?;
            let profile = api.get("/v1/users/me", Some(&person.token))?.expect(200)?;
            found.entry(partition_of(&profile.text_of("id")?)?).or_insert(person);
            if found.keys().copied().eq(0..partitions) {
                return Ok(found.into_values().collect());
            }
        }
        bail!("{MOST_PEOPLE} people lie in the partitions {:?} of {partitions}", found.keys())
    }

    /// Tries to log in.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn logs_in(&self) -> anyhow::Result<Answer> {
        self.api.post("/v1/sessions", &json!({ "email": self.email, "password": PASSWORD }), None, None)
    }

    /// What confirms an export or an erasure.
    pub fn proof(&self) -> Value {
        json!({ "password": PASSWORD })
    }

    /// Pays 15.00 EUR; the payment's name.
    ///
    /// # Errors
    /// When the payment is not made.
    pub fn pays(&self, key: &str) -> anyhow::Result<String> {
        let body = json!({
            "amount_minor": 1500, "currency": "EUR", "payment_method": "tok_visa",
            "description": "Two books for Elm Street 7"
        });
        let payment = self.api.post("/v1/payments", &body, Some(&self.token), Some(key))?.expect(201)?.text_of("id")?;
        let confirm = format!("/v1/payments/{payment}/confirm");
        self.api.post(&confirm, &json!({}), Some(&self.token), Some(&format!("{key}c")))?.expect(200)?;
        Ok(payment)
    }

    /// Where their letters lie.
    pub fn mailbox(&self) -> String {
        format!("/sandbox/v1/mail?to={}", self.email.replace('@', "%40"))
    }

    /// Looks, as them, until something is as it should be.
    ///
    /// # Errors
    /// When it does not become so; with what it is.
    pub fn until(&self, path: &str, is_so: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        self.looks(path, Some(&self.token), is_so)
    }

    /// The same as nobody in particular.
    ///
    /// # Errors
    /// When it does not become so; with what it is.
    pub fn until_anybody_sees(&self, path: &str, is_so: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        self.looks(path, None, is_so)
    }

    fn looks(&self, path: &str, token: Option<&str>, is_so: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        let mut last = Value::Null;
        for _ in 0..LOOKS {
            last = self.api.get(path, token)?.expect(200)?.json;
            if is_so(&last) {
                return Ok(last);
            }
            std::thread::sleep(PAUSE);
        }
        bail!("{path} stays {last}")
    }
}

/// The partition that an id carries.
///
/// # Errors
/// When it is no id.
pub fn partition_of(id: &str) -> anyhow::Result<u8> {
    let digits = id.split_once('_').and_then(|(_, rest)| rest.get(..2)).with_context(|| format!("{id} is no id"))?;
    Ok(u8::from_str_radix(digits, 16)?)
}

/// How many things a list holds.
pub fn total(list: &Value) -> u64 {
    let items = || list.get("items").and_then(Value::as_array).map_or(0, |items| items.len() as u64);
    list.get("total").and_then(Value::as_u64).unwrap_or_else(items)
}
