//! The names of this context's records, indexes and accounts. No personal data in any of them.

use ids::{NotificationId, PaymentId, UserId};
use money::Currency;
use payments_wire::PaymentStatus;
use privacy::Drawer;
use records::{AccountKey, IndexName, InvalidName, RecordKey, RecordsError};

use crate::domain::status_word;

/// First words of indexes that are named after a person and whose entries lie elsewhere: there are none.
pub const GATHERED: &[&str] = &[];

/// What [`payment_view`] puts before the id.
const PAYMENT_VIEW: &str = "payment-view:";

/// `profile:usr_00…`.
pub fn profile(user_id: UserId) -> Result<RecordKey, RecordsError> {
    record(format!("profile:{user_id}"))
}

/// `payment-view:pay_00…`.
pub fn payment_view(id: PaymentId) -> Result<RecordKey, RecordsError> {
    record(format!("{PAYMENT_VIEW}{id}"))
}

/// The id in the key of a payment's view.
pub fn payment_id(key: &RecordKey) -> Option<PaymentId> {
    key.as_str().strip_prefix(PAYMENT_VIEW)?.parse().ok()
}

/// `notification-view:ntf_00…`.
pub fn notification_view(id: NotificationId) -> Result<RecordKey, RecordsError> {
    record(format!("notification-view:{id}"))
}

/// `currency:usr_00…:EUR`: the person has captured payments in this currency.
pub fn currency(user_id: UserId, currency: Currency) -> Result<RecordKey, RecordsError> {
    record(format!("currency:{user_id}:{currency}"))
}

/// `payments-of:usr_00…`: all payments of a person, newest first.
pub fn payments_of(user_id: UserId) -> Result<IndexName, RecordsError> {
    index(format!("payments-of:{user_id}"))
}

/// `payments-of:usr_00…:captured`: those of one status, only to be counted.
pub fn payments_in(user_id: UserId, status: PaymentStatus) -> Result<IndexName, RecordsError> {
    index(format!("payments-of:{user_id}:{}", status_word(status)))
}

/// `notifications-of:usr_00…`, only to be counted.
pub fn notifications_of(user_id: UserId) -> Result<IndexName, RecordsError> {
    index(format!("notifications-of:{user_id}"))
}

/// `unread-of:usr_00…`, only to be counted.
pub fn unread_of(user_id: UserId) -> Result<IndexName, RecordsError> {
    index(format!("unread-of:{user_id}"))
}

/// `currencies-of:usr_00…`: the currencies in which a person has captured payments.
pub fn currencies_of(user_id: UserId) -> Result<IndexName, RecordsError> {
    index(format!("currencies-of:{user_id}"))
}

/// A person's payments, to be emptied.
pub fn payment_drawer(user_id: UserId) -> Result<Drawer, RecordsError> {
    Ok(Drawer { full: payments_of(user_id)?, emptied: index(format!("erased-payments-of:{user_id}"))? })
}

/// A person's notifications, to be emptied.
pub fn notification_drawer(user_id: UserId) -> Result<Drawer, RecordsError> {
    Ok(Drawer { full: notifications_of(user_id)?, emptied: index(format!("erased-notifications-of:{user_id}"))? })
}

/// A person's currencies, to be emptied.
pub fn currency_drawer(user_id: UserId) -> Result<Drawer, RecordsError> {
    Ok(Drawer { full: currencies_of(user_id)?, emptied: index(format!("erased-currencies-of:{user_id}"))? })
}

/// `captured:usr_00…:EUR`: what a person's payments have brought, as a balance.
pub fn captured(user_id: UserId, currency: Currency) -> Result<AccountKey, RecordsError> {
    AccountKey::new(format!("captured:{user_id}:{currency}")).map_err(invalid)
}

/// `captured-by-all:EUR`: the other side of every [`captured`] balance, so that each step sums to zero.
pub fn captured_by_all(currency: Currency) -> Result<AccountKey, RecordsError> {
    AccountKey::new(format!("captured-by-all:{currency}")).map_err(invalid)
}

fn record(name: String) -> Result<RecordKey, RecordsError> {
    RecordKey::new(name).map_err(invalid)
}

fn index(name: String) -> Result<IndexName, RecordsError> {
    IndexName::new(name).map_err(invalid)
}

fn invalid(name: InvalidName) -> RecordsError {
    RecordsError::Invalid(name.to_string())
}
