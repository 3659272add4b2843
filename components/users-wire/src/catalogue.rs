//! What each event of this context is, for those who hear it.

use crate::*;
use event_catalogue::EventType;

/// Every event of the users context, each with an example.
pub fn catalogue() -> Vec<EventType> {
    let at = Timestamp::from_unix_ms(1_767_225_600_000);
    let user_id = UserId::derived(0, &[b"example"]);
    let session_id = SessionId::derived(0, &[b"example"]);
    let account = UserSnapshot { id: user_id, locale: "en".to_owned() };
    let owner = UserPersonal { email: "robin@example.com".to_owned(), display_name: "Robin Example".to_owned() };
    let session = SessionSnapshot { id: session_id, user_id, expires_at: at, end_reason: None };
    let ended = SessionSnapshot { end_reason: Some(SessionEndReason::LoggedOut), ..session.clone() };
    let revoked = SessionsRevoked { user_id, credential_epoch: 2, reason: RevokeReason::LoggedOutEverywhere };
    let roles = RolesChanged { user_id, roles: vec!["user".to_owned(), "operator".to_owned()] };
    let factor = FactorChanged { user_id, change: FactorChange::Enrolled };
    let password = PasswordChanged { user_id, credential_epoch: 2, how: PasswordChange::Changed };
    let code = CodeIssued { user_id, locale: "en".to_owned(), purpose: CodePurpose::VerifyEmail, expires_at: at };
    let secret = CodePersonal {
        email: "robin@example.com".to_owned(),
        display_name: "Robin Example".to_owned(),
        code: "314159".to_owned(),
    };
    let export = ExportRequested { user_id, export_id: ExportId::derived(0, &[b"example"]) };
    let erasure = ErasureTold { user_id, erasure_id: ErasureId::derived(0, &[b"example"]), requested_at: at };
    let of_account = |kind, summary| EventType::new(kind, summary, user_id, &account).with_personal(&owner);
    vec![
        of_account(USER_REGISTERED, "An account was opened: the welcome is due."),
        of_account(USER_UPDATED, "The profile changed."),
        of_account(USER_VERIFIED, "The address of the account is known to be its owner's."),
        of_account(USER_LOCKED, "An operator locked the account: nobody logs in to it."),
        of_account(USER_UNLOCKED, "An operator unlocked the account."),
        of_account(EMAIL_CHANGED, "The account has another address; `personal` names the one before."),
        EventType::new(SESSION_STARTED, "A person logged in: a session began.", session_id, &session),
        EventType::new(SESSION_ENDED, "A session was ended before its time.", session_id, &ended),
        EventType::new(SESSIONS_REVOKED, "Every session of an account ended at once.", user_id, &revoked),
        EventType::new(ROLES_CHANGED, "The account has other roles.", user_id, &roles),
        EventType::new(FACTOR_CHANGED, "Something became of the second factor of an account.", user_id, &factor)
            .with_personal(&owner),
        EventType::new(PASSWORD_CHANGED, "The password of an account became another one.", user_id, &password)
            .with_personal(&owner),
        EventType::new(CODE_ISSUED, "A one-time code is due in a mailbox.", user_id, &code).with_personal(&secret),
        EventType::new(
            EXPORT_REQUESTED,
            "A person takes their data along: each service hands its part in.",
            user_id,
            &export,
        ),
        EventType::new(
            ERASURE_REQUESTED,
            "An account was erased: each service takes away what it has of the person.",
            user_id,
            &erasure,
        ),
        EventType::new(
            USER_ERASED,
            "Each service looks once more for what it has of an erased person.",
            user_id,
            &erasure,
        ),
    ]
}
