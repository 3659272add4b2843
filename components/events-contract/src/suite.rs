//! One native test a case, for implementations that are tested with `cargo test`.

use crate::{Failure, Fixture, cases};

/// Runs the case of that name.
///
/// # Errors
/// What was found instead, or that there is no such case.
pub async fn run(name: &str, fixture: &dyn Fixture) -> Result<(), Failure> {
    match cases().into_iter().find(|case| case.name == name) {
        Some(case) => case.run(fixture).await,
        None => Err(Failure(format!("there is no case {name}"))),
    }
}

/// Makes one test a case, each on a fixture of its own that the given async function makes (`Result<impl Fixture, _>`
/// with an error that can be shown).
#[macro_export]
macro_rules! suite {
    ($start:path) => {
        $crate::suite!(@each $start;
            a_group_hears_a_stream_from_its_beginning_and_subscribes_once,
            an_entry_is_handed_out_once_and_forgotten_when_acknowledged,
            each_group_hears_every_entry,
            a_group_that_is_not_there_is_told_to_subscribe,
            an_abandoned_entry_goes_to_one_of_two_as_one_more_delivery,
            a_fresh_entry_stays_with_its_worker,
            an_entry_that_was_trimmed_comes_without_its_bytes,
            the_groups_say_how_far_they_are,
            the_bell_rings_once_until_somebody_finds_the_stream_empty,
            the_bell_is_silent_while_a_worker_stays,
            a_slow_group_does_not_silence_another,
            a_worker_can_ring_for_itself,
            an_entry_put_off_comes_back_when_it_is_due_and_not_before,
            an_entry_put_off_gives_its_delivery_back,
            an_entry_put_off_is_not_abandoned,
            the_waits_grow,
            an_entry_that_is_due_goes_to_one_of_two,
            a_worker_that_slept_cannot_put_off_what_another_took,
            an_entry_put_off_and_then_settled_is_forgotten,
            a_parked_entry_is_one_dead_letter_however_often_it_is_parked,
            a_dead_letter_tells_all_that_is_known,
            an_unreadable_entry_becomes_a_dead_letter_as_it_was,
            the_dead_letters_are_listed_newest_first_in_pages,
            a_purged_letter_is_gone,
            a_replayed_letter_goes_to_its_group_alone_and_is_forgotten_when_done,
            a_replay_that_fails_again_leaves_one_letter_with_the_new_cause,
            a_replay_whose_worker_died_comes_back,
            a_replay_can_be_put_off,
            an_edited_replay_hands_out_other_bytes_and_leaves_the_letter_as_it_is,
            an_edited_replay_that_fails_again_keeps_what_was_handed_out,
            a_replay_as_it_is_forgets_the_edited_one,
            a_stream_tells_how_much_lies_in_it,
            entries_are_read_from_either_end_in_pages,
            retries_and_letters_are_counted,
            the_oldest_letter_is_told,
            the_oldest_entry_in_hand_is_told,
            a_duplicate_has_its_effect_once,
            what_a_dead_worker_had_in_its_hands_is_finished_by_the_next,
            a_poison_event_goes_to_the_dead_letters_without_its_neighbours,
            a_dependency_that_is_gone_uses_up_no_delivery,
            an_unreadable_event_is_parked_at_once,
            a_worker_goes_on_after_redis_lost_everything,
            a_missed_bell_is_made_good_by_the_pulse,
            a_replayed_letter_has_its_effect_at_the_next_pulse,
            a_replay_that_kills_its_worker_ends_as_one_letter,
            two_workers_at_once_give_each_event_its_effect_once,
            ten_thousand_events_pass_through_two_workers,
        );
    };
    (@each $start:path; $($name:ident,)+) => {
        $(
            #[tokio::test]
            async fn $name() {
                let fixture = $start().await.unwrap();
                if let Err(failure) = $crate::run(stringify!($name), &fixture).await {
                    panic!("{failure}");
                }
            }
        )+

        #[test]
        fn every_case_of_the_suite_has_its_test() {
            let tests = [$(stringify!($name)),+];
            let cases: Vec<_> = $crate::cases().iter().map(|case| case.name).collect();
            assert_eq!(cases, tests);
        }
    };
}
