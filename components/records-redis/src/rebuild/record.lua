-- Puts a record where it was: its head, entries of indexes, timers, answers to requests, and names for the cleaner. What
-- it posted, told and noted follows in the order of time: it is listed here and done by replay.lua.
--
-- KEYS[1]  the head
-- ARGV     the prefix, the prefix of scratch keys, the record, the head's value, then lists, each after its length:
--          index, sort, summary; timer, due in ms; digest, row, milliseconds to live; names of garbage;
--          score and name of what is to be done later
-- Answer   `done` as `<length>:<bytes>`.

local position = 4
local function next_argument()
  position = position + 1
  return ARGV[position]
end
local prefix, scratch, record = ARGV[1], ARGV[2], ARGV[3]
local time = redis.call('TIME')
local now = string.format('%.0f', tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000))
redis.call('SET', KEYS[1], ARGV[4])
for _ = 1, tonumber(next_argument()) do
  local index, member, summary = next_argument(), next_argument() .. '\0' .. record, next_argument()
  redis.call('ZADD', prefix .. 'i:' .. index, 0, member)
  redis.call('HSET', prefix .. 's:' .. index, member, summary)
end
for _ = 1, tonumber(next_argument()) do
  local timer, due = next_argument(), next_argument()
  redis.call('ZADD', prefix .. 'timers', due, timer .. '@' .. record)
end
for _ = 1, tonumber(next_argument()) do
  local digest, row, ttl_ms = next_argument(), next_argument(), next_argument()
  redis.call('SET', prefix .. 'o:' .. digest, row, 'PX', ttl_ms)
end
for place = 1, tonumber(next_argument()) do
  -- One after the other: the cleaner takes a record's bodies in their order.
  redis.call('ZADD', prefix .. 'garbage', 'NX', string.format('%.0f', tonumber(now) + place), next_argument())
end
for _ = 1, tonumber(next_argument()) do
  local score, name = next_argument(), next_argument()
  redis.call('ZADD', scratch .. 'later', score, name)
end
return '4:done'
