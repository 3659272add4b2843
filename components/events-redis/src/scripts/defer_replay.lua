-- Puts a replay off and gives its delivery back.
-- KEYS: replays due, replays' counts, totals. ARGV: letter, deliveries, first ms, cap ms, jitter in thousandths.
-- Does nothing where the replay was settled, purged or taken by another in the meantime.
if not redis.call('ZSCORE', KEYS[1], ARGV[1])
  or redis.call('HGET', KEYS[2], ARGV[1] .. ':deliveries') ~= ARGV[2] then
  return 0
end
local retry = redis.call('HINCRBY', KEYS[2], ARGV[1] .. ':retries', 1)
redis.call('HINCRBY', KEYS[2], ARGV[1] .. ':deliveries', -1)
local wait = math.min(tonumber(ARGV[3]) * 2 ^ math.min(retry - 1, 40), tonumber(ARGV[4]))
wait = math.floor(wait + wait * tonumber(ARGV[5]) / 1000)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], string.format('%.0f', now + wait), ARGV[1])
redis.call('HINCRBY', KEYS[3], 'retries', 1)
return retry
