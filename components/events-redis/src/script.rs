//! The scripts and how they are called: by digest, by text where the server does not know them yet.

use redis_client::{Argument, Redis, RedisError, Repeat, Reply};
use std::sync::OnceLock;

/// One script.
pub(crate) struct Script {
    text: &'static str,
    digest: OnceLock<String>,
    /// Called as one that only reads, so that it runs with no more than that right.
    reads: bool,
}

macro_rules! scripts {
    ($($name:ident = $file:literal, $reads:literal;)*) => {
        $(pub(crate) static $name: Script =
            Script { text: include_str!(concat!("scripts/", $file, ".lua")), digest: OnceLock::new(), reads: $reads };)*
    };
}

scripts! {
    SUBSCRIBE = "subscribe", false;
    READ = "read", false;
    CLAIM = "claim", false;
    HOLD = "hold", false;
    RESUME = "resume", false;
    WAIT = "wait", false;
    DUE = "due", false;
    UNWAIT = "unwait", false;
    FORGET = "forget", false;
    BURY = "bury", false;
    REBURY = "rebury", false;
    LETTERS = "letters", false;
    REPLAY = "replay", false;
    CLAIM_REPLAY = "claim_replay", false;
    DEFER_REPLAY = "defer_replay", false;
    PURGE = "purge", false;
    STATISTICS = "statistics", true;
    STREAM = "stream", true;
    ENTRIES = "entries", true;
    WAITING = "waiting", true;
    REPLAY_STATE = "replay_state", true;
}

impl Script {
    /// Runs the script. Each may be repeated after a lost answer: it does no harm twice.
    pub async fn run(
        &'static self,
        redis: &dyn Redis,
        keys: Vec<String>,
        arguments: Vec<Argument>,
    ) -> Result<Vec<Reply>, RedisError> {
        let (by_digest, by_text) = if self.reads { ("EVALSHA_RO", "EVAL_RO") } else { ("EVALSHA", "EVAL") };
        let digest = self.digest.get_or_init(|| sha1_smol::Sha1::from(self.text).digest().to_string());
        let call = |script: &str, keys: Vec<String>, arguments: Vec<Argument>| -> Vec<Argument> {
            let count = i64::try_from(keys.len()).unwrap_or(i64::MAX);
            [script.into(), count.into()].into_iter().chain(keys.into_iter().map(Into::into)).chain(arguments).collect()
        };
        match redis.execute(by_digest, call(digest, keys.clone(), arguments.clone()), Repeat::Safe).await {
            Err(error) if error.is_unknown_script() => {
                redis.execute(by_text, call(self.text, keys, arguments), Repeat::Safe).await
            }
            answered => answered,
        }
    }
}
