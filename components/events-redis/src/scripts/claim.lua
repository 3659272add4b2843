-- Takes the oldest entry that its worker has not settled for so long, as one more delivery.
-- KEYS: stream. ARGV: group, consumer of those that work, consumer of those that wait, idle ms, longest wait ms.
-- Answer: entry, deliveries with this one, 'payload' or 'trimmed', payload; or nothing.
-- Entries that wait for a retry belong to a consumer of their own, so this never meets them; unless their row among the
-- waits was lost: once a minute (the walk costs more the more are waiting) one that waits for longer than any may is
-- taken too.
local function oldest(consumer, idle)
  return redis.call('XPENDING', KEYS[1], ARGV[1], 'IDLE', idle, '-', '+', 1, consumer)[1]
end
local found = oldest(ARGV[2], ARGV[4])
if not found and tonumber(redis.call('TIME')[1]) % 60 == 0 then
  found = oldest(ARGV[3], ARGV[5])
end
if not found then
  return {}
end
-- The script is one step: nobody took it in between. An entry that was trimmed leaves the group with this claim.
local claimed = redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, found[1])
local deliveries = tostring(found[4] + 1)
if claimed[1] then
  return { found[1], deliveries, 'payload', claimed[1][2][2] or '' }
end
return { found[1], deliveries, 'trimmed', '' }
