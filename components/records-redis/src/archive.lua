-- What the archive writes next, for one archivist at a time. It gives the lease back where there is nothing to do. Which
-- entries the next page is made of is decided here once, and holds until the head has moved (`planned` of the archive's
-- hash: the number of a page and its last entry), so that whoever slept through the lease writes the same rows as whoever
-- came after.
--
-- KEYS[1]  `{…}:events`
-- ARGV     the prefix, the archivist's token, its lease in ms, how many entries a page has at most, the age in ms from
--          which on entries are archived
-- Answer   fields, each as `<length>:<bytes>`: `frozen`, `busy`, or `go`; then how many pages there are, the last entry
--          that is in one, the digest of the last page, the stream's first entry (or empty), how many groups follow, of
--          each its name, the last entry that it was given and the first that it has not settled (or empty); then the
--          entries of the next page: id and envelope in turn, none where nothing is old enough.

local prefix, token, lease_ms, most, age_ms = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local function answer(fields)
  for i, field in ipairs(fields) do
    field = tostring(field)
    fields[i] = #field .. ':' .. field
  end
  return table.concat(fields)
end

local state = redis.call('MGET', prefix .. 'epoch', prefix .. 'frozen')
if state[2] or not state[1] then
  return answer({ 'frozen' })
end
local lease = prefix .. 'archivist'
if not redis.call('SET', lease, token, 'PX', lease_ms, 'NX') and redis.call('GET', lease) ~= token then
  return answer({ 'busy' })
end

local head = redis.call('HMGET', prefix .. 'archive', 'pages', 'last', 'digest', 'planned')
local last = head[2] or '0-0'
local fields = { 'go', head[1] or '0', last, head[3] or '', '', '0' }
local open = redis.call('XRANGE', KEYS[1], '(' .. last, '+', 'COUNT', 1)[1]
local page, planned = string.match(head[4] or '', '^(%d+) (%S+)$')
if page ~= fields[2] then
  planned = nil
end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
if not open or not planned and now - tonumber(string.match(open[1], '^%d+')) < age_ms then
  redis.call('DEL', lease)
  return answer(fields)
end
fields[5] = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1][1]
local groups = redis.call('XINFO', 'GROUPS', KEYS[1])
fields[6] = #groups
for _, listed in ipairs(groups) do
  local group = {}
  for place = 1, #listed, 2 do
    group[listed[place]] = listed[place + 1]
  end
  fields[#fields + 1] = group['name']
  fields[#fields + 1] = group['last-delivered-id']
  fields[#fields + 1] = group['pending'] > 0 and redis.call('XPENDING', KEYS[1], group['name'])[2] or ''
end
local entries = redis.call('XRANGE', KEYS[1], '(' .. last, planned or '+', 'COUNT', most)
if not planned then
  redis.call('HSET', prefix .. 'archive', 'planned', fields[2] .. ' ' .. entries[#entries][1])
end
for _, entry in ipairs(entries) do
  fields[#fields + 1] = entry[1]
  fields[#fields + 1] = entry[2][2] or ''
end
return answer(fields)
