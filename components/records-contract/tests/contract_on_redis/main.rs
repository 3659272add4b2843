//! The suite on the adapter, over a real Redis and both kinds of stores that a native test has.

mod adapter;
#[cfg(test)]
mod archiving;
// Their helpers may panic as tests do: a history that cannot be made ends the test.
#[cfg(test)]
mod history;
mod native;
mod planted;
#[cfg(test)]
mod rebuilding;
#[cfg(test)]
mod sealing;
#[cfg(test)]
mod tampering;
#[cfg(test)]
mod telling;
#[cfg(test)]
mod trail;

use key_value::{KeyValue, MemoryKeyValue};
use native::{NativeRedis, RedisKeyValue, TokioSleep};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use records_contract::{Fixture, OnRedis, Step, cases, keep_books};
use std::sync::Arc;
use support::RedisServer;

fn fixture(server: &RedisServer, bodies: Arc<dyn KeyValue>) -> OnRedis {
    OnRedis::new(Arc::new(NativeRedis::new(server.url())), bodies, Arc::new(TokioSleep))
}

async fn run_all(fixture: &dyn Fixture) {
    let mut broken = Vec::new();
    for case in cases() {
        if let Err(failure) = case.run(fixture).await {
            broken.push(format!("{}: {failure}", case.name));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[tokio::test]
async fn every_sentence_holds_with_bodies_in_memory() {
    let server = RedisServer::start().unwrap();
    run_all(&fixture(&server, Arc::new(MemoryKeyValue::default()))).await;
}

#[tokio::test]
async fn every_sentence_holds_with_bodies_in_redis() {
    let server = RedisServer::start().unwrap();
    let bodies = RedisKeyValue(NativeRedis::new(format!("{}/1", server.url())));
    run_all(&fixture(&server, Arc::new(bodies))).await;
}

#[test]
fn the_books_hold_under_any_sequence() {
    let server = RedisServer::start().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let fixture = fixture(&server, Arc::new(MemoryKeyValue::default()));
    let amount = prop_oneof![6 => -500..500i64, 1 => Just((1 << 53) - 1), 1 => Just(-(1 << 53) + 1)];
    let leg = (0..4u8, any::<bool>(), amount.clone(), amount, prop::option::of(-300..300i64));
    let step = (0..4u8, prop::collection::vec(leg, 0..5), prop::bool::weighted(0.9))
        .prop_map(|(record, legs, balanced)| Step { record, legs, balanced });
    let steps = prop::collection::vec(step, 0..8);
    let keep = |steps: Vec<Step>| {
        runtime.block_on(keep_books(&fixture, &steps)).map_err(|failure| TestCaseError::fail(failure.0))
    };
    TestRunner::new(ProptestConfig::with_cases(96)).run(&steps, keep).unwrap();
}

#[tokio::test]
async fn every_planted_bug_is_found() {
    let server = RedisServer::start().unwrap();
    let redis = Arc::new(NativeRedis::new(server.url()));
    let mut unseen = Vec::new();
    for bug in planted::BUGS {
        let planted = Arc::new(planted::Planted::new(redis.clone(), *bug));
        let fixture = OnRedis::new(planted.clone(), Arc::new(MemoryKeyValue::default()), Arc::new(TokioSleep));
        let mut found = false;
        for case in cases() {
            found = case.run(&fixture).await.is_err();
            if found {
                break;
            }
        }
        assert!(planted.was_used(), "no script says `{}` any more", bug.0);
        if !found {
            unseen.push(format!("`{}` instead of `{}`", bug.1, bug.0));
        }
    }
    assert!(unseen.is_empty(), "nobody sees\n{}", unseen.join("\n"));
}
