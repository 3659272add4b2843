-- Asks for a letter to be handed to its group once more, and rings.
-- KEYS: dead, replays due, replays' counts. ARGV: letter, the group's bell, bytes in the place of the letter's or nothing.
-- Answer: 1 where there is such a letter.
if #redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1]) == 0 then
  return 0
end
local time = redis.call('TIME')
redis.call('ZADD', KEYS[2], string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)), ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1] .. ':deliveries', ARGV[1] .. ':retries', ARGV[1] .. ':event')
if ARGV[3] ~= '' then
  redis.call('HSET', KEYS[3], ARGV[1] .. ':event', ARGV[3])
end
redis.call('PUBLISH', ARGV[2], 'bell')
return 1
