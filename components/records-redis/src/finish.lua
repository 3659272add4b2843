-- Ends a leased timer, unless the lease was lost or the timer was set again.
--
-- KEYS[1]  `{…}:timers`
-- ARGV     the member `<name>@<record>`, the end of the lease in ms
-- Answer   how many were ended.

local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if score and tonumber(score) == tonumber(ARGV[2] .. '.5') then
  return redis.call('ZREM', KEYS[1], ARGV[1])
end
return 0
