-- Takes a letter that is to be replayed, for the time of a lease.
-- KEYS: dead, replays due, replays' counts, totals. ARGV: lease ms.
-- Answer: letter, deliveries with this one, retries, stream, entry, payload; or nothing.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
while true do
  local letter = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now), 'LIMIT', 0, 1)[1]
  if not letter then
    return {}
  end
  local found = redis.call('XRANGE', KEYS[1], letter, letter)[1]
  if found then
    local fields = {}
    for place = 1, #found[2], 2 do
      fields[found[2][place]] = found[2][place + 1]
    end
    redis.call('ZADD', KEYS[2], string.format('%.0f', now + tonumber(ARGV[1])), letter)
    local deliveries = redis.call('HINCRBY', KEYS[3], letter .. ':deliveries', 1)
    local retries = redis.call('HGET', KEYS[3], letter .. ':retries') or '0'
    -- What an operator has put in the place of the letter's own bytes.
    local event = redis.call('HGET', KEYS[3], letter .. ':event') or fields.event
    redis.call('HINCRBY', KEYS[4], 'replays', 1)
    return { letter, tostring(deliveries), retries, fields.stream, fields.entry, event }
  end
  -- Purged in the meantime.
  redis.call('ZREM', KEYS[2], letter)
  redis.call('HDEL', KEYS[3], letter .. ':deliveries', letter .. ':retries', letter .. ':event')
end
