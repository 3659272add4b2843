//! What is known of a person, joined in any order.

use crate::app::step::{Step, step};
use crate::app::{ProjectError, TRIES};
use crate::domain::Profile;
use crate::keys;
use crate::wire::{self, StoredProfile};
use records::{Change, Content, Meta, Records};

/// Takes in what an event tells. Four round trips; two where nothing of it is new.
///
/// # Errors
/// [`ProjectError`].
pub async fn project_profile(records: &dyn Records, told: Profile, meta: &Meta) -> Result<(), ProjectError> {
    let key = keys::profile(told.user_id)?;
    for _ in 0..TRIES {
        let (version, known) = match records.load(&key).await? {
            None => (None, None),
            Some(record) => match wire::read::<StoredProfile, Profile>(&record)? {
                Some(profile) => (Some(record.version), Some(profile)),
                // Erased: nothing brings it back.
                None => return Ok(()),
            },
        };
        let joined = Profile::join(known.as_ref(), told.clone());
        if known.as_ref() == Some(&joined) {
            return Ok(());
        }
        let content = Content::Body(wire::write(&StoredProfile::from(&joined))?);
        match step(records.commit(Change::new(key.clone(), version, content, meta.clone())).await?)? {
            Step::Committed => return Ok(()),
            Step::Conflict => {}
        }
    }
    Err(ProjectError::Contended)
}
