-- Settles an attempt: KEYS the buckets, ARGV the attempt and 1 where it succeeded: then the first bucket is emptied.
-- In the others, and where it was never decided, the attempt does not count. A repeated call finds another attempt's
-- name, or none, and gives nothing back twice.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for place, key in ipairs(KEYS) do
  if place == 1 and ARGV[2] == '1' then
    redis.call('DEL', key)
  elseif redis.call('EXISTS', key) == 1 and redis.call('HGET', key, 'settled') ~= ARGV[1] then
    if redis.call('HINCRBY', key, 'n', -1) <= 0 then
      redis.call('DEL', key)
    else
      redis.call('HSET', key, 'closed', string.format('%.0f', now), 'settled', ARGV[1])
    end
  end
end
return 0
