-- Ends waits that were seen as over.
-- KEYS: waits, retries. ARGV: member, due as seen, 'gone' | 'busy' | 'taken', and again.
-- A row that was written anew in the meantime has another due time and stays. A busy one is looked at again in five
-- seconds, so that it does not stand before the others.
for place = 1, #ARGV, 3 do
  local member, seen, outcome = ARGV[place], ARGV[place + 1], ARGV[place + 2]
  if redis.call('ZSCORE', KEYS[1], member) == seen then
    if outcome == 'busy' then
      redis.call('ZINCRBY', KEYS[1], 5000, member)
    else
      redis.call('ZREM', KEYS[1], member)
    end
  end
  if outcome == 'gone' then
    redis.call('HDEL', KEYS[2], member)
  end
end
return 1
