//! A provider tells what became of a message: it arrived, it came back, or its reader calls it spam.

use crate::app::notify::logged;
use crate::app::step::{Step, step};
use crate::app::suppress::suppress;
use crate::domain::{Befell, Message, MessageState, Reason, Suppression};
use crate::keys;
use crate::seals::Seals;
use crate::wire::{self, StoredMessage};
use ids::NotificationId;
use records::{Change, Content, Meta, Records, RecordsError};

/// How often a change by somebody else in between is borne.
const TRIES: usize = 4;

/// What was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// It arrived.
    Delivered,
    /// It came back; `for_good` where nothing will ever arrive at that address.
    Bounced {
        /// Whether the address is dead.
        for_good: bool,
        /// What the provider calls it.
        why: String,
    },
    /// Its reader does not want it.
    Complained,
}

/// Takes a notice about one of our messages. One that is not ours, or was erased, is nothing; one that is told again
/// changes nothing.
///
/// # Errors
/// The store's; the provider tells again.
pub async fn hear_notice(
    records: &dyn Records,
    seals: &Seals,
    provider: &str,
    id: NotificationId,
    told: &Told,
    meta: &Meta,
) -> Result<(), RecordsError> {
    let key = keys::message(id)?;
    for _ in 0..TRIES {
        let Some(record) = records.load(&key).await? else { return Ok(()) };
        let Some(message) = wire::read::<StoredMessage, Message>(&record)? else { return Ok(()) };
        // The list first: who dies in between is told again, and finds the row missing.
        if let Some(reason) = told.reason() {
            let suppression = Suppression {
                channel: message.channel,
                address: message.to.clone(),
                reason,
                provider: provider.to_owned(),
                at: meta.at,
                message: id,
                user_id: message.user_id,
            };
            suppress(records, seals, &suppression, meta).await?;
        }
        let (befell, why) = told.row();
        if message.journal.says(befell, provider, why.as_deref()) {
            return Ok(());
        }
        let state = match (told, &message.state) {
            // Whatever was known: the provider had it, or it could not have come back.
            (Told::Bounced { why, .. }, _) => MessageState::Bounced { at: meta.at, reason: why.clone() },
            // It had it, whose answer was lost.
            (Told::Delivered | Told::Complained, MessageState::Unknown { .. } | MessageState::Sending) => {
                MessageState::Sent { at: meta.at, provider_id: None }
            }
            (Told::Delivered | Told::Complained, state) => state.clone(),
        };
        let journal = message.journal.clone().with(meta.at, befell, Some(provider), why);
        let after = Message { state, journal, ..message };
        let content = Content::Body(wire::write(&StoredMessage::from(&after))?);
        // The timer stays: where it is set, it finds that nothing is left to do.
        let change = Change::new(key.clone(), Some(record.version), content, meta.clone());
        match step(records.commit(logged(change, &after)?).await?)? {
            Step::Committed => return Ok(()),
            Step::Conflict => {}
        }
    }
    Err(RecordsError::Unavailable("a message changes again and again".to_owned()))
}

impl Told {
    /// Why the address goes onto the list, where it does.
    const fn reason(&self) -> Option<Reason> {
        match self {
            Self::Bounced { for_good: true, .. } => Some(Reason::Bounce),
            Self::Complained => Some(Reason::Complaint),
            Self::Delivered | Self::Bounced { for_good: false, .. } => None,
        }
    }

    fn row(&self) -> (Befell, Option<String>) {
        match self {
            Self::Delivered => (Befell::Delivered, None),
            Self::Bounced { why, .. } => (Befell::Bounced, Some(why.clone())),
            Self::Complained => (Befell::Complained, None),
        }
    }
}
