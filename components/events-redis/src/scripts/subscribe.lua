-- Makes a group of a stream, from the stream's beginning, and names it among those that a commit rings for.
-- KEYS: stream, groups. ARGV: group. Answer: 1 where the group is new.
-- One hash tag. The stream is made where there is none, so that a group may come before the first event.
local made = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM')
if made.err and not string.find(made.err, 'BUSYGROUP', 1, true) then
  return redis.error_reply(made.err)
end
redis.call('SADD', KEYS[2], ARGV[1])
return made.err and 0 or 1
