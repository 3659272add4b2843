-- Adds a dead letter, once an entry.
-- KEYS: dead, marker of this entry, waits, retries, totals. ARGV: marker's ms, member, group, cause, stream, entry,
-- deliveries, trace, payload. Answer: 1 where it was added.
-- The entry is acknowledged after this: a worker that dies in between comes here again, and the marker is why there is
-- one letter all the same.
redis.call('ZREM', KEYS[3], ARGV[2])
redis.call('HDEL', KEYS[4], ARGV[2])
if not redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[1]) then
  return 0
end
redis.call('XADD', KEYS[1], '*', 'group', ARGV[3], 'cause', ARGV[4], 'stream', ARGV[5], 'entry', ARGV[6],
  'deliveries', ARGV[7], 'trace', ARGV[8], 'event', ARGV[9])
redis.call('HINCRBY', KEYS[5], 'parked', 1)
return 1
