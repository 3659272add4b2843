-- Drops the rows of an account that are in a page which is written, unless somebody else has done it, or they were shredded
-- since they were read: then the page is one that nobody reads, and may say what must not be said any more.
--
-- KEYS[1]  `{…}:b:<account>`, KEYS[2] `{…}:j:<account>` (see account.lua)
-- ARGV     the prefix, the account, how many rows were in pages, how many a page has, the key that
--          says whether the data is frozen, how often the rows were shredded
-- Answer   fields, each as `<length>:<bytes>`: `moved`, `overtaken` or `frozen`; or `shredded`, how often by now, and how
--          many rows are in pages.

local prefix, account, paged, page = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
if redis.call('EXISTS', ARGV[5]) == 1 then
  return '6:frozen'
end
local found = redis.call('HMGET', KEYS[1], 'rows', 'paged', 'generation')
local generation, now_paged = found[3] or '0', found[2] or '0'
if generation ~= ARGV[6] then
  return '8:shredded' .. #generation .. ':' .. generation .. #now_paged .. ':' .. now_paged
end
local rows, after = tonumber(found[1] or '0'), tonumber(paged) + page
if now_paged ~= paged or rows < after then
  return '9:overtaken'
end
redis.call('HSET', KEYS[1], 'paged', string.format('%.0f', after))
redis.call('XTRIM', KEYS[2], 'MINID', '=', string.format('%.0f-0', after + 1))
if rows - after < page then
  redis.call('SREM', prefix .. 'full', account)
end
return '5:moved'
