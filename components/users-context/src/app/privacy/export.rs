//! Export as its owner and the other services see it: the request, how far it is, the pages.

use super::PrivacyError;
use super::confirm::confirm;
use super::store::{EXPIRE_EXPORT, export_change, load_export, page_drawer, page_key, pages_of};
use crate::Users;
use crate::app::ATTEMPTS;
use crate::app::account::{AccountError, own};
use crate::asked::Asked;
use crate::domain::{Act, Deed, Export, HandedIn};
use crate::state::{Written, content, load, meta};
use crate::wire::event;
use crate::wire::privacy::{ConfirmRequest, ExportAnswer};
use ids::{ExportId, UserId};
use principal::Principal;
use privacy::{ExportPage, Service, sweep};
use records::{Change, Content, IndexStep, RecordsError, TimerStep};
use serde_json::Value;

/// Asks every service for what it has of the caller. An export of the last hour is given again.
///
/// # Errors
/// [`PrivacyError`].
pub async fn request_export(
    users: &Users,
    scope: &Asked,
    principal: &Principal,
    request: ConfirmRequest,
) -> Result<ExportAnswer, PrivacyError> {
    let owner = own(principal)?;
    let (_, user) = users.load_user(owner).await?.ok_or(AccountError::NoAccount)?;
    confirm(users, scope, &user, request, Act::Export).await?;
    for _ in 0..ATTEMPTS {
        let (version, known) = load_export(&*users.records, owner).await?.map_or((None, None), |(v, e)| (Some(v), e));
        let now = users.now();
        if let Some(known) = known {
            if known.is_fresh(now) {
                return Ok(ExportAnswer::from(&known));
            }
            // The pages of the one before, which this one replaces.
            sweep(&*users.records, &page_drawer(owner)?, &meta(scope, owner, now), &|_, _, change| Ok(change)).await?;
        }
        let export = Export::request(ExportId::new(owner.partition(), users.new_uuid()), owner, now);
        let change = export_change(&export, version, meta(scope, owner, now))?
            .with_event(event::export_requested(&export)?)
            .with_trail(users.told(scope, owner, owner, &Deed::done(Act::Export))?)
            .with_timer(TimerStep::Set { name: EXPIRE_EXPORT, due: export.expires_at() });
        if users.commit(change).await? == Written::Committed {
            return Ok(ExportAnswer::from(&export));
        }
    }
    Err(AccountError::Contended.into())
}

/// How far the caller's export is.
///
/// # Errors
/// [`PrivacyError`]; another's is not found.
pub async fn show_export(users: &Users, principal: &Principal, id: &str) -> Result<ExportAnswer, PrivacyError> {
    own_export(users, principal, id).await.map(|export| ExportAnswer::from(&export))
}

/// The caller's export, while there is an account and it is kept.
pub(super) async fn own_export(users: &Users, principal: &Principal, id: &str) -> Result<Export, PrivacyError> {
    let owner = own(principal)?;
    let id: ExportId = id.parse().map_err(|_| PrivacyError::NotFound)?;
    users.load_user(owner).await?.ok_or(AccountError::NoAccount)?;
    let export = load_export(&*users.records, owner).await?.and_then(|(_, export)| export);
    export.filter(|export| export.id == id && export.is_kept(users.now())).ok_or(PrivacyError::NotFound)
}

/// Takes a page that a service hands in. The same page again replaces it; the last one completes the service's part.
///
/// # Errors
/// [`PrivacyError::Gone`] where nobody wants it any more; the store's.
pub async fn take_page(
    users: &Users,
    scope: &Asked,
    owner: UserId,
    id: ExportId,
    service: Service,
    page: ExportPage,
) -> Result<(), PrivacyError> {
    wanted(users, owner, id).await?;
    let key = page_key(id, service, page.page.number)?;
    for attempt in 0.. {
        let version = load::<Value>(&*users.records, &key).await?.map(|(version, _)| version);
        let sort = key.to_string();
        let change = Change::new(key.clone(), version, content(&page)?, meta(scope, owner, users.now()))
            .with_index(IndexStep::Put { index: pages_of(owner)?, sort, summary: String::new() });
        match users.commit(change).await? {
            Written::Committed => break,
            Written::Conflict if attempt < ATTEMPTS => {}
            Written::Conflict => return Err(contended()),
        }
    }
    // The export may have ended while the page was written: then nobody else will find this page.
    for _ in 0..ATTEMPTS {
        let Some((version, Some(mut export))) = load_export(&*users.records, owner).await? else { break };
        if export.id != id {
            break;
        }
        if !page.page.last {
            return Ok(());
        }
        let pages = page.page.number.saturating_add(1);
        export.parts.insert(service.word().to_owned(), HandedIn { pages, truncated: page.truncated });
        let change = export_change(&export, Some(version), meta(scope, owner, users.now()))?;
        if users.commit(change).await? == Written::Committed {
            return Ok(());
        }
    }
    take_away(users, scope, owner, id, service, page.page.number).await?;
    Err(PrivacyError::Gone)
}

async fn wanted(users: &Users, owner: UserId, id: ExportId) -> Result<(), PrivacyError> {
    let export = load_export(&*users.records, owner).await?.and_then(|(_, export)| export);
    match export {
        Some(export) if export.id == id && export.is_kept(users.now()) => Ok(()),
        _ => Err(PrivacyError::Gone),
    }
}

async fn take_away(
    users: &Users,
    scope: &Asked,
    owner: UserId,
    id: ExportId,
    service: Service,
    number: u32,
) -> Result<(), RecordsError> {
    let key = page_key(id, service, number)?;
    let Some((version, Some(_))) = load::<Value>(&*users.records, &key).await? else { return Ok(()) };
    let drawer = page_drawer(owner)?;
    let sort = key.to_string();
    let change = Change::new(key, Some(version), Content::Tombstone, meta(scope, owner, users.now()))
        .with_index(IndexStep::Remove { index: drawer.full, sort: sort.clone() })
        .with_index(IndexStep::Put { index: drawer.emptied, sort, summary: String::new() });
    match users.commit(change).await? {
        Written::Committed => Ok(()),
        // Somebody else takes it away, or has written it again for a service that will hear the same.
        Written::Conflict => Err(RecordsError::Unavailable("the page changes again and again".to_owned())),
    }
}

fn contended() -> PrivacyError {
    RecordsError::Unavailable("the export changes again and again".to_owned()).into()
}
