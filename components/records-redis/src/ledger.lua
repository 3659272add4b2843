-- Rows of the journal, in the order in which they were posted.
--
-- KEYS[1]  `{…}:ledger`, a stream: the id is `<commit>-<leg>`
-- ARGV     the id after which to start (`-` for the first), how many
-- Answer   fields, each as `<length>:<bytes>`: per row the id, account, currency, posted, held, both after, body.

local from = ARGV[1] == '-' and '-' or '(' .. ARGV[1]
local fields = {}
for _, row in ipairs(redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', ARGV[2])) do
  fields[#fields + 1] = #row[1] .. ':' .. row[1]
  for i = 2, #row[2], 2 do
    fields[#fields + 1] = #row[2][i] .. ':' .. row[2][i]
  end
end
return table.concat(fields)
