-- Notes in the head of the archive how far dropping its oldest page is, only where that is still the oldest: of two at
-- once, the slower one notes nothing.
--
-- KEYS[1]  `{…}:archive`; here `first` page that is kept, and `dropped`, the last page that is not any more and its last
--          entry
-- ARGV     the page that is dropped, the field, its value
-- Answer   one field, as `<length>:<bytes>`: `noted` or `overtaken`.

if (redis.call('HGET', KEYS[1], 'first') or '0') ~= ARGV[1] then
  return '9:overtaken'
end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
return '5:noted'
