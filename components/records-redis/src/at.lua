-- Entries of an index at certain places, each place being a sort key.
--
-- KEYS[1]  the index, `{…}:i:<index>`: all scores 0, members `<sort>\0<record>`
-- KEYS[2]  its summaries, `{…}:s:<index>`, by member
-- ARGV     how many entries of a place at most, then the places
-- Answer   fields, each as `<length>:<bytes>`: for each place how many entries it has, then member and summary in turn,
--          greatest member first.

local most = tonumber(ARGV[1])
local fields = {}
local function add(field)
  fields[#fields + 1] = #field .. ':' .. field
end
for place = 2, #ARGV do
  -- Members of the place lie between `<sort>\0` and `<sort>\1`.
  local members = redis.call('ZREVRANGEBYLEX', KEYS[1], '(' .. ARGV[place] .. '\1', '[' .. ARGV[place] .. '\0',
    'LIMIT', 0, most)
  add(tostring(#members))
  if #members > 0 then
    local summaries = redis.call('HMGET', KEYS[2], unpack(members))
    for i, member in ipairs(members) do
      add(member)
      add(summaries[i] or '')
    end
  end
end
return table.concat(fields)
