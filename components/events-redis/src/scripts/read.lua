-- Takes new entries for a group, and says to its bell what that means.
-- KEYS: stream, rung flag. ARGV: group, consumer, count, 'stay' or 'leave', milliseconds of silence.
-- Answer: entry, payload, entry, payload, …
-- One hash tag. The flag is cleared in the very step that finds nothing: an event that comes a moment later rings.
local read = redis.call('XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'COUNT', ARGV[3], 'STREAMS', KEYS[1], '>')
if not read then
  if ARGV[4] == 'leave' then
    redis.call('DEL', KEYS[2])
  else
    redis.call('SET', KEYS[2], '1', 'PX', ARGV[5])
  end
  return {}
end
redis.call('SET', KEYS[2], '1', 'PX', ARGV[5])
local answer = {}
for _, entry in ipairs(read[1][2]) do
  answer[#answer + 1] = entry[1]
  -- Whatever the field is called: an entry has one.
  answer[#answer + 1] = entry[2] and entry[2][2] or ''
end
return answer
