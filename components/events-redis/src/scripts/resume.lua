-- Takes an entry whose wait is over, as one more delivery.
-- KEYS: stream. ARGV: group, consumer of those that work, consumer of those that wait, entry.
-- Answer: 'gone' where it is settled, 'busy' where somebody works on it, or 'payload' or 'trimmed', deliveries, payload.
local found = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[4], ARGV[4], 1)[1]
if not found then
  return { 'gone' }
end
if found[2] ~= ARGV[3] then
  return { 'busy' }
end
local claimed = redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[4])
local deliveries = tostring(found[4] + 1)
if claimed[1] then
  return { 'payload', deliveries, claimed[1][2][2] or '' }
end
return { 'trimmed', deliveries, '' }
