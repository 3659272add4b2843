//! `GET /v1/payments/{id}`: one payment, to its owner or an operator.

use super::{QueryError, Reach, store};
use crate::Payments;
use crate::wire::PaymentAnswer;
use ids::PaymentId;

/// The payment as it stands.
///
/// # Errors
/// [`QueryError::NotFound`] also where it is another's; [`QueryError::Store`].
pub async fn show(payments: &Payments, reach: Reach, id: &str) -> Result<PaymentAnswer, QueryError> {
    let id: PaymentId = id.parse().map_err(|_| QueryError::NotFound)?;
    let held = store::load_within(&*payments.records, reach, id).await?.ok_or(QueryError::NotFound)?;
    Ok(PaymentAnswer::from(&held.stored.payment))
}
