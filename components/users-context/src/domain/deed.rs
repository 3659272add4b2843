//! Deeds: what the audit trail tells, in words that stay what they are for as long as the trail is kept.

/// What somebody did or tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    /// Opened the account.
    Register,
    /// Logged in.
    LogIn,
    /// Ended their own session.
    LogOut,
    /// Ended all sessions of theirs.
    LogOutEverywhere,
    /// Had one of the sessions ended.
    EndSession,
    /// Showed a refresh token that was used up: the session is ended.
    ReuseRefreshToken,
    /// Changed the password.
    ChangePassword,
    /// Asked for a code to set another password.
    ForgetPassword,
    /// Set another password by a code.
    ResetPassword,
    /// Proved the address.
    VerifyEmail,
    /// Asked for codes to change the address.
    AskForEmail,
    /// Changed the address.
    ChangeEmail,
    /// Began to enrol a second factor.
    EnrolFactor,
    /// Confirmed the second factor.
    ConfirmFactor,
    /// Took the second factor away.
    TakeAwayFactor,
    /// Used a recovery code up.
    UseRecoveryCode,
    /// Proved more within a session.
    StepUp,
    /// Locked the account.
    Lock,
    /// Unlocked it.
    Unlock,
    /// Made its password worth nothing.
    ForceReset,
    /// Ended its sessions.
    RevokeSessions,
    /// Gave it roles.
    SetRoles,
    /// Made an API key.
    CreateKey,
    /// Gave an API key another secret.
    RotateKey,
    /// Ended an API key.
    RevokeKey,
    /// Had all data collected to take them along.
    Export,
    /// Had the account erased.
    Erase,
}

impl Act {
    /// Every act.
    pub const ALL: [Self; 27] = [
        Self::Register,
        Self::LogIn,
        Self::LogOut,
        Self::LogOutEverywhere,
        Self::EndSession,
        Self::ReuseRefreshToken,
        Self::ChangePassword,
        Self::ForgetPassword,
        Self::ResetPassword,
        Self::VerifyEmail,
        Self::AskForEmail,
        Self::ChangeEmail,
        Self::EnrolFactor,
        Self::ConfirmFactor,
        Self::TakeAwayFactor,
        Self::UseRecoveryCode,
        Self::StepUp,
        Self::Lock,
        Self::Unlock,
        Self::ForceReset,
        Self::RevokeSessions,
        Self::SetRoles,
        Self::CreateKey,
        Self::RotateKey,
        Self::RevokeKey,
        Self::Export,
        Self::Erase,
    ];

    /// Its word in the trail.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::LogIn => "log_in",
            Self::LogOut => "log_out",
            Self::LogOutEverywhere => "log_out_everywhere",
            Self::EndSession => "end_session",
            Self::ReuseRefreshToken => "reuse_refresh_token",
            Self::ChangePassword => "change_password",
            Self::ForgetPassword => "forget_password",
            Self::ResetPassword => "reset_password",
            Self::VerifyEmail => "verify_email",
            Self::AskForEmail => "ask_for_email",
            Self::ChangeEmail => "change_email",
            Self::EnrolFactor => "enrol_factor",
            Self::ConfirmFactor => "confirm_factor",
            Self::TakeAwayFactor => "take_away_factor",
            Self::UseRecoveryCode => "use_recovery_code",
            Self::StepUp => "step_up",
            Self::Lock => "lock",
            Self::Unlock => "unlock",
            Self::ForceReset => "force_reset",
            Self::RevokeSessions => "revoke_sessions",
            Self::SetRoles => "set_roles",
            Self::CreateKey => "create_key",
            Self::RotateKey => "rotate_key",
            Self::RevokeKey => "revoke_key",
            Self::Export => "export",
            Self::Erase => "erase",
        }
    }
}

/// Why something was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// Another password, or no such account.
    Password,
    /// The password is right and the account may not be used.
    Account,
    /// The second factor does not hold.
    Factor,
    /// The one-time code does not hold.
    Code,
    /// The refresh token was used before.
    Token,
    /// The caller has no right to it.
    Right,
}

impl Why {
    /// Every reason.
    pub const ALL: [Self; 6] = [Self::Password, Self::Account, Self::Factor, Self::Code, Self::Token, Self::Right];

    /// Its word in the trail.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Account => "account",
            Self::Factor => "factor",
            Self::Code => "code",
            Self::Token => "token",
            Self::Right => "right",
        }
    }
}

/// What is told: the act, whether it was refused, what it was about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// What.
    pub act: Act,
    /// Why it was refused; `None` where it was done.
    pub refused: Option<Why>,
    /// Which session, which key, which roles; nothing personal.
    pub about: Option<String>,
}

impl Deed {
    /// It was done.
    pub const fn done(act: Act) -> Self {
        Self { act, refused: None, about: None }
    }

    /// It was refused.
    pub const fn refused(act: Act, why: Why) -> Self {
        Self { act, refused: Some(why), about: None }
    }

    /// Whether the account itself is behind it: somebody who is still to prove that they are its owner is not.
    pub const fn is_by_owner(&self) -> bool {
        let stranger = matches!(self.act, Act::ForgetPassword | Act::ReuseRefreshToken)
            || (self.refused.is_some() && matches!(self.act, Act::LogIn | Act::ResetPassword));
        !stranger
    }

    /// Says what it was about.
    #[must_use]
    pub fn about(mut self, what: impl core::fmt::Display) -> Self {
        self.about = Some(what.to_string());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_act_has_a_word_of_its_own() {
        let words: BTreeSet<_> = Act::ALL.iter().map(|act| act.word()).collect();
        assert_eq!(words.len(), Act::ALL.len());
    }
}
