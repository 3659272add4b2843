-- Notes in the head of the archive how far dropping its oldest page is, only where that is still the oldest: of two at
-- once, the slower one notes nothing.
--
-- KEYS[1]  `{…}:archive`; here `first` page that is kept, and `dropped`, the last page that is not any more and its last
--          entry
-- ARGV     the page that is dropped (empty: nothing is noted), the field, its value
-- Answer   fields, each as `<length>:<bytes>`: how many pages there are, and the first one that is kept now.

if (redis.call('HGET', KEYS[1], 'first') or '0') == ARGV[1] then
  redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
end
local head = redis.call('HMGET', KEYS[1], 'pages', 'first')
local pages, first = head[1] or '0', head[2] or '0'
return #pages .. ':' .. pages .. #first .. ':' .. first
