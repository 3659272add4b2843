-- Names of accounts, in their order.
--
-- KEYS[1]  `{…}:accounts`, a sorted set: all scores 0
-- ARGV     the name after which to start (empty: from the first), how many
-- Answer   fields, each as `<length>:<bytes>`: the names.

local from = ARGV[1] == '' and '-' or '(' .. ARGV[1]
local fields = redis.call('ZRANGEBYLEX', KEYS[1], from, '+', 'LIMIT', 0, ARGV[2])
for i, field in ipairs(fields) do
  fields[i] = #field .. ':' .. field
end
return table.concat(fields)
