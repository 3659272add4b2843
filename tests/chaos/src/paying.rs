//! One client: a person with many payments under way, who sends, is interrupted, looks, and sends again.

use crate::crowd::Setting;
use crate::pace::Moment;
use crate::sending::{Line, Word, kind};
use crate::story::{Stage, Story};
use crate::{Deed, Dice, Ended, Record, Tally};
use journey::Person;
use serde_json::{Value, json};
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The most stories that one client has under way.
const MOST_STORIES: usize = 40;
/// A pause between two looks.
const LOOK_PAUSE: Duration = Duration::from_millis(700);

/// An account that can log in again at any time.
pub(crate) struct Account(Mutex<Person>);

impl Account {
    /// Registers somebody, however often it takes.
    ///
    /// # Errors
    /// The system is not there for minutes.
    pub fn enter(line: &Line, seed: &str) -> anyhow::Result<Self> {
        let mut person = Person::new(line.api.clone(), seed);
        patiently(|| person.register().map(drop))?;
        patiently(|| person.log_in().map(drop))?;
        Ok(Self(Mutex::new(person)))
    }

    fn person(&self) -> std::sync::MutexGuard<'_, Person> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub fn token(&self) -> String {
        self.person().access_token().to_owned()
    }

    /// Logs in again, unless somebody else just did.
    pub fn log_in(&self, old: &str) -> anyhow::Result<()> {
        let mut person = self.person();
        if person.access_token() != old {
            return Ok(());
        }
        patiently(|| person.log_in().map(drop))
    }

    /// Proves the address, which makes an operator of whom the deployment names.
    pub fn prove_address(&self) -> anyhow::Result<()> {
        let mut person = self.person();
        person.prove_address()?;
        patiently(|| person.log_in().map(drop))
    }
}

fn patiently(mut act: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<()> {
    for _ in 0..200 {
        if act().is_ok() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(400));
    }
    act()
}

/// One client.
pub(crate) struct Client<'a> {
    pub number: usize,
    pub setting: &'a Setting,
    pub line: Line,
    pub account: &'a Account,
    pub operator: &'a Account,
    pub dice: Dice,
    pub stories: Vec<Story>,
    pub begun: u64,
    pub record: Record,
}

