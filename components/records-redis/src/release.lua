-- Gives the sealer's lease back, if it is still the caller's.
--
-- KEYS[1]  the sealer's lease
-- ARGV     the sealer's token
-- Answer   `done` as `<length>:<bytes>`.

if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
end
return '4:done'
