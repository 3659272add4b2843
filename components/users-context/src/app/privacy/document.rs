//! The export as one document: what the services handed in, and the account itself as it is now.

use super::PrivacyError;
use super::export::own_export;
use super::store::page_key;
use crate::app::account::{AccountError, own};
use crate::app::keys::list_keys;
use crate::domain::{Export, Session, User};
use crate::state::{load, session_id_of, sessions_of, trail_account};
use crate::wire::trail::TrailAnswer;
use crate::{Privacy, Users};
use futures::future::try_join_all;
use ids::UserId;
use principal::Principal;
use privacy::{ExportPage, Service};
use records::{Cursor, MAX_PAGE, RecordsError};
use serde_json::{Map, Value, json};

/// The most entries of the audit trail in one document: about half a megabyte.
const MOST_ACTIVITY: usize = 1_000;
/// The name and version of the document's form.
const FORMAT: &str = "spindrift.export.v1";

/// Everything that is known of the caller, machine-readable. **Shape** `{"format":"spindrift.export.v1","account":{…},
/// "sessions":[…],"api_keys":[…],"activity":[…],"payments":{"payments":[…]},"notifications":{…},"queries":{…},
/// "webhooks":{…}}`; every section lists its items.
///
/// # Errors
/// [`PrivacyError::NotReady`] until every service has handed in.
pub async fn export_document(privacy: &Privacy, principal: &Principal, id: &str) -> Result<Value, PrivacyError> {
    let users = &privacy.users;
    let export = own_export(users, principal, id).await?;
    if !export.is_ready() {
        return Err(PrivacyError::NotReady);
    }
    let owner = own(principal)?;
    let (_, user) = users.load_user(owner).await?.ok_or(AccountError::NoAccount)?;
    let mut document = Map::new();
    document.insert("format".to_owned(), FORMAT.into());
    document.insert("requested_at".to_owned(), export.requested_at.to_string().into());
    document.insert("assembled_at".to_owned(), users.now().to_string().into());
    let truncated: Vec<_> = Export::FROM
        .map(Service::word)
        .into_iter()
        .filter(|word| export.parts.get(*word).is_some_and(|part| part.truncated))
        .collect();
    document.insert("truncated".to_owned(), truncated.into());
    document.insert("account".to_owned(), account(users, &user));
    document.insert("sessions".to_owned(), sessions(users, &user).await?.into());
    document.insert("api_keys".to_owned(), api_keys(users, principal).await?);
    document.insert("activity".to_owned(), activity(privacy, owner).await?.into());
    for service in Export::FROM {
        let pages = export.parts.get(service.word()).map_or(0, |part| part.pages);
        let keys = (0..pages).map(|number| page_key(export.id, service, number)).collect::<Result<Vec<_>, _>>()?;
        let pages = try_join_all(keys.iter().map(|key| load::<ExportPage>(&*users.records, key))).await?;
        let mut sections: Map<String, Value> = Map::new();
        // A page that is missing ended with its export a moment ago.
        for page in pages {
            let page = page.and_then(|(_, page)| page).ok_or(PrivacyError::NotFound)?;
            for (section, item) in page.items {
                if let Value::Array(items) = sections.entry(section).or_insert_with(|| Value::Array(Vec::new())) {
                    items.push(item);
                }
            }
        }
        document.insert(service.word().to_owned(), sections.into());
    }
    Ok(document.into())
}

fn account(users: &Users, user: &User) -> Value {
    json!({
        "id": user.id.to_string(),
        "email": user.email.as_str(),
        "display_name": user.display_name.as_str(),
        "locale": user.locale.as_str(),
        "roles": users.roles_of(user),
        "created_at": user.created_at.to_string(),
        "email_verified_at": user.email_verified_at.map(|at| at.to_string()),
        "moving_to_email": user.email_change.as_ref().map(|change| change.to.as_str()),
        "second_factor_since":
            user.second_factor.as_ref().and_then(|factor| factor.confirmed_at).map(|at| at.to_string()),
    })
}

async fn sessions(users: &Users, user: &User) -> Result<Vec<Value>, RecordsError> {
    let (index, mut after, mut all): (_, Option<Cursor>, _) = (sessions_of(user.id)?, None, Vec::new());
    loop {
        let page = users.records.list(&index, after.as_ref(), MAX_PAGE).await?;
        let ids = page.entries.iter().filter_map(|entry| session_id_of(&entry.key));
        let found = try_join_all(ids.map(|id| users.load_session(id))).await?;
        all.extend(found.into_iter().flatten().map(|(_, session)| shown(&session)));
        after = page.next;
        if after.is_none() {
            return Ok(all);
        }
    }
}

async fn api_keys(users: &Users, principal: &Principal) -> Result<Value, PrivacyError> {
    let page = list_keys(users, principal).await.map_err(|error| unreadable(&error))?;
    serde_json::to_value(page.items).map_err(|error| unreadable(&error))
}

/// The newest of what the audit trail tells its owner.
async fn activity(privacy: &Privacy, owner: UserId) -> Result<Vec<Value>, PrivacyError> {
    let (account, mut all, mut from) = (trail_account(&owner.to_string())?, Vec::new(), None);
    while all.len() < MOST_ACTIVITY {
        let rows = privacy.trail.own_rows(&account, from, MAX_PAGE).await?;
        for row in &rows {
            let told = TrailAnswer::for_owner(row, owner);
            all.push(serde_json::to_value(told).map_err(|error| unreadable(&error))?);
        }
        from = rows.last().map(|row| row.number.saturating_sub(1));
        if from.is_none_or(|from| from == 0) {
            break;
        }
    }
    Ok(all)
}

fn unreadable(error: &dyn core::error::Error) -> PrivacyError {
    RecordsError::Unavailable(error.to_string()).into()
}

fn shown(session: &Session) -> Value {
    json!({
        "id": session.id.to_string(),
        "created_at": session.created_at.to_string(),
        "last_used_at": session.rotated_at.to_string(),
        "expires_at": session.expires_at.to_string(),
        "agent": session.device.agent,
        "address": session.device.address,
    })
}
