//! Planted bugs: a suite that finds none of them proves nothing. Each is one small change of a script, made on its way
//! to the server.

use async_trait::async_trait;
use redis_client::{Argument, Redis, RedisError, Repeat, Reply};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What is in the script, and what a careless hand might have written instead.
pub const BUGS: &[(&str, &str)] = &[
    // A lost answer is not recognised.
    ("if found_uuid == uuid then", "if false then"),
    // A writer that slept is let through.
    ("if now - written > BODY_AGE_MS then", "if false then"),
    // The fallback is not noticed by the instance that saw more.
    ("if commits < seen_commit then", "if false then"),
    // Commits go on while frozen.
    ("if state[2] then", "if false then"),
    // The row of another request is replayed.
    ("if string.sub(row, 3, 66) ~= fingerprint then", "if false then"),
    // A finished row is carried out again.
    ("if string.sub(row, 1, 1) == 'D' then", "if false then"),
    // The lease of a twin is ignored.
    ("if holder ~= attempt and tonumber(lease_ends) > now then", "if false then"),
    // A lease never ends.
    ("if holder ~= attempt and tonumber(lease_ends) > now then", "if holder ~= attempt then"),
    // The own attempt waits for itself.
    ("if holder ~= attempt and tonumber(lease_ends) > now then", "if tonumber(lease_ends) > now then"),
    // The version is not compared.
    ("matches = head and (found_version .. ' ' .. found_uuid) == expected", "matches = head"),
    // A record is created over another.
    ("matches = not head", "matches = true"),
    // A record is changed that is not there.
    (
        "matches = head and (found_version .. ' ' .. found_uuid) == expected",
        "matches = not head or (found_version .. ' ' .. found_uuid) == expected",
    ),
    // The floor ignores what is held.
    ("balance.posted - balance.held < leg.floor", "balance.posted < leg.floor"),
    // The floor is off by one.
    ("balance.posted - balance.held < leg.floor", "balance.posted - balance.held <= leg.floor"),
    // The floor looks at the leg instead of the end.
    ("balance.posted - balance.held < leg.floor", "leg.after_posted - leg.after_held < leg.floor"),
    // The range is not checked.
    ("if math.abs(balance.posted) > EXACT or math.abs(balance.held) > EXACT then", "if false then"),
    // Amounts are printed as Lua prints numbers.
    ("return string.format('%.0f', number)", "return tostring(number)"),
    // Two currencies share an account.
    ("if balance.currency ~= currency then", "if false then"),
    // The held amount is forgotten.
    ("balance.held = balance.held + held", "balance.held = balance.held"),
    // The journal shows the end of the change on every leg.
    ("leg.held, leg.after_posted,", "leg.held, balance.posted,"),
    // The journal counts legs of each change anew.
    ("rows, balance.rows = rows + 1, balance.rows + 1", "rows, balance.rows = commits * 64 + place, balance.rows + 1"),
    // Time goes back where the clock does.
    ("whole(math.max(now, tonumber(books[2] or '0')))", "whole(now - tonumber(books[1] or '0') * 2000)"),
    // An account is forgotten.
    ("redis.call('ZADD', prefix .. 'accounts', 0, account)", "account = nil"),
    // A full page is never sealed into the account.
    ("redis.call('SADD', chain .. 'full', account)", "account = nil"),
    // One row too many is dropped with a page.
    ("string.format('%.0f-0', tonumber(last) + 1)", "string.format('%.0f-0', tonumber(last) + 2)"),
    // One row too many is dropped with an account's page.
    ("string.format('%.0f-0', after + 1)", "string.format('%.0f-0', after + 2)"),
    // The search for a moment stops one row too late.
    ("(%d+) ')) <= at then", "(%d+) ')) <= at + 1 then"),
    // The search for a moment stops one row too early.
    ("(%d+) ')) <= at then", "(%d+) ')) < at then"),
    // A statement starts at the newest row, whatever is asked.
    ("'XREVRANGE', KEYS[2], ARGV[1]", "'XREVRANGE', KEYS[2], '+'"),
    // The trial balance counts something else.
    ("'trial', currency, whole(sum.high * HALF + sum.low)", "'trial', currency, sum.legs"),
    // Commit numbers stand still.
    ("commits = redis.call('INCR', prefix .. 'commits')", "commits = commits + 1"),
    // The head never moves.
    (
        "redis.call('SET', head_key, version .. ' ' .. uuid .. tombstone)",
        "redis.call('SET', head_key, version .. ' ' .. uuid, 'NX')",
    ),
    // Events are dropped.
    ("redis.call('XADD', prefix .. 'events', '*', 'e', next_argument())", "next_argument()"),
    // Events are doubled.
    (
        "redis.call('XADD', prefix .. 'events', '*', 'e', next_argument())",
        "local e = next_argument() redis.call('XADD', prefix .. 'events', '*', 'e', e) redis.call('XADD', prefix .. 'events', '*', 'e', e)",
    ),
    // The once-row is not written.
    ("redis.call('SET', prefix .. 'o:' .. once, row, 'PX', ONCE_KEPT_MS)", "row = nil"),
    // A removed entry stays.
    ("redis.call('ZREM', prefix .. 'i:' .. index, member)", "index = index"),
    // A summary is written once only.
    (
        "redis.call('HSET', prefix .. 's:' .. index, member, next_argument())",
        "redis.call('HSETNX', prefix .. 's:' .. index, member, next_argument())",
    ),
    // A cleared timer stays.
    ("redis.call('ZREM', prefix .. 'timers', timer)", "timer = nil"),
    // A timer is not moved.
    (
        "redis.call('ZADD', prefix .. 'timers', next_argument(), timer)",
        "redis.call('ZADD', prefix .. 'timers', 'NX', next_argument(), timer)",
    ),
    // Replaced bodies are never collected.
    ("if head and keep_previous == '' then", "if false then"),
    // History is collected.
    ("if head and keep_previous == '' then", "if head then"),
    // A body that looks as if it had lost is collected, although it may be history by now.
    ("  if keep_previous == '' then", "  if true then"),
    // The cleaner takes what is current: the head is not asked.
    (
        "redis.call('ZADD', prefix .. 'garbage', now, context .. ':' .. record .. ':' .. found_version .. '.' .. found_uuid)\nend\nreturn",
        "redis.call('ZADD', prefix .. 'garbage', now, context .. ':' .. record .. ':' .. version .. '.' .. uuid)\nend\nreturn",
    ),
    // A claim takes what is not due.
    ("'-inf', now, 'LIMIT', 0, ARGV[1]", "'-inf', '+inf', 'LIMIT', 0, ARGV[1]"),
    // A lease is not taken.
    ("redis.call('ZADD', KEYS[1], ends .. '.5', member)", "redis.call('GET', 'x')"),
    // A lease is like a moment that a change sets.
    (
        "if score and tonumber(score) == tonumber(ARGV[2] .. '.5') then",
        "if score and math.floor(tonumber(score)) == tonumber(ARGV[2]) then",
    ),
    // Whoever comes finishes the timer.
    ("if score and tonumber(score) == tonumber(ARGV[2] .. '.5') then", "if score then"),
    // A page starts at the entry at which the last one ended.
    ("or '(' .. ARGV[1]\nlocal limit", "or '[' .. ARGV[1]\nlocal limit"),
    // The last page says that there is more.
    ("if #members > limit then", "if #members >= limit then"),
    // A loss is taken for a first start: the watch does not compare.
    ("if tonumber(commits) < tonumber(acknowledged) then", "if false then"),
    // What was noted a moment ago.
    ("redis.call('SET', mark, '1', 'PX', window_ms, 'NX')", "redis.call('SET', mark, '1', 'PX', window_ms)"),
    // A note upon a loss.
    ("if state[2] or commits < seen_commit then", "if false then"),
    // What is personal among the account's own rows.
    ("personal == '' and line or line .. '\\t' .. personal", "line"),
    // What is personal after an erasure.
    ("string.match(row[2][2], '^[^\\t]*')", "row[2][2]"),
];

/// A server to which one script comes with a bug in it.
pub struct Planted {
    inner: Arc<dyn Redis>,
    bug: (&'static str, &'static str),
    used: AtomicBool,
}

impl Planted {
    pub fn new(inner: Arc<dyn Redis>, bug: (&'static str, &'static str)) -> Self {
        Self { inner, bug, used: AtomicBool::new(false) }
    }

    /// Whether a script had the bug planted in it.
    pub fn was_used(&self) -> bool {
        self.used.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Redis for Planted {
    async fn execute(
        &self,
        command: &str,
        mut arguments: Vec<Argument>,
        repeat: Repeat,
    ) -> Result<Vec<Reply>, RedisError> {
        // No script is known here, so that each call comes with its text.
        if command == "EVALSHA" {
            return Err(RedisError::Refused("NOSCRIPT: No matching script".into()));
        }
        if command == "EVAL"
            && let Some(Argument::Bytes(text)) = arguments.first_mut()
        {
            let script = String::from_utf8_lossy(text).into_owned();
            if script.contains(self.bug.0) {
                self.used.store(true, Ordering::SeqCst);
                *text = script.replace(self.bug.0, self.bug.1).into_bytes();
            }
        }
        self.inner.execute(command, arguments, repeat).await
    }
}
