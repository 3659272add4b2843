//! The route table of the sandbox.

mod bank;
mod handlers;
mod key;
pub mod problems;

use crate::Sandbox;
use axum::Router;
use axum::routing::{delete, get, post};

/// All routes. Bearer keys guard what a provider would guard; what looks, and the payer's bank, is open: never deploy
/// the sandbox.
pub fn public(sandbox: Sandbox) -> Router {
    Router::new()
        // The acquirer: bearer acquirer_key to charge, open to look.
        .route("/sandbox/v1/charges", get(handlers::charges).post(handlers::make_charge))
        .route("/sandbox/v1/charges/{id}/capture", post(handlers::capture))
        .route("/sandbox/v1/charges/{id}/cancel", post(handlers::cancel))
        .route("/sandbox/v1/charges/{id}/refunds", post(handlers::refund))
        // The acquirer's settlement, for a reconciliation: open.
        .route("/sandbox/v1/settlement.csv", get(handlers::settlement))
        // The payer's bank: open. The page and its two links are what a browser sees, the POST is for programs.
        .route("/sandbox/v1/charges/{id}/authenticate", get(bank::page).post(handlers::authenticate))
        .route("/sandbox/v1/charges/{id}/authenticate/{outcome}", get(bank::decide))
        .route("/sandbox/v1/charges/{id}/dispute", post(handlers::dispute))
        .route("/sandbox/v1/charges/{id}/dispute/close", post(handlers::close_dispute))
        // The mailbox: bearer mail_key to send and to take back, open to look.
        .route("/sandbox/v1/mail", get(handlers::letters).post(handlers::receive_letter))
        .route("/sandbox/v1/mail/{key}", delete(handlers::delete_letter))
        // Telephones: the same.
        .route("/sandbox/v1/sms", get(handlers::letters).post(handlers::receive_sms))
        .route("/sandbox/v1/sms/{key}", delete(handlers::delete_letter))
        .with_state(sandbox)
}
