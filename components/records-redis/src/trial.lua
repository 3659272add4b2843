-- The running trial balance.
--
-- KEYS[1]  `{…}:trial`: for each currency `<CUR>` (the sum) and `<CUR>:legs` (how many legs)
-- Answer   fields, each as `<length>:<bytes>`: name and value in turn.

local fields = redis.call('HGETALL', KEYS[1])
for i, field in ipairs(fields) do
  fields[i] = #field .. ':' .. field
end
return table.concat(fields)
