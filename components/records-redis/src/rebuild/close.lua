-- Closes the data to commits while it is rebuilt, and lets commit numbers go on where they were.
--
-- KEYS[1]  `{…}:epoch`: must be gone, because what was there is moved aside first (see docs/recovery.md)
-- ARGV     the prefix, the prefix of what was moved aside, the acknowledged commits
-- Answer   fields, each as `<length>:<bytes>`: `there`, or `closed`, the commits that what was moved aside knows and its
--          layout (or empty).

local prefix, old = ARGV[1], ARGV[2]
if redis.call('EXISTS', KEYS[1]) == 1 then
  return '5:there'
end
local state = redis.call('MGET', old .. 'commits', old .. 'epoch', prefix .. 'commits', prefix .. 'frozen')
local commits = state[1] or '0'
local most = math.max(tonumber(commits), tonumber(ARGV[3]), tonumber(state[3] or '0'), tonumber(state[4] or '0'))
redis.call('SET', prefix .. 'frozen', string.format('%.0f', most))
redis.call('SET', prefix .. 'commits', string.format('%.0f', most))
local layout = state[2] or ''
return '6:closed' .. #commits .. ':' .. commits .. #layout .. ':' .. layout
