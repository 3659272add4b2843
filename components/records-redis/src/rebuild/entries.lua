-- Puts archived entries back into a stream that does not have them, under the names that they had, and groups where they
-- were, where the stream itself was lost.
--
-- KEYS[1]  `{…}:events`, KEYS[2] `{…}:groups`
-- ARGV     at the end of it the last entry of the archive (before: empty), how many groups follow, of each its name and the last entry up to which all was
--          settled, then the entries: id and envelope in turn
-- Answer   one field, as `<length>:<bytes>`: how many entries were put back.

local function parts(id)
  local ms, place = string.match(id, '^(%d+)%-(%d+)$')
  return tonumber(ms), tonumber(place)
end
local function is_less(a, b)
  local a_ms, a_place = parts(a)
  local b_ms, b_place = parts(b)
  return a_ms < b_ms or (a_ms == b_ms and a_place < b_place)
end
local last = '0-0'
if redis.call('EXISTS', KEYS[1]) == 1 then
  local info = redis.call('XINFO', 'STREAM', KEYS[1])
  for place = 1, #info, 2 do
    if info[place] == 'last-generated-id' then
      last = info[place + 1]
    end
  end
end
local groups, place = tonumber(ARGV[2]), 3
local furthest = ARGV[1] == '' and '0-0' or ARGV[1]
for _ = 1, groups do
  local group, settled = ARGV[place], ARGV[place + 1]
  if last == '0-0' then
    local made = redis.pcall('XGROUP', 'CREATE', KEYS[1], group, settled, 'MKSTREAM')
    if type(made) == 'table' and made.err then
      redis.call('XGROUP', 'SETID', KEYS[1], group, settled)
    end
    redis.call('SADD', KEYS[2], group)
  end
  if is_less(furthest, settled) then
    furthest = settled
  end
  place = place + 2
end
local added = 0
for entry = place, #ARGV, 2 do
  if is_less(last, ARGV[entry]) then
    last = redis.call('XADD', KEYS[1], ARGV[entry], 'e', ARGV[entry + 1])
    added = added + 1
  end
end
-- What comes afterwards comes behind all that was ever given out.
if ARGV[1] ~= '' and redis.call('EXISTS', KEYS[1]) == 1 and is_less(last, furthest) then
  redis.call('XSETID', KEYS[1], furthest)
end
local count = string.format('%d', added)
return #count .. ':' .. count
