//! Event dispatch: which event means what, and what is done when it cannot be handled now, or ever.

use crate::app::{
    Cause, EraseError, Known, NotifyError, ProjectError, Wait, await_contact, erase, export, known_contact, notify,
    project_contact, settings_of,
};
use crate::domain::{Contact, DisputeTurn, Occasion};
use crate::providers::Providers;
use crate::wire::Settings;
use ambient::Clock;
use async_trait::async_trait;
use core::time::Duration;
use events::{Consumer, Envelope, Verdict};
use futures::future::try_join;
use ids::UserId;
use money::Money;
use payments_wire::{
    PAYMENT_CAPTURED, PAYMENT_CHARGED_BACK, PAYMENT_DISPUTE_WON, PAYMENT_DISPUTED, PAYMENT_FAILED,
    PAYMENT_PARTIALLY_REFUNDED, PAYMENT_REFUND_FAILED, PAYMENT_REFUNDED, PAYOUT_FAILED, PAYOUT_PAID, PaymentSnapshot,
    PayoutSnapshot,
};
use privacy::{DeskError, PrivacyDesk, Sealed, Service};
use records::{Meta, Records, RecordsError};
use std::sync::Arc;
use users_wire::{
    CODE_ISSUED, CodeIssued, CodePersonal, EMAIL_CHANGED, ERASURE_REQUESTED, EXPORT_REQUESTED, ErasureTold,
    ExportRequested, FACTOR_CHANGED, FactorChanged, PASSWORD_CHANGED, PasswordChanged, USER_ERASED, USER_REGISTERED,
    USER_UPDATED, UserPersonal, UserSnapshot,
};
use webhooks_wire::{DisabledReason, ENDPOINT_DISABLED, EndpointSnapshot};

/// The consumer group, named as the worker's component.
pub const GROUP: &str = "notifications-worker";
/// The contexts whose streams it hears.
pub const HEARS: [&str; 3] = ["users", "payments", "webhooks"];

/// The first wait for a store that is gone; the loop lengthens it.
const STORE_GONE: Duration = Duration::from_secs(1);
/// The first wait for the operator where Redis came back with less than was acknowledged.
const OPERATOR_NEEDED: Duration = Duration::from_secs(30);
/// The first wait for a contact or a contended record.
const SOON: Duration = Duration::from_millis(500);

/// Turns events into notifications and messages.
#[derive(Clone)]
pub struct Notifier {
    /// Where everything lies.
    pub records: Arc<dyn Records>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Who opens what is sealed, and takes parts of exports and erasures in.
    pub desk: Arc<dyn PrivacyDesk>,
    /// Where messages are taken back.
    pub providers: Providers,
}

