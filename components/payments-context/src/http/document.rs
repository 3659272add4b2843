//! This context's part of the API's document: which operations there are, and what many of them share.
//!
//! What does not live here: each operation's description, which stands above its handler, and what the edge answers
//! everywhere (`api-document` adds it). Routes below `/internal` are not part of the document.

use super::{handlers, ledger, method_handlers, notice_handlers, payouts, reconciliations};
use ambient::Timestamp;
use utoipa::{IntoParams, IntoResponses, OpenApi};

#[derive(OpenApi)]
#[openapi(
    paths(
        handlers::list,
        handlers::create,
        handlers::show,
        handlers::confirm,
        handlers::capture,
        handlers::cancel,
        handlers::refund,
        method_handlers::list,
        method_handlers::save,
        method_handlers::forget,
        notice_handlers::hear,
        notice_handlers::list,
        ledger::trial_balance,
        ledger::accounts,
        ledger::account,
        ledger::statement,
        ledger::export,
        ledger::entry,
        ledger::reverse,
        ledger::verify,
        ledger::verification,
        payouts::list,
        payouts::create,
        payouts::show,
        payouts::step,
        reconciliations::list,
        reconciliations::create,
        reconciliations::show,
        reconciliations::chunk,
        reconciliations::close,
        reconciliations::discard,
        reconciliations::differences,
        reconciliations::difference,
        reconciliations::resolve,
    ),
    tags(
        (name = "payments", description = "From the wish to pay to the money taken, each step once"),
        (name = "payment methods", description = "Ways to pay that a payer keeps: tokens, never cards"),
        (name = "providers", description = "What payment providers tell us"),
        (name = "ledger", description = "Accounts, entries and statements, for operators"),
        (name = "payouts", description = "Money on its way to the merchant's bank, for operators"),
        (name = "reconciliations", description = "What providers say that they have settled against our books, for operators"),
    ),
)]
struct Api;

/// This context's part of the API's document.
pub fn api() -> utoipa::openapi::OpenApi {
    Api::openapi()
}

/// The header of every change.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "only its description is looked at")]
pub struct Key {
    /// The same key with the same request is carried out once, and answered with the same bytes for seven days.
    #[param(
        rename = "Idempotency-Key",
        min_length = 1,
        max_length = 255,
        pattern = "^[!-~]+$",
        example = "8e03978e-40d5-43e8-bc93-6894a57f9324"
    )]
    idempotency_key: String,
}

/// The query of an export, which has no limit: a piece has as many rows as it has.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only its description is looked at")]
pub struct ExportQuery {
    /// From this moment on.
    from: Option<Timestamp>,
    /// Up to just before this moment.
    to: Option<Timestamp>,
    /// Where the piece before ended.
    #[param(pattern = "^[1-9][0-9]{0,18}$")]
    cursor: Option<String>,
}

/// What every move of a payment may answer besides its success.
#[derive(IntoResponses)]
#[expect(dead_code, clippy::large_enum_variant, reason = "only its descriptions are looked at")]
pub enum Move {
    #[response(
        status = 202,
        description = "The acquirer's answer is not there yet: read the payment again, or send the same request again",
        headers(("Retry-After" = u32, description = "Seconds until it is worth looking again"))
    )]
    Open(crate::wire::PaymentAnswer),
    #[response(status = 404, description = "`not-found`: there is none, or it is another's")]
    NotFound,
    #[response(
        status = 409,
        description = "`payment-state`: the payment does not allow this move now; `acquirer-refused`; `in-flight`: the \
                       same request is being carried out; `conflict`: the payment changed at the same time"
    )]
    State,
    #[response(
        status = 422,
        description = "`invalid`; `card-number`: the body holds one; `idempotency-key-reused`: with another request"
    )]
    Invalid,
}

/// What every change that a key guards may answer, where it is not a move of a payment.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its descriptions are looked at")]
pub enum Guarded {
    #[response(
        status = 409,
        description = "`in-flight`: the same request is being carried out; `idempotency-key-spent`: its answer is no \
                       longer kept; `conflict`: it changed at the same time"
    )]
    Once,
    #[response(
        status = 422,
        description = "`invalid`; `card-number`: the body holds one; `idempotency-key-reused`: with another request"
    )]
    Invalid,
}

/// What every page may answer besides itself.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its descriptions are looked at")]
pub enum Paged {
    #[response(status = 422, description = "`invalid`: the limit, the cursor or a moment is none")]
    Invalid,
}

/// What every question about one thing may answer besides it.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its descriptions are looked at")]
pub enum Named {
    #[response(status = 404, description = "`not-found`: there is nothing of this name")]
    NotFound,
}
