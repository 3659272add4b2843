-- How far the replay of a letter is. Reads only.
-- KEYS: replays due, replays' counts. ARGV: letter. Answer: due, deliveries, retries, 1 where it is edited; or nothing.
local due = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not due then
  return {}
end
local counts = redis.call('HMGET', KEYS[2], ARGV[1] .. ':deliveries', ARGV[1] .. ':retries')
return {
  string.format('%.0f', tonumber(due)), counts[1] or '0', counts[2] or '0',
  tostring(redis.call('HEXISTS', KEYS[2], ARGV[1] .. ':event')),
}
