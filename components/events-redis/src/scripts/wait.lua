-- Notes when an entry comes back, later each time.
-- KEYS: waits (sorted by due ms), retries (counts), totals. ARGV: member, first ms, cap ms, jitter in thousandths.
-- Before the entry changes hands: a worker that dies in between leaves an entry that is abandoned, not forgotten.
local retry = redis.call('HINCRBY', KEYS[2], ARGV[1], 1)
local wait = math.min(tonumber(ARGV[2]) * 2 ^ math.min(retry - 1, 40), tonumber(ARGV[3]))
wait = math.floor(wait + wait * tonumber(ARGV[4]) / 1000)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], string.format('%.0f', now + wait), ARGV[1])
redis.call('HINCRBY', KEYS[3], 'retries', 1)
return retry
