//! The route table of payments and ledger, and the handlers between wire and use case.

mod body;
mod document;
mod handlers;
mod ledger;
mod method_handlers;
mod notice_handlers;
mod payouts;
pub mod problems;
mod reconciliations;

pub use document::api;

use crate::Payments;
use axum::Router;
use axum::routing::{delete, get, post, put};

#[cfg(test)]
mod document_tests;
#[cfg(test)]
mod walkthrough;

/// Payments: what the payer, the operator and the providers call.
pub fn public(payments: Payments) -> Router {
    Router::new()
        // The payer: scopes payments:read and payments:write; another's payment is 404.
        .route("/v1/payments", get(handlers::list).post(handlers::create))
        .route("/v1/payments/{id}", get(handlers::show))
        .route("/v1/payments/{id}/confirm", post(handlers::confirm))
        .route("/v1/payments/{id}/capture", post(handlers::capture))
        .route("/v1/payments/{id}/cancel", post(handlers::cancel))
        .route("/v1/payment-methods", get(method_handlers::list).post(method_handlers::save))
        .route("/v1/payment-methods/{id}", delete(method_handlers::forget))
        // The operator, or a key with payments:refund for payments of its own.
        .route("/v1/payments/{id}/refunds", post(handlers::refund))
        // Providers: no token, a signature over the bytes.
        .route("/v1/providers/{provider}/events", post(notice_handlers::hear))
        // The operator: role operator.
        .route("/v1/providers/notices", get(notice_handlers::list))
        .with_state(payments)
}

/// The ledger's routes: role operator. A component of its own, which is granted no provider.
pub fn ledger(payments: Payments) -> Router {
    Router::new()
        .route("/v1/ledger/trial-balance", get(ledger::trial_balance))
        .route("/v1/ledger/accounts", get(ledger::accounts))
        .route("/v1/ledger/accounts/{account}", get(ledger::account))
        .route("/v1/ledger/accounts/{account}/statement", get(ledger::statement))
        .route("/v1/ledger/accounts/{account}/statement.csv", get(ledger::export))
        .route("/v1/ledger/entries/{entry}", get(ledger::entry))
        .route("/v1/ledger/entries/{entry}/reversal", post(ledger::reverse))
        .route("/v1/ledger/verify", get(ledger::verify))
        .route("/v1/ledger/verification", get(ledger::verification))
        .route("/v1/ledger/payouts", get(payouts::list).post(payouts::create))
        .route("/v1/ledger/payouts/{id}", get(payouts::show))
        .route("/v1/ledger/payouts/{id}/{step}", post(payouts::step))
        .with_state(payments)
}

/// Reconciliation's routes: role operator. A component of its own, which is granted no provider either.
pub fn reconciliation(payments: Payments) -> Router {
    Router::new()
        .route("/v1/reconciliations", get(reconciliations::list).post(reconciliations::create))
        .route("/v1/reconciliations/{id}", get(reconciliations::show))
        .route("/v1/reconciliations/{id}/chunks/{number}", put(reconciliations::chunk))
        .route("/v1/reconciliations/{id}/close", post(reconciliations::close))
        .route("/v1/reconciliations/{id}/discard", post(reconciliations::discard))
        .route("/v1/reconciliations/{id}/differences", get(reconciliations::differences))
        .route("/v1/reconciliations/{id}/differences/{difference}", get(reconciliations::difference))
        .route("/v1/reconciliations/{id}/differences/{difference}/resolution", post(reconciliations::resolve))
        .with_state(payments)
}

/// What our own services call, behind a service token.
pub fn internal(payments: Payments) -> Router {
    Router::new().route("/internal/payments/readyz", get(handlers::ready)).with_state(payments)
}
