-- The last open row of one account that was posted at a moment or before: a binary search over row numbers.
--
-- KEYS[1]  `{…}:b:<account>`, KEYS[2] `{…}:j:<account>` (see account.lua)
-- ARGV     the moment in ms
-- Answer   fields, each as `<length>:<bytes>`: how many rows are in pages, how often they were shredded, then the
--          line where there is one.

local at = tonumber(ARGV[1])
local account = redis.call('HMGET', KEYS[1], 'rows', 'paged', 'generation')
local paged, generation = account[2] or '0', account[3] or '0'
local low, high, found = tonumber(paged), tonumber(account[1] or '0'), nil
-- Everything up to `low` was posted in time (or is not open), everything above `high` was not.
while low < high do
  local middle = math.ceil((low + high) / 2)
  local id = string.format('%.0f-0', middle)
  local row = redis.call('XRANGE', KEYS[2], id, id)[1]
  local line = row and row[2][2]
  if line and tonumber(string.match(line, '^%d+ %d+ %d+ (%d+) ')) <= at then
    low, found = middle, line
  else
    high = middle - 1
  end
end
local answer = #paged .. ':' .. paged .. #generation .. ':' .. generation
if found then
  answer = answer .. #found .. ':' .. found
end
return answer
