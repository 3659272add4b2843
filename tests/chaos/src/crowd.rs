//! All clients of a run, side by side, and what they find when they look once more afterwards.

use crate::paying::{Account, Client};
use crate::reading::{Balance, Charge, Payment, Reading, Replay, Row};
use crate::sending::Line;
use crate::{Dice, Ended, Record, Tally};
use anyhow::{Context as _, anyhow, ensure};
use journey::{Answer, Person};
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// The seed of the person who is the operator.
const OPERATOR: &str = "chaos-operator";
/// A piece of an export of a statement.
const PIECE_ROWS: usize = 1000;
/// The most rows and pages that are read of one thing: a bound, not a wish.
const MOST_PIECES: usize = 10_000;

/// How a run is to be.
pub struct Setting {
    /// Where the system listens.
    pub address: SocketAddr,
    /// What the dice are made of.
    pub seed: u64,
    /// How many clients there are.
    pub clients: usize,
    /// How long a client thinks between two turns. **Units** milliseconds, give or take half.
    pub think_ms: u64,
    /// How long what is under way may take to end once it is enough.
    pub patience: Duration,
    /// The most calls of each client that are sent once more in the end.
    pub most_replays: usize,
    /// Set once no more stories are to be begun.
    pub is_enough: AtomicBool,
    /// Set once nobody is interested in the end any more.
    pub is_given_up: AtomicBool,
    /// Where things are counted.
    pub tally: Arc<Tally>,
}

/// The clients of a run.
pub struct Crowd {
    setting: Arc<Setting>,
    line: Line,
    accounts: Vec<Account>,
    operator: Account,
}

impl Crowd {
    /// The address that the variable `first_admins` has to name.
    pub fn operators_address() -> String {
        Person::email_of(OPERATOR)
    }

    /// Lets everybody in, on a system that nobody disturbs yet.
    ///
    /// # Errors
    /// The system is not there.
    pub fn enter(setting: Arc<Setting>) -> anyhow::Result<Self> {
        let line = Line::new(setting.address, Arc::clone(&setting.tally));
        let operator = Account::enter(&line, OPERATOR)?;
        operator.prove_address()?;
        let seeds = (0..setting.clients).map(|number| format!("chaos-{}-{number}", setting.seed));
        let accounts = seeds.map(|seed| Account::enter(&line, &seed)).collect::<anyhow::Result<_>>()?;
        Ok(Self { setting, line, accounts, operator })
    }

    /// Plays all clients until `is_enough` is set and what is under way has ended.
    ///
    /// # Errors
    /// A client panicked.
    pub fn play(&self) -> anyhow::Result<Record> {
        let mut all = Record::default();
        for record in self.each(|number, account| {
            let client = Client {
                number,
                setting: &self.setting,
                line: self.line.clone(),
                account,
                operator: &self.operator,
                dice: Dice::of(self.setting.seed, number as u64 + 1),
                stories: Vec::new(),
                begun: 0,
                record: Record::default(),
            };
            Ok(client.play())
        })? {
            all.join(record);
        }
        Ok(all)
    }

    /// Reads what is there through the public API and from the sandbox.
    ///
    /// # Errors
    /// Something is not answered, though nobody disturbs the system any more.
    pub fn look(&self, record: &Record, reading: &mut Reading) -> anyhow::Result<()> {
        for found in self.each(|number, account| self.look_as(number, account, record))? {
            reading.payments.extend(found.payments);
            reading.charges.extend(found.charges);
            reading.counted.extend(found.counted);
            reading.replays.extend(found.replays);
            for (id, receipts) in found.receipts {
                *reading.receipts.entry(id).or_default() += receipts;
            }
        }
        self.operator.log_in(&self.operator.token())?;
        self.read_books(reading)
    }

