//! Serde twins of the nouns: what lies in bodies and indexes, and what callers get.

mod answers;
mod log;
mod settings;
mod stored;

pub use answers::{NotificationAnswer, NotificationLine, NotificationsPage, UnreadCount};
pub use log::{
    LogLine, LogPage, LoggedMessage, LoggedRow, PreviewAnswer, SuppressionLine, SuppressionSummary, SuppressionsPage,
    TemplateLine, TemplatesAnswer,
};
pub use settings::{
    EffectiveRule, InvalidPreferences, PhoneBody, PhoneCodeBody, PreferencesAnswer, PreferencesBody, QuietHoursBody,
    Settings, StoredSettings,
};
pub use stored::{
    LogSummary, StoredContact, StoredDigest, StoredMessage, StoredNotification, StoredSuppression, Summary, Unreadable,
    read, write,
};
