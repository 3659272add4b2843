-- Drops entries of the stream that are in the archive, that every group has settled, and that are old, or too many to be
-- kept for their youth. Nothing that one of the three still needs is ever dropped.
--
-- KEYS[1]  `{…}:events`
-- ARGV     the prefix, for how many ms entries stay, how many may stay for that long
-- Answer   fields, each as `<length>:<bytes>`: how many were dropped, how many there are, how many entries and bytes the
--          archive's last page has, its pages, the age of the oldest entry that is not archived in ms, the age of the
--          oldest that some group has not settled in ms and the name of that group (or empty).

local MOST_AT_ONCE = 2000

local prefix, keep_ms, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local function parts(id)
  local ms, place = string.match(id, '^(%d+)%-(%d+)$')
  return tonumber(ms), tonumber(place)
end
local function is_less(a, b)
  local a_ms, a_place = parts(a)
  local b_ms, b_place = parts(b)
  return a_ms < b_ms or (a_ms == b_ms and a_place < b_place)
end
local function next_of(id)
  local ms, place = parts(id)
  return string.format('%.0f-%.0f', ms, place + 1)
end

local head = redis.call('HMGET', prefix .. 'archive', 'last', 'entries', 'bytes', 'pages')
local state = redis.call('MGET', prefix .. 'epoch', prefix .. 'frozen')
local length = redis.call('XLEN', KEYS[1])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local last, dropped, holder = head[1] or '0-0', 0, ''
local needed = next_of(last)
local settled -- the first entry that some group needs
if redis.call('EXISTS', KEYS[1]) == 1 then
  local groups = {}
  for _, listed in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
    local group = {}
    for place = 1, #listed, 2 do
      group[listed[place]] = listed[place + 1]
    end
    groups[group['name']] = true
    local needs = next_of(group['last-delivered-id'])
    if group['pending'] > 0 then
      needs = redis.call('XPENDING', KEYS[1], group['name'])[2]
    end
    if not settled or is_less(needs, settled) then
      settled, holder = needs, group['name']
    end
  end
  -- Who is rung for and is not there has lost its place: it begins anew with the first entry.
  for _, name in ipairs(redis.call('SMEMBERS', prefix .. 'groups')) do
    if not groups[name] then
      settled, holder = '0-0', name
    end
  end
end
if settled and is_less(settled, needed) then
  needed = settled
end
-- What is younger stays, but for what is too much of it: that goes, some at a time, from the oldest on.
local youngest = string.format('%.0f-0', math.max(0, now - keep_ms))
if length > most then
  local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', math.min(length - most, MOST_AT_ONCE))
  local behind = next_of(first[#first][1])
  if is_less(youngest, behind) then
    youngest = behind
  end
end
if is_less(youngest, needed) then
  needed = youngest
end
if state[1] and not state[2] and length > 0 then
  dropped = redis.call('XTRIM', KEYS[1], 'MINID', '=', needed)
end
local function age_from(id)
  local entry = id and redis.call('XRANGE', KEYS[1], id, '+', 'COUNT', 1)[1]
  return entry and math.max(0, now - parts(entry[1])) or 0
end
local held_ms = age_from(settled)
local fields = { dropped, length - dropped, head[2] or '0', head[3] or '0', head[4] or '0',
  string.format('%.0f', age_from(next_of(last))), string.format('%.0f', held_ms), held_ms > 0 and holder or '' }
for i, field in ipairs(fields) do
  field = tostring(field)
  fields[i] = #field .. ':' .. field
end
return table.concat(fields)
