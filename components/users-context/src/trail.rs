//! Telling the audit trail: with a change, or of what was refused.

use crate::asked::Asked;
use crate::domain::Deed;
use crate::wire::trail::{TrailPersonal, TrailText};
use crate::{Users, state};
use core::time::Duration;
use ids::UserId;
use records::{Note, RecordsError, TrailEntry};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// Whose rows tell what befell nobody: addresses that have no account.
pub const UNKNOWN: &str = "unknown";
/// Of refusals that are the same (account, act, reason) one is written down in this time: as long as the throttle
/// remembers attempts.
const SAME_FOR: Duration = Duration::from_secs(15 * 60);
/// Of refusals without an account, one a network is written down in this time…
const SAME_FOR_STRANGERS: Duration = Duration::from_secs(60 * 60);
/// …and at most so many altogether: networks share places, so that whoever has many of them fills nothing.
const STRANGERS: u8 = 64;

impl Users {
    /// An entry of the trail: what was done to whom, by whom, from where.
    pub(crate) fn told(
        &self,
        asked: &Asked,
        whom: UserId,
        actor: UserId,
        deed: &Deed,
    ) -> Result<TrailEntry, RecordsError> {
        self.entry(asked, &whom.to_string(), Some(actor), deed)
    }

    fn entry(&self, asked: &Asked, whom: &str, actor: Option<UserId>, deed: &Deed) -> Result<TrailEntry, RecordsError> {
        let actor = actor.filter(|_| deed.is_by_owner());
        let mut salt = [0; 16];
        self.random.fill(&mut salt);
        Ok(TrailEntry {
            account: state::trail_account(whom)?,
            text: line(&TrailText::of(deed, actor, asked.trace.to_string()))?,
            personal: Some(line(&TrailPersonal::of(&asked.client, salt))?),
        })
    }

    /// Writes down what was refused, once a while; the same call for an account that is there and for one that is not.
    ///
    /// # Errors
    /// Of the store: then nothing may be answered that a refusal without a trace would answer.
    pub(crate) async fn refused(
        &self,
        asked: &Asked,
        whom: Option<UserId>,
        actor: Option<UserId>,
        deed: Deed,
    ) -> Result<(), RecordsError> {
        let why = deed.refused.map_or("", crate::domain::Why::word);
        let act = deed.act.word();
        let (name, same, window) = match whom {
            Some(id) => (id.to_string(), format!("{act} {why} {id}"), SAME_FOR),
            None => {
                let network = Sha256::digest(asked.client.place().to_string());
                let place = network.first().map_or(0, |byte| byte % STRANGERS);
                (UNKNOWN.to_owned(), format!("{act} {UNKNOWN} {place}"), SAME_FOR_STRANGERS)
            }
        };
        let entry = self.entry(asked, &name, actor, &deed)?;
        self.notes.note(Note { entry, same, window }).await.map(drop)
    }
}

fn line(part: &impl Serialize) -> Result<String, RecordsError> {
    serde_json::to_string(part).map_err(|error| RecordsError::Invalid(error.to_string()))
}
