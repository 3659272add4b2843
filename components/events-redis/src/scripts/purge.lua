-- Forgets a letter and its replay.
-- KEYS: dead, replays due, replays' counts. ARGV: letter. Answer: 1 where there was one.
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1] .. ':deliveries', ARGV[1] .. ':retries', ARGV[1] .. ':event')
return redis.call('XDEL', KEYS[1], ARGV[1])
