//! What a person is told about, and by which ways.

use crate::domain::Channel;
use ids::PaymentId;
use money::Money;
use payments_wire::PayoutId;
use users_wire::CodePurpose;
use webhooks_wire::EndpointId;

/// How a dispute stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisputeTurn {
    /// The payer's bank has opened it.
    Opened,
    /// It ended for the merchant.
    Won,
    /// It ended for the payer.
    Lost,
}

/// Something that happened and concerns one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Occasion {
    /// Their account was opened.
    Registered,
    /// Their payment was taken.
    PaymentCaptured {
        /// Which payment.
        payment_id: PaymentId,
        /// What was taken.
        captured: Money,
        /// What it is for, in the payer's words.
        description: Option<String>,
    },
    /// Their payment was declined.
    PaymentFailed {
        /// Which payment.
        payment_id: PaymentId,
        /// What was asked for.
        amount: Money,
        /// The decline code, such as `card_declined`.
        failure_code: Option<String>,
    },
    /// They asked for a code, or somebody did in their name.
    CodeIssued {
        /// What it opens.
        purpose: CodePurpose,
        /// The digits.
        code: String,
    },
    /// They want messages to a telephone, which has to be proven first.
    PhoneNamed {
        /// The digits.
        code: String,
    },
    /// Their password became another one.
    PasswordChanged,
    /// Their account has another address; told to the one before.
    EmailChanged,
    /// Something became of their second factor.
    SecondFactorChanged,
    /// Part of their payment, or all of it, was given back.
    PaymentRefunded {
        /// Which payment.
        payment_id: PaymentId,
        /// What was taken.
        captured: Money,
        /// What was given back so far.
        refunded: Money,
    },
    /// A refund that had been accepted did not reach them.
    RefundFailed {
        /// Which payment.
        payment_id: PaymentId,
        /// What was taken.
        captured: Money,
        /// What was given back so far, without it.
        refunded: Money,
    },
    /// Their bank disputes their payment, or has decided.
    Disputed {
        /// Which payment.
        payment_id: PaymentId,
        /// What was taken.
        captured: Money,
        /// How it stands.
        turn: DisputeTurn,
    },
    /// A payout that they asked for came to an end.
    Payout {
        /// Which payout.
        payout_id: PayoutId,
        /// How much.
        amount: Money,
        /// Whether it arrived.
        arrived: bool,
    },
    /// Nothing more is sent to an endpoint of theirs, and they did not wish so.
    WebhooksStopped {
        /// Which endpoint.
        endpoint_id: EndpointId,
        /// Whether its receiver said that it is gone for good; else it failed for days.
        gone: bool,
    },
}

impl Occasion {
    /// The text that tells it.
    pub const fn template(&self) -> Template {
        match self {
            Self::Registered => Template::Welcome,
            Self::PaymentCaptured { .. } => Template::PaymentReceipt,
            Self::PaymentFailed { .. } => Template::PaymentFailed,
            Self::CodeIssued { purpose, .. } => match purpose {
                CodePurpose::VerifyEmail => Template::VerifyEmail,
                CodePurpose::ResetPassword => Template::ResetPassword,
                CodePurpose::ChangeEmail => Template::ChangeEmail,
                CodePurpose::ConfirmNewEmail => Template::ConfirmNewEmail,
            },
            Self::PhoneNamed { .. } => Template::VerifyPhone,
            Self::PasswordChanged => Template::PasswordChanged,
            Self::EmailChanged => Template::EmailChanged,
            Self::SecondFactorChanged => Template::SecondFactorChanged,
            Self::PaymentRefunded { .. } => Template::PaymentRefunded,
            Self::RefundFailed { .. } => Template::RefundFailed,
            Self::Disputed { turn: DisputeTurn::Opened, .. } => Template::DisputeOpened,
            Self::Disputed { turn: DisputeTurn::Won, .. } => Template::DisputeWon,
            Self::Disputed { turn: DisputeTurn::Lost, .. } => Template::DisputeLost,
            Self::Payout { arrived: true, .. } => Template::PayoutPaid,
            Self::Payout { arrived: false, .. } => Template::PayoutFailed,
            Self::WebhooksStopped { gone: true, .. } => Template::WebhookGone,
            Self::WebhooksStopped { gone: false, .. } => Template::WebhookFailing,
        }
    }

