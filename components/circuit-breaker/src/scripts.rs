//! The scripts: `KEYS[1]` is the hash of one dependency. Each reads the clock of Redis, so that instances need not agree
//! on the time. The fields: `from`, `calls`, `failures`, `retries` of the present window; `open_until`, `opens` (how
//! often in a row) and `probe_until` while it is open.

/// May a call be made? `ARGV` how long a probe may take. 0: yes; -1: yes, as the probe; more: no, for so many ms.
pub const ADMIT: &str = "
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local state = redis.call('HMGET', KEYS[1], 'open_until', 'probe_until')
local open_until = tonumber(state[1] or '0')
if open_until == 0 then return 0 end
if open_until > now then return open_until - now end
local probe_until = tonumber(state[2] or '0')
if probe_until > now then return probe_until - now end
redis.call('HSET', KEYS[1], 'probe_until', now + tonumber(ARGV[1]))
return -1";

/// Is it closed, or would it be asked to probe? 1 or 0; changes nothing.
pub const LOOK: &str = "
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local state = redis.call('HMGET', KEYS[1], 'open_until', 'probe_until')
local open_until = tonumber(state[1] or '0')
local probe_until = tonumber(state[2] or '0')
if open_until > now or (open_until > 0 and probe_until > now) then return 0 end
return 1";

/// What a call came to. `ARGV` failed, probe, window ms, calls from which on it is judged, percent, open ms, open at
/// most ms. Returns for how many ms it is open now.
pub const REPORT: &str = "
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local failed, probe, window = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local state = redis.call('HMGET', KEYS[1], 'open_until', 'opens', 'from')
local open_until, opens = tonumber(state[1] or '0'), tonumber(state[2] or '0')
local keep = 2 * tonumber(ARGV[7]) + window
local function open(times)
  local length = math.min(tonumber(ARGV[6]) * 2 ^ (times - 1), tonumber(ARGV[7]))
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'open_until', string.format('%.0f', now + length), 'opens', times)
  redis.call('PEXPIRE', KEYS[1], keep)
  return length
end
if open_until > 0 then
  if probe == 0 then return math.max(open_until - now, 0) end
  if failed == 1 then return open(opens + 1) end
  redis.call('DEL', KEYS[1])
  return 0
end
if now - tonumber(state[3] or '0') >= window then
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'from', now)
end
local calls = redis.call('HINCRBY', KEYS[1], 'calls', 1)
local failures = redis.call('HINCRBY', KEYS[1], 'failures', failed)
redis.call('PEXPIRE', KEYS[1], keep)
if failed == 1 and calls >= tonumber(ARGV[4]) and failures * 100 >= calls * tonumber(ARGV[5]) then return open(1) end
return 0";

/// One more try? `ARGV` window ms. 1 where it is within a tenth of the window's calls, or among its first three.
pub const RETRY: &str = "
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local state = redis.call('HMGET', KEYS[1], 'open_until', 'calls', 'retries', 'from')
if tonumber(state[1] or '0') > 0 then return 0 end
if now - tonumber(state[4] or '0') >= tonumber(ARGV[1]) then return 0 end
local retries = tonumber(state[3] or '0')
if retries >= 3 and retries * 10 >= tonumber(state[2] or '0') then return 0 end
redis.call('HINCRBY', KEYS[1], 'retries', 1)
return 1";
