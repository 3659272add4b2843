-- Where the archive ends, and what the stream holds behind a place: both at one instant, so that whoever reads pages up to
-- the one and the stream after the other misses nothing and reads nothing twice.
--
-- KEYS[1]  `{…}:events`, KEYS[2] `{…}:archive` (see archived.lua)
-- ARGV     the entry after which to start, how many
-- Answer   fields, each as `<length>:<bytes>`: how many pages there are, the first one that is kept, the last entry that is
--          in one, then id and envelope in turn.

local head = redis.call('HMGET', KEYS[2], 'pages', 'first', 'last')
local fields = { head[1] or '0', head[2] or '0', head[3] or '0-0' }
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ARGV[2])) do
  fields[#fields + 1] = entry[1]
  fields[#fields + 1] = entry[2][2] or ''
end
for i, field in ipairs(fields) do
  fields[i] = #field .. ':' .. field
end
return table.concat(fields)