    /// The kind that callers see.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Registered => Kind::Welcome,
            Self::PaymentCaptured { .. } => Kind::PaymentReceipt,
            Self::PaymentFailed { .. } => Kind::PaymentFailed,
            Self::CodeIssued { .. }
            | Self::PhoneNamed { .. }
            | Self::PasswordChanged
            | Self::EmailChanged
            | Self::SecondFactorChanged => Kind::Security,
            Self::PaymentRefunded { .. } | Self::RefundFailed { .. } => Kind::PaymentRefund,
            Self::Disputed { .. } => Kind::PaymentDispute,
            Self::Payout { .. } => Kind::Payout,
            Self::WebhooksStopped { .. } => Kind::Webhooks,
        }
    }

    /// The payment that it is about, where it is about one.
    pub const fn about(&self) -> Option<PaymentId> {
        match self {
            Self::Registered
            | Self::CodeIssued { .. }
            | Self::PhoneNamed { .. }
            | Self::PasswordChanged
            | Self::EmailChanged
            | Self::SecondFactorChanged
            | Self::Payout { .. }
            | Self::WebhooksStopped { .. } => None,
            Self::PaymentCaptured { payment_id, .. }
            | Self::PaymentFailed { payment_id, .. }
            | Self::PaymentRefunded { payment_id, .. }
            | Self::RefundFailed { payment_id, .. }
            | Self::Disputed { payment_id, .. } => Some(*payment_id),
        }
    }

    /// The ways by which it can be told. A code proves a mailbox or a telephone, so that it is told there alone: whoever
    /// holds a stolen session must not read it in the inbox.
    pub const fn channels(&self) -> &'static [Channel] {
        match self {
            Self::CodeIssued { .. } => &[Channel::Email],
            Self::PhoneNamed { .. } => &[Channel::Sms],
            Self::EmailChanged => &[Channel::Email, Channel::Sms],
            Self::Registered
            | Self::PaymentCaptured { .. }
            | Self::PaymentFailed { .. }
            | Self::PasswordChanged
            | Self::SecondFactorChanged
            | Self::PaymentRefunded { .. }
            | Self::RefundFailed { .. }
            | Self::Disputed { .. }
            | Self::Payout { .. }
            | Self::WebhooksStopped { .. } => Channel::ALL,
        }
    }

    /// Whether it is told by a way where its person has said nothing. A failure is seen at once by whoever pays, and an
    /// arrived payout at the bank: a note in the inbox is enough. Telephones get what concerns the safety of the account.
    pub const fn by_default(&self, channel: Channel) -> bool {
        match (self, channel) {
            (_, Channel::InApp) => true,
            (Self::PaymentFailed { .. } | Self::Payout { arrived: true, .. }, Channel::Email) => false,
            (_, Channel::Email) => true,
            (_, Channel::Sms) => self.kind().is_critical(),
        }
    }
}

/// A family of texts, in versions and languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Template {
    /// The first message of an account.
    Welcome,
    /// The receipt of a payment.
    PaymentReceipt,
    /// The note that a payment was declined.
    PaymentFailed,
    /// The code that proves an address.
    VerifyEmail,
    /// The code that sets a forgotten password.
    ResetPassword,
    /// The code by which an address agrees to another in its place.
    ChangeEmail,
    /// The code that proves the address that is to be.
    ConfirmNewEmail,
    /// The warning that the password became another one.
    PasswordChanged,
    /// The warning to an address that it is no longer the account's.
    EmailChanged,
    /// The warning that something became of the second factor.
    SecondFactorChanged,
    /// The note that money of a payment was given back.
    PaymentRefunded,
    /// The note that a refund came back.
    RefundFailed,
    /// The note that the payer's bank disputes a payment.
    DisputeOpened,
    /// The note that a dispute ended for the merchant.
    DisputeWon,
    /// The note that a dispute ended for the payer.
    DisputeLost,
    /// The note that a payout arrived.
    PayoutPaid,
    /// The warning that a payout did not.
    PayoutFailed,
    /// The warning that an endpoint is no longer sent to: it is gone.
    WebhookGone,
    /// The same: it failed for days.
    WebhookFailing,
    /// The code that proves a telephone.
    VerifyPhone,
    /// Several messages of one kind in one letter.
    Digest,
}

