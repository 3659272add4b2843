//! Payments and ledger over HTTP.
