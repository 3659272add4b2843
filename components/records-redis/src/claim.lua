-- Leases timers that are due, the longest due first.
--
-- KEYS[1]  `{…}:timers`: members `<name>@<record>`, score the due moment in ms, or the end of a lease plus a half, so
--          that a lease is never mistaken for a moment set by a change
-- KEYS[2]  `{…}:frozen`
-- ARGV     how many, the lease in ms
-- Answer   fields, each as `<length>:<bytes>`: `frozen`, or the end of the lease and then the members.

if redis.call('EXISTS', KEYS[2]) == 1 then
  return '6:frozen'
end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local ends = string.format('%.0f', now + tonumber(ARGV[2]))
local fields = { #ends .. ':' .. ends }
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])) do
  redis.call('ZADD', KEYS[1], ends .. '.5', member)
  fields[#fields + 1] = #member .. ':' .. member
end
return table.concat(fields)