impl Template {
    /// Every template.
    pub const ALL: &[Self] = &[
        Self::Welcome,
        Self::PaymentReceipt,
        Self::PaymentFailed,
        Self::VerifyEmail,
        Self::ResetPassword,
        Self::ChangeEmail,
        Self::ConfirmNewEmail,
        Self::PasswordChanged,
        Self::EmailChanged,
        Self::SecondFactorChanged,
        Self::PaymentRefunded,
        Self::RefundFailed,
        Self::DisputeOpened,
        Self::DisputeWon,
        Self::DisputeLost,
        Self::PayoutPaid,
        Self::PayoutFailed,
        Self::WebhookGone,
        Self::WebhookFailing,
        Self::VerifyPhone,
        Self::Digest,
    ];

    /// The folder of its files; part of identities, stable for ever.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Welcome => "welcome",
            Self::PaymentReceipt => "payment-receipt",
            Self::PaymentFailed => "payment-failed",
            Self::VerifyEmail => "code-verify-email",
            Self::ResetPassword => "code-reset-password",
            Self::ChangeEmail => "code-change-email",
            Self::ConfirmNewEmail => "code-confirm-new-email",
            Self::PasswordChanged => "password-changed",
            Self::EmailChanged => "email-changed",
            Self::SecondFactorChanged => "second-factor-changed",
            Self::PaymentRefunded => "payment-refunded",
            Self::RefundFailed => "refund-failed",
            Self::DisputeOpened => "dispute-opened",
            Self::DisputeWon => "dispute-won",
            Self::DisputeLost => "dispute-lost",
            Self::PayoutPaid => "payout-paid",
            Self::PayoutFailed => "payout-failed",
            Self::WebhookGone => "webhook-gone",
            Self::WebhookFailing => "webhook-failing",
            Self::VerifyPhone => "code-verify-phone",
            Self::Digest => "digest",
        }
    }

    /// The template of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|template| template.name() == name)
    }
}

/// What a notification is about, as callers see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The first message of an account.
    Welcome,
    /// A receipt.
    PaymentReceipt,
    /// A declined payment.
    PaymentFailed,
    /// Money that was given back, or came back.
    PaymentRefund,
    /// A dispute of a payment.
    PaymentDispute,
    /// A payout.
    Payout,
    /// Endpoints of webhooks.
    Webhooks,
    /// What concerns the safety of the account.
    Security,
}

impl Kind {
    /// Every kind.
    pub const ALL: &[Self] = &[
        Self::Welcome,
        Self::PaymentReceipt,
        Self::PaymentFailed,
        Self::PaymentRefund,
        Self::PaymentDispute,
        Self::Payout,
        Self::Webhooks,
        Self::Security,
    ];

    /// The word on the wire and in stored shapes.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Welcome => "welcome",
            Self::PaymentReceipt => "payment_receipt",
            Self::PaymentFailed => "payment_failed",
            Self::PaymentRefund => "payment_refund",
            Self::PaymentDispute => "payment_dispute",
            Self::Payout => "payout",
            Self::Webhooks => "webhooks",
            Self::Security => "security",
        }
    }

    /// Whether its messages are for the safety of the account: nobody turns them off, and no hour is too late for them.
    pub const fn is_critical(self) -> bool {
        matches!(self, Self::Security)
    }

    /// Whether messages of this kind come by a way where their person has said nothing; each [`Occasion`] may know better.
    pub const fn by_default(self, channel: Channel) -> bool {
        match channel {
            Channel::InApp => true,
            Channel::Email => !matches!(self, Self::PaymentFailed),
            Channel::Sms => self.is_critical(),
        }
    }

    /// The kind of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_reads_back_from_its_word() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_word(kind.word()), Some(*kind));
        }
        assert_eq!(Kind::from_word("newsletter"), None);
        for template in Template::ALL {
            assert_eq!(Template::from_name(template.name()), Some(*template));
        }
    }
}
