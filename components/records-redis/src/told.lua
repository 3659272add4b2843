-- Where the archive ends, and what the stream holds behind a place or, going back, before it: all at one instant, so that
-- whoever reads pages up to the one and the stream after the other misses nothing and reads nothing twice.
--
-- KEYS[1]  `{…}:events`, KEYS[2] `{…}:archive` (see archived.lua, dropped.lua)
-- ARGV     the entry from which to start (left out of the answer; going back, empty is the end), how many, and `back` to go
--          back
-- Answer   fields, each as `<length>:<bytes>`: how many pages there are, the first one that is kept, the last entry that
--          is in one, the last page that was dropped and its last entry (or empty), `1` where the entry from which to start
--          lies in the stream, so that everything behind it does; then id and envelope in turn.

local head = redis.call('HMGET', KEYS[2], 'pages', 'first', 'last', 'dropped')
local fields = { head[1] or '0', head[2] or '0', head[3] or '0-0', head[4] or '', '0' }
local found
if ARGV[3] == 'back' then
  found = redis.call('XREVRANGE', KEYS[1], ARGV[1] == '' and '+' or '(' .. ARGV[1], '-', 'COUNT', ARGV[2])
else
  found = redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ARGV[2])
  fields[5] = #redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1]) > 0 and '1' or '0'
end
for _, entry in ipairs(found) do
  fields[#fields + 1] = entry[1]
  fields[#fields + 1] = entry[2][2] or ''
end
for i, field in ipairs(fields) do
  fields[i] = #field .. ':' .. field
end
return table.concat(fields)
