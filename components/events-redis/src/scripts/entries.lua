-- Entries of a stream as they lie there. Reads only.
-- KEYS: stream. ARGV: 'after' or 'before', entry or '', how many. Answer: entry, payload, entry, payload, …
local found
if ARGV[1] == 'after' then
  found = redis.call('XRANGE', KEYS[1], '(' .. ARGV[2], '+', 'COUNT', ARGV[3])
else
  found = redis.call('XREVRANGE', KEYS[1], ARGV[2] == '' and '+' or '(' .. ARGV[2], '-', 'COUNT', ARGV[3])
end
local answer = {}
for _, entry in ipairs(found) do
  answer[#answer + 1] = entry[1]
  -- Whatever the field is called: an entry has one.
  answer[#answer + 1] = entry[2] and entry[2][2] or ''
end
return answer