    fn each<T: Send>(&self, act: impl Fn(usize, &Account) -> anyhow::Result<T> + Sync) -> anyhow::Result<Vec<T>> {
        std::thread::scope(|scope| {
            let act = &act;
            let numbered = self.accounts.iter().enumerate();
            let threads: Vec<_> = numbered.map(|(number, account)| scope.spawn(move || act(number, account))).collect();
            threads.into_iter().map(|thread| thread.join().map_err(|_| anyhow!("a client panicked"))?).collect()
        })
    }

    fn look_as(&self, number: usize, account: &Account, record: &Record) -> anyhow::Result<Reading> {
        account.log_in(&account.token())?;
        let token = account.token();
        let mut found = Reading::default();
        for id in record.orders.iter().filter(|(_, order)| order.who == number).map(|(id, _)| id) {
            let payment = self.get(&format!("/v1/payments/{id}"), Some(&token))?;
            // A payment that is gone is a finding, not an error of the reader's.
            if payment.status == 200 {
                found.payments.insert(id.clone(), Payment::read(&payment.json)?);
            }
            let charges = self.get(&format!("/sandbox/v1/charges?reference={id}"), None)?.expect(200)?;
            let total = charges.json.get("total").and_then(Value::as_u64).context("no total of charges")?;
            let items = charges.json.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
            let items = items.iter().map(Charge::read).collect::<anyhow::Result<_>>()?;
            found.charges.insert(id.clone(), (total, items));
        }
        let counted = self.get("/v1/payments?limit=1", Some(&token))?.expect(200)?;
        let counted = counted.json.get("total").and_then(Value::as_u64).context("no total of payments")?;
        found.counted.insert(number, counted);
        self.read_inbox(&token, &mut found)?;
        self.send_once_more(number, &token, record, &mut found)?;
        Ok(found)
    }

    fn read_inbox(&self, token: &str, found: &mut Reading) -> anyhow::Result<()> {
        let mut path = "/v1/notifications?limit=100".to_owned();
        for _ in 0..MOST_PIECES {
            let page = self.get(&path, Some(token))?.expect(200)?;
            for item in page.json.get("items").and_then(Value::as_array).cloned().unwrap_or_default() {
                let member = |name: &str| item.get(name).and_then(Value::as_str);
                if let (Some("payment_receipt"), Some(about)) = (member("kind"), member("about")) {
                    *found.receipts.entry(about.to_owned()).or_default() += 1;
                }
            }
            match page.json.get("next_cursor").and_then(Value::as_str) {
                Some(cursor) => path = format!("/v1/notifications?limit=100&cursor={cursor}"),
                None => return Ok(()),
            }
        }
        Err(anyhow!("an inbox without an end"))
    }

    /// Sends acknowledged calls once more, evenly over the run.
    fn send_once_more(&self, number: usize, token: &str, record: &Record, found: &mut Reading) -> anyhow::Result<()> {
        let is_ours = |call: &&crate::Call| {
            matches!(call.ended, Ended::Acknowledged { .. })
                && (call.who == Some(number) || number == 0 && call.who.is_none())
        };
        let calls: Vec<_> = record.calls.iter().filter(is_ours).collect();
        let step = calls.len().div_ceil(self.setting.most_replays.max(1)).max(1);
        for call in calls.into_iter().step_by(step) {
            let operators = call.who.is_none().then(|| self.operator.token());
            let token = operators.as_deref().unwrap_or(token);
            let answer = patiently(|| self.line.api.try_post(&call.path, &call.body, Some(token), Some(&call.key)))?;
            let Answer { status, text, replayed, .. } = answer;
            found.replays.push(Replay { key: call.key.clone(), status, text, marked: replayed });
        }
        Ok(())
    }

