-- Begins an attempt: KEYS the buckets, ARGV the attempt, then for each bucket free, first ms, most ms, forget ms.
-- Answers 0, or how many ms it is too early. An attempt whose answer was lost is let through again.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis.call('HGET', KEYS[1], 'last') == ARGV[1] then return 0 end
local wait = 0
for _, key in ipairs(KEYS) do
  wait = math.max(wait, tonumber(redis.call('HGET', key, 'closed') or '0') - now)
end
if wait > 0 then return wait end
for place, key in ipairs(KEYS) do
  local at = 4 * place - 3
  local free, first = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local most, forget = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
  local attempts = redis.call('HINCRBY', key, 'n', 1)
  local delay = 0
  if attempts >= free then delay = math.min(most, first * 2 ^ math.min(attempts - free, 30)) end
  redis.call('HSET', key, 'closed', string.format('%.0f', now + delay), 'last', ARGV[1])
  redis.call('PEXPIRE', key, string.format('%.0f', delay + forget))
end
return 0
