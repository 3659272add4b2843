-- Takes the personal parts away from the open rows of an account, under the sealer's lease, so that no page is made of
-- them at the same time. A row keeps its place: the stream is written anew. Whoever read the rows before may sleep and
-- write a page of them after all, and a store knows no write that refuses: so from this moment on the account's pages
-- have other names (`generation`), and within a generation a row never says less than it did.
--
-- KEYS[1]  `{…}:trail:b:<account>`, KEYS[2] `{…}:trail:j:<account>` (see account.lua), KEYS[3] the sealer's lease,
--          KEYS[4] `{…}:garbage` (see garbage.lua)
-- ARGV     the key that says whether the data is frozen, the sealer's token, its lease in ms, the generation that is to
--          be left, what stands before and behind the generation in the name by which older pages are garbage
-- Answer   fields, each as `<length>:<bytes>`: `frozen`, `busy`, or `done`, the generation and how many rows are in pages.

local token, lease_ms, left = ARGV[2], ARGV[3], tonumber(ARGV[4])
if redis.call('EXISTS', ARGV[1]) == 1 then
  return '6:frozen'
end
if not redis.call('SET', KEYS[3], token, 'PX', lease_ms, 'NX') and redis.call('GET', KEYS[3]) ~= token then
  return '4:busy'
end
local found = redis.call('HMGET', KEYS[1], 'paged', 'generation')
local paged, generation = found[1] or '0', tonumber(found[2] or '0')
local rows = redis.call('XRANGE', KEYS[2], '-', '+')
local is_personal = false
for _, row in ipairs(rows) do
  is_personal = is_personal or string.find(row[2][2], '\t', 1, true) ~= nil
end
if is_personal or generation <= left then
  generation = generation + 1
  redis.call('HSET', KEYS[1], 'generation', generation)
  redis.call('DEL', KEYS[2])
  for _, row in ipairs(rows) do
    redis.call('XADD', KEYS[2], row[1], 'r', string.match(row[2][2], '^[^\t]*'))
  end
  local time = redis.call('TIME')
  local now = string.format('%.0f', tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000))
  redis.call('ZADD', KEYS[4], now, ARGV[5] .. generation .. ARGV[6])
end
generation = string.format('%.0f', generation)
return '4:done' .. #generation .. ':' .. generation .. #paged .. ':' .. paged
