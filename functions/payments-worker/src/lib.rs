//! Payments' timers, once a pulse: outcomes that are unknown, holds that ran out; the sealing and checking of the journal;
//! and, woken by the doorbell too, people who take their data along or away. Wiring, and nothing else.

#![cfg(target_family = "wasm")]

use ambient::Random;
use circuit_breaker::{BreakerConfig, RedisBreaker};
use edge_spin::{Call, StartError};
use events::{Worker, WorkerConfig};
use events_redis::RedisEventLog;
use payments_context::domain::StepUpLimits;
use payments_context::setup::{Means, ProviderSettings, providers};
use payments_context::wire::VerificationAnswer;
use payments_context::{GROUP, HEARS, Payments, PrivacyClerk, app};
use platform_spin::{SpinHttp, variable};
use principal::TraceId;
use redis_client::{Argument, Redis, Repeat};
use std::sync::Arc;
use telemetry::Level;
use wiring_spin::Ground;

edge_spin::worker!("payments-worker", work);

async fn work(call: Call) -> Result<(), StartError> {
    let ground = Ground::of("payments").await?;
    let settings = ProviderSettings {
        acquirer_url: variable("acquirer_url").await?,
        acquirer_key: variable("acquirer_key").await?,
        stripe_url: variable("stripe_url").await?,
        stripe_key: variable("stripe_key").await?,
        // Notices come in by the other function.
        stripe_notice_secrets: String::new(),
        routes: variable("provider_routes").await?,
    };
    let means = Means {
        http: Arc::new(SpinHttp),
        clock: ground.clock.clone(),
        sleep: ground.sleep.clone(),
        random: ground.random.clone(),
    };
    let breaker = |name: &str| RedisBreaker::of("payments", name, BreakerConfig::default(), ground.redis.clone());
    let mut trace = [0; 16];
    ground.random.fill(&mut trace);
    let trace = TraceId::from_bytes(trace);
    let records = ground.records();
    let house = records.clone();
    let payments = Payments {
        records: records.clone(),
        journal: records,
        providers: providers(&settings, &means, |name| Arc::new(breaker(name)))?,
        // Nobody asks here whose assurance could be too low.
        step_up: StepUpLimits::default(),
        clock: ground.clock.clone(),
        random: ground.random.clone(),
    };
    let clerk = Arc::new(PrivacyClerk { payments: payments.clone(), desk: ground.desk().await? });
    let streams = ground.streams(&HEARS);
    let log = Arc::new(RedisEventLog::new("payments", ground.redis.clone()));
    let (clock, random, sleep) = (ground.clock.clone(), ground.random.clone(), ground.sleep.clone());
    let bounds = ground.worker_config(GROUP, WorkerConfig::default()).await?;
    let worker = Worker::new(log, GROUP, streams, clerk, clock, random, sleep).with_config(bounds);
    if let Call::Bell = call {
        worker.on_bell().await?;
        return Ok(());
    }
    if ground.keep_house("payments-worker", core::slice::from_ref(&house)).await {
        return Ok(());
    }
    // Whoever leaves waits for the next pulse where the streams are gone; payments do not.
    if let Err(error) = worker.on_pulse().await {
        let reason = error.to_string();
        let fields = [("reason", (&reason).into())];
        telemetry::log(Level::Error, "payments-worker", "the streams could not be read", &trace, &fields);
    }
    // What cannot be sealed stays where it is; it must not keep payments from being settled.
    if let Err(error) = app::seal(&payments).await {
        let reason = error.to_string();
        let fields = [("reason", (&reason).into())];
        telemetry::log(Level::Error, "payments-worker", "the journal was not sealed", &trace, &fields);
    }
    // Nor must a check that cannot be made, or one that finds something.
    match app::watch_journal(&payments, &trace.to_string()).await {
        Ok(found) => {
            if let Some(broken) = &found.broken {
                let fields = [("reason", broken.into())];
                telemetry::log(Level::Error, "payments-worker", "the journal does not hold", &trace, &fields);
            }
            publish(&*ground.redis, &found).await;
        }
        Err(error) => {
            let reason = error.to_string();
            let fields = [("reason", (&reason).into())];
            telemetry::log(Level::Error, "payments-worker", "the journal was not checked", &trace, &fields);
        }
    }
    for open in app::on_pulse(&payments, &trace.to_string()).await?.unfinished {
        let fields =
            [("payment", (&open.payment).into()), ("timer", (&open.timer).into()), ("reason", (&open.reason).into())];
        let level = if open.grave { Level::Error } else { Level::Info };
        telemetry::log(level, "payments-worker", "a timer comes back", &trace, &fields);
    }
    Ok(())
}

/// Where the front desk's `/metrics` reads what is known of the journal (see `gateway-context`).
const GAUGES: &str = "{payments/metrics}:ledger";

/// Shows what the checks have found. Numbers to watch: what cannot be written now is written by the next pulse.
async fn publish(redis: &dyn Redis, found: &VerificationAnswer) {
    let verified_s = found.verified_at.map_or(0, |at| at.unix_s());
    let rows = i64::try_from(found.verified_rows).unwrap_or(i64::MAX);
    let fields: [(&str, i64); 3] =
        [("verified_s", verified_s), ("verified_rows", rows), ("broken", i64::from(found.broken.is_some()))];
    let mut arguments: Vec<Argument> = vec![GAUGES.into()];
    for (field, value) in fields {
        arguments.push(field.into());
        arguments.push(value.into());
    }
    let _written = redis.execute("HSET", arguments, Repeat::Safe).await;
}
