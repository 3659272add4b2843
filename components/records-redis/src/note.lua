-- Appends to the audit trail what was refused, once in a window. The row that marks the window is also what a repetition
-- after a lost answer finds.
--
-- KEYS[1]  the mark, `{<context>/<partition>}:trail:w:<digest of what is the same>`
-- ARGV     read in order by `next_argument`: the prefix, the highest commit that the caller ever saw, the window in ms, and
--          the entry as in chain.lua
-- Answer   fields, each as `<length>:<bytes>`: `noted`, `known`, `uninitialised`, or `frozen`.

local mark, prefix = KEYS[1], next_argument()
local seen_commit, window_ms = tonumber(next_argument()), next_argument()
local state = redis.call('MGET', prefix .. 'epoch', prefix .. 'frozen', prefix .. 'commits')
local commits = tonumber(state[3] or '0')
if not state[1] or string.sub(state[1], 1, 8) == 'creating' then
  return answer('uninitialised')
end
if state[2] or commits < seen_commit then
  return answer('frozen')
end
if not redis.call('SET', mark, '1', 'PX', window_ms, 'NX') then
  return answer('known')
end
local time = redis.call('TIME')
append_trail(prefix, commits, tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000), 1)
return answer('noted')
