-- Balances of accounts.
--
-- KEYS     the accounts, `{…}:b:<account>`
-- Answer   fields, each as `<length>:<bytes>`: posted and held in turn; `0` where nothing was ever posted.

local fields = {}
for _, account in ipairs(KEYS) do
  local row = redis.call('HMGET', account, 'posted', 'held')
  local posted, held = row[1] or '0', row[2] or '0'
  fields[#fields + 1] = #posted .. ':' .. posted .. #held .. ':' .. held
end
return table.concat(fields)
