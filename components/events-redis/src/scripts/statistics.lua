-- How far the groups of a stream are. Reads only, so that it runs with no more than that right.
-- KEYS: stream. Answer: group, lag or '', pending, age of the oldest entry not settled in ms, age of the oldest one that
-- was handed out, how often it was, and again.
if redis.call('EXISTS', KEYS[1]) == 0 then
  return {}
end
local function named(pairs)
  local fields = {}
  for place = 1, #pairs, 2 do
    fields[pairs[place]] = pairs[place + 1]
  end
  return fields
end
local function born(entry)
  return tonumber(string.match(entry, '^(%d+)%-'))
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local answer = {}
-- COUNT 1 bounds what is listed of each group to its oldest pending entry.
for _, listed in ipairs(named(redis.call('XINFO', 'STREAM', KEYS[1], 'FULL', 'COUNT', 1)).groups) do
  local group = named(listed)
  local oldest = now
  local unseen = redis.call('XRANGE', KEYS[1], '(' .. group['last-delivered-id'], '+', 'COUNT', 1)[1]
  if unseen then
    oldest = math.min(oldest, born(unseen[1]))
  end
  local pending, deliveries = now, 0
  if group.pending[1] then
    pending, deliveries = born(group.pending[1][1]), group.pending[1][4]
    oldest = math.min(oldest, pending)
  end
  answer[#answer + 1] = group.name
  -- Redis' own number is too high after a load of its append-only file: what follows a rewrite there does not say how
  -- many a group has read. Whoever has seen the last entry has seen all.
  local lag = group.lag
  if not unseen then
    lag = 0
  end
  answer[#answer + 1] = lag and string.format('%.0f', lag) or ''
  answer[#answer + 1] = string.format('%.0f', group['pel-count'])
  answer[#answer + 1] = string.format('%.0f', now - oldest)
  answer[#answer + 1] = string.format('%.0f', now - pending)
  answer[#answer + 1] = string.format('%.0f', deliveries)
end
return answer
