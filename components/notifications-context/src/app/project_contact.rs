//! The contact of a person, as the users context last told it: a projection by version.

use crate::app::step::{Step, step};
use crate::domain::Contact;
use crate::keys;
use crate::wire::{self, StoredContact};
use ids::UserId;
use records::{Change, Content, Meta, Records, RecordsError, Version};

/// How often a change by another delivery in between is borne.
const TRIES: usize = 4;

/// Why it was not projected.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// Another delivery changed it each time in between.
    #[error("the contact changed {TRIES} times in between")]
    Contended,
    /// The store.
    #[error(transparent)]
    Records(#[from] RecordsError),
}

/// What is known of a person's contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// This.
    Contact(Box<Contact>),
    /// It was erased; nothing may be sent and nothing brings it back.
    Erased,
    /// Nothing yet.
    Nothing,
}

/// Takes over what an event tells, if it is newer than what is known; answers what is known afterwards.
///
/// # Errors
/// [`ProjectError`].
pub async fn project_contact(records: &dyn Records, told: Contact, meta: &Meta) -> Result<Known, ProjectError> {
    for _ in 0..TRIES {
        let (version, known) = load(records, told.user_id).await?;
        let known = match known {
            Known::Erased => return Ok(Known::Erased),
            Known::Contact(known) => Some(known),
            Known::Nothing => None,
        };
        if !told.replaces(known.as_deref()) {
            return Ok(known.map_or(Known::Nothing, Known::Contact));
        }
        let content = Content::Body(wire::write(&StoredContact::from(&told))?);
        let change = Change::new(keys::contact(told.user_id)?, version, content, meta.clone());
        match step(records.commit(change).await?)? {
            Step::Committed => return Ok(Known::Contact(Box::new(told))),
            Step::Conflict => {}
        }
    }
    Err(ProjectError::Contended)
}

/// What is known of a person's contact now.
///
/// # Errors
/// The store's.
pub async fn known_contact(records: &dyn Records, user_id: UserId) -> Result<Known, RecordsError> {
    Ok(load(records, user_id).await?.1)
}

/// The contact and the version of its record.
async fn load(records: &dyn Records, user_id: UserId) -> Result<(Option<Version>, Known), RecordsError> {
    let Some(record) = records.load(&keys::contact(user_id)?).await? else { return Ok((None, Known::Nothing)) };
    let known = match wire::read::<StoredContact, Contact>(&record)? {
        Some(contact) => Known::Contact(Box::new(contact)),
        None => Known::Erased,
    };
    Ok((Some(record.version), known))
}
