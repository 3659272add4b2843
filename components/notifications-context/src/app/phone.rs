//! A person names a telephone, proves it by the code that it was sent, or takes it away.

use crate::app::notify::entered;
use crate::app::settings::{SettingsError, set_phone};
use crate::app::step::step;
use crate::app::{Known, known_contact};
use crate::domain::{
    Befell, Channel, Contact, Journal, Message, MessageState, Occasion, Phone, PhoneNumber, PhoneRefusal,
};
use crate::keys;
use crate::seals::{Seals, same};
use crate::templates::{DEFAULT_LOCALE, TemplateError, render};
use ambient::Random;
use events::EventVersion;
use ids::{NotificationId, UserId};
use records::{Meta, Records, RecordsError, TimerStep};

/// Why a number was not taken.
#[derive(Debug, thiserror::Error)]
pub enum PhoneError {
    /// The settings.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The text.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The store.
    #[error(transparent)]
    Records(#[from] RecordsError),
}

/// Takes a number that is to be proven, and sends it a code. Who dies between the two has to ask for another.
///
/// # Errors
/// [`PhoneError`].
pub async fn name_phone(
    records: &dyn Records,
    seals: &Seals,
    random: &dyn Random,
    user_id: UserId,
    number: &PhoneNumber,
    meta: &Meta,
) -> Result<(), PhoneError> {
    let code = six_digits(random);
    let mac = seals.phone_code(user_id, number, &code);
    let named = set_phone(records, user_id, meta, |phone| phone.named(number.clone(), mac.clone(), meta.at)).await?;
    let version = named.0.map(|version| version.to_string()).unwrap_or_default();
    let contact = match known_contact(records, user_id).await? {
        Known::Contact(contact) => *contact,
        Known::Erased => return Err(SettingsError::Erased.into()),
        // Not heard of yet: the text needs no name.
        Known::Nothing => Contact {
            user_id,
            email: String::new(),
            display_name: String::new(),
            locale: DEFAULT_LOCALE.to_owned(),
            version: EventVersion { epoch: 0, number: 0 },
        },
    };
    let occasion = Occasion::PhoneNamed { code };
    let text = render(&occasion, &contact, meta.at)?;
    let cause = [b"phone".as_slice(), user_id.to_string().as_bytes(), version.as_bytes()].map(<[u8]>::to_vec);
    let cause: Vec<&[u8]> = cause.iter().map(Vec::as_slice).collect();
    let message = Message {
        id: NotificationId::derived(user_id.partition(), &cause),
        user_id,
        channel: Channel::Sms,
        kind: occasion.kind(),
        text_ref: Some(text.text_ref.clone()),
        to: number.to_string(),
        subject: text.subject.clone(),
        text: text.sms(),
        html: None,
        trace: meta.trace.clone(),
        created_at: Some(meta.at),
        state: MessageState::Queued,
        attempts: 0,
        provider: None,
        passed_over: Vec::new(),
        uncertain: 0,
        may_lie_at: None,
        journal: Journal::default().with(meta.at, Befell::Created, None, None),
    };
    let due = TimerStep::Set { name: keys::DELIVER, due: meta.at };
    step(records.commit(entered(&message, meta)?.with_timer(due)).await?)?;
    Ok(())
}

/// Takes a guess. A wrong one is counted before it is answered.
///
/// # Errors
/// [`SettingsError`].
pub async fn confirm_phone(
    records: &dyn Records,
    seals: &Seals,
    user_id: UserId,
    code: &str,
    meta: &Meta,
) -> Result<(), SettingsError> {
    let fits = |pending: &crate::domain::Pending| {
        same(seals.phone_code(user_id, &pending.number, code).as_bytes(), pending.mac.as_bytes())
    };
    let (_, settings) =
        set_phone(records, user_id, meta, |phone| phone.guessed(meta.at, fits).map(|(phone, _)| phone)).await?;
    // What is still pending was not proven.
    match settings.phone.pending {
        None => Ok(()),
        Some(_) => Err(PhoneRefusal::WrongCode.into()),
    }
}

/// Takes the telephone away. Doing it twice is as good as once.
///
/// # Errors
/// [`SettingsError`].
pub async fn forget_phone(records: &dyn Records, user_id: UserId, meta: &Meta) -> Result<(), SettingsError> {
    let gone = |phone: &Phone| Ok(Phone { confirmed: None, pending: None, codes: phone.codes });
    set_phone(records, user_id, meta, gone).await.map(|_| ())
}

/// Six digits, each as likely as any other: 2^64 is so much more than a million that the rest does not show.
fn six_digits(random: &dyn Random) -> String {
    let mut bytes = [0; 8];
    random.fill(&mut bytes);
    format!("{:06}", u64::from_be_bytes(bytes) % 1_000_000)
}
