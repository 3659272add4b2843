//! The suite on scripts with a mistake in them: each must be found, or the suite proves nothing.

use crate::{native_redis::NativeRedis, on_redis};
use async_trait::async_trait;
use core::sync::atomic::{AtomicBool, Ordering};
use events_contract::OnRedis;
use futures::future::join_all;
use redis_client::{Argument, Redis, RedisError, Repeat, Reply};
use std::sync::Arc;

/// A mistake: what is replaced in a script (or a command that is not carried out), and the sentence that becomes false.
struct Bug {
    from: &'static str,
    to: &'static str,
    breaks: &'static str,
}

const BUGS: [Bug; 14] = [
    Bug {
        from: "redis.call('DEL', KEYS[2])",
        to: "",
        breaks: "the_bell_rings_once_until_somebody_finds_the_stream_empty",
    },
    Bug {
        from: "    redis.call('SET', KEYS[2], '1', 'PX', ARGV[5])",
        to: "",
        breaks: "the_bell_is_silent_while_a_worker_stays",
    },
    Bug { from: "redis.call('SADD', KEYS[2], ARGV[1])", to: "", breaks: "a_slow_group_does_not_silence_another" },
    Bug { from: "'IDLE', idle, ", to: "", breaks: "a_fresh_entry_stays_with_its_worker" },
    Bug {
        from: " or found[4] ~= tonumber(ARGV[5])",
        to: "",
        breaks: "a_worker_that_slept_cannot_put_off_what_another_took",
    },
    Bug { from: "math.max(found[4] - 1, 0)", to: "found[4]", breaks: "an_entry_put_off_gives_its_delivery_back" },
    Bug { from: "if found[2] ~= ARGV[3] then", to: "if false then", breaks: "an_entry_that_is_due_goes_to_one_of_two" },
    Bug { from: " * 2 ^ math.min(retry - 1, 40)", to: "", breaks: "the_waits_grow" },
    Bug {
        from: "'1', 'NX', 'PX'",
        to: "'1', 'PX'",
        breaks: "a_parked_entry_is_one_dead_letter_however_often_it_is_parked",
    },
    Bug {
        from: "if redis.call('XDEL', KEYS[1], ARGV[1]) == 0 then",
        to: "if false then",
        breaks: "a_replay_that_fails_again_leaves_one_letter_with_the_new_cause",
    },
    Bug {
        from: "redis.call('ZADD', KEYS[2], string.format('%.0f', now + tonumber(ARGV[1])), letter)",
        to: "",
        breaks: "a_replayed_letter_goes_to_its_group_alone_and_is_forgotten_when_done",
    },
    Bug {
        from: "redis.call('HGET', KEYS[3], letter .. ':event') or fields.event",
        to: "fields.event",
        breaks: "an_edited_replay_hands_out_other_bytes_and_leaves_the_letter_as_it_is",
    },
    Bug {
        from: "ARGV[1] .. ':retries', ARGV[1] .. ':event')\nif ARGV[3]",
        to: "ARGV[1] .. ':retries')\nif ARGV[3]",
        breaks: "a_replay_as_it_is_forgets_the_edited_one",
    },
    Bug { from: "XACK", to: "", breaks: "an_entry_is_handed_out_once_and_forgotten_when_acknowledged" },
];

/// A connection on which one mistake is made.
struct Planted {
    sound: Arc<NativeRedis>,
    bug: &'static Bug,
    made: Arc<AtomicBool>,
}

#[async_trait]
impl Redis for Planted {
    async fn execute(
        &self,
        command: &str,
        mut arguments: Vec<Argument>,
        repeat: Repeat,
    ) -> Result<Vec<Reply>, RedisError> {
        if command == self.bug.from {
            self.made.store(true, Ordering::SeqCst);
            return Ok(vec![Reply::Integer(1)]);
        }
        if command == "EVALSHA" {
            // So that each script comes by here as text.
            return Err(RedisError::Refused("NOSCRIPT".to_owned()));
        }
        if let ("EVAL", Some(Argument::Bytes(script))) = (command, arguments.first_mut()) {
            let text = String::from_utf8_lossy(script).into_owned();
            if text.contains(self.bug.from) {
                self.made.store(true, Ordering::SeqCst);
                *script = text.replacen(self.bug.from, self.bug.to, 1).into_bytes();
            }
        }
        self.sound.execute(command, arguments, repeat).await
    }
}

/// What the suite says of a bug on a fixture that has it, where it does not find it.
async fn unseen(bug: &Bug, fixture: OnRedis, made: Arc<AtomicBool>) -> Option<String> {
    let verdict = events_contract::run(bug.breaks, &fixture).await;
    if !made.load(Ordering::SeqCst) {
        return Some(format!("`{}` is in no script that runs", bug.from));
    }
    verdict.is_ok().then(|| format!("`{}` may be `{}`, and {} holds all the same", bug.from, bug.to, bug.breaks))
}

#[tokio::test]
async fn the_suite_finds_every_planted_bug() {
    let mut running = Vec::new();
    // Starting a server blocks: all are started before the first is spoken to.
    for bug in &BUGS {
        let made = Arc::new(AtomicBool::default());
        let planted = made.clone();
        let around = |sound| -> Arc<dyn Redis> { Arc::new(Planted { sound, bug, made: planted.clone() }) };
        let fixture = on_redis(around).await.unwrap();
        running.push(unseen(bug, fixture, made));
    }
    let unseen: Vec<_> = join_all(running).await.into_iter().flatten().collect();
    assert!(unseen.is_empty(), "{}", unseen.join("\n"));
}
