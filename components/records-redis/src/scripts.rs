//! The scripts and how they are called: by digest, by text where the server does not know them yet.

use redis_client::{Argument, Redis, RedisError, Repeat, Reply};
use std::sync::OnceLock;

/// One script.
pub(crate) struct Script {
    text: &'static str,
    digest: OnceLock<String>,
}

macro_rules! scripts {
    ($($(#[$doc:meta])* $name:ident = $file:literal;)*) => {
        $($(#[$doc])* pub(crate) static $name: Script = Script { text: include_str!($file), digest: OnceLock::new() };)*
    };
}

scripts! {
    /// Compares commits with what was acknowledged.
    WATCH = "watch.lua";
    /// Makes the data in two steps.
    CREATE = "create.lua";
    /// One page of an index.
    LIST = "list.lua";
    /// Entries of an index at certain places.
    AT = "at.lua";
    /// Sizes of indexes.
    COUNTS = "counts.lua";
    /// Balances of accounts.
    BALANCES = "balances.lua";
    /// The running trial balance.
    TRIAL = "trial.lua";
    /// Open rows of the journal.
    ROWS = "rows.lua";
    /// Open rows of one account.
    ACCOUNT = "account.lua";
    /// The last open row of one account at a moment.
    ACCOUNT_AT = "account_at.lua";
    /// Names of accounts.
    ACCOUNTS = "accounts.lua";
    /// What a sealer does next.
    SEAL = "seal.lua";
    /// Moves the head of the chain.
    SEALED = "sealed.lua";
    /// Drops rows of an account that are in a page.
    PAGED = "paged.lua";
    /// Takes personal parts away from open rows of the trail.
    SHRED = "shred.lua";
    /// Gives the sealer's lease back.
    RELEASE = "release.lua";
    /// Leases due timers.
    CLAIM = "claim.lua";
    /// Ends a leased timer.
    FINISH = "finish.lua";
    /// What the archive writes next.
    ARCHIVE = "archive.lua";
    /// Moves the head of the archive.
    ARCHIVED = "archived.lua";
    /// Drops from the stream what nobody needs there.
    TRIM = "trim.lua";
    /// How far dropping a page of the archive is.
    DROPPED = "dropped.lua";
    /// Where the archive ends, and the stream behind a place or before it.
    TOLD = "told.lua";
    /// Where a rebuild begins: closed to commits.
    CLOSE = "rebuild/close.lua";
    /// Puts rows of a chain where they were.
    ROWS_BACK = "rebuild/rows.lua";
    /// Puts a record where it was.
    RECORD_BACK = "rebuild/record.lua";
    /// Puts an archived entry back into the stream.
    ENTRIES_BACK = "rebuild/entries.lua";
    /// Opens rebuilt data.
    REOPEN = "rebuild/reopen.lua";
    /// Bodies that may be deleted.
    GARBAGE = "garbage.lua";
}

/// Commits one change.
pub(crate) static COMMIT: Script =
    Script { text: concat!(include_str!("chain.lua"), "\n", include_str!("commit.lua")), digest: OnceLock::new() };
/// Does once more what a change did beyond its record.
pub(crate) static REPLAY: Script = Script {
    text: concat!(include_str!("chain.lua"), "\n", include_str!("rebuild/replay.lua")),
    digest: OnceLock::new(),
};
/// Appends to the audit trail what was refused.
pub(crate) static NOTE: Script =
    Script { text: concat!(include_str!("chain.lua"), "\n", include_str!("note.lua")), digest: OnceLock::new() };

impl Script {
    /// Runs the script with these keys and arguments (the keys first). It must recognise its own earlier run, or do
    /// no harm twice, where `repeat` says so.
    pub(crate) async fn run(
        &'static self,
        redis: &dyn Redis,
        keys: usize,
        arguments: &[Argument],
        repeat: Repeat,
    ) -> Result<Vec<Reply>, RedisError> {
        let digest = self.digest.get_or_init(|| sha1_smol::Sha1::from(self.text).digest().to_string());
        match redis.execute("EVALSHA", call(digest, keys, arguments), repeat).await {
            Err(error) if error.is_unknown_script() => {
                redis.execute("EVAL", call(self.text, keys, arguments), repeat).await
            }
            answered => answered,
        }
    }
}

/// Script, number of keys, keys, arguments.
fn call(script: &str, keys: usize, arguments: &[Argument]) -> Vec<Argument> {
    let mut all = Vec::with_capacity(arguments.len() + 2);
    all.push(script.into());
    all.push(Argument::Integer(i64::try_from(keys).unwrap_or(i64::MAX)));
    all.extend_from_slice(arguments);
    all
}
