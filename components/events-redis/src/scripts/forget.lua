-- Forgets the retries of settled entries.
-- KEYS: waits, retries. ARGV: members.
redis.call('ZREM', KEYS[1], unpack(ARGV))
redis.call('HDEL', KEYS[2], unpack(ARGV))
return 1
