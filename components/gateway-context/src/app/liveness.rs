//! Whether the front desk itself answers: nothing behind it is asked, so that a restart never follows from an outage
//! elsewhere.

use crate::wire::Liveness;
use problem::Json;

/// Whether the front desk answers
///
/// Asks nobody else.
#[utoipa::path(
    get, path = "/livez", operation_id = "get_liveness", tag = "front desk",
    responses((status = 200, description = "It does", body = Liveness)),
)]
pub(crate) async fn livez() -> Json<Liveness> {
    Json(Liveness { status: "alive" })
}
