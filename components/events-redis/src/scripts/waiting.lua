-- What a group puts off and gives up. Reads only.
-- KEYS: waits, totals. Answer: how many wait, when the first is due or '', retries, letters, replays.
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
local totals = redis.call('HMGET', KEYS[2], 'retries', 'parked', 'replays')
return {
  tostring(redis.call('ZCARD', KEYS[1])), first[2] and string.format('%.0f', tonumber(first[2])) or '',
  totals[1] or '0', totals[2] or '0', totals[3] or '0',
}
