//! The suite on the double.

use proptest::prelude::*;
use records_contract::{OnMemory, Step, cases, keep_books};

#[tokio::test]
async fn every_sentence_holds() {
    let mut broken = Vec::new();
    for case in cases() {
        if let Err(failure) = case.run(&OnMemory::new()).await {
            broken.push(format!("{}: {failure}", case.name));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn the_books_hold_under_any_sequence(steps in prop::collection::vec(any_step(), 0..12)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(keep_books(&OnMemory::new(), &steps)).map_err(|failure| TestCaseError::fail(failure.0))?;
    }
}

/// Mostly what could happen, sometimes what never should.
fn any_step() -> impl Strategy<Value = Step> {
    let amount = prop_oneof![6 => -500..500i64, 1 => Just((1 << 53) - 1), 1 => Just(-(1 << 53) + 1)];
    let leg = (0..4u8, any::<bool>(), amount.clone(), amount, prop::option::of(-300..300i64));
    let legs = prop::collection::vec(leg, 0..5);
    (0..4u8, legs, prop::bool::weighted(0.9)).prop_map(|(record, legs, balanced)| Step { record, legs, balanced })
}
