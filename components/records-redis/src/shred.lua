-- Takes the personal parts away from the open rows of an account, under the sealer's lease, so that no page is made of
-- them at the same time. A row keeps its place: the stream is written anew.
--
-- KEYS[1]  `{…}:trail:b:<account>`, KEYS[2] `{…}:trail:j:<account>` (see account.lua), KEYS[3] the sealer's lease
-- ARGV     the key that says whether the data is frozen, the sealer's token, its lease in ms
-- Answer   fields, each as `<length>:<bytes>`: `frozen`, `busy`, or `done` and how many rows are in pages.

local token, lease_ms = ARGV[2], ARGV[3]
if redis.call('EXISTS', ARGV[1]) == 1 then
  return '6:frozen'
end
if not redis.call('SET', KEYS[3], token, 'PX', lease_ms, 'NX') and redis.call('GET', KEYS[3]) ~= token then
  return '4:busy'
end
local rows = redis.call('XRANGE', KEYS[2], '-', '+')
if #rows > 0 then
  redis.call('DEL', KEYS[2])
  for _, row in ipairs(rows) do
    redis.call('XADD', KEYS[2], row[1], 'r', string.match(row[2][2], '^[^\t]*'))
  end
end
local paged = redis.call('HGET', KEYS[1], 'paged') or '0'
return '4:done' .. #paged .. ':' .. paged
