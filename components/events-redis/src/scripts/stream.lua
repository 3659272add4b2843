-- How much lies in a stream. Reads only, so that it runs with no more than that right.
-- KEYS: stream. Answer: length, bytes, first entry or '', last entry or '', age of the first in ms, the last entry that ever
-- lay in it; or nothing.
if redis.call('EXISTS', KEYS[1]) == 0 then
  return {}
end
local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local age = 0
if first then
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  age = math.max(now - tonumber(string.match(first[1], '^(%d+)%-')), 0)
end
local info, ever = redis.call('XINFO', 'STREAM', KEYS[1]), '0-0'
for place = 1, #info, 2 do
  if info[place] == 'last-generated-id' then
    ever = info[place + 1]
  end
end
return {
  tostring(redis.call('XLEN', KEYS[1])), tostring(redis.call('MEMORY', 'USAGE', KEYS[1]) or 0),
  first and first[1] or '', last and last[1] or '', string.format('%.0f', age), ever,
}