    /// The books as the operator sees them.
    fn read_books(&self, reading: &mut Reading) -> anyhow::Result<()> {
        let trial = self.as_operator("/v1/ledger/trial-balance")?;
        for line in trial.json.get("lines").and_then(Value::as_array).cloned().unwrap_or_default() {
            let currency = line.get("currency").and_then(Value::as_str).context("a line without a currency")?;
            let sum = line.get("sum_minor").and_then(Value::as_i64).context("a line without a sum")?;
            reading.trial.push((currency.to_owned(), sum));
        }
        reading.verified = Some(self.verify()?);
        for item in self.pages("/v1/ledger/accounts")? {
            let minor = |member: &str| item.get(member).and_then(Value::as_i64).context("an account without a balance");
            let balance = Balance { posted_minor: minor("posted_minor")?, held_minor: minor("held_minor")? };
            let name = item.get("account").and_then(Value::as_str).context("an account without a name")?;
            reading.told.insert(name.to_owned(), balance);
        }
        for account in reading.told.keys() {
            reading.rows.extend(self.statement(account)?);
        }
        for item in self.pages("/v1/ledger/payouts")? {
            let text = |member: &str| Some(item.get(member)?.as_str()?.to_owned());
            let amount_minor = item.get("amount_minor").and_then(Value::as_i64);
            let (Some(id), Some(status), Some(currency), Some(amount_minor)) =
                (text("id"), text("status"), text("currency"), amount_minor)
            else {
                return Err(anyhow!("not a payout: {item}"));
            };
            reading.payouts.insert(id, (status, amount_minor, currency));
        }
        Ok(())
    }

    /// Walks the chain to its end: rows checked, or what does not hold.
    fn verify(&self) -> anyhow::Result<Result<u64, String>> {
        let mut path = "/v1/ledger/verify".to_owned();
        for _ in 0..MOST_PIECES {
            let answer = self.as_operator(&path)?;
            let member = |name: &str| answer.json.get(name).and_then(Value::as_str);
            match (member("status"), member("next_cursor")) {
                (Some("intact"), _) => {
                    return Ok(Ok(answer.json.get("rows").and_then(Value::as_u64).unwrap_or_default()));
                }
                (Some("unfinished"), Some(cursor)) => path = format!("/v1/ledger/verify?cursor={cursor}"),
                _ => return Ok(Err(answer.text)),
            }
        }
        Err(anyhow!("a chain without an end"))
    }

    fn statement(&self, account: &str) -> anyhow::Result<Vec<Row>> {
        let mut rows: Vec<Row> = Vec::new();
        for _ in 0..MOST_PIECES {
            let cursor = rows.last().map_or_else(String::new, |row| format!("?cursor={}", row.row + 1));
            let csv = self.as_operator(&format!("/v1/ledger/accounts/{account}/statement.csv{cursor}"))?;
            let before = rows.len();
            for line in csv.text.lines().filter(|line| !line.starts_with("row,")) {
                rows.push(Row::read(account, line)?);
            }
            if rows.len() - before < PIECE_ROWS {
                return Ok(rows);
            }
        }
        Err(anyhow!("a statement without an end"))
    }

    fn pages(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        for _ in 0..MOST_PIECES {
            let page = self.as_operator(&format!("{path}?limit=100{cursor}"))?;
            items.extend(page.json.get("items").and_then(Value::as_array).cloned().unwrap_or_default());
            match page.json.get("next_cursor").and_then(Value::as_str) {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(items),
            }
        }
        Err(anyhow!("{path} has no end"))
    }

    fn as_operator(&self, path: &str) -> anyhow::Result<Answer> {
        self.get(path, Some(&self.operator.token()))?.expect(200)
    }

    fn get(&self, path: &str, token: Option<&str>) -> anyhow::Result<Answer> {
        patiently(|| self.line.api.try_get(path, token))
    }
}

/// Asks again where the answer is "later": the machine is busy after all that.
fn patiently(ask: impl Fn() -> anyhow::Result<Answer>) -> anyhow::Result<Answer> {
    for _ in 0..40 {
        if let Ok(answer) = ask()
            && !matches!(answer.status, 429 | 500..=599)
            && !(answer.status == 409 && answer.retry_after_s.is_some())
        {
            return Ok(answer);
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    let answer = ask()?;
    ensure!(answer.status < 500, "{} answers {} {}", answer.request, answer.status, answer.text);
    Ok(answer)
}