/// Why an event was not handled.
#[derive(Debug, thiserror::Error)]
enum ConsumeError {
    /// The event is not what its type promises.
    #[error("{kind} has another shape: {why}")]
    Shape { kind: String, why: String },
    /// The recipient was not heard of yet.
    #[error("the contact of the recipient is not known yet")]
    ContactUnknown,
    /// Nor after a long wait.
    #[error("the contact of the recipient never became known")]
    ContactNeverKnown,
    /// The desk did not open or take something.
    #[error(transparent)]
    Desk(#[from] DeskError),
    #[error(transparent)]
    Erase(#[from] EraseError),
    #[error(transparent)]
    Project(#[from] ProjectError),
    #[error(transparent)]
    Notify(#[from] NotifyError),
    #[error(transparent)]
    Records(#[from] RecordsError),
}

#[async_trait]
impl Consumer for Notifier {
    async fn handle(&self, event: &Envelope) -> Verdict {
        match self.react(event).await {
            Ok(()) => Verdict::Done,
            Err(error) => verdict(&error),
        }
    }
}

impl Notifier {
    async fn react(&self, event: &Envelope) -> Result<(), ConsumeError> {
        match event.kind.as_str() {
            USER_REGISTERED => {
                let known = self.project(event).await?;
                self.tell(event, &Occasion::Registered, known).await
            }
            USER_UPDATED => self.project(event).await.map(|_| ()),
            CODE_ISSUED => self.send_code(event).await,
            PASSWORD_CHANGED => {
                let told = snapshot::<PasswordChanged>(event)?;
                self.tell_user(event, told.user_id, &Occasion::PasswordChanged).await
            }
            FACTOR_CHANGED => {
                let told = snapshot::<FactorChanged>(event)?;
                self.tell_user(event, told.user_id, &Occasion::SecondFactorChanged).await
            }
            EMAIL_CHANGED => {
                // To the address that the event names: the contact has the new one already, or soon.
                let UserSnapshot { id, locale } = snapshot(event)?;
                let Some(UserPersonal { email, display_name }) = self.personal(event, id).await? else { return Ok(()) };
                let before = Contact { user_id: id, email, display_name, locale, version: event.version };
                self.tell(event, &Occasion::EmailChanged, Known::Contact(Box::new(before))).await
            }
            ERASURE_REQUESTED => self.erase(event, 1).await,
            USER_ERASED => self.erase(event, 2).await,
            EXPORT_REQUESTED => self.export(event).await,
            PAYMENT_CAPTURED => {
                let payment = snapshot::<PaymentSnapshot>(event)?;
                let occasion = Occasion::PaymentCaptured {
                    payment_id: payment.id,
                    captured: payment.captured,
                    description: payment.description,
                };
                self.tell_user(event, payment.user_id, &occasion).await
            }
            PAYMENT_FAILED => {
                let payment = snapshot::<PaymentSnapshot>(event)?;
                let occasion = Occasion::PaymentFailed {
                    payment_id: payment.id,
                    amount: payment.amount,
                    failure_code: payment.failure_code,
                };
                self.tell_user(event, payment.user_id, &occasion).await
            }
            PAYMENT_PARTIALLY_REFUNDED | PAYMENT_REFUNDED => {
                let payment = snapshot::<PaymentSnapshot>(event)?;
                let PaymentSnapshot { id: payment_id, captured, .. } = payment;
                let refunded = payment.refunded.unwrap_or(Money::zero(captured.currency()));
                let occasion = Occasion::PaymentRefunded { payment_id, captured, refunded };
                self.tell_user(event, payment.user_id, &occasion).await
            }
            PAYMENT_REFUND_FAILED => {
                let payment = snapshot::<PaymentSnapshot>(event)?;
                let PaymentSnapshot { id: payment_id, captured, .. } = payment;
                let refunded = payment.refunded.unwrap_or(Money::zero(captured.currency()));
                let occasion = Occasion::RefundFailed { payment_id, captured, refunded };
                self.tell_user(event, payment.user_id, &occasion).await
            }
            kind @ (PAYMENT_DISPUTED | PAYMENT_DISPUTE_WON | PAYMENT_CHARGED_BACK) => {
                let payment = snapshot::<PaymentSnapshot>(event)?;
                let turn = match kind {
                    PAYMENT_DISPUTED => DisputeTurn::Opened,
                    PAYMENT_DISPUTE_WON => DisputeTurn::Won,
                    _ => DisputeTurn::Lost,
                };
                let occasion = Occasion::Disputed { payment_id: payment.id, captured: payment.captured, turn };
                self.tell_user(event, payment.user_id, &occasion).await
            }
            kind @ (PAYOUT_PAID | PAYOUT_FAILED) => {
                let payout = snapshot::<PayoutSnapshot>(event)?;
                // Whoever asked for it is told; a program has nobody to tell.
                let Some(user_id) = payout.requested_by else { return Ok(()) };
                let occasion =
                    Occasion::Payout { payout_id: payout.id, amount: payout.amount, arrived: kind == PAYOUT_PAID };
                self.tell_user(event, user_id, &occasion).await
            }
            ENDPOINT_DISABLED => {
                let endpoint = snapshot::<EndpointSnapshot>(event)?;
                let gone = match endpoint.disabled_reason {
                    Some(DisabledReason::Gone) => true,
                    Some(DisabledReason::Failing) => false,
                    // Their own wish, or what they hear of by another way.
                    Some(DisabledReason::Owner | DisabledReason::AccountLocked | DisabledReason::RoleLost) | None => {
                        return Ok(());
                    }
                };
                let occasion = Occasion::WebhooksStopped { endpoint_id: endpoint.id, gone };
                self.tell_user(event, endpoint.user_id, &occasion).await
            }
            // Other events of these streams are none of this group's business.
            _ => Ok(()),
        }
    }

    async fn project(&self, event: &Envelope) -> Result<Known, ConsumeError> {
        let UserSnapshot { id, locale } = snapshot(event)?;
        let Some(UserPersonal { email, display_name }) = self.personal(event, id).await? else {
            return Ok(Known::Erased);
        };
        let told = Contact { user_id: id, email, display_name, locale, version: event.version };
        Ok(project_contact(&*self.records, told, &self.meta(event)).await?)
    }

    /// To the mailbox that the event names, which is the account's or is about to be; nothing is sent once it is erased.
    async fn send_code(&self, event: &Envelope) -> Result<(), ConsumeError> {
        let CodeIssued { user_id, locale, purpose, expires_at } = snapshot(event)?;
        if self.clock.now() >= expires_at {
            // Who comes back after a long pause finds codes that open nothing.
            return Ok(());
        }
        let Some(CodePersonal { email, display_name, code }) = self.personal(event, user_id).await? else {
            return Ok(());
        };
        let known = match known_contact(&*self.records, user_id).await? {
            Known::Erased => Known::Erased,
            Known::Contact(_) | Known::Nothing => {
                Known::Contact(Box::new(Contact { user_id, email, display_name, locale, version: event.version }))
            }
        };
        self.tell(event, &Occasion::CodeIssued { purpose, code }, known).await
    }

    async fn tell_user(&self, event: &Envelope, user_id: UserId, occasion: &Occasion) -> Result<(), ConsumeError> {
        let (known, settings) =
            try_join(known_contact(&*self.records, user_id), settings_of(&*self.records, user_id)).await?;
        self.tell_as_set(event, occasion, known, settings).await
    }

    async fn tell(&self, event: &Envelope, occasion: &Occasion, known: Known) -> Result<(), ConsumeError> {
        let settings = match &known {
            Known::Contact(contact) => settings_of(&*self.records, contact.user_id).await?,
            Known::Erased | Known::Nothing => Settings::default(),
        };
        self.tell_as_set(event, occasion, known, settings).await
    }

    async fn tell_as_set(
        &self,
        event: &Envelope,
        occasion: &Occasion,
        known: Known,
        settings: Settings,
    ) -> Result<(), ConsumeError> {
        let meta = self.meta(event);
        match known {
            Known::Contact(contact) => {
                let cause = Cause { event: event.id.clone(), occurred_at: event.time };
                Ok(notify(&*self.records, occasion, &contact, &settings, &cause, &meta).await?)
            }
            Known::Erased => Ok(()),
            Known::Nothing => match await_contact(&*self.records, &event.id, &meta).await? {
                Wait::Again => Err(ConsumeError::ContactUnknown),
                Wait::Over => Err(ConsumeError::ContactNeverKnown),
            },
        }
    }

    /// Everything of a person goes; what was done is handed in, and the event is done when that was taken.
    async fn erase(&self, event: &Envelope, look: u8) -> Result<(), ConsumeError> {
        let ErasureTold { user_id, erasure_id, .. } = snapshot(event)?;
        let part = erase(&*self.records, &self.providers, user_id, look, &self.meta(event)).await?;
        Ok(self.desk.erased(erasure_id, Service::Notifications, &part).await?)
    }

    async fn export(&self, event: &Envelope) -> Result<(), ConsumeError> {
        let ExportRequested { user_id, export_id } = snapshot(event)?;
        for page in export(&*self.records, user_id, self.clock.now()).await?.finish() {
            if !self.desk.exported(user_id, export_id, Service::Notifications, &page).await? {
                break;
            }
        }
        Ok(())
    }

    /// What an event says about a person; `None` once the person was erased. Events of before the seal are read as they
    /// are.
    async fn personal<T: serde::de::DeserializeOwned>(
        &self,
        event: &Envelope,
        user_id: UserId,
    ) -> Result<Option<T>, ConsumeError> {
        let unreadable = || shape(event, "the personal member cannot be read");
        let personal = event.personal.as_ref().ok_or_else(|| shape(event, "the personal member is missing"))?;
        let Some(sealed) = Sealed::read(personal) else {
            return T::deserialize(personal).map(Some).map_err(|_| unreadable());
        };
        if sealed.subject != user_id {
            return Err(shape(event, "the personal member is another person's"));
        }
        let Some(key) = self.desk.subject_key(user_id).await? else { return Ok(None) };
        let opened = key.open(&sealed, &event.kind).map_err(|_| unreadable())?;
        T::deserialize(opened).map(Some).map_err(|_| unreadable())
    }

    fn meta(&self, event: &Envelope) -> Meta {
        Meta {
            at: self.clock.now(),
            trace: event.traceid.clone(),
            cause: Some(event.id.clone()),
            actor: Some(GROUP.to_owned()),
        }
    }
}

fn snapshot<T: serde::de::DeserializeOwned>(event: &Envelope) -> Result<T, ConsumeError> {
    event.data_as().map_err(|error| shape(event, &error.to_string()))
}

fn shape(event: &Envelope, why: &str) -> ConsumeError {
    ConsumeError::Shape { kind: event.kind.clone(), why: why.to_owned() }
}

/// Retry what another moment may mend, park what none will.
fn verdict(error: &ConsumeError) -> Verdict {
    let reason = error.to_string();
    match error {
        ConsumeError::Shape { .. }
        | ConsumeError::ContactNeverKnown
        | ConsumeError::Desk(DeskError::Refused(_))
        | ConsumeError::Notify(NotifyError::Template(_)) => Verdict::Park { reason },
        ConsumeError::ContactUnknown
        | ConsumeError::Project(ProjectError::Contended)
        | ConsumeError::Erase(EraseError::More) => Verdict::Retry { after: SOON, reason },
        ConsumeError::Desk(DeskError::Unavailable(_)) | ConsumeError::Erase(EraseError::Provider) => {
            Verdict::Retry { after: STORE_GONE, reason }
        }
        ConsumeError::Records(error)
        | ConsumeError::Erase(EraseError::Records(error))
        | ConsumeError::Project(ProjectError::Records(error))
        | ConsumeError::Notify(NotifyError::Records(error)) => match error {
            RecordsError::Unavailable(_) => Verdict::Retry { after: STORE_GONE, reason },
            RecordsError::RolledBack { .. } | RecordsError::Layout(_) => {
                Verdict::Retry { after: OPERATOR_NEEDED, reason }
            }
            RecordsError::Corrupt { .. } | RecordsError::Invalid(_) => Verdict::Park { reason },
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{PATIENCE, Shelf, list, show, unread_count};
    use crate::fixtures::{House, ada, bob, captured, envelope, payment_event, registered, sealed, user_event};
    use futures::executor::block_on;
    use payments_wire::{PayoutId, PayoutStatus};
    use users_wire::{CodePurpose, FactorChange, PasswordChange};
    use webhooks_wire::EndpointId;

    fn titles(house: &House, user_id: UserId) -> Vec<String> {
        let page = block_on(list(&house.records, user_id, Shelf::Inbox, None, None, 100)).unwrap();
        page.items.into_iter().map(|line| line.title).collect()
    }

    fn is_retry(verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::Retry { .. })
    }

    fn is_park(verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::Park { .. })
    }

    #[test]
    fn a_registration_welcomes_in_the_inbox_and_by_letter() {
        let house = House::new();
        assert_eq!(house.hear(&registered(ada())), Verdict::Done);
        assert_eq!(titles(&house, ada()), ["Welcome to Spindrift"]);
        assert_eq!(house.said(), ["notifications.notification.created.v1"]);
        house.deliver();
        let calls = house.mailbox.calls.lock().unwrap().clone();
        assert_eq!(calls.len(), 1);
        assert_eq!((calls[0].1.as_str(), calls[0].2.as_str()), ("ada@example.com", "Welcome to Spindrift"));
    }

    #[test]
    fn a_captured_payment_becomes_a_receipt_that_its_payer_can_read() {
        let house = House::new();
        house.hear(&registered(ada()));
        house.clock.advance_ms(5);
        assert_eq!(house.hear(&captured(ada(), "p1")), Verdict::Done);
        assert_eq!(titles(&house, ada()), ["Receipt: 10.99 EUR", "Welcome to Spindrift"]);
        assert_eq!(block_on(unread_count(&house.records, ada())).unwrap().unread, 2);
        let page = block_on(list(&house.records, ada(), Shelf::Inbox, None, None, 1)).unwrap();
        let (_, receipt) = block_on(show(&house.records, ada(), page.items[0].id)).unwrap();
        assert!(receipt.body.contains("10.99 EUR") && receipt.body.contains("two books"), "{}", receipt.body);
    }

    #[test]
    fn a_failed_payment_is_told_in_the_inbox_alone() {
        let house = House::new();
        house.hear(&registered(ada()));
        house.deliver();
        house.hear(&payment_event(PAYMENT_FAILED, ada(), "p1", "1.3"));
        house.deliver();
        assert_eq!(titles(&house, ada()).len(), 2);
        assert_eq!(house.mailbox.calls.lock().unwrap().len(), 1, "the welcome");
    }

    #[test]
    fn refunds_and_disputes_are_told_to_the_payer_each_once() {
        let house = House::new();
        house.hear(&registered(ada()));
        let kinds = [
            (PAYMENT_PARTIALLY_REFUNDED, "1.5", "Refund for your payment of 10.99 EUR"),
            (PAYMENT_REFUNDED, "1.6", "Refund for your payment of 10.99 EUR"),
            (PAYMENT_REFUND_FAILED, "1.7", "A refund did not reach you"),
            (PAYMENT_DISPUTED, "1.8", "Your bank disputes a payment of 10.99 EUR"),
            (PAYMENT_DISPUTE_WON, "1.9", "The dispute about 10.99 EUR is over"),
            (PAYMENT_CHARGED_BACK, "1.10", "The dispute about 10.99 EUR is over"),
        ];
        for (kind, version, title) in kinds {
            let mut event = payment_event(PAYMENT_CAPTURED, ada(), "p1", version);
            event.kind = kind.to_owned();
            for _ in 0..2 {
                house.clock.advance_ms(5);
                assert_eq!(house.hear(&event), Verdict::Done);
            }
            assert_eq!(titles(&house, ada())[0], title, "{kind}");
        }
        assert_eq!(titles(&house, ada()).len(), 1 + kinds.len());
        house.deliver();
        assert_eq!(house.mailbox.calls.lock().unwrap().len(), 1 + kinds.len());
    }

    #[test]
    fn who_lost_an_endpoint_without_wishing_so_is_told_once_and_nobody_else() {
        let house = House::new();
        house.hear(&registered(ada()));
        house.clock.advance_ms(5);
        let told = |reason: DisabledReason, version: &str| {
            let id = EndpointId::derived(0, &[b"whe"]);
            let endpoint = EndpointSnapshot {
                id,
                user_id: ada(),
                enabled: false,
                disabled_reason: Some(reason),
                failing_since: None,
            };
            envelope(ENDPOINT_DISABLED, &id.to_string(), version, serde_json::to_value(endpoint).unwrap())
        };
        for (reason, version) in
            [(DisabledReason::Owner, "1.2"), (DisabledReason::AccountLocked, "1.3"), (DisabledReason::RoleLost, "1.4")]
        {
            assert_eq!(house.hear(&told(reason, version)), Verdict::Done);
            assert_eq!(titles(&house, ada()).len(), 1, "{reason:?}");
        }
        for _ in 0..2 {
            assert_eq!(house.hear(&told(DisabledReason::Failing, "1.5")), Verdict::Done);
            assert_eq!(titles(&house, ada())[0], "Webhooks to an endpoint have stopped");
            assert_eq!(titles(&house, ada()).len(), 2);
        }
        house.hear(&told(DisabledReason::Gone, "1.6"));
        assert_eq!(titles(&house, ada()).len(), 3);
        house.deliver();
        assert_eq!(house.mailbox.calls.lock().unwrap().len(), 3, "the welcome, and a letter each");
    }

    #[test]
    fn the_end_of_a_payout_is_told_to_whoever_asked_for_it() {
        let house = House::new();
        house.hear(&registered(ada()));
        let told = |kind: &str, requested_by: Option<UserId>, version: &str| {
            let id = PayoutId::derived(0, &[b"po"]);
            let amount = Money::new(5000, "EUR".parse().unwrap()).unwrap();
            let created_at = house.clock.now();
            let snapshot = PayoutSnapshot { id, status: PayoutStatus::Paid, amount, requested_by, created_at };
            envelope(kind, &id.to_string(), version, serde_json::to_value(snapshot).unwrap())
        };
        house.clock.advance_ms(5);
        assert_eq!(house.hear(&told(PAYOUT_PAID, Some(ada()), "1.3")), Verdict::Done);
        house.clock.advance_ms(5);
        assert_eq!(house.hear(&told(PAYOUT_FAILED, Some(ada()), "1.4")), Verdict::Done);
        assert_eq!(house.hear(&told(PAYOUT_FAILED, None, "1.4")), Verdict::Done);
        assert_eq!(
            titles(&house, ada()),
            ["Payout of 50.00 EUR failed", "Payout of 50.00 EUR arrived", "Welcome to Spindrift"]
        );
        house.deliver();
        assert_eq!(house.mailbox.calls.lock().unwrap().len(), 2, "the welcome and the failure");
    }

    #[test]
    fn what_is_sealed_is_opened_with_the_key_of_the_person() {
        let (house, key) = (House::new(), privacy::SubjectKey::new([3; privacy::KEY_BYTES]));
        house.desk.keep_key(ada(), key.clone());
        let event = sealed(registered(ada()), ada(), &key);
        house.desk.fail_next(1);
        assert!(is_retry(&house.hear(&event)), "a desk that is gone loses nobody's welcome");
        assert_eq!(house.hear(&event), Verdict::Done);
        house.deliver();
        assert_eq!(house.mailbox.calls.lock().unwrap()[0].1, "ada@example.com");
    }

    #[test]
    fn once_the_key_is_gone_nothing_is_made_of_what_was_sealed() {
        let (house, key) = (House::new(), privacy::SubjectKey::new([3; privacy::KEY_BYTES]));
        for event in [registered(ada()), code_issued(CodePurpose::VerifyEmail, "ada@example.com")] {
            assert_eq!(house.hear(&sealed(event, ada(), &key)), Verdict::Done);
        }
        assert!(house.deliver().is_empty());
        assert_eq!((titles(&house, ada()), house.said()), (vec![], vec![]));
    }

    #[test]
    fn what_was_sealed_with_another_key_or_for_another_person_is_parked() {
        let (house, key) = (House::new(), privacy::SubjectKey::new([3; privacy::KEY_BYTES]));
        house.desk.keep_key(ada(), privacy::SubjectKey::new([4; privacy::KEY_BYTES]));
        assert!(is_park(&house.hear(&sealed(registered(ada()), ada(), &key))));
        house.desk.keep_key(bob(), key.clone());
        assert!(is_park(&house.hear(&sealed(registered(ada()), bob(), &key))), "bob's key opens nothing of ada's");
    }

    fn code_issued(purpose: CodePurpose, email: &str) -> Envelope {
        let expires_at = "2026-01-01T00:10:00.000Z".parse().unwrap();
        let told = CodeIssued { user_id: ada(), locale: "en".into(), purpose, expires_at };
        let mut event = envelope(CODE_ISSUED, &ada().to_string(), "1.2", serde_json::to_value(told).unwrap());
        let personal = CodePersonal { email: email.into(), display_name: "Ada".into(), code: "042042".into() };
        event.personal = Some(serde_json::to_value(personal).unwrap());
        event
    }

    #[test]
    fn a_code_goes_to_the_mailbox_that_it_proves_and_never_into_the_inbox() {
        let house = House::new();
        house.hear(&registered(ada()));
        let event = code_issued(CodePurpose::ConfirmNewEmail, "new@example.com");
        for _ in 0..2 {
            assert_eq!(house.hear(&event), Verdict::Done);
        }
        house.deliver();
        let to: Vec<_> = house.mailbox.calls.lock().unwrap().iter().map(|call| call.1.clone()).collect();
        assert_eq!(to.len(), 2);
        assert!(to.contains(&"new@example.com".to_owned()), "{to:?}");
        assert_eq!(titles(&house, ada()), ["Welcome to Spindrift"]);
    }

    #[test]
    fn a_code_that_expired_before_it_was_heard_of_is_not_sent() {
        let house = House::new();
        house.clock.advance_ms(600_000);
        assert_eq!(house.hear(&code_issued(CodePurpose::VerifyEmail, "ada@example.com")), Verdict::Done);
        assert!(house.deliver().is_empty());
    }

    #[test]
    fn the_owner_hears_of_another_password_and_the_old_mailbox_of_another_address() {
        let house = House::new();
        house.hear(&registered(ada()));
        let told = PasswordChanged { user_id: ada(), credential_epoch: 2, how: PasswordChange::Reset };
        let told = serde_json::to_value(told).unwrap();
        assert_eq!(house.hear(&envelope(PASSWORD_CHANGED, &ada().to_string(), "1.2", told)), Verdict::Done);
        let told = FactorChanged { user_id: ada(), change: FactorChange::Enrolled };
        let told = serde_json::to_value(told).unwrap();
        assert_eq!(house.hear(&envelope(FACTOR_CHANGED, &ada().to_string(), "1.2", told)), Verdict::Done);
        house.hear(&user_event(USER_UPDATED, ada(), "1.3", "new@example.com", "en"));
        assert_eq!(house.hear(&user_event(EMAIL_CHANGED, ada(), "1.3", "ada@example.com", "en")), Verdict::Done);
        house.deliver();
        let mut to: Vec<_> =
            house.mailbox.calls.lock().unwrap().iter().map(|call| (call.1.clone(), call.2.clone())).collect();
        to.sort();
        let old = |subject: &str| ("ada@example.com".to_owned(), subject.to_owned());
        assert_eq!(
            to,
            [
                old("The second factor of your account"),
                old("Welcome to Spindrift"),
                old("Your e-mail address was changed"),
                old("Your password was changed")
            ]
        );
        assert!(titles(&house, ada()).contains(&"Your password was changed".to_owned()));
    }

    #[test]
    fn a_repeated_event_makes_no_second_message() {
        let house = House::new();
        for event in [&registered(ada()), &captured(ada(), "p1")] {
            for _ in 0..3 {
                assert_eq!(house.hear(event), Verdict::Done);
                house.clock.advance_ms(10);
            }
        }
        house.deliver();
        assert_eq!(titles(&house, ada()).len(), 2);
        assert_eq!(house.said().len(), 2);
        assert_eq!(house.mailbox.calls.lock().unwrap().len(), 2);
    }

    #[test]
    fn a_commit_without_an_answer_is_retried_and_leaves_one_of_each() {
        // Each of the commits that a registration makes, failing before and after it was carried out.
        for commit in 0..3 {
            for after in [false, true] {
                let house = House::new();
                let event = registered(ada());
                for _ in 0..commit {
                    house.records.pause_next_commit(Duration::ZERO);
                }
                if after {
                    house.records.fail_next_commit_after()
                } else {
                    house.records.fail_next_commit_before()
                }
                assert!(is_retry(&house.hear(&event)), "commit {commit}, after: {after}");
                assert_eq!(house.hear(&event), Verdict::Done);
                house.deliver();
                assert_eq!(titles(&house, ada()).len(), 1);
                assert_eq!(house.said().len(), 1);
                assert_eq!(house.mailbox.calls.lock().unwrap().len(), 1);
            }
        }
    }

    #[test]
    fn a_receipt_that_comes_before_its_payer_is_heard_of_waits() {
        let house = House::new();
        let receipt = captured(ada(), "p1");
        assert!(is_retry(&house.hear(&receipt)));
        house.hear(&registered(ada()));
        assert_eq!(house.hear(&receipt), Verdict::Done);
        assert_eq!(titles(&house, ada()).len(), 2);
    }

    #[test]
    fn it_waits_from_when_the_payer_was_first_missed_and_not_for_ever() {
        let house = House::new();
        let receipt = captured(ada(), "p1");
        // The worker was away: the event is old, and still gets its chance.
        house.clock.advance_ms(24 * 60 * 60 * 1000);
        assert!(is_retry(&house.hear(&receipt)));
        house.clock.advance_ms(i64::try_from(PATIENCE.as_millis()).unwrap() - 1);
        assert!(is_retry(&house.hear(&receipt)));
        house.clock.advance_ms(1);
        assert!(is_park(&house.hear(&receipt)));
    }

    #[test]
    fn letters_go_to_the_newest_address_whatever_the_order_of_the_events() {
        let house = House::new();
        let updated = user_event(USER_UPDATED, ada(), "1.2", "lovelace@example.com", "de");
        house.hear(&updated);
        house.hear(&registered(ada()));
        house.hear(&captured(ada(), "p1"));
        house.deliver();
        let addresses: Vec<_> = house.mailbox.calls.lock().unwrap().iter().map(|call| call.1.clone()).collect();
        assert_eq!(addresses, ["lovelace@example.com"; 2]);
        assert!(titles(&house, ada()).contains(&"Beleg: 10,99 EUR".to_owned()));
    }

    #[test]
    fn nobody_gets_what_belongs_to_another() {
        let house = House::new();
        house.hear(&registered(ada()));
        house.hear(&registered(bob()));
        house.hear(&captured(ada(), "p1"));
        assert_eq!(titles(&house, bob()), ["Welcome to Spindrift"]);
    }

    #[test]
    fn an_event_of_another_shape_is_parked_and_one_of_another_kind_is_none_of_its_business() {
        let house = House::new();
        let mut impersonal = registered(ada());
        impersonal.personal = None;
        assert!(is_park(&house.hear(&impersonal)));
        let garbage = envelope(PAYMENT_CAPTURED, "pay_x", "1.1", serde_json::json!({"id": 7}));
        assert!(is_park(&house.hear(&garbage)));
        let other = envelope("payments.payment.created.v1", "pay_x", "1.1", serde_json::json!({}));
        assert_eq!(house.hear(&other), Verdict::Done);
        assert!(house.said().is_empty());
    }

    #[test]
    fn a_store_that_lost_data_waits_for_the_operator() {
        let house = House::new();
        house.hear(&registered(ada()));
        house.records.lose_everything();
        let Verdict::Retry { after, .. } = house.hear(&captured(ada(), "p1")) else { panic!("not a retry") };
        assert_eq!(after, OPERATOR_NEEDED);
    }
}
