-- Open rows of one account, newest first.
--
-- KEYS[1]  `{…}:b:<account>`, a hash: `posted`, `held`, `rows`, `paged`, `generation`
-- KEYS[2]  `{…}:j:<account>`, a stream of lines: the id is `<row number>-0`
-- ARGV     the row number from which to go down (`+` for the newest), how many
-- Answer   fields, each as `<length>:<bytes>`: how many rows there are, how many are in pages, how often they were
--          shredded, posted, held, then the lines.

local account = redis.call('HMGET', KEYS[1], 'rows', 'paged', 'generation', 'posted', 'held')
local fields = { account[1] or '0', account[2] or '0', account[3] or '0', account[4] or '0', account[5] or '0' }
for _, row in ipairs(redis.call('XREVRANGE', KEYS[2], ARGV[1], '-', 'COUNT', ARGV[2])) do
  fields[#fields + 1] = row[2][2]
end
for i, field in ipairs(fields) do
  fields[i] = #field .. ':' .. field
end
return table.concat(fields)
