-- Moves the head of the chain to a page that is written, and only then drops its rows: both at one instant, and only
-- where nobody else has moved it since the page was made.
--
-- KEYS[1]  `{…}:books`, KEYS[2] `{…}:journal` (see rows.lua)
-- ARGV     the prefix, how many pages there were, the digest of the new one, the place of its last row, the key that
--          says whether the data is frozen
-- Answer   one field, as `<length>:<bytes>`: `moved`, `overtaken` or `frozen`.

local pages, digest, last = ARGV[2], ARGV[3], ARGV[4]
if redis.call('EXISTS', ARGV[5]) == 1 then
  return '6:frozen'
end
local books = redis.call('HMGET', KEYS[1], 'pages', 'rows')
if (books[1] or '0') ~= pages or tonumber(books[2] or '0') < tonumber(last) then
  return '9:overtaken'
end
redis.call('HSET', KEYS[1], 'pages', string.format('%.0f', tonumber(pages) + 1), 'sealed', last, 'digest', digest)
redis.call('XTRIM', KEYS[2], 'MINID', '=', string.format('%.0f-0', tonumber(last) + 1))
return '5:moved'
