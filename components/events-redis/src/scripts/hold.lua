-- Hands an entry from the one that works to the one that waits, and gives its delivery back.
-- KEYS: stream. ARGV: group, consumer of those that work, consumer of those that wait, entry, deliveries.
-- Answer: 1 where it was done. An entry that was taken away in the meantime has another count and stays where it is.
local found = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[4], ARGV[4], 1)[1]
if not found or found[2] ~= ARGV[2] or found[4] ~= tonumber(ARGV[5]) then
  return 0
end
redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[3], 0, ARGV[4], 'RETRYCOUNT', math.max(found[4] - 1, 0), 'JUSTID')
return 1
