-- Sizes of indexes.
--
-- KEYS     the indexes, `{…}:i:<index>`
-- Answer   fields, each as `<length>:<bytes>`: one size an index; `0` where there never was one.

local fields = {}
for _, index in ipairs(KEYS) do
  local count = string.format('%d', redis.call('ZCARD', index))
  fields[#fields + 1] = #count .. ':' .. count
end
return table.concat(fields)
