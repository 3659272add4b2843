-- A replay failed for good: its letter is written anew with the new cause.
-- KEYS: dead, replays due, replays' counts, totals. ARGV: letter, group, cause, stream, entry, deliveries, trace, payload.
-- A letter that was purged in the meantime stays purged, and a second call finds the first one's work done.
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1] .. ':deliveries', ARGV[1] .. ':retries', ARGV[1] .. ':event')
if redis.call('XDEL', KEYS[1], ARGV[1]) == 0 then
  return 0
end
redis.call('XADD', KEYS[1], '*', 'group', ARGV[2], 'cause', ARGV[3], 'stream', ARGV[4], 'entry', ARGV[5],
  'deliveries', ARGV[6], 'trace', ARGV[7], 'event', ARGV[8])
redis.call('HINCRBY', KEYS[4], 'parked', 1)
return 1
