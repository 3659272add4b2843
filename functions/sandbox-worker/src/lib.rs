//! Development only: the sandbox's notices to whom they concern, and its housekeeping, once a pulse. Wiring, and nothing
//! else.

#![cfg(target_family = "wasm")]

use ambient::Clock;
use edge_spin::{Call, StartError};
use platform_spin::{SpinHttp, variable};
use records::Records;
use sandbox_context::{Sandbox, app};
use std::sync::Arc;
use wiring_spin::Ground;

edge_spin::worker!("sandbox-worker", work);

async fn work(call: Call) -> Result<(), StartError> {
    let ground = Ground::of("sandbox").await?;
    let records = ground.records();
    if ground.keep_house(call, "sandbox-worker", core::slice::from_ref(&records)).await {
        return Ok(());
    }
    let sandbox = Sandbox {
        records: records.clone(),
        clock: ground.clock.clone(),
        sleep: ground.sleep.clone(),
        acquirer_key: variable("acquirer_key").await?.into(),
        // Letters come in by the other function.
        mail_key: "".into(),
    };
    let receiver = app::Receiver { http: Arc::new(SpinHttp), base_url: variable("notices_url").await? };
    app::announce(&sandbox, &receiver).await?;
    records.maintain(ground.clock.now()).await?;
    Ok(())
}
