-- Compares the commits that Redis knows with those that were acknowledged, and freezes where it knows fewer.
--
-- KEYS[1]  `{<context>/<partition>}:epoch`
-- ARGV     the prefix, the acknowledged commits (the mark of the key-value store, or what the caller saw itself)
-- Answer   fields, each as `<length>:<bytes>`: the state (`uninitialised`, `frozen`, `running`), the commits, then
--          the layout or the acknowledged commits.

local prefix, acknowledged = ARGV[1], ARGV[2]
local function answer(...)
  local fields = { ... }
  for i, field in ipairs(fields) do
    fields[i] = #field .. ':' .. field
  end
  return table.concat(fields)
end

local state = redis.call('MGET', KEYS[1], prefix .. 'frozen', prefix .. 'commits')
local commits = state[3] or '0'
if not state[1] or string.sub(state[1], 1, 8) == 'creating' then
  return answer('uninitialised', commits, state[1] or '')
end
if state[2] then
  return answer('frozen', commits, state[2])
end
if tonumber(commits) < tonumber(acknowledged) then
  redis.call('SET', prefix .. 'frozen', acknowledged)
  return answer('frozen', commits, acknowledged)
end
return answer('running', commits, state[1])