impl Client<'_> {
    /// Begins and carries on stories until it is enough, then only ends what is under way.
    pub fn play(mut self) -> Record {
        while !self.setting.is_enough.load(Ordering::SeqCst) {
            match self.longest_due(|_| true) {
                Some(place) if self.stories.len() >= MOST_STORIES || self.dice.percent(80) => self.turn(place),
                _ if self.stories.len() < MOST_STORIES => self.begin(),
                _ => {}
            }
            self.think();
        }
        let last = Moment::now().plus(self.setting.patience);
        let is_given_up = || self.setting.is_given_up.load(Ordering::SeqCst);
        while self.stories.iter().any(|story| story.call.is_some()) && !last.is_over() && !is_given_up() {
            if let Some(place) = self.longest_due(|story| story.call.is_some()) {
                self.turn(place);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        // What has no answer now is in the record as open, for the checks.
        let open = self.stories.drain(..).filter_map(|story| story.call);
        self.record.calls.extend(open);
        self.record
    }

    /// The place of the story that has been due for the longest.
    fn longest_due(&self, fits: impl Fn(&Story) -> bool) -> Option<usize> {
        let due = self.stories.iter().enumerate().filter(|(_, story)| fits(story) && story.due.is_over());
        due.min_by_key(|(_, story)| story.due).map(|(place, _)| place)
    }

    fn think(&mut self) {
        let think_ms = self.setting.think_ms;
        std::thread::sleep(Duration::from_millis(self.dice.between(think_ms / 2, think_ms + think_ms / 2)));
    }

    fn begin(&mut self) {
        self.begun += 1;
        let is_payout = self.dice.percent(4);
        self.stories.push(Story::new(self.begun, is_payout));
        self.turn(self.stories.len() - 1);
    }

    fn is_calm(&self) -> bool {
        self.setting.is_enough.load(Ordering::SeqCst)
    }

    fn turn(&mut self, place: usize) {
        let mut story = self.stories.swap_remove(place);
        if story.call.is_none() {
            story.call = story.next_call(self.number, self.setting.seed, &mut self.dice);
            story.asked = Moment::now();
        }
        if story.call.is_some() {
            self.carry_on(&mut story);
        } else {
            self.act(&mut story);
        }
        if !story.is_over() {
            self.stories.push(story);
        }
    }

    /// Sends the call under way.
    fn carry_on(&mut self, story: &mut Story) {
        let Some(mut call) = story.call.take() else { return };
        let account = if call.deed.is_operators() { self.operator } else { self.account };
        let token = account.token();
        let thrown = if self.is_calm() { 99 } else { self.dice.between(0, 99) };
        let word = match thrown {
            0..8 => {
                let how_many = self.dice.between(2, 8);
                self.line.send_together(&mut call, &token, how_many)
            }
            8..12 => {
                self.line.send_and_leave(&mut call, &token, &mut self.dice);
                Ok(Word::Again(Duration::from_millis(self.dice.between(0, 300))))
            }
            _ => self.line.send(&mut call, &token),
        };
        match word {
            Ok(Word::Final(ended)) => {
                call.ended = ended;
                self.line.tally.longest(&format!("until the end of a {}", call.deed.word()), story.asked.elapsed());
                story.after(&call, &mut self.dice);
                self.ended(story, call, &token);
            }
            Ok(Word::Again(pause)) => {
                story.due = Moment::now().plus(pause);
                story.call = Some(call);
            }
            Ok(Word::LogIn) => {
                // Without an account nothing goes on: the calls stay open, and the checks say so.
                account.log_in(&token).ok();
                story.call = Some(call);
            }
            Err(what) => {
                self.record.broken.push((what, story.id.clone()));
                story.due = Moment::now().plus(LOOK_PAUSE);
                story.call = Some(call);
            }
        }
    }

    /// Keeps an ended call, and sometimes tries at once what must not work.
    fn ended(&mut self, story: &Story, mut call: crate::Call, token: &str) {
        match &call.ended {
            Ended::Acknowledged { .. } => self.line.tally.add(Tally::ACKNOWLEDGED, call.deed.word()),
            Ended::Refused { status, kind } => {
                self.line.tally.add(Tally::REFUSED, format!("{status} {kind}"));
                if *status == 404 {
                    self.record.broken.push((format!("404 for {}", call.path), story.id.clone()));
                }
            }
            Ended::Open => {}
        }
        if matches!(call.ended, Ended::Acknowledged { .. }) && matches!(call.deed, Deed::Create | Deed::Payout) {
            call.about.clone_from(&story.id);
            if let (Some(id), Some(order), Deed::Create) = (&story.id, &story.order, call.deed) {
                self.record.orders.insert(id.clone(), order.clone());
            }
        }
        if matches!(call.ended, Ended::Acknowledged { .. }) && !self.is_calm() && self.dice.percent(4) {
            self.try_another_body(&call, token);
        }
        self.record.calls.push(call);
    }

    /// Another body under a key that was used: 422, or for a moment no answer, and never an effect.
    fn try_another_body(&mut self, call: &crate::Call, token: &str) {
        self.line.tally.add(Tally::FAULTS, "another body under a used key");
        let body = json!({ "amount_minor": 1, "currency": "EUR", "payment_method": "tok_visa" });
        let Ok(answer) = self.line.api.try_post(&call.path, &body, Some(token), Some(&call.key)) else { return };
        self.line.tally.add(Tally::SENT, "another body");
        if answer.status < 300 {
            let what = format!("another body under {} was answered {} {}", call.key, answer.status, answer.text);
            self.record.broken.push((what, call.about.clone()));
        } else if answer.status == 422 {
            self.line.tally.add(Tally::REFUSED, format!("422 {}", kind(&answer)));
        }
    }

    /// What is done without an Idempotency-Key: look, and play the payer's bank.
    fn act(&mut self, story: &mut Story) {
        story.due = Moment::now().plus(LOOK_PAUSE);
        if !matches!(story.stage, Stage::Look | Stage::Prove | Stage::Dispute | Stage::Decide) || !story.may_look() {
            return;
        }
        let id = story.id.clone().unwrap_or_default();
        match story.stage {
            Stage::Look => {
                let token = self.account.token();
                self.line.tally.add(Tally::SENT, "look");
                match self.line.api.try_get(&format!("/v1/payments/{id}"), Some(&token)) {
                    Ok(answer) if answer.status == 200 => story.see(&answer.json, &mut self.dice),
                    Ok(answer) if answer.status == 401 => drop(self.account.log_in(&token)),
                    Ok(answer) if answer.status == 404 => {
                        self.record.broken.push((format!("404 for {id}"), Some(id)));
                        story.stage = Stage::Done;
                    }
                    Ok(_) | Err(_) => {}
                }
            }
            Stage::Prove => {
                let outcome = if self.dice.percent(85) { "success" } else { "failure" };
                if self.bank(&id, "authenticate", &json!({ "outcome": outcome })) {
                    story.stage = if self.dice.percent(50) { Stage::Confirm } else { Stage::Look };
                }
            }
            Stage::Dispute => {
                if self.bank(&id, "dispute", &json!({})) {
                    story.stage = if self.dice.percent(90) { Stage::Decide } else { Stage::Done };
                }
            }
            Stage::Decide => {
                let outcome = if self.dice.percent(50) { "won" } else { "lost" };
                if self.bank(&id, "dispute/close", &json!({ "outcome": outcome })) {
                    story.stage = Stage::Done;
                }
            }
            Stage::New | Stage::Confirm | Stage::Held | Stage::Taken | Stage::Move(_) | Stage::Done => {}
        }
    }

    /// Plays the payer's bank at the sandbox; whether that is done now, or was before.
    fn bank(&self, id: &str, step: &str, body: &Value) -> bool {
        let Ok(charges) = self.line.api.try_get(&format!("/sandbox/v1/charges?reference={id}"), None) else {
            return false;
        };
        let charge = charges.json.pointer("/items/0/id").and_then(Value::as_str).unwrap_or_default();
        self.line.tally.add(Tally::SENT, format!("the bank: {step}"));
        let path = format!("/sandbox/v1/charges/{charge}/{step}");
        let answer = self.line.api.try_post(&path, body, None, Some(&format!("{id}-{step}")));
        answer.is_ok_and(|answer| matches!(answer.status, 200 | 409))
    }
}
