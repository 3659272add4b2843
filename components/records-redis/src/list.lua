-- One page of an index, greatest member first.
--
-- KEYS[1]  the index, `{…}:i:<index>`: all scores 0, members `<sort>\0<record>`
-- KEYS[2]  its summaries, `{…}:s:<index>`, by member
-- ARGV     the member after which the page starts (empty: from the start), how many entries
-- Answer   fields, each as `<length>:<bytes>`: `more` or `end`, then member and summary in turn.

local from = ARGV[1] == '' and '+' or '(' .. ARGV[1]
local limit = tonumber(ARGV[2])
local members = redis.call('ZREVRANGEBYLEX', KEYS[1], from, '-', 'LIMIT', 0, limit + 1)
local fields = { '3:end' }
if #members > limit then
  fields[1] = '4:more'
  members[#members] = nil
end
if #members > 0 then
  local summaries = redis.call('HMGET', KEYS[2], unpack(members))
  for i, member in ipairs(members) do
    local summary = summaries[i] or ''
    fields[#fields + 1] = #member .. ':' .. member .. #summary .. ':' .. summary
  end
end
return table.concat(fields)
