//! One round of the worker of payments, whoever wakes it: `payments-drain` takes this very file.

use ambient::Random;
use circuit_breaker::{BreakerConfig, RedisBreaker};
use edge_spin::{Call, StartError};
use events::{Worker, WorkerConfig};
use events_redis::RedisEventLog;
use payments_context::domain::StepUpLimits;
use payments_context::setup::{Means, ProviderSettings, providers};
use payments_context::wire::VerificationAnswer;
use payments_context::{GROUP, HEARS, Payments, PrivacyClerk, Work};
use platform_spin::{SpinHttp, variable};
use principal::TraceId;
use records_redis::RedisRecords;
use redis_client::{Argument, Redis, Repeat};
use std::sync::Arc;
use telemetry::Level;
use wiring_spin::{Drained, Ground};

/// What a round needs.
pub struct Round {
    ground: Ground,
    records: Arc<RedisRecords>,
    work: Work,
}

impl Round {
    /// Wired within these bounds.
    pub async fn of(ground: Ground, bounds: WorkerConfig) -> Result<Self, StartError> {
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
        let records = ground.records();
        let payments = Payments {
            records: records.clone(),
            journal: records.clone(),
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
        let bounds = ground.worker_config(GROUP, bounds).await?;
        let worker = Worker::new(log, GROUP, streams, clerk, clock, random, sleep).with_config(bounds);
        Ok(Self { ground, records, work: Work { worker, payments } })
    }

    /// What the call asks for.
    pub async fn run(&self, call: Call) -> Result<Drained<payments_context::Drained>, StartError> {
        if self.ground.keep_house(call, GROUP, core::slice::from_ref(&self.records)).await {
            return Ok(Drained::rebuilding());
        }
        let mut trace = [0; 16];
        self.ground.random.fill(&mut trace);
        let trace = TraceId::from_bytes(trace);
        let round = match call {
            Call::Bell => self.work.on_bell().await,
            Call::Pulse | Call::Drain { .. } => self.work.on_pulse(&trace.to_string(), call.end()).await,
        };
        for (what, reason) in round.failures() {
            telemetry::log(Level::Error, GROUP, what, &trace, &[("reason", (&reason).into())]);
        }
        if let Some(Ok(found)) = &round.checked {
            if let Some(broken) = &found.broken {
                telemetry::log(Level::Error, GROUP, "the journal does not hold", &trace, &[("reason", broken.into())]);
            }
            publish(&*self.ground.redis, found).await;
        }
        for open in round.timers.iter().flat_map(|report| &report.unfinished) {
            let fields = [
                ("payment", (&open.payment).into()),
                ("timer", (&open.timer).into()),
                ("reason", (&open.reason).into()),
            ];
            let level = if open.grave { Level::Error } else { Level::Info };
            telemetry::log(level, GROUP, "a timer comes back", &trace, &fields);
        }
        Ok(Drained::did(round.finish()))
    }
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
