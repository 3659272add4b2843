-- Bodies that lost or were replaced more than a day ago, by Redis' clock, and that no head names.
--
-- KEYS[1]  `{…}:garbage`: members `<context>:<record>:<version>.<uuid>`, with `.lost` behind where the body was refused and
--          `.given-up` where the record gave its history up, or `<context>:trail.<partition>.generation.<n>.<account>` where the
--          account's rows were shredded; score the moment it was put there in ms
-- ARGV     the prefix, how many, the age in ms
-- Answer   fields, each as `<length>:<bytes>`: each member to delete and the head of its record (or empty), or how
--          many rows of its account are in pages, oldest first.
--
-- A loser's body may have been committed after all by a second run of its own call: the head decides, not the list.

local prefix, limit, age_ms = ARGV[1], ARGV[2], tonumber(ARGV[3])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local fields = {}
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - age_ms, 'LIMIT', 0, limit)) do
  local name = string.match(member, '^(.*)%.lost$') or string.match(member, '^(.*)%.given%-up$') or member
  local record, uuid = string.match(name, '^[^:]+:(.+):%d+%.%d+%.([%x-]+)$')
  local head = record and redis.call('GET', prefix .. 'h:' .. record) or ''
  local account = string.match(member, '^[^:]+:trail%.%d+%.generation%.%d+%.(.+)$')
  if account then
    local paged = redis.call('HGET', prefix .. 'trail:b:' .. account, 'paged') or '0'
    fields[#fields + 1] = #member .. ':' .. member .. #paged .. ':' .. paged
  elseif record and not string.find(head, uuid, 1, true) then
    fields[#fields + 1] = #member .. ':' .. member .. #head .. ':' .. head
  else
    redis.call('ZREM', KEYS[1], member)
  end
end
return table.concat(fields)
